"""What all formats share: identifiers, what a cell is sorted by, tables whose rows fit their heading."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.report.formats.document import Cell, Column, Section, Table, pairs, slug


@given(st.text())
def test_an_identifier_is_one_whatever_it_is_made_of(text):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(text))
    assert slug(slug(text)) == slug(text)


@given(st.floats(allow_nan=False))
def test_a_cell_is_sorted_by_its_number_without_loss(value):
    assert float(Cell("x", value=value).sorts_by) == value


def test_a_missing_number_sorts_by_nothing():
    assert Cell("none", value=math.nan).sorts_by == Cell("text").sorts_by == ""


def test_pairs_keep_their_order_and_both_sides():
    table = pairs("Two Things", {"b": "1", "a": "2"})
    assert [[cell.text for cell in row] for row in table.rows] == [["b", "1"], ["a", "2"]]
    assert (table.ordered, table.identifier, len(table.columns)) == (True, "two-things", 2)
    assert Section("Runs against bounds").identifier == "runs-against-bounds"


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(AssertionError, match="rows of"):
        Table("t", (Column("a"), Column("b")), ((Cell("1"),),))


@pytest.mark.parametrize(("rows", "long"), [(0, False), (30, False), (31, True)])
def test_many_rows_may_need_more_than_a_page(rows, long):
    assert Table("t", (Column("a"),), ((Cell("1"),),) * rows).long is long
