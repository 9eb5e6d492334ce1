r"""Vectors over states known by upper bounds $Z_{st} \ge x_s - x_t$, a zone, and what linear equations say of them.

Rows of sum zero are worth at most what it costs to carry their negative part to their positive one:
$\langle c, x \rangle \le \sum_{uv} F_{uv} Z_{uv}$ for every plan F that does so. The plan here sends each part to
each in proportion. The least cost is sublinear in c, so that a mean of rows is worth no more than the mean of bounds.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.response.linear import over
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

# What sums of so few products are rounded by, generously, relative to the largest term.
ROUNDED = 1e-12
_LEAST = 1e-300
# Multiplications that libraries do not share among threads.
_ONE_THREAD = 2**17


def carried(
    rows: Float[np.ndarray, "*S n"], zones: Float[np.ndarray, "J n n"], off: float
) -> Float[np.ndarray, " J *S"]:
    """Upper bounds of rows of sum zero times all vectors in zones.

    Args:
        rows: of sum zero up to rounding.
        zones: J of them, none empty.
        off: half of what the true rows are off these by in l1.

    Returns:
        The bounds.
    """
    number, size = zones.shape[:2]
    flat = rows.reshape(-1, size)
    more, less = np.maximum(flat, 0.0), np.maximum(-flat, 0.0)
    share = less / np.maximum(np.sum(more, axis=1, keepdims=True), _LEAST)
    costs = _product(more, np.swapaxes(zones, 0, 1).reshape(size, -1)).reshape(-1, number, size)
    found = np.einsum("kjn,kn->jk", costs, share)
    # A zone that is not empty has no entry below minus its largest.
    largest = np.max(zones, axis=(1, 2))
    found = found + ((off + ROUNDED) * largest + TINY)[:, None]
    bounds: Float[np.ndarray, " J *S"] = found.reshape(number, *rows.shape[:-1])
    return bounds


def _product(rows: Float[np.ndarray, "S n"], table: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "S m"]:
    """A product in parts too small for a library of several threads, which cost more than they save here."""
    number = max(1, _ONE_THREAD // max(1, table.size))
    product: Float[np.ndarray, "S m"] = np.concatenate(
        [rows[k : k + number] @ table for k in range(0, max(1, len(rows)), number)]
    )
    return product


def narrowed(
    zones: Float[np.ndarray, "J n n"] | None,
    high: Float[np.ndarray, " J #X n N"],
    low: Float[np.ndarray, " J #X n N"],
    rows: Float[np.ndarray, "X n N n"],
    weights: Float[np.ndarray, "n L N"],
    *,
    discount: float,
    off: float,
    rounds: int,
) -> Float[np.ndarray, "J n n"]:
    r"""Zones of the solutions of $x_s = b_s + \gamma P_s x$, up to a constant where the discount is 1.

    At a mean of the vertices X, the same for all states, state s has a mean of its N rows and of what they give, with
    weights that are a mean of its L. Two states' rows are put against one another pair by pair, as if drawn apart.

    Args:
        zones: known of the solutions; None where nothing is, infinite where rows by themselves told nothing.
        high, low: bounds of what the rows give.
        rows: by vertex and state.
        weights: of rows, by state.
        discount: gamma.
        off: as in `carried`.
        rounds: of the bounds put into the equation.

    Returns:
        The zones, infinite where nothing is known.
    """
    size = rows.shape[1]
    first, second = np.nonzero(~np.eye(size, dtype=bool))
    apart = rows[:, first][:, :, :, None] - rows[:, second][:, :, None]
    step = high[:, :, first][..., None] - low[:, :, second][..., None, :]
    if zones is None or not np.all(np.isfinite(zones)):
        variation = _variation(apart if zones is None else _mixed_apart(rows, weights)) + off + ROUNDED
        span = over(np.maximum(np.max(step, axis=(1, 2, 3, 4)), 0.0), discount * variation)
        zones = np.where(np.eye(size, dtype=bool), 0.0, span[:, None, None])
    turned = np.swapaxes(weights[second], -1, -2)
    for _ in range(rounds):
        pairs = step + discount * carried(apart, zones, off)
        slack = ROUNDED * np.max(np.abs(pairs), axis=(1, 2, 3, 4)) + TINY
        found = zones.copy()
        found[:, first, second] = np.max(weights[first] @ pairs @ turned, axis=(1, 3, 4)) + slack[:, None]
        zones = _closed(np.minimum(zones, found))
    return zones


def _mixed_apart(
    rows: Float[np.ndarray, "X n N n"], weights: Float[np.ndarray, "n L N"]
) -> Float[np.ndarray, "X p L L n"]:
    """Differences of two states' rows as the weights mix them."""
    mixed = np.einsum("sln,xsnt->xslt", weights, rows)
    first, second = np.nonzero(~np.eye(rows.shape[1], dtype=bool))
    apart: Float[np.ndarray, "X p L L n"] = mixed[:, first][:, :, :, None] - mixed[:, second][:, :, None]
    return apart


def _variation(apart: Float[np.ndarray, "*S n"]) -> float:
    """The largest total variation."""
    return float(np.max(np.sum(np.maximum(apart, 0.0), axis=-1)))


def _closed(zones: Float[np.ndarray, "J n n"]) -> Float[np.ndarray, "J n n"]:
    """Two differences make a third."""
    for k in range(zones.shape[-1]):
        one, other = zones[:, :, k, None], zones[:, None, k, :]
        zones = np.minimum(zones, one + other + ROUNDED * (np.abs(one) + np.abs(other)))
    same = np.eye(zones.shape[-1], dtype=bool)
    return np.where(same, 0.0 * zones, zones)
