"""What is known of a hypothesis of a theorem on a game, of the theorem, and what that rests on."""

import dataclasses
import enum

from smfg_verify.assumptions import Finding
from smfg_verify.theorems.sentences import Reason


class Answer(enum.Enum):
    """What is known of one hypothesis.

    Examples:
        >>> from smfg_verify.theorems import Answer
        >>> [answer.value for answer in Answer]
        ['holds', 'fails', 'unknown']
    """

    HOLDS = "holds"
    FAILS = "fails"
    UNKNOWN = "unknown"


class Coverage(enum.Enum):
    """Whether a theorem covers a game.

    Examples:
        >>> from smfg_verify.theorems import Coverage
        >>> [coverage.value for coverage in Coverage]
        ['applies', 'fails', 'unknown']
    """

    APPLIES = "applies"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Decision:
    """The answer of one hypothesis.

    Attributes:
        answer: an `Answer`.
        because: the fact, the condition on the steps or the finding that it rests on.
        finding: that finding; None where it is none.
        would: what would decide it; empty where it is decided.

    Examples:
        >>> from smfg_verify.theorems import Answer, Decision, Reason
        >>> print(Decision(Answer.FAILS, Reason("finite")).because)
        the game has finitely many states and actions, and time is discrete
    """

    answer: Answer
    because: Reason
    finding: Finding | None = None
    would: Reason = dataclasses.field(default_factory=Reason)


_UNDECIDED = Reason("undecided")


def by_fact(known: bool | None, yes: Reason, no: Reason, neither: Reason = _UNDECIDED) -> Decision:
    """The decision by a fact of the game that is proved, disproved, or neither.

    Args:
        known: whether the hypothesis holds; None where nothing is proved.
        yes, no, neither: the fact in each case.

    Returns:
        The decision.
    """
    if known is None:
        return Decision(Answer.UNKNOWN, neither, would=Reason("proof"))
    return Decision(Answer.HOLDS, yes) if known else Decision(Answer.FAILS, no)
