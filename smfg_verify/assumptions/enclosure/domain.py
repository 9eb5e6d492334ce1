r"""Boxes of the variables, cut by the simplex or not: exact extremes of linear forms over them."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

# Relative outward rounding where a range is taken, of the sums that take it; it also covers points whose entries add up
# to one but for rounding. Roundings of what came before are carried by the forms themselves.
_ROUNDING = 1e-13
_SPACINGS = 8.0 * 2.0**-52


def outward_share(size: int) -> float:
    """Share of the numbers added by which a range over so many variables is moved outward."""
    return max(_ROUNDING, size * _SPACINGS)


# Up to this many variables all candidate multipliers are tried in one broadcast; beyond, one after the other.
_BROADCAST = 16


class Range(NamedTuple):
    """Certified bounds of the entries of an array; infinite where nothing is known, never NaN.

    Attributes:
        lower: the entries are at least this.
        upper: and at most this.
    """

    lower: Float[np.ndarray, "..."]
    upper: Float[np.ndarray, "..."]


class Domain(eqx.Module):
    """Values that D variables may take: a box, or what of the simplex lies in it.

    Attributes:
        lower: (D,).
        upper: (D,).
        simplex: whether the variables are also non-negative with sum one.
    """

    lower: Float[Array, " D"]
    upper: Float[Array, " D"]
    simplex: bool = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Number D of variables."""
        return self.lower.shape[0]

    def extremes(self, slope: Float[Array, " D *shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
        """Smallest and largest value of sum_j x_j slope_j, entry by entry."""
        tail = (1,) * (slope.ndim - 1)
        lower, upper = self.lower.reshape(-1, *tail), self.upper.reshape(-1, *tail)
        if not self.simplex:
            ends = slope * lower, slope * upper
            return jnp.sum(jnp.minimum(*ends), axis=0), jnp.sum(jnp.maximum(*ends), axis=0)
        return _lowest(slope, lower, upper), -_lowest(-slope, lower, upper)

    def magnitude(self, slope: Float[Array, " D *shape"]) -> Float[Array, "*shape"]:
        """Size of the numbers that `extremes` adds, for rounding, (*shape)."""
        reach = jnp.maximum(jnp.abs(self.lower), jnp.abs(self.upper))
        total = jnp.tensordot(reach, jnp.abs(slope), axes=1)
        return total + 2.0 * jnp.max(jnp.abs(slope), axis=0) if self.simplex else total

    def largest(self, slope: Float[Array, " D *shape"]) -> Float[Array, "*shape"]:
        """Bound of sum_j x_j |slope_j|, (*shape)."""
        if self.simplex:
            return jnp.max(jnp.abs(slope), axis=0)
        return jnp.tensordot(jnp.maximum(jnp.abs(self.lower), jnp.abs(self.upper)), jnp.abs(slope), axes=1)


def _lowest(slope: Array, lower: Array, upper: Array) -> Array:
    r"""Minimum of a linear form over box and simplex by linear programming duality.

    $\min = \max_\lambda \lambda + \sum_j \min_{l_j \le x_j \le u_j} (a_j - \lambda) x_j$, concave and piecewise linear
    in $\lambda$ with kinks at the $a_j$; every $\lambda$ gives a valid bound, so no sorting can go wrong.
    """

    def dual(multiplier: Array) -> Array:
        reduced = slope - multiplier
        return multiplier + jnp.sum(jnp.where(reduced >= 0.0, reduced * lower, reduced * upper), axis=0)

    duals = jax.vmap(dual)(slope) if slope.shape[0] <= _BROADCAST else jax.lax.map(dual, slope)
    return jnp.max(duals, axis=0)


def tightened(
    lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]
) -> tuple[Float[np.ndarray, "K M"], Float[np.ndarray, "K M"], Bool[np.ndarray, " K"]]:
    """Smallest boxes around the same parts of the simplex, and which of the parts are not empty.

    Args:
        lower: (K, M).
        upper: (K, M).

    Returns:
        The bounds, no larger than before, and (K,) whether the box meets the simplex.
    """
    lower, upper = np.maximum(lower, 0.0), np.minimum(upper, 1.0)
    # A box emptied by rounding alone must not be dropped.
    slack = 4.0 * np.finfo(float).eps * lower.shape[1]
    sums = np.sum(lower, axis=1, keepdims=True), np.sum(upper, axis=1, keepdims=True)
    feasible = (sums[0][:, 0] <= 1.0 + slack) & (sums[1][:, 0] >= 1.0 - slack) & np.all(lower <= upper, axis=1)
    new_lower = np.maximum(lower, 1.0 - (sums[1] - upper) - slack)
    new_upper = np.minimum(upper, 1.0 - (sums[0] - lower) + slack)
    return np.where(feasible[:, None], new_lower, lower), np.where(feasible[:, None], new_upper, upper), feasible


def inner_points(lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"]) -> Float[np.ndarray, "K M"]:
    """A point of the simplex in each (non-empty) box: on the diagonal from its lower to its upper corner."""
    lower, upper = np.clip(lower, 0.0, 1.0), np.clip(upper, 0.0, 1.0)
    room = np.sum(upper - lower, axis=1, keepdims=True)
    share = np.clip((1.0 - np.sum(lower, axis=1, keepdims=True)) / np.where(room > 0.0, room, 1.0), 0.0, 1.0)
    points = lower + share * (upper - lower)
    result: Float[np.ndarray, "K M"] = points / np.sum(points, axis=1, keepdims=True)
    return result


def bisected(
    lower: Float[np.ndarray, "K M"], upper: Float[np.ndarray, "K M"], weight: Float[np.ndarray, " M"] | None = None
) -> tuple[Float[np.ndarray, "L M"], Float[np.ndarray, "L M"]]:
    """Halves of each box along its widest side (times a weight), tightened; empty halves are left out."""
    width = upper - lower if weight is None else (upper - lower) * weight
    axis = np.argmax(width, axis=1)
    rows = np.arange(len(lower))
    middle = 0.5 * (lower[rows, axis] + upper[rows, axis])
    left, right = upper.copy(), lower.copy()
    left[rows, axis] = middle
    right[rows, axis] = middle
    new_lower, new_upper, feasible = tightened(np.concatenate([lower, right]), np.concatenate([left, upper]))
    return new_lower[feasible], new_upper[feasible]
