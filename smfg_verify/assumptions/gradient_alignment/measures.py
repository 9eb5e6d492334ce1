"""The forms in which a direct gradient is compared with the total gradient, point by point."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.search import Slopes, box_slope, into_box
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, evaluate_leaders
from smfg_verify.exact.gradient.slopes_at_leaders import gradient_slopes, held_field_slopes
from smfg_verify.game import AbstractGame, leader_logits_shape

# A ratio is taken only where the norm it divides by is this many times its error bound: three digits hold.
RESOLUTION = 1e3
# A search stays clear of that border, or it would walk across and lose what it found, and its witness would hold
# only three digits on another machine.
SEARCH_RESOLUTION = 1e5

QUANTILES = {"min": 0.0, "q05": 0.05, "median": 0.5, "q95": 0.95, "max": 1.0}


class AlignmentMeasures(NamedTuple):
    r"""Comparisons of $g$ = total and $p$ = direct; NaN where a norm divided by is within its own error.

    Where g is well above its error and p is within its own, the cosine is 0: p is no direction of ascent there.

    Attributes:
        cosine: $\langle g, p \rangle / (\|g\| \|p\|)$.
        inner_product_constant: $\langle g, p \rangle / \|g\|^2$.
        direct_constant: $\langle g, p \rangle / \|p\|^2$.
        relative_error: $\|g - p\| / \|g\|$.
        norm_ratio: $\|p\| / \|g\|$.
        inner: $\langle g, p \rangle$, in squared units of the objective.
        inner_error: bound on the error of `inner`.
        squared_norm: $\|g\|^2$.
        total_resolved, direct_resolved: whether each norm is well above its error bound.
        direct_vanishes: g is well above its error, and p is within its own.
    """

    cosine: Float[np.ndarray, " N"]
    inner_product_constant: Float[np.ndarray, " N"]
    direct_constant: Float[np.ndarray, " N"]
    relative_error: Float[np.ndarray, " N"]
    norm_ratio: Float[np.ndarray, " N"]
    inner: Float[np.ndarray, " N"]
    inner_error: Float[np.ndarray, " N"]
    squared_norm: Float[np.ndarray, " N"]
    total_resolved: Bool[np.ndarray, " N"]
    direct_resolved: Bool[np.ndarray, " N"]
    direct_vanishes: Bool[np.ndarray, " N"]

    @property
    def misaligned(self) -> Bool[np.ndarray, " N"]:
        """Whether the inner product is negative beyond its error, and every ratio is taken."""
        result: Bool[np.ndarray, " N"] = self.total_resolved & self.direct_resolved & (self.inner < -self.inner_error)
        return result

    @property
    def not_ascending(self) -> Bool[np.ndarray, " N"]:
        """Whether <g, p> >= c |g|^2 with c > 0 fails as far as the numbers tell: negative, or p zero and g not."""
        result: Bool[np.ndarray, " N"] = self.misaligned | self.direct_vanishes
        return result


def alignment_measures(points: LeaderPoints) -> AlignmentMeasures:
    """Compare the two gradients at every point.

    Args:
        points: leaders with both gradients and their error bounds.

    Returns:
        All forms; NaN where masked or not converged.
    """
    total, direct = points.total_norm, points.direct_norm
    total_resolved = points.converged & (total > RESOLUTION * points.error)
    direct_resolved = points.converged & (direct > RESOLUTION * points.error)
    direct_vanishes = points.converged & (total > SEARCH_RESOLUTION * points.error) & (direct <= points.error)
    inner = np.sum(points.total * points.direct, axis=(1, 2))
    by_total = np.where(total_resolved, total, np.nan)
    by_direct = np.where(direct_resolved, direct, np.nan)
    return AlignmentMeasures(
        cosine=np.where(direct_vanishes, 0.0, inner / (by_total * by_direct)),
        inner_product_constant=inner / by_total**2,
        direct_constant=inner / by_direct**2,
        relative_error=np.linalg.norm(points.total - points.direct, axis=(1, 2)) / by_total,
        norm_ratio=direct / by_total,
        inner=inner,
        inner_error=points.error * (total + direct + points.error),
        squared_norm=total**2,
        total_resolved=total_resolved,
        direct_resolved=direct_resolved,
        direct_vanishes=direct_vanishes,
    )


def quantiles(values: Float[np.ndarray, " N"]) -> dict[str, float]:
    """Minimum, 5%, median, 95% and maximum of the values that are numbers; NaN if none is."""
    numbers = values[np.isfinite(values)]
    if numbers.size == 0:
        return dict.fromkeys(QUANTILES, float("nan"))
    return {name: float(np.quantile(numbers, level)) for name, level in QUANTILES.items()}


class Frontier(NamedTuple):
    r"""Pairs (slack e, constant c) with $\langle g, p \rangle \ge c \|g\|^2 - e$ on a set, c the largest for e.

    Attributes:
        slack: e >= 0, increasing, in squared units of the objective.
        constant: largest c for each slack.
        smallest_slack: smallest e that any c >= 0 can have on the set.
    """

    slack: Float[np.ndarray, " E"]
    constant: Float[np.ndarray, " E"]
    smallest_slack: float


def frontier(measures: AlignmentMeasures, *, num_slacks: int = 41) -> Frontier:
    r"""Slack against constant over resolved points, $c(e) = \min_i (\langle g_i, p_i \rangle + e) / \|g_i\|^2$.

    Args:
        measures: points compared; those with an unresolved total gradient are left out.
        num_slacks: slacks on a logarithmic grid around the median of |g|^2, zero and the smallest included.

    Returns:
        The frontier; empty if no point is resolved.
    """
    inner, squared = measures.inner[measures.total_resolved], measures.squared_norm[measures.total_resolved]
    if inner.size == 0:
        return Frontier(np.empty(0), np.empty(0), float("nan"))
    smallest = max(0.0, -float(np.min(inner)))
    grid = np.median(squared) * np.logspace(-4.0, 2.0, num_slacks)
    slack = np.unique(np.concatenate([[0.0, smallest], grid]))
    constant = np.min((inner[:, None] + slack) / squared[:, None], axis=0)
    return Frontier(slack, constant, smallest)


def alignment_slopes(game: AbstractGame, reading: Reading, count_cosine: int, num_starts: int) -> Slopes:
    r"""Objective of the worst-case search: the cosine for the first points of a batch, arcsinh(c) for the others.

    c is unbounded below near zeros of g at which p is not zero; arcsinh keeps its order and tames its slope. NaN
    where a gradient is within `SEARCH_RESOLUTION` times its own error, so that a search does not go there.

    Args:
        game: the game, traced.
        reading: what p holds.
        count_cosine: number of leading points that minimise the cosine.
        num_starts: number of points.

    Returns:
        Function from unbounded parameters (K, D) to values (K,) and slopes (K, D), see `into_box`.
    """
    use_cosine, shape = np.arange(num_starts) < count_cosine, leader_logits_shape(game)

    def slopes(unbounded: Float[np.ndarray, "K D"]) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K D"]]:
        logits = np.asarray(into_box(unbounded))
        points = reading.of(evaluate_leaders(game, logits.reshape(-1, *shape), rescue=False))
        smaller = np.minimum(points.total_norm, points.direct_norm)
        values, in_total, in_direct = _objective(points.total, points.direct, use_cosine)
        if reading is Reading.POLICY_HELD:
            in_logits = gradient_slopes(game, points, in_total, in_direct)
        else:
            in_logits = gradient_slopes(game, points, in_total) + held_field_slopes(game, points, in_direct)
        in_logits = in_logits.reshape(logits.shape)
        resolved = points.converged & (smaller > SEARCH_RESOLUTION * points.error)
        return np.where(resolved, values, np.nan), in_logits * box_slope(logits)

    return slopes


def _objective(
    total: Float[np.ndarray, "K O B"], direct: Float[np.ndarray, "K O B"], use_cosine: Bool[np.ndarray, " K"]
) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K O B"], Float[np.ndarray, "K O B"]]:
    """Cosine or arcsinh(c) of pairs of gradients, and its derivatives in the entries of both."""
    inner = np.sum(total * direct, axis=(1, 2), keepdims=True)
    total_square = np.sum(total**2, axis=(1, 2), keepdims=True)
    direct_square = np.sum(direct**2, axis=(1, 2), keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        norms = np.sqrt(total_square * direct_square)
        cosine, constant = inner / norms, inner / total_square
        of_cosine = (direct / norms - cosine * total / total_square, total / norms - cosine * direct / direct_square)
        tame = 1.0 / np.sqrt(1.0 + constant**2)
        of_constant = (tame * (direct - 2.0 * constant * total) / total_square, tame * total / total_square)
    chosen = use_cosine[:, None, None]
    values = np.where(chosen, cosine, np.arcsinh(constant))[:, 0, 0]
    return values, *(np.where(chosen, first, second) for first, second in zip(of_cosine, of_constant, strict=True))


def masked_counts(points: LeaderPoints, measures: AlignmentMeasures) -> dict[str, object]:
    """How many points failed, needed a rescue, lie at a kink, or were masked: a gradient within its own error."""
    return {
        "points": len(points.converged),
        "unconverged": int(np.sum(~points.converged)),
        "rescued": int(np.sum(points.rescued)),
        "not_differentiable": int(np.sum(points.not_differentiable)),
        "masked_total": int(np.sum(points.converged & ~measures.total_resolved)),
        "masked_direct": int(np.sum(points.converged & ~measures.direct_resolved)),
    }
