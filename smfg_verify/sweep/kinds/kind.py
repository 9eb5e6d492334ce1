"""What a kind of cell says of itself: what it depends on, which numbers it gives, and how it is computed."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries, Record
from smfg_verify.records.registry import Registry
from smfg_verify.suggestions import closest
from smfg_verify.sweep.kinds.outcome import Outcome

Seeds = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Variable:
    """One quantity of a kind.

    Attributes:
        words: what it is, its symbol included.
        units: its units; "1" without.
        over: name of its inner dimension; none if empty.
        flags: the labels of a flag, coded 0, 1, ... in order; none where it is a number.
    """

    words: str
    units: str = "1"
    over: str = ""
    flags: tuple[str, ...] = ()


@runtime_checkable
class Compute(Protocol):
    """Computes a bundle of cells that differ by their seeds alone, in one call of every program."""

    def __call__(self, game: AbstractGame, settings: Entries, seeds: Seeds) -> list[Outcome]:
        """One outcome for each seed of a kind that is computed by seeds; one outcome in all of any other kind."""
        ...


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of cell.

    Attributes:
        name: as the file of a sweep has it.
        settings: options of its own table of the file -> what a cell is computed with; refuses bad ones.
        options: keys of that table.
        table: name of that table.
        by_schedule: whether a cell depends on the step sizes, told from its settings.
        by_seed: whether each seed is a cell of its own.
        with_seeds: whether a cell is computed from all the seeds together.
        variables: what it gives, by name.
        compute: how.
    """

    name: str
    table: str
    options: tuple[str, ...]
    settings: Callable[[Entries], Record]
    by_schedule: Callable[[Entries], bool]
    by_seed: bool
    with_seeds: bool
    variables: Mapping[str, Variable]
    compute: Compute


KINDS: Registry[Kind] = Registry("what")


def register(kind: Kind) -> Kind:
    """Make a kind known by its name."""
    KINDS.add(kind.name, kind, maker=kind.compute.__module__)
    return kind


def refuse_unknown(table: str, given: Entries, known: tuple[str, ...]) -> None:
    """Refuse keys of a table that nobody reads.

    Raises:
        ValueError: the closest known key is named.
    """
    for name in given:
        if name not in known:
            raise InputError(
                f"[{table}]: got unknown key {name!r}{closest(name, known)}; expected one of: {', '.join(known)}."
            )
