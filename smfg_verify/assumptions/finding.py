"""What a check says about one statement: its verdict, its constant, and the witness that lets anyone repeat it."""

import builtins
import dataclasses
import enum
import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, TypeVar

from smfg_verify.assumptions.properties import find_property
from smfg_verify.assumptions.sentence import FindingData, Renderings, meaning_of
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.codec import decode, encode, kept
from smfg_verify.records.documents import line, parsed
from smfg_verify.records.entries import Entries, Json, Record
from smfg_verify.records.frozen import frozen, thawed
from smfg_verify.records.readable import Readable
from smfg_verify.suggestions import closest

T = TypeVar("T")
# Rendered, and written into records beside the data.
_TEXTS = ("meaning", "method")


@kept
class Verdict(enum.Enum):
    """What is known about a statement.

    Examples:
        >>> from smfg_verify import Verdict, check, games
        >>> check(games.load("laffer-tax"), "coverage", budget="quick").verdict("coverage") is Verdict.CERTIFIED
        True
    """

    CERTIFIED = "certified"
    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"


@kept
class Side(enum.Enum):
    """How a finding's constant stands to the true one: equal to it, above it, or below it.

    Examples:
        >>> from smfg_verify import check, games
        >>> check(games.load("laffer-tax"), "coverage", budget="quick").findings[0].side.name
        'EXACT'
    """

    EXACT = "exact"
    UPPER = "upper"
    LOWER = "lower"


@kept
class Evidence(enum.Enum):
    """What a constant rests on: a proof for all policies and mean fields, or finitely many evaluations.

    Examples:
        >>> from smfg_verify import check, games
        >>> check(games.load("laffer-tax"), "coverage", budget="quick").findings[0].evidence.name
        'PROOF'
    """

    PROOF = "proof"
    SEARCH = "search"


# Fields that a record, or a caller, may give by their words.
_WORDS: dict[str, type[enum.Enum]] = {"verdict": Verdict, "side": Side, "evidence": Evidence}


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Finding(Readable):
    """One statement about a game, checked.

    Attributes:
        property: name of the property, such as "gradient-alignment".
        statement: which of the property's statements, such as "cosine".
        verdict: a `Verdict`.
        constant: the number measured or proved; NaN where there is none.
        side: a `Side`.
        evidence: an `Evidence`; what rests on a search is never CERTIFIED.
        facts: numbers, names and codes of cases that `meaning` and `method` are rendered from, besides the above.
        witness: name -> array of what the constant is taken at; empty where there is none.
        searched: name -> number: starts, samples, seed, points that failed or were masked.
        details: name -> numbers and arrays for tables and figures.

    Raises:
        ValueError: CERTIFIED without a proof, a REFUTED without a witness, or a value a record cannot hold.

    Examples:
        >>> from smfg_verify import check, games
        >>> game = games.load("laffer-tax")
        >>> finding = check(game, "coverage", budget="quick").findings[0]
        >>> finding.property, finding.verdict.name, round(finding.constant, 3), finding.side.value
        ('coverage', 'CERTIFIED', 0.5, 'exact')
        >>> finding.reproduce(game) == finding.constant
        True
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("property", "statement", "verdict", "constant", "side", "evidence")

    property: str
    statement: str
    verdict: Verdict
    constant: float
    side: Side
    evidence: Evidence
    facts: Entries = dataclasses.field(default_factory=dict)
    witness: Entries = dataclasses.field(default_factory=dict)
    searched: Entries = dataclasses.field(default_factory=dict)
    details: Entries = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in _WORDS.items():
            object.__setattr__(self, name, _member(kind, name, getattr(self, name)))
        object.__setattr__(self, "constant", float(self.constant))
        for name in ("facts", "witness", "searched", "details"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        if self.verdict is Verdict.CERTIFIED and self.evidence is not Evidence.PROOF:
            raise ValueError(
                f"{self.property}/{self.statement}: got the verdict certified on evidence '{self.evidence.value}', "
                "expected a proof; a sampled number supports a statement, it never certifies it."
            )
        if self.verdict is Verdict.REFUTED and not self.witness:
            raise ValueError(
                f"{self.property}/{self.statement}: got the verdict refuted without a witness, expected the point at "
                "which the statement fails."
            )

    # By its full name, since `property` is a field here.
    @builtins.property
    def meaning(self) -> str:
        """One sentence for the reader, or a few.

        Raises:
            ValueError: an unknown statement.
            KeyError: a fact is missing that the sentence needs.
        """
        return meaning_of(self._renderings(), self._data(), self.searched)

    @builtins.property
    def method(self) -> str:
        """How the constant was found, in words.

        Raises:
            ValueError: an unknown statement.
            KeyError: a fact is missing that the text needs.
        """
        return self._renderings().method(self._data())

    def _renderings(self) -> Renderings:
        return self._known(find_property(self.property).renderings)

    def _data(self) -> FindingData:
        return FindingData(verdict=self.verdict.value, constant=self.constant, facts=self.facts)

    def _known(self, entries: Mapping[str, T]) -> T:
        """The entry of this statement among those of its property."""
        if self.statement not in entries:
            raise InputError(
                f"{self.property}: got unknown statement {self.statement!r}{closest(self.statement, entries)}; "
                f"expected one of: {', '.join(entries)}."
            )
        return entries[self.statement]

    def reproduce(self, game: AbstractGame) -> float:
        """Compute the constant again from the witness alone.

        Args:
            game: the game the finding is about.

        Returns:
            The constant; equal to `constant` up to rounding.

        Raises:
            ValueError: no witness, an unknown statement, or a game the witness does not fit.
        """
        recompute = self._known(find_property(self.property).recompute)
        if not self.witness:
            raise InputError(
                f"{self.property}/{self.statement}: no witness to reproduce from (verdict {self.verdict.value})."
            )
        return float(recompute(game, self.witness))

    def export(self, path: str | os.PathLike[str], game: AbstractGame) -> Path:
        """Write a certificate: a file from which `smfg-verify verify` proves the claim again, without this package.

        Args:
            path: of the file.
            game: the game the finding is about.

        Returns:
            The path.

        Raises:
            ValueError: not certified, a statement that cannot travel, or a game whose tables do not say all of it.
            OSError: the file cannot be written.
            ImportError: the package python-flint is missing.
        """
        # Stands on findings, so that it is no import of this module.
        certificates = importlib.import_module("smfg_verify.assumptions.certificates")
        return Path(certificates.exported(self, game, path))

    def as_record(self) -> Record:
        """The finding as plain JSON values, without loss, and with its texts for readers that cannot render them."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("verdict", "side", "evidence"):
            record[name] = record[name].value
        return {name: encode(thawed(value)) for name, value in record.items()} | {
            name: getattr(self, name) for name in _TEXTS
        }

    @classmethod
    def from_record(cls, record: Json) -> "Finding":
        """The finding behind `as_record`; its texts are rendered again from the data.

        Args:
            record: JSON values, as `as_record` gives them.

        Returns:
            The finding.

        Raises:
            ValueError: fields are missing or unknown, or facts that the sentence needs.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        written = names | set(_TEXTS)
        if not isinstance(record, Mapping) or set(record) != written:
            got = sorted(record) if isinstance(record, Mapping) else type(record).__name__
            raise InputError(f"finding: got {got}, expected the fields {sorted(written)}; likely cause: another file.")
        fields = {name: decode(value) for name, value in record.items() if name in names}
        finding = cls(**fields | {name: _member(kind, name, fields[name]) for name, kind in _WORDS.items()})
        try:
            _ = finding.meaning, finding.method
        except (KeyError, TypeError) as error:
            raise InputError(
                f"finding: got {finding.property}/{finding.statement} with the facts {sorted(finding.facts)}, from "
                f"which its sentence cannot be told ({error!r}); likely cause: a damaged file."
            ) from error
        return finding

    def to_json(self) -> str:
        """JSON text that `from_json` reads back bit for bit."""
        return line(self.as_record())

    @classmethod
    def from_json(cls, text: str) -> "Finding":
        """The finding behind `to_json`.

        Args:
            text: JSON.

        Returns:
            The finding.

        Raises:
            ValueError: not JSON, or not a finding.
        """
        try:
            record = parsed(text)
        except InputError as error:
            raise InputError(f"finding: {error}") from error
        return cls.from_record(record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())


def require_shapes(witness: Entries, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a witness that does not fit a game.

    Args:
        witness: of a finding.
        shapes: name of an entry -> the shape it must have.

    Raises:
        ValueError: an entry has another shape.
    """
    for name, shape in shapes.items():
        if witness[name].shape != shape:
            raise InputError(
                f"witness: got {name} of shape {witness[name].shape}, expected {shape}; likely cause: the finding is "
                "about another game."
            )


def not_applicable(property_name: str, statement: str, **facts: object) -> Finding:
    """The finding of a statement that has no meaning for a game.

    Args:
        property_name: of the property.
        statement: of the property.
        facts: why, where the statement's sentence has several reasons to tell.

    Returns:
        A finding without constant and witness.
    """
    return Finding(
        property=property_name,
        statement=statement,
        verdict=Verdict.NOT_APPLICABLE,
        constant=float("nan"),
        side=Side.EXACT,
        evidence=Evidence.PROOF,
        facts=facts,
    )


def _member(kind: type[enum.Enum], name: str, value: object) -> enum.Enum:
    try:
        return kind(value)
    except ValueError as error:
        options = ", ".join(member.value for member in kind)
        raise InputError(
            f"{name}: got {value!r}{closest(value, options.split(', '))}; expected one of: {options}."
        ) from error
