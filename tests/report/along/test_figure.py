"""The figure along a run: what each panel draws is the record's, seed by seed."""

import numpy as np
import pytest

from smfg_verify.report.along.figure import along_figure
from tests.report import records
from tests.support.drawn import lines

CERTIFIED = "worst of what is certified nearby"


@pytest.fixture(scope="module")
def figure():
    return along_figure(records.along())


def panel(figure, label):
    (axes,) = [axes for axes in figure.axes if axes.get_ylabel().startswith(label)]
    return lines(axes)


def test_median_worst_limit_and_certified_constants_are_the_records(figure):
    drawn = panel(figure, r"$\langle g, p")
    values = records.along().values["alignment"]
    np.testing.assert_array_equal(drawn["median of seeds"].get_ydata(), np.nanmedian(values, axis=0))
    np.testing.assert_array_equal(drawn["median of seeds"].get_xdata(), [1, 11, 1001])
    np.testing.assert_array_equal(drawn["worst of seeds"].get_ydata(), [0.25, -0.125, 0.625])
    np.testing.assert_array_equal(drawn["limit that is asked for"].get_ydata(), [0.0, 0.0])
    np.testing.assert_array_equal(drawn[CERTIFIED].get_ydata(), [0.1875, 0.375, 0.5])


def test_the_worst_of_what_should_be_small_is_the_largest_and_a_finite_number_has_no_limit(figure):
    drawn = panel(figure, r"$\|D\Gamma(\mu^*)")
    largest = records.along().values["modulus"].max(axis=0)
    np.testing.assert_array_equal(drawn["worst of seeds"].get_ydata(), largest)
    np.testing.assert_array_equal(drawn[CERTIFIED].get_ydata(), [0.875, 0.6875, 0.75])
    assert "limit that is asked for" not in panel(figure, r"$\|\nabla^2")


def test_what_is_proved_nowhere_has_no_line(figure):
    assert CERTIFIED not in panel(figure, r"$c$ at $\mu^*$")


def test_what_has_no_number_has_no_panel():
    values = {"mixing": np.full((2, 3), np.nan), "index": np.ones((2, 3))}
    figure = along_figure(records.along(values=values, radius={}, certified={}, uncertified={}))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["(a) uniqueness"]
