r"""Inner products of g = p + r and p from enclosures of p and r, with the terms that both share taken once.

$g_b (p_b - c g_b) = (1 - c) p_b^2 + (1 - 2c) p_b r_b - c r_b^2$ for every logit b: its least value over a rectangle of
$(p_b, r_b)$ is attained where r is at an end, for it is concave in r ($c \ge 0$), and p at an end or at the vertex of
the parabola. Where r is small against p, $p = x \pm w$ asks for w below x only, whereas $\langle g, p\rangle$ over
$\|g\|^2$ takes its numerator at $x - w$ and its denominator at $x + w$.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, joined
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

# Roundings of the three terms and of their sum, relative to their sizes.
_ROUNDING, _SPACING = 1e-14, 2.0**-52
# Halvings of the interval in which the constant is looked for.
_HALVINGS = 12


def with_last_entries(gradient: Ball, rows: int) -> Ball:
    """Entries of all logits from those of the free ones, (K, O, B): a row's add up to zero, for softmax is shift-free.

    Args:
        gradient: in the free logits, row after row, (K, O (B - 1)).
        rows: number O.

    Returns:
        The entries.
    """
    free = gradient.moved(lambda x: x.reshape(len(x), rows, -1))
    last = -contract("kob,b->ko", free, np.ones(free.mid.shape[2]))
    return joined((free, last[..., None]), 2)


def least_form(direct: Ball, rest: Ball, constant: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
    r"""Lower bounds of $\langle g, p - c g \rangle$, g = p + r.

    Args:
        direct: p at all logits, (K, O, B).
        rest: r.
        constant: c of each box, at least zero.

    Returns:
        The bounds, NaN where p or r is unbounded.
    """
    c = constant[:, None, None]
    bend, mixed = 1.0 - c, 1.0 - 2.0 * c
    low, high = direct.lower, direct.upper
    least = np.full(low.shape, np.inf)
    for r in (rest.lower, rest.upper):
        with np.errstate(divide="ignore", invalid="ignore"):
            vertex = np.clip(np.nan_to_num(-0.5 * mixed * r / bend), low, high)
        for p in (low, high, vertex):
            least = np.minimum(least, bend * p * p + mixed * p * r - c * r * r)
    p, r = direct.size, rest.size
    size = np.abs(bend) * p * p + np.abs(mixed) * p * r + c * r * r
    rounding = (_ROUNDING + _SPACING * least[0].size) * size + np.where((p > 0.0) | (r > 0.0), TINY, 0.0)
    bound: Float[np.ndarray, " K"] = np.sum(least - rounding, axis=(1, 2))
    return bound


def inner_range(direct: Ball, rest: Ball) -> Ball:
    r"""Range of $\langle g, p \rangle = \sum_b p_b (p_b + r_b)$ for p and r at all logits, (K,)."""
    ends = [p * (p + r) for p in (direct.lower, direct.upper) for r in (rest.lower, rest.upper)]
    size = direct.size * (direct.size + rest.size)
    rounding = (_ROUNDING + _SPACING * size[0].size) * size + np.where(size > 0.0, TINY, 0.0)
    # Convex in p, straight in r: largest at a corner.
    upper = np.sum(np.max(ends, axis=0) + rounding, axis=(1, 2))
    products = _Products.of(direct, rest)
    if products is not None:
        upper = np.fmin(upper, (products.direct + products.mixed).upper)
    return Ball.of_ends(_least(direct, rest, products, np.zeros(len(upper))), upper)


class _Products(NamedTuple):
    r"""$\sum_b p_b^2$, $\sum_b p_b r_b$ and $\sum_b r_b^2$ as forms: what they share with the leader is kept."""

    direct: Ball
    mixed: Ball
    rest: Ball

    @classmethod
    def of(cls, direct: Ball, rest: Ball) -> "_Products | None":
        """Those of forms; none of intervals, whose rectangles say all."""
        if not (isinstance(direct, Form) and isinstance(rest, Form)):
            return None
        return cls(*(contract("kob,kob->k", *pair) for pair in ((direct, direct), (direct, rest), (rest, rest))))

    def least(self, constant: Float[np.ndarray, " K"]) -> Float[np.ndarray, " K"]:
        r"""Lower bounds of $\langle g, p - c g \rangle$."""
        form = self.direct * (1.0 - constant) + self.mixed * (1.0 - 2.0 * constant) - self.rest * constant
        return form.lower


def _least(direct: Ball, rest: Ball, products: _Products | None, constant: np.ndarray) -> Float[np.ndarray, " K"]:
    bound = least_form(direct, rest, constant)
    return bound if products is None else np.fmax(bound, products.least(constant))


def largest_constant(direct: Ball, rest: Ball) -> Float[np.ndarray, " K"]:
    r"""The largest c > 0 proved with $\langle g, p \rangle \ge c \|g\|^2$ over each box, else minus infinity.

    The form falls as c grows, so the constant is found by halving between zero and that of the middle.
    """
    products = _Products.of(direct, rest)
    total = direct.mid + rest.mid
    with np.errstate(divide="ignore", invalid="ignore"):
        high = np.sum(total * direct.mid, axis=(1, 2)) / np.sum(total * total, axis=(1, 2))
    usable = np.isfinite(high) & (high > 0.0)
    low, high = np.zeros_like(high), np.where(usable, high, 1.0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        proved = _least(direct, rest, products, middle) >= 0.0
        low, high = np.where(proved, middle, low), np.where(proved, high, middle)
    return np.where(usable & (low > 0.0), low, -np.inf)
