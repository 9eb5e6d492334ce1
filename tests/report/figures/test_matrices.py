"""Vectors are bars and matrices heat maps under their names, numbered where there is room."""

import numpy as np
import pytest

from smfg_verify.report.figures.layout import new_figure
from smfg_verify.report.figures.matrices import bars, heat_map, is_numbered


def named(letter, size):
    return tuple(f"{letter}{k}" for k in range(size))


@pytest.mark.parametrize(("rows", "columns", "numbered"), [(3, 2, True), (16, 6, True), (17, 2, False), (3, 9, False)])
def test_a_heat_map_is_numbered_where_its_cells_have_room(rows, columns, numbered):
    matrix = np.random.default_rng(0).random((rows, columns))
    matrix[0, 0] = np.nan
    axes = new_figure("one").subplots()
    image = heat_map(axes, matrix, named("r", rows), named("c", columns), highest=1.0, inches=2.4)
    np.testing.assert_array_equal(image.get_array().filled(np.nan), matrix)
    assert image.get_clim() == (0.0, 1.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(named("r", rows))
    assert [label.get_text() for label in axes.get_xticklabels()] == list(named("c", columns))
    shown = ["nan" if np.isnan(value) else f"{value:.3f}" for value in matrix.ravel()]
    assert is_numbered(matrix, 2.4) == numbered
    assert [text.get_text() for text in axes.texts] == (shown if numbered else [])


@pytest.mark.parametrize("size", [1, 2, 16, 17, 60])
def test_a_bar_is_as_long_as_its_number_and_the_first_is_on_top(size):
    values = np.random.default_rng(size).dirichlet(np.ones(size))
    axes = new_figure("one").subplots()
    bars(axes, values, named("s", size), highest=float(values.max()))
    np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], values)
    tops = [axes.transData.transform((0.0, bar.get_y()))[1] for bar in axes.patches]
    assert tops == sorted(tops, reverse=True)
    assert [text.get_text() for text in axes.texts] == ([f"{value:.3f}" for value in values] if size <= 16 else [])
    assert max(axes.get_xticks()) <= values.max() * (1.0 + 1e-9)


def test_of_many_labels_every_few_are_shown_at_their_own_places():
    axes = new_figure("one").subplots()
    bars(axes, np.ones(60), tuple(map(str, range(60))), highest=1.0)
    labels = [int(label.get_text()) for label in axes.get_yticklabels()]
    assert 10 < len(labels) <= 20
    np.testing.assert_array_equal(axes.get_yticks(), labels)


def test_a_bar_without_a_number_says_nan():
    axes = new_figure("one").subplots()
    bars(axes, np.array([np.nan, 0.25]), ("a", "b"), highest=1.0)
    assert [text.get_text() for text in axes.texts] == ["nan", "0.250"]


def test_more_bars_than_can_be_told_apart_are_one_outline():
    values = np.random.default_rng(0).random(300)
    axes = new_figure("one").subplots()
    bars(axes, values, named("s", 300), highest=1.0)
    (outline,) = axes.patches
    shown = outline.get_data()
    np.testing.assert_array_equal(shown.values, values)
    np.testing.assert_array_equal(shown.edges, np.arange(301) - 0.5)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
