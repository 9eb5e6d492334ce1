r"""Intervals of a function, of its slopes along two directions, and of its second derivative in both.

Numbers $v + v_i \epsilon_i + v_j \epsilon_j + v_{ij} \epsilon_i \epsilon_j$ with $\epsilon_i^2 = \epsilon_j^2 = 0$
(hyper-dual): products of such numbers obey the product rule, so that what is written once for values gives both
derivatives. Each part is an array of intervals.

Source: Fike, Alonso, "The development of hyper-dual numbers for exact second-derivative calculations" (2011).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import Ball, contract, softmax_of_differences


class Jet(NamedTuple):
    """A value, its slopes in both directions and its second derivative, (*shape) each."""

    value: Ball
    first: Ball
    second: Ball
    both: Ball

    @classmethod
    def still(cls, value: Ball) -> "Jet":
        """What moves in neither direction."""
        nothing = Ball.exact(np.zeros_like(value.mid))
        return cls(value, nothing, nothing, nothing)

    def plus(self, other: "Jet", factor: float = 1.0) -> "Jet":
        """The sum with a multiple of another."""
        return Jet(*(mine + factor * theirs for mine, theirs in zip(self, other, strict=True)))

    def mapped(self, function: Callable[[Ball], Ball]) -> "Jet":
        """All parts under a linear map."""
        return Jet(*(function(part) for part in self))


def times(spec: str, x: Jet, y: Jet) -> Jet:
    """`einsum` of two arrays, with the product rule."""

    def product(mine: Ball, theirs: Ball) -> Ball:
        return contract(spec, mine, theirs)

    crossed = product(x.first, y.second) + product(x.second, y.first)
    return Jet(
        product(x.value, y.value),
        product(x.first, y.value) + product(x.value, y.first),
        product(x.second, y.value) + product(x.value, y.second),
        product(x.both, y.value) + crossed + product(x.value, y.both),
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
    policy = softmax_of_differences(gaps.value.lower, gaps.value.upper)
    first, second, bent = (contract("ksc,ksac->ksa", policy, part) for part in (gaps.first, gaps.second, gaps.both))
    pairs = contract("ksc,ksd->kscd", policy, policy) * np.triu(np.ones(gaps.value.mid.shape[2:]), 1)
    spread = contract("kscd,kscd->ks", pairs, gaps.first * gaps.second)
    bent = first * second + bent - spread[:, :, None]
    return Jet(policy, policy * first, policy * second, policy * bent)


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


# Squarings of a matrix, and what sums, roots and quotients of these few numbers are rounded by, generously.
_SQUARINGS, _UP = 5, 1.0 + 1e-11
