"""A published statement: what it is about, its hypotheses with how far each was read, and what it concludes."""

import dataclasses
import enum
from collections.abc import Callable

from smfg_verify.errors import InputError
from smfg_verify.records.registry import Registry
from smfg_verify.theorems.answers import Decision
from smfg_verify.theorems.facts import Facts


class Wording(enum.Enum):
    """How far the words of a hypothesis, or of a statement, were read.

    Examples:
        >>> from smfg_verify.theorems import Wording
        >>> Wording.QUOTED.decides, Wording.SUMMARY.decides, Wording.UNREAD.decides
        (True, False, False)
    """

    READ = "read"
    QUOTED = "read as others quote it"
    ABSTRACT = "read in the abstract"
    OURS = "our reading of what was read"
    SUMMARY = "a summary by others"
    UNREAD = "not read"

    @property
    def decides(self) -> bool:
        """Whether a hypothesis in these words can be said to hold or to fail: only what was read can."""
        return self not in (Wording.SUMMARY, Wording.UNREAD)

    @property
    def whole(self) -> bool:
        """Whether a statement of these words may have no hypothesis that was not read."""
        return self in (Wording.READ, Wording.QUOTED)


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """One hypothesis of a statement.

    Attributes:
        name: of it.
        formula: what it says, in plain text; what is not read of it where it was not read.
        wording: how far it was read.
        decide: from a game's facts to the answer, before what `wording` allows.

    Examples:
        >>> from smfg_verify.theorems import find_theorem
        >>> hypothesis = find_theorem("softmax-policy-gradient").hypotheses[2]
        >>> hypothesis.name, hypothesis.wording.value
        ('temperature', 'read')
    """

    name: str
    formula: str
    wording: Wording
    decide: Callable[[Facts], Decision]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Theorem:
    """A published statement: hypotheses and conclusion.

    Attributes:
        name: words joined by hyphens.
        title: of the paper, or of the statement.
        source: authors, year, number.
        wording: how far it was read as a whole.
        about: the method and what it is run on, which no hypothesis repeats.
        conclusion: what it says then.
        hypotheses: of it; one that was not read stands for all those of which not even the name was.

    Raises:
        ValueError: no hypothesis that was not read, though the statement was not read as a whole.

    Examples:
        >>> from smfg_verify.theorems import find_theorem
        >>> find_theorem("ac-smfg").wording.value
        'read in the abstract'
    """

    name: str
    title: str
    source: str
    wording: Wording
    about: str
    conclusion: str
    hypotheses: tuple[Hypothesis, ...]

    def __post_init__(self) -> None:
        unread = any(hypothesis.wording is Wording.UNREAD for hypothesis in self.hypotheses)
        if not self.hypotheses or not (self.wording.whole or unread):
            raise InputError(
                f"theorem {self.name}: got no hypothesis that was not read, expected one, since the statement is "
                f"known as '{self.wording.value}' only."
            )


_THEOREMS: Registry[Theorem] = Registry("theorem")


def register_theorem(theorem: Theorem, maker: str) -> Theorem:
    """Make a statement known.

    Args:
        theorem: the statement.
        maker: the module that defines it.

    Returns:
        The statement.

    Raises:
        ValueError: the name is another module's.

    Examples:
        >>> from smfg_verify.theorems import find_theorem, register_theorem
        >>> mine = find_theorem("ac-smfg")
        >>> register_theorem(mine, maker="smfg_verify.theorems.published.ac_smfg") is mine
        True
    """
    _THEOREMS.add(theorem.name, theorem, maker=maker)
    return theorem


def theorem_names() -> tuple[str, ...]:
    """Names of all statements, in the order of a table.

    Returns:
        The names.

    Examples:
        >>> from smfg_verify.theorems import theorem_names
        >>> theorem_names()[:2]
        ('ac-smfg', 'herding')
    """
    return tuple(_THEOREMS)


def find_theorem(name: str) -> Theorem:
    """The statement of that name.

    Args:
        name: out of `theorem_names()`.

    Returns:
        The statement.

    Raises:
        ValueError: unknown; the closest known name is named.

    Examples:
        >>> from smfg_verify.theorems import find_theorem
        >>> find_theorem("mf-oml").source.split(",")[0]
        'Hu'
    """
    return _THEOREMS.find(name)
