"""What a check says about one statement: its verdict, its constant, and the witness that lets anyone repeat it."""

import dataclasses
import enum
import json
from collections.abc import Mapping
from typing import Any

from smfg_verify.assumptions.properties import find_property
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.codec import decode, encode, frozen
from smfg_verify.suggestions import closest


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


class Evidence(enum.Enum):
    """What a constant rests on: a proof for all policies and mean fields, or finitely many evaluations.

    Examples:
        >>> from smfg_verify import check, games
        >>> check(games.load("laffer-tax"), "coverage", budget="quick").findings[0].evidence.name
        'PROOF'
    """

    PROOF = "proof"
    SEARCH = "search"


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """One statement about a game, checked.

    Attributes:
        property: name of the property, such as "gradient-alignment".
        statement: which of the property's statements, such as "cosine".
        verdict: a `Verdict`.
        constant: the number measured or proved; NaN where there is none.
        side: a `Side`.
        evidence: an `Evidence`; what rests on a search is never CERTIFIED.
        method: how the constant was found, in words.
        meaning: one sentence for the reader.
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

    property: str
    statement: str
    verdict: Verdict
    constant: float
    side: Side
    evidence: Evidence
    method: str
    meaning: str
    witness: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    searched: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in (("verdict", Verdict), ("side", Side), ("evidence", Evidence)):
            object.__setattr__(self, name, _member(kind, name, getattr(self, name)))
        object.__setattr__(self, "constant", float(self.constant))
        for name in ("witness", "searched", "details"):
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

    def reproduce(self, game: AbstractGame) -> float:
        """Compute the constant again from the witness alone.

        Args:
            game: the game the finding is about.

        Returns:
            The constant; equal to `constant` up to rounding.

        Raises:
            ValueError: no witness, an unknown statement, or a game the witness does not fit.
        """
        known = find_property(self.property).recompute
        if self.statement not in known:
            raise InputError(
                f"{self.property}: got unknown statement {self.statement!r}{closest(self.statement, known)}; expected "
                f"one of: {', '.join(known)}."
            )
        if not self.witness:
            raise InputError(
                f"{self.property}/{self.statement}: no witness to reproduce from (verdict {self.verdict.value})."
            )
        return float(known[self.statement](game, self.witness))

    def as_record(self) -> dict[str, Any]:
        """The finding as plain JSON values, without loss."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name in ("verdict", "side", "evidence"):
            record[name] = record[name].value
        return {name: encode(value) for name, value in record.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Finding":
        """The finding behind `as_record`.

        Raises:
            ValueError: fields are missing or unknown.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(record, Mapping) or set(record) != names:
            got = sorted(record) if isinstance(record, Mapping) else type(record).__name__
            raise InputError(f"finding: got {got}, expected the fields {sorted(names)}; likely cause: another file.")
        return cls(**{name: decode(value) for name, value in record.items()})

    def to_json(self) -> str:
        """JSON text that `from_json` reads back bit for bit."""
        return json.dumps(self.as_record(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Finding":
        """The finding behind `to_json`.

        Raises:
            ValueError: not JSON, or not a finding.
        """
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"finding: got text that is not JSON ({error}), expected what `to_json` wrote.") from error
        return cls.from_record(record)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.to_json())


def require_shapes(witness: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
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


def not_applicable(property_name: str, statement: str, *, method: str, why: str) -> Finding:
    """The finding of a statement that has no meaning for a game.

    Args:
        property_name: of the property.
        statement: of the property.
        method: what was looked at to know.
        why: the reason, without a full stop.

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
        method=method,
        meaning=f"Not applicable: {why}.",
    )


def _member(kind: type[enum.Enum], name: str, value: Any) -> enum.Enum:
    try:
        return kind(value)
    except ValueError as error:
        options = ", ".join(member.value for member in kind)
        raise InputError(
            f"{name}: got {value!r}{closest(value, options.split(', '))}; expected one of: {options}."
        ) from error
