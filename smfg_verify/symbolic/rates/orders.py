r"""Orders $k^{-r} \log^p k$ with an exact exponent: what the sums of a recursion make of them."""

from typing import NamedTuple

import sympy


class Order(NamedTuple):
    r"""$k^{-r} \log^p k$.

    Attributes:
        decay: r, exact.
        logs: p.
    """

    decay: sympy.Rational
    logs: int = 0

    @property
    def slowness(self) -> tuple[sympy.Rational, int]:
        """A key that is larger for an order that decays more slowly."""
        return -self.decay, self.logs


def partial_sum(exponent: sympy.Rational) -> Order:
    r"""The order in K of $\sum_{k \le K} k^{-u}$: $K^{1-u}$, $\log K$ at u = 1, a constant above."""
    if exponent == 1:
        return Order(sympy.S.Zero, 1)
    return Order(min(exponent - 1, sympy.S.Zero))


def mean_of_power(exponent: sympy.Rational, weight: sympy.Rational) -> Order:
    r"""The order in K of the mean of $k^{-t}$ over k up to K with weights $k^{-w}$.

    Args:
        exponent: t, possibly negative.
        weight: w >= 0.

    Returns:
        $\sum k^{-(w + t)} / \sum k^{-w}$.
    """
    return _over(partial_sum(weight + exponent), partial_sum(weight))


def damped(mean: Order, damping: sympy.Rational, weight: sympy.Rational) -> Order:
    r"""An upper order of the mean of $k^{-d} e_k$ where the mean of $e_k$, with the same weights, is known.

    By summation in parts: with $T_K = \sum_{k \le K} k^{-w} e_k$ of order $K^q \log^p K$, the damped sum is of order
    $K^{q-d} \log^p K$ for q > d, $\log^{p+1} K$ for q = d, and bounded for q < d.

    Args:
        mean: of e, with weights $k^{-w}$.
        damping: d.
        weight: w.

    Returns:
        The order of the damped mean.
    """
    if damping == 0:
        return mean
    total = partial_sum(weight)
    growth, logs = -(mean.decay + total.decay), mean.logs + total.logs
    if growth == damping:
        return _over(Order(sympy.S.Zero, logs + 1), total)
    return _over(Order(damping - growth, logs) if growth > damping else Order(sympy.S.Zero), total)


def _over(sum_: Order, total: Order) -> Order:
    return Order(sum_.decay - total.decay, sum_.logs - total.logs)
