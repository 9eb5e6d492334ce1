r"""Vectors over states that are known up to a constant, whatever the leaders: a model, and a box around it.

All solve $x = b + \gamma P x$, up to a constant, where row s of b and P depends on the leader's row in s. With $e$
what a guess misses and $\rho = b + \gamma P \hat x - \hat x$ its residual, $e = \rho + \gamma P e$, so that
$e_s - e_t = \rho_s - \rho_t + \gamma (P_s - P_t) e$, and rows that differ by little see little of e.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.response.linear import over
from smfg_verify.assumptions.enclosure.response.models import EPSILON, Model, multiply, product, total
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

_NUM_ROUNDS = 3
_ROUNDED = 1e-12
# Least entry of rows that count as probabilities.
_LEAST = -2e-9


class Rows(NamedTuple):
    """Ranges of a chain's rows over K cells.

    Attributes:
        low, high: of every entry, (n, n, K).
        variation: largest total variation between two rows, (n, n, K).
    """

    low: Float[np.ndarray, "n n K"]
    high: Float[np.ndarray, "n n K"]
    variation: Float[np.ndarray, "n n K"]


class Box(NamedTuple):
    """Vectors without their last entry, relative to it.

    Attributes:
        guess: (*j, n - 1).
        radius: what entries are off the guess by, (*j, n - 1, N).
        span: largest less smallest of what all entries, the last included, are off by, (*j, N).
    """

    guess: Model
    radius: Float[np.ndarray, "*j k N"]
    span: Float[np.ndarray, "*j N"]


def ends_over(model: Model, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest value of a model over the pieces of each of K cells."""
    low, high = (end.reshape(*end.shape[:-1], -1, number) for end in (model.lower, model.upper))
    return np.min(low, axis=-2), np.max(high, axis=-2)


def rows_over(chain: Model, mixing: float, number: int) -> Rows:
    """Ranges of the rows of a chain, from its entries but the last, (n, n - 1), over pieces."""
    low, high = ends_over(chain, number)
    rest = ends_over(total(chain), number)
    low = np.concatenate([low, 1.0 - rest[1][:, None]], axis=1)
    high = np.concatenate([high, 1.0 - rest[0][:, None]], axis=1)
    apart = np.maximum(high[:, None] - low[None], high[None] - low[:, None])
    common = np.maximum(np.minimum(low[:, None], low[None]), _LEAST)
    variation = np.fmin(0.5 * np.sum(apart, axis=2), 1.0 - np.sum(common, axis=2))
    variation = np.fmin(OUTWARD * variation + 64.0 * EPSILON, mixing)
    return Rows(low, high, variation)


def box_of(guess: Model, residual: Model, rows: Rows, discount: float) -> Box:
    """The solution from what a guess misses.

    Args:
        guess: over R K pieces, the same in all pieces of a cell, (*j, n - 1).
        residual: rho, for all states, (*j, n).
        rows: ranges of P's, K cells.
        discount: gamma; 1 for what is known up to a constant alone.

    Returns:
        The box.
    """
    number = rows.low.shape[-1]
    apart = _differences(*ends_over(residual, number), rows, discount)
    above, below = apart[..., :-1, -1, :], -apart[..., -1, :-1, :]
    middle, radius = 0.5 * (above + below), 0.5 * OUTWARD * (above - below)
    slack = 8.0 * EPSILON * (np.abs(above) + np.abs(below)) + TINY
    whole = np.concatenate([middle, np.zeros_like(middle[..., :1, :])], axis=-2)
    off = apart - (whole[..., :, None, :] - whole[..., None, :, :])
    span = OUTWARD * np.max(off, axis=(-3, -2)) + 8.0 * np.max(slack, axis=-2)
    pieces = guess.centre.shape[-1] // number

    def told(part: np.ndarray) -> np.ndarray:
        return np.tile(part, pieces)

    return Box(guess + told(middle), told(radius + slack), told(span))


def _differences(
    low: Float[np.ndarray, "*j n K"], high: Float[np.ndarray, "*j n K"], rows: Rows, discount: float
) -> Float[np.ndarray, "*j n n K"]:
    """Upper bounds of e_s - e_t."""
    same = np.eye(len(rows.low), dtype=bool)[..., None]
    step = np.where(same, 0.0, _above(high[..., :, None, :] - low[..., None, :, :]))
    moved = np.where(same, 0.0, rows.variation)
    span = over(np.maximum(np.max(step, axis=(-3, -2)), 0.0), discount * np.max(moved, axis=(0, 1)))
    least, most = rows.low[:, None] - rows.high[None], rows.high[:, None] - rows.low[None]
    found = _above(step + OUTWARD * discount * moved * span[..., None, None, :])
    for _ in range(_NUM_ROUNDS):
        above, below = found[..., None, None, :, -1, :], -found[..., None, None, -1, :, :]
        corners = [one * other for one in (least, most) for other in (above, below)]
        turned = np.sum(np.max(corners, axis=0), axis=-2)
        # Twice as many roundings as states, of numbers at most twice as large, count for less.
        largest = np.max(np.abs(found), axis=(-3, -2))[..., None, None, :]
        turned = np.fmin(turned + _ROUNDED * largest, OUTWARD * moved * largest)
        found = np.fmin(found, np.where(same, found, _above(step + discount * turned)))
    return found


def _above(values: np.ndarray) -> np.ndarray:
    """Numbers of any sign, rounded up."""
    above: np.ndarray = values + (OUTWARD - 1.0) * np.abs(values) + TINY
    return above


def contracted(spec: str, rows: Model, box: Box) -> Model:
    """Rows that sum to zero with their last entry, which is not told, times vectors in a box.

    Args:
        spec: of the product, in which t are the states, such as "sat,jt->jsa".
        rows: the first operand.
        box: the second.

    Returns:
        The product; what is off by a constant counts for nothing in it.
    """
    found = multiply(spec, rows, box.guess)
    single = product(spec, rows.largest, box.radius)
    whole = product(spec.replace("t", ""), half_sizes(rows), box.span)
    return found.widened(OUTWARD * OUTWARD * np.fmin(single, whole) + TINY)


def half_sizes(rows: Model) -> Float[np.ndarray, "*S N"]:
    """Bounds of half the l1 norm of rows that sum to zero with their last entry, which is not told."""
    half: Float[np.ndarray, "*S N"] = 0.5 * OUTWARD * (np.sum(rows.largest, axis=-2) + total(rows).largest)
    return half
