r"""Worst-case search, shared by the properties: many starts at once, exact slopes, a box, and nothing swallowed.

The steps run outside jit, around one compiled batch of values and slopes. Inside jit (`optimistix.minimise` with BFGS
under vmap) the same search compiled for 20 to 29 s on two-state games, against 3 to 5 s for the batch alone, and its
solution carries neither the number of NaN evaluations nor the best-so-far curve that a finding must show.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.special import softmax

from smfg_verify.exact.batching import in_batches
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.precision import TINY
from smfg_verify.game import AbstractGame
from smfg_verify.game.array_module import array_module
from smfg_verify.game.base import AnyArray

# Logits that a search starts from lie within this share of the box: at its edge their parameter is infinite.
_INSIDE = 0.98
# Values and slopes of the objective at a batch of points: (K, D) -> (K,), (K, D).
Slopes = Callable[[Float[np.ndarray, "K D"]], tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K D"]]]
# From the game, one point (D,) and its label, a scalar to minimise.
Objective = Callable[[AbstractGame, Array, Any], Array]

LOGIT_BOX = 6.0
_SUFFICIENT_DECREASE = 1e-4
_SMALLEST_MOVE = 1e-9
_FIRST_MOVE = 0.5
_LARGEST_MOVE = 4.0


class SearchResult(NamedTuple):
    """Where a search ended.

    Attributes:
        points: best point of each start, (K, D).
        values: objective there, (K,); NaN where a start never gave a number.
        curve: best value of each start after 0, 1, ... steps, (steps + 1, K); NaN until a start gives a number.
        num_evaluations: values and slopes computed.
        num_failed: those of them that were NaN or infinite.
    """

    points: Float[np.ndarray, "K D"]
    values: Float[np.ndarray, " K"]
    curve: Float[np.ndarray, "T K"]
    num_evaluations: int
    num_failed: int

    @property
    def best(self) -> int | None:
        """Index of the start with the smallest value; None where no start gave a number."""
        return int(np.nanargmin(self.values)) if np.isfinite(self.values).any() else None

    @property
    def best_curve(self) -> Float[np.ndarray, " T"]:
        """Smallest value so far over all starts after 0, 1, ... steps; NaN until one gives a number."""
        return self.best_curve_of(slice(None))

    def best_curve_of(self, starts: slice) -> Float[np.ndarray, " T"]:
        """The same over some of the starts; NaN throughout where that is none."""
        values = self.curve[:, starts]
        lowest = np.min(np.where(np.isfinite(values), values, np.inf), axis=1, initial=np.inf)
        return np.where(np.isfinite(lowest), lowest, np.nan)

    @property
    def counts(self) -> dict[str, int]:
        """What the search cost and what failed in it, for `Finding.searched`."""
        return {
            "search_starts": len(self.points),
            "search_steps": len(self.curve) - 1,
            "search_evaluations": self.num_evaluations,
            "search_nan": self.num_failed,
        }


def slopes_of(objective: Objective, game: AbstractGame, labels: object = None, *, batch: int = 64) -> Slopes:
    """The slopes of a differentiable objective, compiled once for all games of a structure and for all searches.

    Args:
        objective: `objective(game, point, label)`, a scalar to minimise at one point (D,); a function at module level,
            since its identity is the key of the compiled program. NaN where it has no value.
        game: the game, traced.
        labels: array or tree of arrays whose first axis runs over the points of a batch, or None: what tells the
            points of one search apart.
        batch: points evaluated at once, at most.

    Returns:
        The function that `minimise` takes; it must be called with as many points as there are labels.
    """

    def slopes(points: Float[np.ndarray, "K D"]) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K D"]]:
        return in_batches(functools.partial(_batch_of_slopes, game, objective), min(batch, len(points)), points, labels)

    return slopes


@jit_for_game
def _batch_of_slopes(
    game: AbstractGame, objective: Objective, points: jax.Array, labels: Array | None
) -> tuple[Array, Array]:
    labels_axis = None if labels is None else 0
    evaluate = jax.value_and_grad(objective, argnums=1)
    return jax.vmap(evaluate, in_axes=(None, 0, labels_axis))(game, points, labels)


def simplex_of(unbounded: Float[AnyArray, "*N M"]) -> Float[AnyArray, "*N M"]:
    """Interior point of the simplex of an unbounded parameter: the softmax of its value in the box."""
    boxed = into_box(unbounded)
    interior: AnyArray = jax.nn.softmax(boxed) if isinstance(boxed, jax.Array) else softmax(boxed, axis=-1)
    return interior


def into_box(unbounded: Float[AnyArray, "..."]) -> Float[AnyArray, "..."]:
    r"""Logits of an unbounded parameter, $\omega = L \tanh(y / L)$ with L = 6; beyond that a softmax has saturated."""
    logits: AnyArray = LOGIT_BOX * array_module(unbounded).tanh(unbounded / LOGIT_BOX)
    return logits


def box_slope(logits: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    r"""Derivative of `into_box` at the parameter that it takes to given logits, $1 - (\omega / L)^2$."""
    return 1.0 - (logits / LOGIT_BOX) ** 2


def out_of_box(logits: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Unbounded parameter of logits; those outside the box are moved to just inside."""
    return LOGIT_BOX * np.arctanh(np.clip(np.asarray(logits, dtype=float) / LOGIT_BOX, -_INSIDE, _INSIDE))


class _Walk(NamedTuple):
    """Where each start stands: point, value, slope, step length along the slope, and whether it goes on."""

    points: np.ndarray
    values: np.ndarray
    slopes: np.ndarray
    lengths: np.ndarray
    active: np.ndarray


def minimise(slopes: Slopes, starts: Float[np.ndarray, "K D"], *, num_steps: int) -> SearchResult:
    """Descend an objective from many starts at once by spectral gradient steps with backtracking.

    Barzilai and Borwein's step length, halved until the value falls enough; a NaN never replaces a number.
    Deterministic: the same starts give the same result.

    Args:
        slopes: objective and its slope at a batch of points.
        starts: (K, D).
        num_steps: evaluations of each start after the first.

    Returns:
        The best point of each start and what the search cost.

    Source: step length of Barzilai and Borwein (1988), line search of Armijo.
    """
    points = np.array(starts, dtype=float)
    values, gradients = slopes(points)
    usable = _finite(values, gradients)
    lengths = _FIRST_MOVE / np.maximum(_norm(gradients), TINY)
    walk = _Walk(points, np.where(usable, values, np.nan), gradients, lengths, usable)
    curve, evaluations, failed = [walk.values], len(points), int(np.sum(~usable))
    for _ in range(num_steps):
        if not walk.active.any():
            break
        evaluations += int(np.sum(walk.active))
        walk, bad = _step(slopes, walk)
        failed += bad
        curve.append(walk.values)
    return SearchResult(walk.points, walk.values, np.array(curve), evaluations, failed)


def _step(slopes: Slopes, walk: _Walk) -> tuple[_Walk, int]:
    moves = -walk.lengths[:, None] * walk.slopes
    size = _norm(moves)
    moves *= np.minimum(1.0, _LARGEST_MOVE / np.maximum(size, TINY))[:, None]
    moves = np.where(walk.active[:, None], moves, 0.0)
    trial = walk.points + moves
    values, gradients = slopes(trial)
    usable = _finite(values, gradients)
    fall = np.sum(moves * walk.slopes, axis=1)
    accepted = walk.active & usable & (values <= walk.values + _SUFFICIENT_DECREASE * fall) & (fall < 0.0)
    change = np.where(accepted[:, None], gradients - walk.slopes, 0.0)
    curvature = np.sum(moves * change, axis=1)
    spectral = np.sum(moves * moves, axis=1) / np.maximum(curvature, TINY)
    lengths = np.where(accepted, np.where(curvature > 0.0, spectral, 4.0 * walk.lengths), 0.25 * walk.lengths)
    small = _norm(moves) <= _SMALLEST_MOVE
    new = _Walk(
        points=np.where(accepted[:, None], trial, walk.points),
        values=np.where(accepted, values, walk.values),
        slopes=np.where(accepted[:, None], gradients, walk.slopes),
        lengths=lengths,
        active=walk.active & ~small,
    )
    return new, int(np.sum(walk.active & ~usable))


def _finite(values: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.isfinite(values) & np.all(np.isfinite(gradients), axis=1)
    return result


def _norm(rows: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.linalg.norm(rows, axis=1)
    return result


def mixed_starts(scores: Float[np.ndarray, " N"], number: int) -> Int[np.ndarray, " K"]:
    """Indices of starts: half of them the points of lowest score, half the first others; NaN scores are left out."""
    order = np.argsort(scores, kind="stable")
    usable = order[np.isfinite(scores[order])]
    worst = usable[: (number + 1) // 2]
    others = np.sort(usable[len(worst) :])[: number - len(worst)]
    return np.concatenate([worst, others])
