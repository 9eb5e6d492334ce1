"""Whether the mean dynamics have the Jacobian that stability is read off from: differences of them say."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from smfg_verify.bounds.local.components import Components, flattened, movable_directions, unflattened
from smfg_verify.bounds.local.mean_dynamics import dynamics_at, linearised
from smfg_verify.game import AbstractGame
from smfg_verify.game.checks.differences import judge

# Lengths of the differences, how many directions, and what a slope may miss relative to its component's steepest.
_LENGTHS = (2.0**-24, 2.0**-18, 2.0**-12)
_DIRECTIONS = 2
_NEGLIGIBLE = 1e-5


def is_differentiable(game: AbstractGame, iterate: Components) -> bool:
    """Whether one-sided differences of the mean dynamics agree with their Jacobian along random movable directions.

    Args:
        game: the game, traced.
        iterate: as in `mean_dynamics`, its mean field inside the simplex.

    Returns:
        False at a kink, where a rule of differentiation is wrong, and where the dynamics are not finite nearby.
    """
    point = flattened(iterate)
    value, slope = linearised(game, Components(*(jnp.asarray(part, dtype=float) for part in iterate)))
    here, basis = flattened(value), movable_directions(game)
    generator = np.random.default_rng(0)
    lengths = np.array(_LENGTHS)
    for _ in range(_DIRECTIONS):
        pull = unflattened(game, generator.uniform(-1.0, 1.0, point.size))
        field = np.maximum(np.asarray(iterate.mean_field), 0.0)
        # Each entry of the mean field moves in proportion to itself, so that all stay in the simplex.
        moving = pull._replace(mean_field=field * (pull.mean_field - np.sum(field * pull.mean_field)))
        direction = basis @ (basis.T @ flattened(moving))
        moved = [flattened(_at(game, point + step * direction)) for step in (*lengths, *-lengths)]
        ahead, behind = (np.stack(rows) for rows in (moved[: lengths.size], moved[lengths.size :]))
        parts = tuple(int(np.size(part)) for part in iterate)
        judged = judge(here, np.asarray(slope) @ direction, ahead, behind, lengths, parts, _NEGLIGIBLE)
        if not bool(judged.finite) or bool(np.any(judged.miss > 0.0)):
            return False
    return True


def _at(game: AbstractGame, point: Float[np.ndarray, " N"]) -> Components:
    return dynamics_at(game, Components(*(jnp.asarray(part, dtype=float) for part in unflattened(game, point))))
