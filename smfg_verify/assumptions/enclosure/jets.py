r"""Intervals of a function, of its slopes along two directions, and of its second derivative in both.

Numbers $v + v_i \epsilon_i + v_j \epsilon_j + v_{ij} \epsilon_i \epsilon_j$ with $\epsilon_i^2 = \epsilon_j^2 = 0$
(hyper-dual): products of such numbers obey the product rule, so that what is written once for values gives both
derivatives. Each part is an array of intervals, or forms, and what does not move has none for its slopes.

Source: Fike, Alonso, "The development of hyper-dual numbers for exact second-derivative calculations" (2011).
"""

import functools
import operator
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.forms import contract, softmax_of_gaps

# A slope, or none where nothing moves.
Part = Ball | None


class Jet(NamedTuple):
    """A value, its slopes in both directions and its second derivative, (*shape) each."""

    value: Ball
    first: Part = None
    second: Part = None
    both: Part = None

    def plus(self, other: "Jet", factor: float = 1.0) -> "Jet":
        """The sum with a multiple of another."""
        first, second, both = (
            added(mine, None if theirs is None else factor * theirs)
            for mine, theirs in zip(self[1:], other[1:], strict=True)
        )
        return Jet(self.value + factor * other.value, first, second, both)

    def mapped(self, function: Callable[[Ball], Ball]) -> "Jet":
        """All parts under a linear map."""
        first, second, both = (None if part is None else function(part) for part in self[1:])
        return Jet(function(self.value), first, second, both)


def added(*parts: Part) -> Part:
    """The sum of slopes."""
    moving = [part for part in parts if part is not None]
    return functools.reduce(operator.add, moving) if moving else None


def product(spec: str, x: Part, y: Part) -> Part:
    """`einsum` of two slopes, or of a slope and a value."""
    return None if x is None or y is None else contract(spec, x, y)


def moving(part: Part) -> Ball:
    """A slope where something moves."""
    assert part is not None
    return part


def times(spec: str, x: Jet, y: Jet) -> Jet:
    """`einsum` of two arrays, with the product rule."""
    return Jet(
        contract(spec, x.value, y.value),
        added(product(spec, x.first, y.value), product(spec, x.value, y.first)),
        added(product(spec, x.second, y.value), product(spec, x.value, y.second)),
        added(
            product(spec, x.both, y.value),
            product(spec, x.first, y.second),
            product(spec, x.second, y.first),
            product(spec, x.value, y.both),
        ),
    )


def softmax_jet(gaps: Jet) -> Jet:
    r"""Softmax from the differences of its arguments, $z_{ac} = z_a - z_c$ on the last two axes.

    With $s_a = \sum_c \pi_c z_{ac}'$ the slopes are $\pi_a s_a$, and the second derivatives
    $\pi_a (s_a s_a + \sum_c \pi_c z_{ac}'' - \sum_{c < d} \pi_c \pi_d z_{cd}' z_{cd}')$, one prime for each direction.

    Args:
        gaps: (K, n, A, A).

    Returns:
        (K, n, A).
    """
    policy = softmax_of_gaps(gaps.value)
    first, second, bent = (product("ksc,ksac->ksa", policy, part) for part in gaps[1:])
    if gaps.first is not None and gaps.second is not None:
        pairs = contract("ksc,ksd->kscd", policy, policy) * np.triu(np.ones(policy.mid.shape[2:] * 2), 1)
        spread = contract("kscd,kscd->ks", pairs, gaps.first * gaps.second)
        bent = added(bent, product("ksa,ksa->ksa", first, second), -spread[:, :, None])
    return Jet(policy, *(product("ksa,ksa->ksa", policy, part) for part in (first, second, bent)))


def spectral_bounds(matrices: Ball) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"]]:
    r"""Bounds of the spectral norms of symmetric matrices in the given intervals.

    No more than $\|M^{32}\|_F^{1/32}$ of the middle M, which is at most 6% above $\|M\|_2$ for six rows, and the
    Frobenius norm of the radii; no less than $|v^T A v|$ along M's own direction v.

    Args:
        matrices: (K, D, D).

    Returns:
        What the norm of every matrix is at least, and at most; zero and infinity where the intervals are unbounded.
    """
    known = np.all(np.isfinite(matrices.mid) & np.isfinite(matrices.rad), axis=(1, 2))
    middle, radius = (np.where(known[:, None, None], part, 0.0) for part in (matrices.mid, matrices.rad))
    # What is rounded off may leave the middle not quite symmetric.
    middle, radius = (0.5 * (part + np.swapaxes(part, 1, 2)) for part in (middle, radius))
    radius = radius + _HALVED * np.abs(middle)
    exponent = np.frexp(np.max(np.abs(middle), axis=(1, 2)))[1]
    # A power of two: scaling rounds nothing.
    power = Ball.exact(np.ldexp(middle, -exponent[:, None, None]))
    for _ in range(_SQUARINGS):
        power = contract("kij,kjl->kil", power, power)
    root = np.sum(power.size**2, axis=(1, 2)) ** (0.5**_SQUARINGS / 2.0)
    upper = (np.ldexp(root, exponent) + np.sqrt(np.sum(radius**2, axis=(1, 2)))) * _UP
    direction = np.linalg.eigh(middle)[1]
    forms = contract("kid,kid->kd", direction, contract("kij,kjd->kid", Ball(middle, radius), direction))
    lengths = np.sum(direction**2, axis=1) * _UP
    lower = np.max(np.maximum(np.abs(forms.mid) - forms.rad, 0.0) / lengths, axis=1) / _UP
    return np.where(known, lower, 0.0), np.where(known, upper, np.inf)


# Squarings of a matrix, what sums, roots and quotients of these few numbers are rounded by, generously, and one sum.
_SQUARINGS, _UP, _HALVED = 5, 1.0 + 1e-11, 2.0**-52
