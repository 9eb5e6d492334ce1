"""What is said of drift inequalities without constants and of weights that were not found: a case, and its sentence."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Entries


def _unsolved(facts: Entries) -> str:
    return f"the inequality of {', '.join(facts['residuals'])} has no constants"


@kept
class FitOutcome(CodedText):
    """What became of the fit of an inequality: what the solver said, or why it was not asked."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "solver": "{status}",
        "no-step": "the step of its learner, {learner}, is zero",
        "no-iterate": "no iterate with finite residuals",
        "no-residual": "the residual is zero, up to rounding, at every iterate",
    }


@kept
class Undecided(CodedText):
    """Why neither weights nor a proof that there are none were found; the empty one, which is false, where one was."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "unsolved": _unsolved,
        "not-finite": "an inequality has no constants",
        "no-rate": "every rate is zero",
        "not-solved": "the linear program was not solved",
        "not-verified": "neither weights nor an obstruction verified",
    }


DECIDED = Undecided()


def said_by_solver(status: str) -> FitOutcome:
    """The outcome of a fit that a solver was asked for."""
    return FitOutcome("solver", {"status": status})
