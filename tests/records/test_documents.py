"""Documents: their kind and schema, and one dialect."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.records.codec import encode
from smfg_verify.records.documents import document, headed, line, opened, parsed
from tests.records.test_codec import WORDS, ColourOfTheTests, PairOfTheTests, RecordOfTheTests


@given(st.sampled_from(["smfg-verify part", "smfg-verify compare"]), st.integers(0, 9), st.integers(0, 9))
def test_another_kind_or_schema_of_a_document_is_refused_in_one_line(kind, written, expected):
    text = document(headed(kind, written, {"value": 1}))
    other = {"smfg-verify part": "smfg-verify compare", "smfg-verify compare": "smfg-verify part"}[kind]
    with pytest.raises(ValueError, match=r"^got .* expected .*\Z"):
        opened(text, other, written)
    if written == expected:
        assert opened(text, kind, expected)["value"] == 1
    else:
        with pytest.raises(ValueError, match=rf"^got .* of schema version {written}, expected {expected};.*\Z"):
            opened(text, kind, expected)


@given(st.sampled_from(WORDS))
def test_the_bare_words_of_other_programs_are_refused(word):
    with pytest.raises(ValueError, match=f"the bare word {word}"):
        parsed(f'{{"value": [{word}]}}')
    with pytest.raises(ValueError, match=r"not JSON compliant|Out of range"):
        line({"value": float(word)})


def test_a_file_is_read_where_the_class_stands_today():
    """Nothing of where a class is defined is written."""
    written = line(encode(RecordOfTheTests(math.nan, (ColourOfTheTests.BLUE, PairOfTheTests(1, 2)))))
    assert __name__ not in written
    assert "tests" not in written
    assert '"$record": "RecordOfTheTests"' in written
