"""Differences between two methods, paired by seed, with bootstrap intervals."""

import dataclasses
import enum
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from smfg_verify.bounds.rates.bootstrap import MIN_SEEDS, bootstrap_interval, resample_counts
from smfg_verify.comparison.sentences import TESTED, NotTested
from smfg_verify.records.codec import kept

# The Bonferroni level of six comparisons leaves 0.4% in a tail, which is 20 of these.
_RESAMPLES = 4999


@kept
class PairedVerdict(enum.StrEnum):
    """What the interval of a difference says."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NOT_TESTED = "not tested"


@kept
@dataclasses.dataclass(frozen=True)
class PairedDifference:
    """The mean over seeds of a final objective minus that of the reference.

    Attributes:
        difference: the mean; NaN where it was not tested.
        lower, upper: bootstrap interval, wider by the numerical error of the mean.
        level: its nominal coverage.
        verdict: better or worse where the interval excludes zero.
        not_tested: why it was not tested, as a case with its figures; the empty one otherwise.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.comparison import paired_difference
        >>> found = paired_difference(np.array([1.0, 1.0]), np.array([0.0, 0.0]))
        >>> found.verdict.value, found.reason != ""
        ('not tested', True)
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("reason",)

    difference: float
    lower: float
    upper: float
    level: float
    verdict: PairedVerdict
    not_tested: NotTested = TESTED

    @property
    def reason(self) -> str:
        """Why it was not tested, in words; empty otherwise."""
        return self.not_tested.sentence


def paired_difference(
    values: Float[np.ndarray, " S"],
    reference: Float[np.ndarray, " S"],
    *,
    level: float = 0.95,
    seed: int = 0,
    errors: Float[np.ndarray, " S"] | None = None,
) -> PairedDifference:
    """Bootstrap the differences of two methods over their common seeds.

    Args:
        values, reference: final objectives by seed; a larger one is better.
        level: nominal coverage, in (0, 1); raise it where several methods are tested.
        seed: of the resampling.
        errors: bounds on the numerical errors of the differences, for without them rounding alone could tell two equal
            methods apart; none if None.

    Returns:
        The mean difference with its interval, that of `bootstrap_interval`, wider by the mean of the errors. Not tested
        with fewer than five seeds, or where a seed of either method has no number, since leaving it out would favour
        the method that diverges.

    Source: the bootstrap over seeds of `bootstrap_interval`; the allowance for numerical errors is ours.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.comparison import paired_difference
        >>> reference = np.arange(8.0)
        >>> found = paired_difference(reference + np.linspace(0.9, 1.1, 8), reference)
        >>> round(found.difference, 3), found.verdict.value, bool(found.lower < 1.0 < found.upper)
        (1.0, 'better', True)
    """
    lost = int(np.sum(~np.isfinite(values))), int(np.sum(~np.isfinite(reference)))
    if any(lost):
        return _not_tested(level, NotTested("lost-seeds", {"method": lost[0], "reference": lost[1]}))
    if len(values) < MIN_SEEDS:
        return _not_tested(level, NotTested("few-seeds", {"seeds": len(values), "least": MIN_SEEDS}))
    apart = values - reference
    error = 0.0 if errors is None else float(np.mean(errors))
    low, high = _interval(apart, level, seed)
    lower, upper = low - error, high + error
    verdict = PairedVerdict.BETTER if lower > 0.0 else PairedVerdict.WORSE if upper < 0.0 else PairedVerdict.UNDECIDED
    return PairedDifference(float(apart.mean()), lower, upper, level, verdict)


def _interval(apart: Float[np.ndarray, " S"], level: float, seed: int) -> tuple[float, float]:
    if np.ptp(apart) == 0.0:
        return float(apart[0]), float(apart[0])
    ordered, number = np.sort(apart), len(apart)  # sorted, so that the order of the seeds changes no bit
    replicates = resample_counts(number, _RESAMPLES, seed) @ ordered / number
    left_out = (ordered.sum() - ordered) / (number - 1)
    return bootstrap_interval(float(ordered.mean()), replicates, left_out, level)[:2]


def _not_tested(level: float, why: NotTested) -> PairedDifference:
    nan = float("nan")
    return PairedDifference(nan, nan, nan, level, PairedVerdict.NOT_TESTED, why)
