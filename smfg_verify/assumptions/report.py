"""The findings of one check of one game, saved and loaded with the game's identity."""

import dataclasses
import math
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from smfg_verify.assumptions.contradictions import require_consistent
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.properties import find_property
from smfg_verify.assumptions.summary import summary_rows, summary_text
from smfg_verify.errors import InputError
from smfg_verify.files import write_atomically
from smfg_verify.game import AbstractGame, game_hash
from smfg_verify.records.codec import decode, encode, kept
from smfg_verify.records.documents import document, headed, line, opened, read_text
from smfg_verify.records.entries import Entries, Record
from smfg_verify.records.frozen import frozen, thawed
from smfg_verify.records.readable import Readable, Tabular
from smfg_verify.suggestions import closest

if TYPE_CHECKING:
    import pandas

FORMAT = "smfg-verify assumption report"
SCHEMA_VERSION = 3


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class AssumptionReport(Readable, Tabular):
    """What `check` found, in the order of the properties.

    Attributes:
        game_name: the game's name, or its class's.
        game_hash: digest of its content, see `smfg_verify.game.game_hash`.
        settings: how hard was searched.
        findings: all of them.

    Raises:
        Contradiction: two findings exclude each other, a fault of the package.

    Examples:
        >>> from smfg_verify import AssumptionReport, check, games
        >>> report = check(games.load("laffer-tax"), "coverage", budget="quick")
        >>> report.verdict("coverage").name, report.refuted
        ('CERTIFIED', ())
        >>> AssumptionReport.from_json(report.to_json()).properties == report.properties
        True
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("game_name", "verdicts")

    game_name: str
    game_hash: str
    settings: Entries
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", frozen(self.settings))
        object.__setattr__(self, "findings", tuple(self.findings))
        require_consistent(self.findings)

    def __getitem__(self, name: str) -> tuple[Finding, ...]:
        found = tuple(finding for finding in self.findings if finding.property == name)
        if not found:
            known = sorted({finding.property for finding in self.findings})
            raise KeyError(
                f"{name!r} is not in this report{closest(name, known)}; it has: {', '.join(known) or 'no findings'}"
            )
        return found

    def finding(self, name: str, statement: str) -> Finding:
        """The finding of one statement of one property.

        Args:
            name: of the property.
            statement: of the property.

        Returns:
            The finding.

        Raises:
            KeyError: not in this report.
        """
        found = {finding.statement: finding for finding in self[name]}
        if statement not in found:
            raise KeyError(f"{name}: {statement!r} is not in this report{closest(statement, found)}")
        return found[statement]

    def verdict(self, name: str) -> Verdict:
        """One verdict for a property.

        Certified where a sufficient statement is. Otherwise the least favourable of the statements that decide,
        those not applicable left aside.

        Args:
            name: of the property.

        Returns:
            The verdict.

        Raises:
            KeyError: not in this report.
        """
        entry = find_property(name)
        found = {finding.verdict for finding in self[name] if entry.decides(finding.statement)}
        proofs = {finding.verdict for finding in self[name] if finding.statement in entry.sufficient}
        if Verdict.CERTIFIED in proofs:
            return Verdict.CERTIFIED
        judged = found - {Verdict.NOT_APPLICABLE} or proofs
        order = (Verdict.REFUTED, Verdict.INCONCLUSIVE, Verdict.SUPPORTED, Verdict.CERTIFIED)
        return next((verdict for verdict in order if verdict in judged), Verdict.NOT_APPLICABLE)

    def deciding(self, name: str) -> tuple[Finding, ...]:
        """The findings that the verdict of a property rests on, those with a constant first.

        Args:
            name: of the property.

        Returns:
            Certified sufficient statements, where the verdict is theirs; otherwise the deciding ones of the property's
            verdict, or the sufficient ones where none decides. Never empty.

        Raises:
            KeyError: not in this report.

        Examples:
            >>> from smfg_verify import check, games
            >>> report = check(games.load("laffer-tax"), "coverage", budget="quick")
            >>> [finding.statement for finding in report.deciding("coverage")]
            ['initial', 'occupancy']
        """
        entry, verdict = find_property(name), self.verdict(name)
        alike = [finding for finding in self[name] if finding.verdict is verdict]
        sufficient = [finding for finding in alike if finding.statement in entry.sufficient]
        deciding = [finding for finding in alike if entry.decides(finding.statement)]
        first, second = (sufficient, deciding) if verdict is Verdict.CERTIFIED else (deciding, sufficient)
        found = first or second or list(self[name])
        return tuple(sorted(found, key=lambda finding: not math.isfinite(finding.constant)))

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of every property, by name."""
        return {name: self.verdict(name).value for name in self.properties}

    def summary(self) -> str:
        """The report in brief, as `check` prints it: plain text of 80 columns.

        Returns:
            A row a property: its verdict, what that rests on, what it means, and what could change it.
        """
        return summary_text(self)

    def to_dataframe(self) -> "pandas.DataFrame":
        """Every finding as a row, with the columns verdict, constant, side, evidence, decides, meaning and method.

        Returns:
            Indexed by property and statement.

        Examples:
            >>> from smfg_verify import check, games
            >>> frame = check(games.load("laffer-tax"), "coverage", budget="quick").to_dataframe()
            >>> frame.loc[("coverage", "initial"), ["verdict", "constant"]].tolist()
            ['certified', 0.5]
        """
        import pandas

        rows = [
            {
                "property": finding.property,
                "statement": finding.statement,
                "verdict": finding.verdict.value,
                "constant": finding.constant,
                "side": finding.side.value,
                "evidence": finding.evidence.value,
                "decides": find_property(finding.property).decides(finding.statement),
                "meaning": finding.meaning,
                "method": finding.method,
            }
            for finding in self.findings
        ]
        return pandas.DataFrame(rows).set_index(["property", "statement"])

    def brief_dataframe(self) -> "pandas.DataFrame":
        """One row a property: its verdict and what that rests on.

        Returns:
            Indexed by property.
        """
        import pandas

        rows = [
            {"property": row.name, "verdict": row.verdict.value, "decided by": row.decided_by}
            for row in summary_rows(self)
        ]
        return pandas.DataFrame(rows).set_index("property")

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the properties in this report, in its order."""
        return tuple(dict.fromkeys(finding.property for finding in self.findings))

    @property
    def refuted(self) -> tuple[str, ...]:
        """The refuted statements that a property falls with, as property/statement."""
        return tuple(
            f"{finding.property}/{finding.statement}"
            for finding in self.findings
            if finding.verdict is Verdict.REFUTED and find_property(finding.property).decides(finding.statement)
        )

    def require_about(self, game: AbstractGame) -> None:
        """Refuse another game than the report's.

        Args:
            game: whose content is compared.

        Raises:
            ValueError: it is not the report's.
        """
        if game_hash(game) != self.game_hash:
            raise InputError(
                f"report: it is about a {self.game_name} with identity {self.game_hash[:12]}, got a "
                f"{type(game).__name__} with identity {game_hash(game)[:12]}; likely cause: other parameters."
            )

    def answers(self, properties: Iterable[str], settings: Entries) -> bool:
        """Whether the report is about exactly these properties, checked with exactly these settings.

        Args:
            properties: their names, in the order of a report.
            settings: as `settings_record` keeps them.

        Returns:
            True where a check would give this report again.
        """
        same = line(encode(self.settings)) == line(encode(frozen(settings)))
        return same and self.properties == tuple(properties)

    def as_record(self) -> Record:
        """The report as JSON values that say what they are, without loss."""
        record = {
            "game_name": self.game_name,
            "game_hash": self.game_hash,
            "settings": encode(thawed(self.settings)),
            "findings": [finding.as_record() for finding in self.findings],
        }
        return headed(FORMAT, SCHEMA_VERSION, record)

    def to_json(self) -> str:
        """JSON text that `from_json` reads back bit for bit."""
        return document(self.as_record())

    @classmethod
    def from_json(cls, text: str, game: AbstractGame | None = None) -> "AssumptionReport":
        """The report behind `to_json`, or in the report.json of a command.

        Args:
            text: JSON.
            game: if given, the report must be about a game of the same content.

        Returns:
            The report, every number with the bits it had.

        Raises:
            ValueError: not a report, another schema version, a damaged record, or a report about another game.
        """
        try:
            record = opened(text, FORMAT, SCHEMA_VERSION, within="assumptions")
        except InputError as error:
            raise InputError(f"report: {error}") from error
        try:
            report = cls(
                game_name=record["game_name"],
                game_hash=record["game_hash"],
                settings=decode(record["settings"]),
                findings=tuple(Finding.from_record(entry) for entry in record["findings"]),
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"report: a field is missing or of the wrong type ({error!r}); the file is damaged."
            ) from error
        if game is not None:
            report.require_about(game)
        return report

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report to a file: completely or not at all.

        Args:
            path: of the file, which is replaced.
        """
        write_atomically(path, self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str], game: AbstractGame | None = None) -> "AssumptionReport":
        """Read a report from its own file, or out of the report.json that `check` and `validate` write.

        Args:
            path: of the file.
            game: if given, the report must be about a game of the same content.

        Returns:
            The report.

        Raises:
            ValueError: as `from_json`, and a file that does not exist or is no text.
        """
        text = read_text(path, "an assumption report")
        try:
            return cls.from_json(text, game)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
