"""What is said of a sweep without a best choice or without a region: a case with its figures, and the sentence."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Entries


def _unsolved(facts: Entries) -> str:
    return f"no constants for {', '.join(facts['residuals'])}"


@kept
class NoOptimum(CodedText):
    """Why no choice of step sizes is the best; the empty one, which is false, where one is."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "no-mean": "no choice of step sizes has a finite mean: runs diverged, or their leaders have no gradient",
        "all-zero": (
            "every choice ends at a gradient that is zero up to rounding, so that none is better than another"
        ),
    }


@kept
class NoRegion(CodedText):
    """Why no region is drawn; the empty one, which is false, where one is."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "not-given": "no drift inequalities were given",
        "unsolved": _unsolved,
        # The drift could not be fitted; the words are those of the error.
        "refused": "{error}",
    }


FOUND = NoOptimum()
DRAWN = NoRegion()
