"""The properties `check` knows: one file a property, one entry each."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from smfg_verify.assumptions.sentence import Renderings
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Entries
from smfg_verify.records.registry import Registry

if TYPE_CHECKING:
    from smfg_verify.assumptions.finding import Finding  # which stands on this module

Witness = Entries
Recompute = Callable[[AbstractGame, Witness], float]
# From game and settings, the findings of a property.
Checker = Callable[[AbstractGame, SearchSettings], "list[Finding]"]


@dataclasses.dataclass(frozen=True)
class Property:
    """A property of a game: how it is checked, and for each of its statements how a witness is evaluated again.

    Attributes:
        name: words joined by hyphens.
        check: from game and settings to findings.
        recompute: for each statement, the constant from (game, witness) alone.
        renderings: for each statement, the texts of its findings.
        sufficient: statements that prove the property when certified, and say nothing against it when not.
        aside: statements that tell more about the property (local facts, self-checks) and decide nothing.
        without_table: what takes the place of `check` for games whose transition does not fit as a dense table; None
            where nothing does.
    """

    name: str
    check: Checker
    recompute: Mapping[str, Recompute]
    renderings: Mapping[str, Renderings]
    sufficient: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()
    without_table: Checker | None = None

    def decides(self, statement: str) -> bool:
        """Whether the property stands or falls with a statement."""
        return statement not in self.sufficient and statement not in self.aside


_PROPERTIES: Registry[Property] = Registry("property")


def register_property(
    name: str,
    *,
    recompute: Mapping[str, Recompute],
    renderings: Mapping[str, Renderings],
    sufficient: Iterable[str] = (),
    aside: Iterable[str] = (),
    without_table: Checker | None = None,
) -> Callable[[Checker], Checker]:
    """Function decorator: make `function(game, settings) -> list of findings` the check of a property.

    Args:
        name: of the property, words joined by hyphens.
        recompute: for each statement, the constant from (game, witness) alone.
        renderings: for each statement, the texts of its findings.
        sufficient: statements that prove the property when certified, and say nothing against it when not.
        aside: statements that decide nothing.
        without_table: what is checked of games whose transition does not fit as a dense table.

    Returns:
        The decorator, which returns the function unchanged.
    """

    def decorate(function: Checker) -> Checker:
        texts = (dict(recompute), dict(renderings))
        entry = Property(name, function, *texts, frozenset(sufficient), frozenset(aside), without_table)
        _PROPERTIES.add(name, entry, maker=function.__module__)
        return function

    return decorate


def property_names() -> tuple[str, ...]:
    """Names of all properties that `check` knows.

    Returns:
        The names, in the order of a report.

    Examples:
        >>> from smfg_verify.assumptions import property_names
        >>> property_names()[:3]
        ('ergodicity', 'lipschitz', 'contraction')
    """
    return tuple(_PROPERTIES)


def find_property(name: str) -> Property:
    """The property of that name.

    Args:
        name: out of `property_names()`.

    Returns:
        The property: its name and what checks it.

    Raises:
        ValueError: unknown; the closest known name is named.

    Examples:
        >>> from smfg_verify.assumptions import find_property
        >>> find_property("coverage").name
        'coverage'
    """
    return _PROPERTIES.find(name)
