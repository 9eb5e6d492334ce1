"""Rows rendered are the rows given, whatever bars are in them."""

import string

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from smfg_verify.report.tables.markdown import markdown_table

WORDS = st.text(string.ascii_letters + string.digits + "| .^=+-", max_size=12).map(str.strip)
ROWS = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1))


def rendered(text):
    """Cells of the one table that a reader of Markdown finds, the heading first; one cell after the other."""
    tokens = MarkdownIt().enable("table").parse(text)
    assert [token.type for token in tokens if token.level == 0] == ["table_open", "table_close"]
    rows, cells = [], []
    for token in tokens:
        if token.type == "tr_open":
            cells = []
        elif token.type == "inline":
            cells.append("".join(child.content for child in token.children))
        elif token.type == "tr_close":
            rows.append(cells)
    return rows


@given(ROWS)
def test_a_reader_of_markdown_finds_the_rows_that_were_given(rows):
    assert rendered(markdown_table(rows[0], rows[1:])) == rows


@given(ROWS)
def test_a_table_is_one_line_a_row_and_plain_cells_are_as_they_were(rows):
    lines = markdown_table(rows[0], rows[1:]).splitlines()
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, (lines[0], *lines[2:]), strict=True):
        if "|" not in "".join(row):
            assert line == f"| {' | '.join(row)} |"
