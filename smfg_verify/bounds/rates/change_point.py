"""Where a residual leaves its transient: two lines against one on log-log axes."""

import dataclasses
import enum
import math
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.bounds.rates.bootstrap import MIN_RESAMPLES, MIN_SEEDS, bootstrap_interval, resample_counts
from smfg_verify.bounds.rates.decay import log_lengths
from smfg_verify.bounds.rates.sentences import NO_OBSTACLE, Obstacle
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept
from smfg_verify.records.entries import Arguments
from smfg_verify.records.status import NamedStatus

# Of a logarithm of a mean, generously: a resample that holds every seed once differs from the whole by them alone.
_ROUNDINGS = 16.0
# Checkpoints on either side of a break, and breaks tried.
_MIN_SIDE = 4
_NUM_BREAKS = 120
# Free numbers beside the noise: intercept and slope; the same, a second slope and the place of the break.
_ONE_LINE, _TWO_LINES = 2, 4


@kept
class ChangeStatus(NamedStatus, enum.StrEnum):
    """Whether the curve has a break.

    Examples:
        >>> from smfg_verify.bounds import ChangeStatus
        >>> [status.value for status in ChangeStatus]
        ['found', 'none', 'inconclusive']
    """

    FOUND = "found"
    NONE = "none"
    INCONCLUSIVE = "inconclusive"


@kept
@dataclasses.dataclass(frozen=True)
class ChangePoint:
    """The break between transient and asymptotic regime; NaN where there is none.

    Attributes:
        status: a `ChangeStatus`; none found is an answer too.
        obstacle: why it is not found, as a case with its numbers; the empty one otherwise.
        iteration: k of the break.
        lower, upper: bootstrap interval of it, over seeds.
        slope_before, slope_after: log-log slopes on either side.
        one_line_slope: the slope where one line is fitted to all checkpoints.
        gain: BIC of one line less that of two; positive favours two.
        critical_gain: what chance alone gives in all but 1 - confidence of the cases, see `change_point`.
        confidence: nominal coverage of the interval and level of `critical_gain`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import change_point
        >>> k = np.unique(np.geomspace(1, 1e4, 30).astype(int))
        >>> noise = np.exp(0.02 * np.random.default_rng(0).normal(size=(8, len(k))))
        >>> change_point(noise * (k + 1.0) ** -0.5, k, num_resamples=100).status.value  # one power law
        'none'
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("reason",)

    status: ChangeStatus
    obstacle: Obstacle
    iteration: float
    lower: float
    upper: float
    slope_before: float
    slope_after: float
    one_line_slope: float
    gain: float
    critical_gain: float
    confidence: float

    @property
    def reason(self) -> str:
        """Why it is not found, in words; empty otherwise."""
        return self.obstacle.sentence


def change_point(
    values: Float[np.ndarray, "S C"],
    iterations: Int[np.ndarray, " C"],
    *,
    rounding: Float[np.ndarray, "S C"] | None = None,
    confidence: float = 0.95,
    num_resamples: int = 500,
    seed: int = 0,
) -> ChangePoint:
    r"""Fit two lines that meet, and one, to the log of a seed mean against log(k + 1); choose by BIC.

    $$ BIC = C \log(RSS / C) + p \log C, \qquad p = 2 \text{ or } 4 \text{ (two lines and their break)} $$

    Weighted least squares as in `decay_rate`, the break on a grid in log(k + 1) with four checkpoints at least on
    either side. BIC takes the checkpoints for independent, which those of one run are not: correlated noise looks like
    a break. So the gain in BIC must also exceed what chance gives where there is no break: one fitted line, with the
    deviations that the seed mean shows when whole seeds are resampled, at the level `confidence`. A break says that
    one power law does not fit; that the second regime lasts is an extrapolation, and of several breaks the two lines
    show one. Measured coverage of the break at nominal 0.95, where a flat curve of lognormal noise of relative size 0.5
    bends to -1/2: 0.89 with 5 seeds, 0.92 with 8 and 16, 0.90 with 64, where the grid is coarse beside the interval.

    Args:
        values: the residual, one row a seed, positive in the mean.
        iterations: completed iterations at each checkpoint, increasing.
        rounding: the size below which each value is only rounding error, which has no breaks; none if None.
        confidence: nominal coverage of the interval, that of `bootstrap_interval`, in (0, 1).
        num_resamples: bootstrap resamples of whole seeds.
        seed: of the resampling.

    Returns:
        The break with its interval, "none", or "inconclusive" with a reason: fewer than five seeds, fewer than nine
        checkpoints, a mean that is not positive and finite, or at its rounding level somewhere.

    Raises:
        ValueError: an option out of range.

    Source: piecewise linear regression with a grid of breaks; BIC of Schwarz (1978); the interval is that of
        `bootstrap_interval`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import change_point
        >>> k = np.unique(np.geomspace(1, 1e4, 30).astype(int))
        >>> noise = np.exp(0.02 * np.random.default_rng(0).normal(size=(8, len(k))))
        >>> values = noise * np.maximum((k + 1.0) ** -0.5, (k + 1.0) ** -1.5 * 100.0)  # meet at k + 1 = 100
        >>> found = change_point(values, k, num_resamples=100)
        >>> found.status.value, round(found.slope_before, 1), round(found.slope_after, 1)
        ('found', -1.5, -0.5)
    """
    if not 0.0 < confidence < 1.0 or num_resamples < MIN_RESAMPLES:
        raise InputError(
            f"change_point: got confidence {confidence} and {num_resamples} resamples, expected a number in (0, 1) and "
            f"at least {MIN_RESAMPLES}: tail levels are read off them."
        )
    obstacle = _obstacle(values, np.full(np.shape(values), -np.inf) if rounding is None else rounding)
    if obstacle:
        return _without(ChangeStatus.INCONCLUSIVE, obstacle, confidence)
    # Sorted, so that the order of the seeds changes no bit.
    ordered = values[np.lexsort(values.T)]
    fits = _Fits(iterations)
    centre = np.log(ordered.mean(axis=0))
    resampled = np.log(resample_counts(len(values), num_resamples, seed) @ ordered / len(values))
    chance = fits.gains(fits.one_line(centre) + resampled - centre)
    gain, critical = float(fits.gains(centre[None])[0]), float(np.quantile(chance, confidence))
    slope = fits.slope(centre)
    if not (gain > 0.0 and gain > critical):
        found = _without(ChangeStatus.NONE, Obstacle("one-line" if gain <= 0.0 else "chance"), confidence)
        return dataclasses.replace(found, gain=gain, critical_gain=critical, one_line_slope=slope)
    left_out = np.log((ordered.sum(axis=0) - ordered) / (len(values) - 1))
    place = float(fits.breaks_of(centre[None])[0])
    lower, upper, _ = bootstrap_interval(place, fits.breaks_of(resampled), fits.breaks_of(left_out), confidence)
    before, after = fits.slopes_at_best(centre)
    return ChangePoint(
        status=ChangeStatus.FOUND,
        obstacle=NO_OBSTACLE,
        iteration=math.expm1(place),
        lower=math.expm1(min(lower, place)),
        upper=math.expm1(max(upper, place)),
        slope_before=before,
        slope_after=after,
        one_line_slope=slope,
        gain=gain,
        critical_gain=critical,
        confidence=confidence,
    )


def last_change_point(
    values: Float[np.ndarray, "S C"],
    iterations: Int[np.ndarray, " C"],
    *,
    rounding: Float[np.ndarray, "S C"] | None = None,
    confidence: float = 0.95,
    num_resamples: int = 500,
    seed: int = 0,
) -> ChangePoint:
    """The last of several breaks: `change_point` of what follows a break, again and again, until one line fits.

    A transient may have several regimes, a rise and a steep fall before the lasting slope; two lines put their one
    break where it saves most, not where the lasting regime begins. The level of every test is `confidence`; that some
    test of a chain finds a break by chance is likelier than for one.

    Args:
        values, iterations, rounding, confidence, num_resamples, seed: as in `change_point`.

    Returns:
        The last break found; that of the whole curve where it is none or inconclusive.

    Raises:
        ValueError: as `change_point`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.bounds import last_change_point
        >>> k = np.unique(np.geomspace(1, 1e4, 30).astype(int))
        >>> noise = np.exp(0.02 * np.random.default_rng(0).normal(size=(8, len(k))))
        >>> values = noise * np.maximum((k + 1.0) ** -0.5, (k + 1.0) ** -1.5 * 100.0)
        >>> round(last_change_point(values, k, num_resamples=100).slope_after, 1)
        -0.5
    """
    options: Arguments = {"confidence": confidence, "num_resamples": num_resamples, "seed": seed}
    last = change_point(values, iterations, rounding=rounding, **options)
    following = last
    while following.status is ChangeStatus.FOUND:
        last = following
        after = np.asarray(iterations) >= last.iteration
        level = None if rounding is None else rounding[:, after]
        following = change_point(values[:, after], np.asarray(iterations)[after], rounding=level, **options)
    return last


class _Fits:
    """Weighted least-squares fits to ordinates at fixed checkpoints: one line, and two for every break of a grid."""

    def __init__(self, iterations: Int[np.ndarray, " C"]):
        x = np.log1p(np.asarray(iterations, dtype=float))
        self.root = np.sqrt(log_lengths(iterations) * len(x))
        self.breaks = np.linspace(x[_MIN_SIDE - 1], x[-_MIN_SIDE], _NUM_BREAKS)
        line = np.stack([np.ones_like(x), x], axis=1)
        self.line, self.line_basis = line, np.linalg.qr(self.root[:, None] * line)[0]
        self.designs = [np.column_stack([line, np.maximum(x - place, 0.0)]) for place in self.breaks]
        self.bases = np.stack([np.linalg.qr(self.root[:, None] * design)[0] for design in self.designs])

    def one_line(self, y: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        result: Float[np.ndarray, " C"] = (
            self.line @ np.linalg.lstsq(self.root[:, None] * self.line, self.root * y, rcond=None)[0]
        )
        return result

    def slope(self, y: Float[np.ndarray, " C"]) -> float:
        return float(np.linalg.lstsq(self.root[:, None] * self.line, self.root * y, rcond=None)[0][1])

    def slopes_at_best(self, y: Float[np.ndarray, " C"]) -> tuple[float, float]:
        design = self.designs[int(np.argmin(self._squares(y[None])[0]))]
        _, before, turn = np.linalg.lstsq(self.root[:, None] * design, self.root * y, rcond=None)[0]
        return float(before), float(before + turn)

    def breaks_of(self, y: Float[np.ndarray, "R C"]) -> Float[np.ndarray, " R"]:
        """Best break of each row, as log(k + 1)."""
        result: Float[np.ndarray, " R"] = self.breaks[np.argmin(self._squares(y), axis=1)]
        return result

    def gains(self, y: Float[np.ndarray, "R C"]) -> Float[np.ndarray, " R"]:
        """BIC of one line less that of two, for each row."""
        number, scaled = y.shape[1], self.root * y
        one = np.sum((scaled - scaled @ self.line_basis @ self.line_basis.T) ** 2, axis=1)
        two = np.min(self._squares(y), axis=1)
        # An exact fit has no noise to compare: rounding of the ordinates stands in for it, of means and logarithms.
        floor = number * (_ROUNDINGS * np.finfo(float).eps * (1.0 + np.max(np.abs(y), axis=1))) ** 2
        ratio = np.log(np.maximum(one, floor)) - np.log(np.maximum(two, floor))
        result: Float[np.ndarray, " R"] = number * ratio - (_TWO_LINES - _ONE_LINE) * np.log(number)
        return result

    def _squares(self, y: Float[np.ndarray, "R C"]) -> Float[np.ndarray, "R B"]:
        """Weighted sum of squares about two lines, for each row and break."""
        scaled = self.root * y
        return np.stack([np.sum((scaled - scaled @ q @ q.T) ** 2, axis=1) for q in self.bases], axis=1)


def _obstacle(values: Float[np.ndarray, "S C"], rounding: Float[np.ndarray, "S C"]) -> Obstacle:
    if len(values) < MIN_SEEDS:
        return Obstacle("few-seeds", {"seeds": len(values), "least": MIN_SEEDS})
    if values.shape[1] <= 2 * _MIN_SIDE:
        return Obstacle("few-checkpoints-in-all", {"checkpoints": values.shape[1], "least": 2 * _MIN_SIDE + 1})
    zero = values.mean(axis=0) <= rounding.mean(axis=0)
    if np.all(zero):
        return Obstacle("rounding-of-curve", {"everywhere": True})
    if not (np.all(np.isfinite(values)) and np.all(values >= 0.0) and np.all(np.min(values, axis=0) > 0.0)):
        return Obstacle("no-logarithm")
    if np.any(zero):
        return Obstacle("rounding-of-curve", {"everywhere": False})
    if np.all(np.ptp(values, axis=0) == 0.0):
        return Obstacle("no-variation")
    return NO_OBSTACLE


def _without(status: ChangeStatus, obstacle: Obstacle, confidence: float) -> ChangePoint:
    nothing = dict.fromkeys(
        ("iteration", "lower", "upper", "slope_before", "slope_after", "one_line_slope", "gain", "critical_gain"),
        math.nan,
    )
    return ChangePoint(status=status, obstacle=obstacle, confidence=confidence, **nothing)
