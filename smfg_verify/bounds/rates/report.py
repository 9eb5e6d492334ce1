"""The record of a validation of rates, and its JSON form."""

import dataclasses
import enum
import os
from typing import TYPE_CHECKING, ClassVar

from smfg_verify.bounds.rates.bootstrap import IntervalMethod
from smfg_verify.bounds.rates.change_point import ChangePoint
from smfg_verify.bounds.rates.decay import Envelope
from smfg_verify.bounds.rates.sentences import AS_WRITTEN, NO_OBSTACLE, Obstacle, slope_words
from smfg_verify.errors import InputError
from smfg_verify.files import write_atomically
from smfg_verify.records.codec import kept, plain
from smfg_verify.records.documents import document, headed, opened, read_text
from smfg_verify.records.entries import Record
from smfg_verify.records.readable import Readable, Tabular
from smfg_verify.records.typed import structured

if TYPE_CHECKING:
    import pandas

SCHEMA = "smfg-verify/bound-report"
SCHEMA_VERSION = 5
# Breaks that were not found had their words alone.
_WITHOUT_CASES = 4


@kept
class RateVerdict(enum.StrEnum):
    """How an observed rate of decay compares with k^(-1/2).

    Examples:
        >>> from smfg_verify.bounds import RateVerdict
        >>> [verdict.value for verdict in RateVerdict]
        ['consistent with -1/2', 'faster', 'slower', 'inconclusive']
    """

    CONSISTENT = "consistent with -1/2"
    FASTER = "faster"
    SLOWER = "slower"
    INCONCLUSIVE = "inconclusive"


@kept
@dataclasses.dataclass(frozen=True, repr=False)
class RateFinding(Readable):
    r"""The rate of one residual, or of the running minimum or average of $\|\nabla\Phi\|^2$.

    Attributes:
        name: a name of `RESIDUAL_NAMES`, or "running-minimum" or "running-average".
        verdict: on the slope, see `validate_bounds`.
        obstacle: why it is inconclusive, as a case with its numbers; the empty one otherwise.
        slope, intercept: of the log of the seed mean against log(k + 1); NaN where no rate was fitted.
        lower, upper: bootstrap confidence interval of the slope.
        interval_method: how the interval was read off the bootstrap distribution.
        window: first and last iteration of the fit.
        num_checkpoints: in the window.
        num_not_finite: points (of all seeds and checkpoints) where the residual is not finite.
        means: seed mean at every checkpoint of the report, the running minimum of it where that is meant.
        envelope, envelope_without_log: the envelope constants.

    Examples:
        >>> from smfg_verify import ac_smfg, games, validate_bounds
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> row = validate_bounds(game, trace, num_resamples=100).rows[0]
        >>> row.name, row.num_not_finite, len(row.means)
        ('e_omega', 0, 2)
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("reason",)
    SHOWN: ClassVar[tuple[str, ...]] = ("name", "verdict", "slope", "lower", "upper")

    name: str
    verdict: RateVerdict
    obstacle: Obstacle
    slope: float
    intercept: float
    lower: float
    upper: float
    interval_method: IntervalMethod
    window: tuple[int, int]
    num_checkpoints: int
    num_not_finite: int
    means: tuple[float, ...]
    envelope: Envelope
    envelope_without_log: Envelope

    @property
    def reason(self) -> str:
        """Why it is inconclusive, in words; empty otherwise."""
        return self.obstacle.sentence

    @property
    def slope_in_words(self) -> str:
        """The slope with its interval, or "none"."""
        return slope_words(self.slope, self.lower, self.upper)


@kept
@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class BoundReport(Readable, Tabular):
    """Rates of all residuals of a run, see `validate_bounds`.

    Attributes:
        game, game_hash: of the trace.
        iterations: checkpoints.
        num_seeds: independent runs.
        confidence, num_resamples, resampling_seed: of the bootstrap.
        num_points: seeds times checkpoints.
        num_diverged: points whose iterate is not finite.
        num_not_converged: points where the equilibrium of the leader's policy was not found.
        rows: one finding a residual, then the running minimum and the running average.
        changes: residual -> where it leaves its transient, over all checkpoints.
        interpolation_change: estimate of the running average's error between checkpoints, relative.

    Examples:
        >>> from smfg_verify import BoundReport, ac_smfg, games, validate_bounds
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> report = validate_bounds(game, trace, num_resamples=100)
        >>> report.num_seeds, report.iterations, report.num_diverged
        (2, (10, 20), 0)
        >>> BoundReport.from_json(report.to_json()).game_hash == report.game_hash
        True
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("game", "num_seeds", "verdicts")

    game: str
    game_hash: str
    iterations: tuple[int, ...]
    num_seeds: int
    confidence: float
    num_resamples: int
    resampling_seed: int
    num_points: int
    num_diverged: int
    num_not_converged: int
    rows: tuple[RateFinding, ...]
    changes: dict[str, ChangePoint]
    interpolation_change: float

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, NaN for NaN; Python's own dataclasses call NaN another NaN from 3.13 on."""
        return isinstance(other, BoundReport) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __getitem__(self, name: str) -> RateFinding:
        """The row of a residual.

        Raises:
            KeyError: no such row; the message lists the names there are.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(f"{name!r}; this report has {', '.join(row.name for row in self.rows)}")

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict on every residual's rate, by name."""
        return {row.name: row.verdict.value for row in self.rows}

    def summary(self) -> str:
        """The report in brief: plain text, a row a residual with slope, interval and verdict.

        Returns:
            The text.
        """
        result: str = self.brief_dataframe().to_string()
        return result

    def to_dataframe(self) -> "pandas.DataFrame":
        """Every residual as a row: verdict, slope, its interval, window, checkpoints, envelope and reason.

        Returns:
            Indexed by residual; slopes are of the log of the seed mean against log(k + 1).

        Examples:
            >>> from smfg_verify import ac_smfg, games, validate_bounds
            >>> game = games.load("laffer-tax")
            >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
            >>> validate_bounds(game, trace, num_resamples=100).to_dataframe().loc["e_mu", "verdict"]
            'inconclusive'
        """
        import pandas

        rows = [
            {
                "residual": row.name,
                "verdict": row.verdict.value,
                "slope": row.slope,
                "lower": row.lower,
                "upper": row.upper,
                "window_start": row.window[0],
                "window_end": row.window[1],
                "num_checkpoints": row.num_checkpoints,
                "num_not_finite": row.num_not_finite,
                "envelope": row.envelope.constant,
                "reason": row.reason,
            }
            for row in self.rows
        ]
        return pandas.DataFrame(rows).set_index("residual")

    def brief_dataframe(self) -> "pandas.DataFrame":
        """One row a residual: slope with its interval, and the verdict.

        Returns:
            Indexed by residual.
        """
        import pandas

        rows = [
            {"residual": row.name, "slope [interval]": row.slope_in_words, "verdict": row.verdict.value}
            for row in self.rows
        ]
        return pandas.DataFrame(rows).set_index("residual")

    def as_record(self) -> Record:
        """The report as JSON values that say what they are.

        Rows and breaks have their reasons in words too, for readers that cannot render them.
        """
        return headed(SCHEMA, SCHEMA_VERSION, plain(self))

    def to_json(self) -> str:
        """The report as JSON text with its schema version."""
        return document(self.as_record())

    @classmethod
    def from_json(cls, text: str) -> "BoundReport":
        """The report written by `to_json`, or in the report.json of a command.

        Args:
            text: JSON.

        Returns:
            The report.

        Raises:
            ValueError: not JSON, not such a report, or of another schema version.
        """
        try:
            record = opened(text, SCHEMA, SCHEMA_VERSION, _WITHOUT_CASES, within="bounds")
        except InputError as error:
            raise InputError(f"bound report: {error}") from error
        try:
            return _report({name: entry for name, entry in record.items() if name not in ("format", "schema_version")})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"bound report: a field is missing, unknown or malformed ({error}).") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the JSON form, atomically: a reader sees the old file or the new one, never a part.

        Args:
            path: of the file, which is replaced.
        """
        write_atomically(path, self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "BoundReport":
        """The report in a file written by `save`, or in the report.json that `validate` writes.

        Args:
            path: of the file.

        Returns:
            The report.

        Raises:
            ValueError: as `from_json`, and a file that does not exist or is no text.
        """
        text = read_text(path, "a bound report")
        try:
            return cls.from_json(text)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _report(record: Record) -> BoundReport:
    changes = {name: _with_case(change) for name, change in record["changes"].items()}
    return structured(BoundReport, {**record, "changes": changes})


def _with_case(change: Record) -> Record:
    """A break of this schema version, or one of schema version 4 with its words for a case."""
    if "obstacle" in change:
        return change
    words = change["reason"]
    return {**change, "obstacle": plain(Obstacle(AS_WRITTEN, {"words": words}) if words else NO_OBSTACLE)}
