"""Texts that records hold as data, a code of the case and the figures in it; the words are rendered on reading."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import ClassVar

from smfg_verify.records.entries import Entries

# A template with a field `{name}` for each figure, or a function of them where the words depend on a figure.
Sentence = str | Callable[[Entries], str]


@dataclasses.dataclass(frozen=True)
class CodedText:
    """A case and its figures; the empty one, which is false, says nothing. A room's class has the room's sentences.

    Attributes:
        case: code, a key of `SENTENCES`; empty for no text.
        facts: the figures of the case, by name.
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = {}

    case: str = ""
    facts: Entries = dataclasses.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.case)

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """The case in words; empty for none.

        Raises:
            KeyError: an unknown case, or a figure is missing.
        """
        if not self.case:
            return ""
        said = self.SENTENCES[self.case]
        return said.format_map(self.facts) if isinstance(said, str) else said(self.facts)
