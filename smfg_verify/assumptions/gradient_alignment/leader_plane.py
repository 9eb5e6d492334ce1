"""Objective, total and direct gradient over all leaders of one or two free parameters, for a figure."""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.game import AbstractGame, leader_logits_shape

_POINTS = {1: 121, 2: 21}


def num_free_parameters(game: AbstractGame) -> int:
    """Degrees of freedom of a leader's policy, O (B - 1): adding a number to a row of logits changes nothing."""
    observations, actions = leader_logits_shape(game)
    return observations * (actions - 1)


def with_free_parameters(game: AbstractGame, free: Float[np.ndarray, "K D"]) -> Float[np.ndarray, "K O B"]:
    """Logits whose first column is zero and whose other entries are the free parameters, row by row."""
    observations, actions = leader_logits_shape(game)
    table = np.asarray(free, dtype=float).reshape(len(free), observations, actions - 1)
    return np.concatenate([np.zeros((len(free), observations, 1)), table], axis=2)


def alignment_field(game: AbstractGame) -> dict[str, object]:
    r"""Phi and both gradients on a grid over the box of logits, where the leader has one or two free parameters.

    Args:
        game: the game, traced.

    Returns:
        `axis` (G,), the logits of one parameter; `objective` (G,) * D; `total` and `direct` (G,) * D + (D,), in the
        free parameters; NaN where an equilibrium has not converged. Empty where D is neither 1 nor 2.
    """
    number = num_free_parameters(game)
    if number not in _POINTS:
        return {}
    axis = np.linspace(-LOGIT_BOX, LOGIT_BOX, _POINTS[number])
    grid = np.stack(np.meshgrid(*[axis] * number, indexing="ij"), axis=-1)
    points = evaluate_leaders(game, with_free_parameters(game, grid.reshape(-1, number)))
    return {
        "axis": axis,
        "objective": points.objective.reshape(grid.shape[:-1]),
        "total": points.total[:, :, 1:].reshape(grid.shape),
        "direct": points.direct[:, :, 1:].reshape(grid.shape),
    }
