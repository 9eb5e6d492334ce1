"""Every letter of a text is printed, and none is taken for a command."""

import re

from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.records.latex_text import escaped

SPECIAL = "\\{}$&#%_^~<>|\"'`-/"


def unescaped(text):
    """The inverse of `escaped` for what stays a letter, by rules of its own."""
    names = {
        "textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", "textless": "<", "textgreater": ">",
        "textbar": "|", "char34": '"', "char96": "`",
    }  # fmt: skip
    text = re.sub(r"\\allowbreak\{\}", "", text)
    text = re.sub(r"\\ensuremath\{\\([lg])e\}", lambda match: {"l": "<=", "g": ">="}[match[1]], text)
    text = re.sub(r"(?<=[-,'])\{\}(?=[-,'])", "", text)
    return re.sub(r"\\(?:([a-z]+\d*)\{\}|([{}$&#%_]))", lambda match: names[match[1]] if match[1] else match[2], text)


@given(st.text(st.sampled_from(SPECIAL + "ab 19")))
def test_every_letter_is_printed(text):
    assert unescaped(escaped(text)) == text


@given(st.text())
def test_no_letter_is_left_that_tex_takes_for_a_command(text):
    left = re.sub(r"\\[A-Za-z]+\d*|\\[{}$&#%_]|\{|\}", "", escaped(text))
    assert not re.search(r"[\\{}$&#%_^~<>|\"`\x00-\x1f\x7f]", left)


def test_letters_become_no_others():
    assert escaped("--, ,, ''") == "-{}-, ,{}, '{}'"
    assert escaped("μ Ω λ") == r"\ensuremath{\mu} \ensuremath{\Omega} \ensuremath{\lambda}"
    assert escaped("a≤b, é, 中") == r"a\ensuremath{\le}b, é, [U+4E2D]"
