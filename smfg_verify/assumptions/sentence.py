"""How a finding is told: texts rendered from its data alone, one set of renderings a statement."""

import dataclasses
from collections.abc import Callable

from smfg_verify.records.entries import Entries


@dataclasses.dataclass(frozen=True)
class FindingData:
    """What the texts of a finding may say: nothing else is known where they are written.

    Attributes:
        verdict: value of the verdict, such as "certified".
        constant: of the finding; NaN where there is none.
        facts: numbers, names and codes of cases that the statement's sentence needs.
    """

    verdict: str
    constant: float
    facts: Entries


Rendering = Callable[[FindingData], str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Renderings:
    """All texts of one statement. Another way to tell it, shorter or typeset, is another field here.

    Attributes:
        meaning: what is known, in a sentence or two.
        method: how the constant was found.
        closing: a sentence that ends every meaning of this statement; empty for none.
    """

    meaning: Rendering
    method: Rendering
    closing: str = ""


def always(text: str) -> Rendering:
    """A rendering that does not depend on the data."""
    return lambda data: text


def unless_not_applicable(otherwise: Rendering, text: str) -> Rendering:
    """A rendering with another text where the statement has no meaning for the game."""
    return lambda data: text if data.verdict == "not-applicable" else otherwise(data)


def meaning_of(renderings: Renderings, data: FindingData, searched: Entries) -> str:
    """The sentence of a finding, with what a time limit and functions that cannot be traced take from it.

    Args:
        renderings: of its statement.
        data: of the finding.
        searched: of the finding; names the bounds that a time limit cut short.

    Returns:
        The text.
    """
    untraced = data.facts.get("untraced")
    proved = data if untraced is None else dataclasses.replace(data, verdict="certified")
    parts = [renderings.meaning(proved)]
    if "cut_by_time_limit" in searched:
        parts.append(_cut_short(searched["cut_by_time_limit"]))
    if renderings.closing:
        parts.append(renderings.closing)
    if untraced is not None:
        parts.append(_not_proved(untraced))
    return " ".join(parts)


def _cut_short(bounds: str) -> str:
    return f"A time limit cut short: {bounds}. What was reached by then depends on the machine and on its load."


def _not_proved(functions: tuple[str, ...]) -> str:
    names = " and ".join(name.replace("_", " ") for name in functions)
    return f"Not proved: the {names} cannot be traced, so this holds for numbers read from there."
