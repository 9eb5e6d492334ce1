"""Cells that are halved until their parts are within a limit: proved exactly where the function is, budget allowing."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.cells import Cells
from smfg_verify.assumptions.enclosure.response.forest import Looked, forest

ROOTS = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.25, 0.75]], [[0.125, 0.875], [0.0, 1.0]]])


def look(cells):
    """Of x (1 - x), x the first coordinate: a bound that is the better the shorter a cell is."""
    x, length = cells.vertices[:, :, 0].mean(axis=1), np.abs(np.diff(cells.vertices[:, :, 0], axis=1))[:, 0]
    edges = np.tile([0, 1], (len(x), 1))
    return Looked(x * (1.0 - x) + 0.5 * length, x * (1.0 - x), 1.0 + length, 0.1 - 0.01 * length, edges)


def test_roots_are_proved_where_the_supremum_is_within_the_limit():
    suprema = np.array([0.25, 0.25, 0.125 * 0.875])
    for above in (True, False):
        limits = suprema + (0.02 if above else -0.02)
        found = forest(Cells(ROOTS), look, limits, 400)
        assert np.array_equal(found.proved, np.full(3, above))
        if above:
            assert np.all((suprema <= found.value) & (found.value <= limits))
        else:
            assert np.all(np.isposinf(found.value))
            assert np.all(found.slack == 0.0)
    each = forest(Cells(ROOTS), look, np.array([0.27, 0.0, 0.13]), 400)
    assert np.array_equal(each.proved, [True, False, True])


def test_the_budget_is_that_of_each_root_and_one_look_is_always_allowed():
    limits = np.array([0.26, 0.4, 0.26])
    found = forest(Cells(ROOTS), look, limits, 1)
    assert np.array_equal(found.proved, [False, True, True])
    assert found.cells == 3
    assert forest(Cells(ROOTS), look, limits, 40).cells <= 3 * 40


def test_what_is_no_number_is_not_proved():
    def lost(cells):
        return look(cells)._replace(value=np.full(len(cells.vertices), np.nan))

    assert not forest(Cells(ROOTS), lost, np.ones(3), 8).proved.any()


@pytest.mark.parametrize("most", [7, 63])
def test_the_worst_of_the_parts_is_told(most):
    found = forest(Cells(ROOTS[:1]), look, np.array([0.4]), most)
    assert found.proved[0]
    # Parts of lengths 1/2 or less were looked at: what is told is of the good ones alone.
    assert 1.0 < found.mixing[0] < 2.0
    assert 0.09 < found.slack[0] < 0.1
