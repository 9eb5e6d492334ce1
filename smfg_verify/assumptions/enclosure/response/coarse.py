r"""The l1 modulus of $D\Gamma$ over cells by products of ranges: what is left where cells are too large for models.

The derivative of a softmax mean is a covariance under the policy, over tau: at most the ranges of its two factors times
the largest variance of a number with range 1, which is a quarter, or p (1 - p) where one action has a probability of
$p \ge 1/2$ or more. The law weighs the states' rows, and moves by the chain's mixing factor times what they move by.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.linear import over
from smfg_verify.assumptions.enclosure.response.models import Model, apply, total
from smfg_verify.assumptions.enclosure.response.problem import Faced
from smfg_verify.assumptions.enclosure.response.turning import variance

# Sums of all subsets of so many entries are looked at, and of more their sizes.
_MOST_SUBSETS = 7


class Moved(NamedTuple):
    """What moves with the mean field, along each edge.

    Attributes:
        rows: of the chain, (n - 1, n, n - 1).
        kernel: the same under a policy that is held.
        gaps: between the values of pairs of actions, (n - 1, n, pairs).
        gain: values of actions while those of the next states are held, (n - 1, n, A), and their pairs.
    """

    rows: Model
    kernel: Model
    gaps: Model
    gain: Faced


def half_norms(vectors: Model) -> Float[np.ndarray, "*S K"]:
    """Bounds of half the l1 norm of vectors that sum to zero with their last entry, which is not told.

    Half the norm is the largest sum of some of the entries.
    """
    size = vectors.centre.shape[-2]
    if size > _MOST_SUBSETS:
        entries = np.sum(vectors.largest, axis=-2) + total(vectors).largest
        norms: Float[np.ndarray, "*S K"] = 0.5 * OUTWARD * entries
        return norms
    chosen = np.array(list(itertools.product((0.0, 1.0), repeat=size)))[1:]
    letters = "abc"[: vectors.centre.ndim - 2]
    sums: Float[np.ndarray, "*S K"] = np.max(
        apply(f"{letters}t,st->{letters}s", vectors, chosen[..., None]).largest, axis=-2
    )
    return sums


def differences(model: Model, axis: int) -> Model:
    """Entries along an axis, counted from behind, less each other, that of the last edge, which is zero, included."""
    zero = -1 + axis
    every = model.moved(lambda part: np.concatenate([part, np.zeros_like(np.take(part, [0], axis=zero))], axis=zero))
    first, second = np.triu_indices(every.centre.shape[zero], 1)
    return every.taken(first, axis) - every.taken(second, axis)


def coarse_modulus(
    policy: Model,
    pairs: Model,
    moved: Moved,
    law: Model,
    factor: Float[np.ndarray, " K"],
    mixing: Float[np.ndarray, " K"],
    discount: float,
    temperature: float,
) -> Float[np.ndarray, " K"]:
    """A bound of the modulus.

    Args:
        policy: (n, A).
        pairs: rows of pairs of actions, less each other, (n, pairs, n - 1).
        moved: what moves with the mean field.
        law: all entries, (n).
        factor: mixing factor.
        mixing: largest total variation between two rows.
        discount: gamma.
        temperature: tau.

    Returns:
        The bound.
    """
    spread = np.max(half_norms(pairs), axis=1, initial=0.0)
    turning = np.max(differences(moved.gaps, -3).largest, axis=2, initial=0.0)
    turning = np.fmin(turning, _held(moved.gain, spread, mixing, discount))
    rows = half_norms(differences(moved.kernel, -3)) + turning * (spread * variance(policy) / temperature)
    ends = (np.clip(end, 0.0, 1.0) for end in (law.lower, law.upper))
    bound: Float[np.ndarray, " K"] = OUTWARD * OUTWARD * factor * np.max(mean_of(rows, *ends), axis=0)
    return np.where(np.isnan(bound), np.inf, bound)


def _held(
    gain: Faced, spread: Float[np.ndarray, "n K"], mixing: Float[np.ndarray, " K"], discount: float
) -> Float[np.ndarray, "D n K"]:
    """The same ranges of gaps' slopes: of those at held values, and of what values add, whose slopes have a span."""
    every, pairs = differences(gain.every, -3), differences(gain.pairs, -3)
    span = np.max(every.upper, axis=(1, 2)) - np.min(every.lower, axis=(1, 2))
    added = discount * over(span, discount * mixing)
    held: Float[np.ndarray, "D n K"] = np.max(pairs.largest, axis=2, initial=0.0) + spread * added[:, None]
    return OUTWARD * held


def mean_of(
    values: Float[np.ndarray, "D n K"], low: Float[np.ndarray, "n K"], high: Float[np.ndarray, "n K"]
) -> Float[np.ndarray, "D K"]:
    """The largest mean of numbers >= 0 under laws in ranges: what is left goes where the numbers are largest."""
    left = np.maximum(1.0 - np.sum(low, axis=0), 0.0) + 1e-14
    order = np.argsort(-values, axis=1)
    found = np.einsum("dnk,nk->dk", values, low)
    left = np.broadcast_to(left, found.shape).copy()
    for k in range(values.shape[1]):
        at = order[:, k]
        taken = np.minimum(np.take_along_axis(np.broadcast_to(high - low, values.shape), at[:, None], 1)[:, 0], left)
        found = found + taken * np.take_along_axis(values, at[:, None], 1)[:, 0]
        left = left - taken
    result: Float[np.ndarray, "D K"] = found + np.maximum(left, 0.0) * np.max(values, axis=1)
    return result
