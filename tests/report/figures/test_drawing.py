"""What figures share: heat maps with their numbers and labels, small print, files that follow from the data."""

import re

import numpy as np
import pytest

from smfg_verify.report.figures.alignment import alignment_figure
from smfg_verify.report.figures.drawing import finish_axes, footnote, heat_map, legend, new_figure, save_figure, signed
from tests.report.figures.test_alignment import cosine_finding
from tests.support.drawn import assert_words_keep_apart, words


def test_a_saved_figure_is_a_function_of_its_data(tmp_path):
    finding = cosine_finding(np.linspace(-1.0, 1.0, 50), -1.0)
    (tmp_path / "again").mkdir()
    first = save_figure(alignment_figure(finding), tmp_path, "alignment")
    save_figure(alignment_figure(finding), tmp_path / "again", "alignment")
    assert first == ("alignment.png", "alignment.svg", "alignment.pdf")
    for name in first:
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert not re.search(r"<dc:date>", (tmp_path / "alignment.svg").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", *sorted(first)]


@pytest.mark.parametrize(("rows", "columns"), [(3, 2), (16, 12), (17, 2), (3, 13)])
def test_a_heat_map_is_numbered_where_its_cells_are_few(rows, columns):
    matrix = np.random.default_rng(0).random((rows, columns))
    matrix[0, 0] = np.nan
    axes = new_figure(6.0, 6.0).subplots()
    names = [tuple(f"{letter}{k}" for k in range(size)) for letter, size in (("r", rows), ("c", columns))]
    image = heat_map(axes, matrix, *names, highest=1.0)
    np.testing.assert_array_equal(image.get_array().filled(np.nan), matrix)
    assert image.get_clim() == (0.0, 1.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(names[0])
    assert [label.get_text() for label in axes.get_xticklabels()] == list(names[1])
    shown = ["nan" if np.isnan(value) else f"{value:.3f}" for value in matrix.ravel()]
    assert [text.get_text() for text in axes.texts] == (shown if rows <= 16 and columns <= 12 else [])


def test_of_many_labels_every_few_are_shown_at_their_own_places():
    axes = new_figure(6.0, 6.0).subplots()
    heat_map(axes, np.zeros((60, 1)), tuple(map(str, range(60))), ("",), highest=1.0)
    labels = [int(label.get_text()) for label in axes.get_yticklabels()]
    assert 10 < len(labels) <= 24
    np.testing.assert_array_equal(axes.get_yticks(), labels)


def test_small_print_is_folded_to_the_figure_and_keeps_off_the_axes():
    figure = new_figure(4.0, 3.0)
    axes = figure.subplots()
    axes.plot([0.0, 1.0], [0.0, 1.0], label="a line")
    finish_axes(axes, "A title", "x", "y")
    legend(axes, "best")
    footnote(figure, "many words " * 30)
    assert figure.get_supxlabel().split() == ("many words " * 30).split()
    assert "\n" in figure.get_supxlabel()
    assert words(axes) == ("A title", "x", "y")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a line"]
    assert_words_keep_apart(figure)


def test_axes_without_labels_have_no_legend_and_minus_is_a_minus():
    axes = new_figure(4.0, 3.0).subplots()
    axes.plot([0.0, 1.0], [0.0, 1.0])
    legend(axes, "best")
    assert axes.get_legend() is None
    assert (signed(-0.5), signed(0.5)) == ("\N{MINUS SIGN}0.50", "0.50")
