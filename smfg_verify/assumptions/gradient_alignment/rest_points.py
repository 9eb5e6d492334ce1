"""Where the leader comes to rest when it follows its total gradient, or only a direct part of it."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import softmax

from smfg_verify.exact.gradient.at_leaders import LeaderPoints, advantage, evaluate_leaders
from smfg_verify.exact.precision import TINY
from smfg_verify.game import AbstractGame

Field = Literal["total", "direct", "held"]

_GROWTH = 1.5
_SHRINK = 0.4
_FIRST_MOVE = 0.25
_LARGEST_MOVE = 2.0
# Logits this far below the largest of their row hold a probability of 1e-26: too small to move any measure.
_DEPTH = 60.0


class RestPoints(NamedTuple):
    """Ends of the flows along one field, one for each start.

    Attributes:
        points: where each flow ended.
        reached: the field's norm in logits and its policy-space gap are both within the tolerance there.
        num_steps: steps each flow took, (K,).
    """

    points: LeaderPoints
    reached: Bool[np.ndarray, " K"]
    num_steps: Int[np.ndarray, " K"]


def follow(
    game: AbstractGame,
    starts: Float[np.ndarray, "K O B"],
    field: Field,
    *,
    tolerance: float,
    max_steps: int = 200,
) -> RestPoints:
    r"""Follow the total field or a direct one by policy mirror ascent until it vanishes.

    $\omega \leftarrow \omega + t\,(G - \sum_b \phi(b|\cdot) G(\cdot,b))$ with G the field in the policy's entries: a
    natural gradient, so that a vertex of the simplex is reached geometrically where the gradient in logits dies
    out. The step t of each row grows while the field keeps its direction there and shrinks when it turns back,
    which needs no objective: the direct field is in general the gradient of none. Rest points that repel are not
    found.

    Args:
        game: the game, traced.
        starts: logits, (K, O, B).
        field: "total", or "direct" or "held", the direct part in one reading or the other.
        tolerance: of both stationarity measures, in units of the objective.
        max_steps: bound on the number of steps.

    Returns:
        The end of each flow, reached or not.
    """
    logits = np.array(starts, dtype=float)
    points = evaluate_leaders(game, logits)
    resting = _rests(points, field, tolerance)
    lengths, previous = None, None
    steps = np.zeros(len(logits), dtype=int)
    for _ in range(max_steps):
        slope = advantage(points.logits, getattr(points, f"{field}_table"))
        # At a kink the total field has no value: there a flow ends, at rest or not.
        moving = ~resting & points.converged & np.all(np.isfinite(slope), axis=(1, 2))
        if not moving.any():
            break
        lengths = _next_lengths(points.logits, slope, previous, lengths)
        move = lengths[:, :, None] * slope
        logits = np.where(moving[:, None, None], _kept_in_range(points.logits + move), points.logits)
        previous, steps = slope, steps + moving
        new = evaluate_leaders(game, logits[moving], points.mean_field[moving])
        for leaf, value in zip(points, new, strict=True):
            leaf[moving] = value
        resting = _rests(points, field, tolerance)
    return RestPoints(points, resting, steps)


def _rests(points: LeaderPoints, field: Field, tolerance: float) -> np.ndarray:
    norm, gap = getattr(points, f"{field}_norm"), getattr(points, f"{field}_gap")
    result: np.ndarray = points.converged & (norm <= tolerance) & (gap <= tolerance)
    return result


def _next_lengths(
    logits: np.ndarray, slope: np.ndarray, previous: np.ndarray | None, lengths: np.ndarray | None
) -> np.ndarray:
    largest = np.maximum(np.max(np.abs(slope), axis=2), TINY)
    if lengths is None:
        result: np.ndarray = _FIRST_MOVE / largest
        return result
    policy = softmax(logits, axis=-1)
    agreement = np.sum(policy * slope * previous, axis=2)
    lengths = lengths * np.where(agreement >= 0.0, _GROWTH, _SHRINK)
    result = np.minimum(lengths, _LARGEST_MOVE / largest)
    return result


def _kept_in_range(logits: np.ndarray) -> np.ndarray:
    lowered = logits - np.max(logits, axis=-1, keepdims=True)
    result: np.ndarray = np.maximum(lowered, -_DEPTH)
    return result
