"""Confidence intervals of what is random in a case. Independent replicates are the units, always."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from smfg_verify.bounds.rates.bootstrap import resample_counts
from smfg_verify.bounds.rates.decay import DecayRate, decay_rate
from smfg_verify.cases.record import CaseRecord, Kind
from smfg_verify.cases.sentences import CaseText

CONFIDENCE = 0.99
_RESAMPLES = 2000


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    estimate: float
    lower: float
    upper: float


def mean_interval(values: Float[np.ndarray, " R"]) -> Interval:
    """Mean over replicates with Student's interval, (R,) values of independent replicates, R >= 2."""
    mean = float(np.mean(values))
    half = _student(len(values)) * float(np.std(values, ddof=1)) / np.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def ratio_interval(above: Float[np.ndarray, " R"], below: Float[np.ndarray, " S"]) -> Interval:
    r"""Ratio of two positive means of independent samples, the interval by the delta method on its logarithm."""
    ratio = float(np.mean(above) / np.mean(below))
    spread = np.sqrt(sum(np.var(x, ddof=1) / (len(x) * np.mean(x) ** 2) for x in (above, below)))
    factor = float(np.exp(_student(min(len(above), len(below))) * spread))
    return Interval(ratio, ratio / factor, ratio * factor)


def slope_interval(
    values: Float[np.ndarray, "S C"], counts: Int[np.ndarray, " C"], *, running_minimum: bool = False
) -> Interval:
    """Log-log slope of the mean over replicates against counts, by the fit and the bootstrap of `decay_rate`.

    Args:
        values: one row a replicate, positive.
        counts: what the slope is taken against: iterations k + 1 or population sizes N, increasing.
        running_minimum: of the running minimum of the mean instead.

    Returns:
        The slope; NaN ends where the bootstrap gives none.
    """
    counts_of_seeds = resample_counts(len(values), _RESAMPLES, 0)
    # `decay_rate` takes completed iterations k and fits against k + 1.
    everything = np.ones(len(counts), dtype=bool)
    found: DecayRate = decay_rate(
        values,
        np.asarray(counts) - 1,
        everything,
        counts_of_seeds,
        confidence=CONFIDENCE,
        running_minimum=running_minimum,
    )
    return Interval(found.slope, min(found.lower, found.slope), max(found.upper, found.slope))


def envelope_slope(counts: Int[np.ndarray, " C"]) -> float:
    r"""Log-log slope of $\log(k+2)/\sqrt{k+1}$ over the same checkpoints, by the same fit."""
    curve = np.log(counts + 1.0) / np.sqrt(counts)
    return slope_interval(np.stack([curve, curve]), counts).estimate


def no_slower_than_envelope(
    values: Float[np.ndarray, "S C"],
    counts: Int[np.ndarray, " C"],
    *,
    game: str,
    seeds: int,
    details: Mapping[str, float],
    running_minimum: bool = False,
) -> CaseRecord:
    """Record of a decay held against the slope of the envelope; a faster one does not contradict it.

    Args:
        values, counts, running_minimum: as in `slope_interval`.
        game, seeds: what was run.
        details: of the record.

    Returns:
        The record.
    """
    slope = slope_interval(values, counts, running_minimum=running_minimum)
    return CaseRecord(
        measured=slope.estimate,
        predicted=envelope_slope(counts),
        kind=Kind.RATE,
        at_most=True,
        error=0.0,
        error_source=CaseText("bootstrap-over-seeds"),
        interval=(slope.lower, slope.upper),
        looked_at=CaseText(
            "seeds-in-window",
            {"game": game, "seeds": seeds, "first": int(counts[0]) - 1, "last": int(counts[-1]) - 1},
        ),
        details=details,
    )


def _student(number: int) -> float:
    return float(stdtrit(number - 1, 0.5 + 0.5 * CONFIDENCE))
