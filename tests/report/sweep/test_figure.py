"""The figure of a sweep: what is drawn is what the slice holds, and a cell without a number is seen to have none."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from smfg_verify.report.sweep.figure import slice_panel, sweep_figure, title_of
from smfg_verify.sweep.slices import Slice


def sliced(values, *, y="temperature", flags=(), scattered=False, x_values=None):
    values = np.asarray(values, dtype=float)
    columns = values.shape[-1]
    return Slice(
        name="solve_objective",
        words="objective $",
        units="reward",
        flags=flags,
        x="discount",
        y=y,
        x_values=np.linspace(0.5, 0.9, columns) if x_values is None else x_values,
        y_values=np.arange(columns if scattered else values.shape[0], dtype=float),
        values=values,
        scattered=scattered,
        held={"seed": "mean of 3"},
    )


def panel(drawn):
    axes = Figure().subplots()
    slice_panel(axes, drawn)
    return axes


def test_a_map_shows_the_values_with_rows_upwards():
    values = [[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]]
    (image,) = panel(sliced(values)).images
    np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), values)
    assert image.origin == "lower"
    assert image.norm.vmin == 1.0
    assert image.norm.vmax == 6.0


def test_numbers_over_decades_have_logarithmic_colours():
    (image,) = panel(sliced([[1e-6, 1.0], [1e-3, 1e-2]])).images
    assert type(image.norm).__name__ == "LogNorm"


def test_a_cell_without_a_number_is_named():
    labels = panel(sliced([[1.0, np.nan]])).get_legend_handles_labels()[1]
    assert labels == ["no number"]
    assert panel(sliced([[1.0, 2.0]])).get_legend_handles_labels()[1] == []


def test_flags_are_named_by_the_colours_they_have():
    axes = panel(sliced([[0.0, 2.0], [np.nan, 2.0]], flags=("certified", "supported", "refuted")))
    handles, labels = axes.get_legend_handles_labels()
    (image,) = axes.images
    assert labels == ["certified", "refuted", "no number"]
    for handle, code in zip(handles, (0.0, 2.0), strict=False):
        assert to_rgba(handle.get_color()) == image.cmap(image.norm(code))


def test_points_of_a_random_design_lie_where_they_were_drawn():
    axes = panel(sliced([1.0, np.nan, 3.0], scattered=True))
    missing, known = axes.collections
    np.testing.assert_allclose(known.get_offsets(), [[0.5, 0.0], [0.9, 2.0]])
    np.testing.assert_allclose(missing.get_offsets(), [[0.7, 1.0]])
    assert known.get_array().tolist() == [1.0, 3.0]


@pytest.mark.parametrize("x_values", [None, np.array(["a", "b", "c"])])
def test_one_axis_is_a_curve_and_words_are_not_joined(x_values):
    axes = panel(sliced([1.0, 2.0, 3.0], y="", x_values=x_values))
    (line,) = axes.lines
    assert line.get_ydata().tolist() == [1.0, 2.0, 3.0]
    assert (line.get_linestyle() == "-") == (x_values is None)


@pytest.mark.parametrize("values", [[[np.nan, np.nan]], [[0.0, 0.0]], [[-1.0, 5.0]]])
@pytest.mark.parametrize("width", ["one", "two"])
def test_a_whole_figure_has_its_head_and_says_what_is_held(values, width):
    figure = sweep_figure(sliced(values), width=width)
    texts = [text.get_text() for text in figure.texts]
    assert any("seed: mean of 3" in text for text in texts)
    assert title_of(sliced(values)) == "Sweep, solve: objective \\$"
