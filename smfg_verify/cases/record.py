"""What a case says: what was measured, what was predicted, how the two must stand, and the verdict on it."""

import dataclasses
import enum
import math
from collections.abc import Mapping

from smfg_verify.cases.sentences import NOTHING, CaseText
from smfg_verify.errors import InputError
from smfg_verify.records.codec import kept


@kept
class Kind(enum.StrEnum):
    """How measured and predicted must stand to each other.

    Examples:
        >>> from smfg_verify.cases import Kind
        >>> [kind.value for kind in Kind]
        ['equality', 'upper-bound', 'lower-bound', 'rate', 'failure']
    """

    EQUALITY = "equality"
    UPPER_BOUND = "upper-bound"
    LOWER_BOUND = "lower-bound"
    RATE = "rate"
    FAILURE = "failure"


class CaseVerdict(enum.StrEnum):
    """What a case has shown.

    Examples:
        >>> from smfg_verify.cases import CaseVerdict
        >>> [verdict.value for verdict in CaseVerdict]
        ['holds', 'fails', 'inconclusive']
    """

    HOLDS = "holds"
    FAILS = "fails"
    INCONCLUSIVE = "inconclusive"


class Version(enum.StrEnum):
    """How much of a case is run: enough to fail in seconds, or all of it.

    Examples:
        >>> from smfg_verify.cases import Version
        >>> Version("quick").name
        'QUICK'
    """

    QUICK = "quick"
    FULL = "full"


@kept
@dataclasses.dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """Measured and predicted, with what is needed to judge them.

    Attributes:
        measured: the number measured; NaN where it could not be.
        predicted: the number the claim predicts, or the bound it gives.
        kind: how they must stand.
        error: what is granted between them, >= 0, in the unit of `measured`.
        error_source: where that error comes from, in words, or as a case that `str` puts into words.
        interval: confidence interval of `measured`; None where nothing is random.
        at_most: of a rate, that a smaller slope does not contradict the claim.
        hypothesis_holds: of a failure, whether the claim's hypothesis was seen to hold; None where it is unknown.
        looked_at: what was evaluated, likewise: games, points, seeds, iterations, and what was left out.
        details: name -> further numbers for the reader; no verdict depends on them.

    Raises:
        ValueError: a negative error, an interval that does not hold the number, or an option of another kind.

    Examples:
        >>> from smfg_verify.cases import CaseRecord, Kind
        >>> record = CaseRecord(
        ...     measured=0.5, predicted=1.0, kind=Kind.UPPER_BOUND, error=0.0, error_source="none", looked_at="one"
        ... )
        >>> record.verdict.value, record.upper
        ('holds', 0.5)
    """

    measured: float
    predicted: float
    kind: Kind
    error: float
    error_source: str | CaseText
    looked_at: str | CaseText
    interval: tuple[float, float] | None = None
    at_most: bool = False
    hypothesis_holds: bool | None = None
    details: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", Kind(self.kind))
        for name in ("measured", "predicted", "error"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "details", {key: float(value) for key, value in self.details.items()})
        if self.error < 0.0:
            raise InputError(f"error: got {self.error}, expected a number >= 0, what is granted by the numerics.")
        if self.lower > self.measured or self.measured > self.upper:
            raise InputError(
                f"interval: got [{self.lower}, {self.upper}], expected one that holds the measured {self.measured}."
            )
        if self.at_most and self.kind is not Kind.RATE:
            raise InputError(f"at_most: got a {self.kind}, expected a rate; a bound has its side in its kind.")
        if self.hypothesis_holds is not None and self.kind is not Kind.FAILURE:
            raise InputError(
                f"hypothesis_holds: got a {self.kind}, expected a failure, the only kind that asks for it."
            )

    @property
    def lower(self) -> float:
        """Lower end of the interval; the measured number itself where nothing is random."""
        return self.measured if self.interval is None else float(self.interval[0])

    @property
    def upper(self) -> float:
        """Upper end of the interval; the measured number itself where nothing is random."""
        return self.measured if self.interval is None else float(self.interval[1])

    @property
    def verdict(self) -> CaseVerdict:
        """See `judge`."""
        return judge(self)[0]

    @property
    def reason(self) -> str:
        """Why the verdict is not "holds"; empty otherwise."""
        return judge(self)[1]


def judge(record: CaseRecord) -> tuple[CaseVerdict, str]:
    r"""The verdict on a record and, unless it holds, the reason. The only place where a verdict is made.

    With the interval [l, u] of the measured number and [p - e, p + e] of the predicted one:

    - upper bound, or a rate of at most p: holds if $u \le p + e$, fails if $l > p + e$;
    - lower bound: holds if $l \ge p - e$, fails if $u < p - e$;
    - equality, rate, failure: holds if [l, u] lies in [p - e, p + e], fails if the two share nothing.

    Anything else is inconclusive: a number that is NaN, an interval too wide to tell, and a failure whose hypothesis
    was not seen to fail.

    Args:
        record: to be judged.

    Returns:
        Verdict and reason.

    Examples:
        >>> from smfg_verify.cases import CaseRecord, Kind, judge
        >>> looked = {"error_source": "rounding", "looked_at": "one number"}
        >>> bound = CaseRecord(measured=0.5, predicted=1.0, kind=Kind.LOWER_BOUND, error=0.1, **looked)
        >>> judge(bound)[0].value
        'fails'
        >>> unknown = CaseRecord(measured=float("nan"), predicted=1.0, kind=Kind.EQUALITY, error=0.1, **looked)
        >>> judge(unknown)[0].value
        'inconclusive'
    """
    verdict, why = _judged(record)
    return verdict, why.sentence


def _judged(record: CaseRecord) -> tuple[CaseVerdict, CaseText]:
    numbers = (record.measured, record.predicted, record.error, record.lower, record.upper)
    if any(math.isnan(number) for number in numbers):
        return CaseVerdict.INCONCLUSIVE, CaseText("nan")
    if record.kind is Kind.FAILURE and record.hypothesis_holds is not False:
        return CaseVerdict.INCONCLUSIVE, CaseText("hypothesis")
    holds, fails = _compared(record)
    if holds:
        return CaseVerdict.HOLDS, NOTHING
    if fails:
        figures = {"measured": record.measured, "predicted": record.predicted, "error": record.error}
        return CaseVerdict.FAILS, CaseText("apart", figures)
    return CaseVerdict.INCONCLUSIVE, CaseText("too-wide", {"lower": record.lower, "upper": record.upper})


def _compared(record: CaseRecord) -> tuple[bool, bool]:
    """Whether the record holds, and whether it fails."""
    low, high = record.predicted - record.error, record.predicted + record.error
    lower, upper = record.lower, record.upper
    if record.kind is Kind.UPPER_BOUND or record.at_most:
        return upper <= high, lower > high
    if record.kind is Kind.LOWER_BOUND:
        return lower >= low, upper < low
    return low <= lower and upper <= high, upper < low or lower > high
