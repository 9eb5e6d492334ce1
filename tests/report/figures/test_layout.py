"""Parts of a figure lie apart: head, panels as high as asked for, one legend, small print, titles that fold."""

import numpy as np
import pytest

from smfg_verify.report.figures.drawing import finish_axes
from smfg_verify.report.figures.layout import entries_of, folded, legend_beside, lettered, new_figure, settle
from smfg_verify.report.figures.style import house_style
from smfg_verify.report.figures.widths import INCHES
from tests.support.drawn import assert_nothing_overlaps, assert_words_keep_apart

WORDS = "many words that go on and on " * 6


@house_style
def settled(width, panels=2, *, title="A title", heights=(1.0, 1.0), head="A head", note=WORDS):
    figure = new_figure(width)
    grid = figure.subplots(2, panels, squeeze=False, height_ratios=heights)
    for number, axes in enumerate(grid.ravel()):
        axes.plot([0.0, 1.0], [0.0, 10.0**number], label=f"line {number % 3}")
        finish_axes(axes, title, "x", "y")
    lettered(list(grid.ravel()))
    settle(figure, [(row[0], height) for row, height in zip(grid, heights, strict=True)], head=head, note=note)
    return figure


@pytest.mark.parametrize("width", INCHES)
@pytest.mark.parametrize("title", ["A title", WORDS])
@pytest.mark.parametrize("heights", [(1.0, 1.0), (2.0, 0.5)])
def test_panels_are_as_high_as_asked_for_and_nothing_lies_over_anything(width, title, heights):
    figure = settled(width, title=title, heights=heights)
    assert figure.get_figwidth() == INCHES[width]
    assert_nothing_overlaps(figure)
    for axes, height in zip(figure.axes, np.repeat(heights, 2), strict=True):
        assert axes.get_window_extent().height / figure.dpi == pytest.approx(height, abs=0.02)
    assert figure.get_supxlabel().split() == WORDS.split()
    assert [axes.get_title(loc="left").split()[0] for axes in figure.axes] == ["(a)", "(b)", "(c)", "(d)"]


def test_one_legend_names_each_label_once_and_none_is_made_of_nothing():
    figure = settled("two")
    (legend,) = figure.legends
    assert (
        [text.get_text() for text in legend.get_texts()]
        == ["line 0", "line 1", "line 2"]
        == list(entries_of(figure.axes))
    )
    bare = new_figure("one")
    axes = bare.subplots()
    axes.plot([0.0, 1.0], [0.0, 1.0])
    settle(bare, [(axes, 1.0)])
    assert (bare.legends, bare.get_suptitle(), bare.get_supxlabel()) == ([], "", "")
    legend_beside(axes)
    assert axes.get_legend() is None


def test_a_folded_text_has_the_same_words_in_lines_that_fit():
    figure = new_figure("one")
    lines = folded(figure, f"{WORDS}\n$a + b$ end", 7.0, 1.5)
    assert lines.split() == f"{WORDS} $a + b$ end".split()
    for line in lines.split("\n"):
        assert figure.text(0, 0, line, fontsize=7.0).get_window_extent().width / figure.dpi <= 1.5


def test_a_legend_on_axes_of_others_stands_beside_them():
    figure = new_figure("two")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.plot([0.0, 1.0], [0.0, 1.0], label="a line")
        finish_axes(axes, "A title", "x", "y")
    legend_beside(left)
    assert_words_keep_apart(figure)
    box = left.get_legend().get_window_extent()
    assert left.get_window_extent().x1 <= box.x0
    assert box.x1 <= right.get_window_extent().x0
