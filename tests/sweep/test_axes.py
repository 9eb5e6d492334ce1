"""Axes: grids hit their ends, draws fill their range and stay what they were when there are more of them."""

import numpy as np
import pytest

from smfg_verify.sweep.axes import read_axes


def axis_of(value, design="grid"):
    return read_axes("parameters", {"a": value}, design)[1][0]


def test_a_logarithmic_grid_has_one_ratio_and_its_ends():
    values = np.array(axis_of({"low": 0.01, "high": 100.0, "points": 9, "scale": "log"}).choices)
    assert (values[0], values[-1]) == (0.01, 100.0)
    np.testing.assert_allclose(values[1:] / values[:-1], 10.0**0.5, rtol=1e-12)


def test_a_value_stands_still_and_a_list_varies():
    fixed, axes = read_axes("parameters", {"a": 3, "b": [3], "c": [[1, 2], [3, 4]]}, "grid")
    assert fixed == {"a": 3}
    assert [(axis.name, axis.choices) for axis in axes] == [("b", (3,)), ("c", ([1, 2], [3, 4]))]


@pytest.mark.parametrize("value", [{"low": 2.0, "high": 200.0, "scale": "log"}, {"low": -1.0, "high": 3.0}, [1, 5, 9]])
def test_more_draws_begin_with_the_fewer(value):
    axis = axis_of(value, "random")
    assert axis.drawn(200, 7)[:10] == axis.drawn(10, 7)
    assert axis.drawn(10, 8) != axis.drawn(10, 7)


def test_draws_are_uniform_on_their_scale():
    """Kolmogorov and Smirnov at level 1e-3 for 2000 draws: 1.95 / sqrt(n)."""
    axis = axis_of({"low": 2.0, "high": 200.0, "scale": "log"}, "random")
    shares = np.sort(np.log(np.array(axis.drawn(2000, 0)) / 2.0) / np.log(100.0))
    assert np.max(np.abs(shares - (np.arange(2000) + 0.5) / 2000)) < 1.95 / np.sqrt(2000)


def test_two_axes_are_drawn_apart():
    _, axes = read_axes("parameters", {name: {"low": 0.0, "high": 1.0} for name in "ab"}, "random")
    first, second = (np.array(axis.drawn(2000, 0)) for axis in axes)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
