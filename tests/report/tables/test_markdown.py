"""Rows rendered are the rows given, whatever bars are in them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from smfg_verify.report.tables.markdown import literal, markdown_row, markdown_table

WORDS = st.text(string.ascii_letters + string.digits + "| .^=+-", max_size=12).map(str.strip)
# What stands for a letter of another kind, an end of a line or a space of other width is not what this is about.
LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "), max_size=12).map(
    str.strip
)


def rows_of(cells):
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1)
    )


ROWS, ANY_ROWS = rows_of(WORDS), rows_of(LETTERS)


def tables_rendered(text):
    """Cells of every table that a reader of Markdown finds, the heading first; one cell after the other."""
    tables, cells = [], []
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            cells = []
        elif token.type == "inline" and token.level > 2:  # within a table
            cells.append("".join(child.content for child in token.children))
        elif token.type == "tr_close":
            tables[-1].append(cells)
    return tables


def rendered(text):
    """Cells of the one table of a text, and nothing beside it."""
    tokens = MarkdownIt().enable("table").parse(text)
    assert [token.type for token in tokens if token.level == 0] == ["table_open", "table_close"]
    return tables_rendered(text)[0]


@given(ROWS)
def test_a_reader_of_markdown_finds_the_rows_that_were_given(rows):
    assert rendered(markdown_table(rows[0], rows[1:])) == rows


@given(ANY_ROWS)
def test_literal_cells_are_read_letter_by_letter(rows):
    """Whatever is in them: markup, bars, backslashes; their lines and the spaces at their ends are joined."""
    written = [[literal(cell) for cell in row] for row in rows]
    assert rendered(markdown_table(written[0], written[1:])) == rows


@given(ROWS)
def test_a_table_is_one_line_a_row_and_plain_cells_are_as_they_were(rows):
    lines = markdown_table(rows[0], rows[1:]).splitlines()
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, (lines[0], *lines[2:]), strict=True):
        if "|" not in "".join(row):
            assert line == f"| {' | '.join(row)} |"


@pytest.mark.parametrize("row", [["1"], ["1", "2", "3"], []])
def test_a_ragged_row_is_refused(row):
    with pytest.raises(ValueError, match=f"got {len(row)} cells under 2 headings"):
        markdown_table(["a", "b"], [["1", "2"], row])


def test_lines_of_a_cell_are_joined():
    assert markdown_row(["a\nb", "c\r\nd"]) == "| a b | c d |\n"
