"""What is said of a difference that was not tested: a case with its figures, and the sentence."""

from collections.abc import Mapping
from typing import ClassVar

from smfg_verify.records.codec import kept
from smfg_verify.records.coded_text import CodedText, Sentence


@kept
class NotTested(CodedText):
    """Why a difference was not tested; the empty one, which is false, where it was."""

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {
        "lost-seeds": "{method} seeds of the method and {reference} of the reference have no number",
        "few-seeds": "{seeds} seeds, at least {least} are needed",
    }


TESTED = NotTested()
