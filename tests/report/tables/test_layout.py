"""The look that tables share: names and values as they are given, long ones cut with their length said."""

import string

from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.report.tables.layout import brief, brief_table, pairs_table
from tests.support.screens import cells, heads, pairs, printed

# What rich would take for its own markup, were it not given as text.
WORDS = st.text(string.ascii_letters + "[]/: ", min_size=1, max_size=12).map(lambda word: f"<{word.strip()}>")


@given(st.dictionaries(WORDS, WORDS, max_size=4))
def test_names_and_values_are_printed_as_they_are_brackets_included(rows):
    table = pairs_table("Some [bold] title", rows)
    assert pairs(table) == rows
    said = printed(table)
    assert said.startswith("Some [bold] title")
    for name, value in rows.items():
        assert " ".join(f"{name} {value}".split()) in said


@given(st.text(max_size=20) | st.integers(0, 400).map(lambda size: ("a word " * 60)[:size]))
def test_a_long_value_is_cut_and_its_length_is_said(text):
    shown = brief(text)
    if len(text) <= 200:
        assert shown == text
    else:
        assert shown.startswith(text[:200])
        assert shown.endswith(f"({len(text)} characters)")


@given(st.floats())
def test_a_number_is_brief_to_six_digits(number):
    assert brief(number) == f"{number:g}"


def test_columns_of_numbers_are_flush_right_and_the_unbroken_one_is_not_folded():
    table = brief_table("t", "name", "n", "about", numbers=("n",), unbroken="name")
    assert heads(table) == ["name", "n", "about"]
    assert [column.justify for column in table.columns] == ["left", "right", "left"]
    assert [column.no_wrap for column in table.columns] == [True, False, False]
    table.add_row("a-long-name-that-stays-whole", "1", "words " * 20)
    assert "a-long-name-that-stays-whole" in printed(table, width=60)
    assert cells(table) == [("a-long-name-that-stays-whole", "1", "words " * 20)]
