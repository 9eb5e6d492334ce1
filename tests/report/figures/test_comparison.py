"""Methods against each other: curves are quartiles of the measures, over samples and over seconds."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.report.figures.comparison import comparison_figure
from tests.report.records import SETTINGS, comparison
from tests.support.drawn import assert_words_keep_apart, lines, words

MEASURES = ("objective", "exploitability", "e_omega")


@pytest.fixture(scope="module")
def found():
    return comparison()


@pytest.fixture(scope="module")
def figure(found):
    return comparison_figure(found, game="a game")


def panels(figure):
    return np.array(figure.axes).reshape(3, 2)


def test_curves_are_medians_at_every_positive_place_of_samples_and_of_the_clock(found, figure):
    result = found.results["ac-smfg"]
    for row, name in zip(panels(figure), MEASURES, strict=True):
        median = quartiles(getattr(result.measures, name), -np.inf if name == "objective" else np.inf)[1]
        for axes, places in zip(row, (result.samples, result.clock), strict=True):
            drawn = lines(axes)["AC-SMFG"]
            np.testing.assert_array_equal(drawn.get_xdata(), places[1:])
            np.testing.assert_array_equal(drawn.get_ydata(), median[1:])


def test_a_method_that_samples_nothing_is_a_level_on_the_left_and_a_curve_on_the_right(found, figure):
    result = found.results["exact-ascent"]
    for row, name in zip(panels(figure), MEASURES, strict=True):
        median = quartiles(getattr(result.measures, name), np.inf)[1]
        np.testing.assert_array_equal(lines(row[0])["Exact ascent"].get_ydata(), [median[-1]] * 2)
        assert len(lines(row[1])["Exact ascent"].get_ydata()) == 2


def test_a_method_of_which_no_median_is_left_is_said_and_is_no_empty_entry_of_the_legend(figure):
    """Both later checkpoints have lost three of five, so that nothing positive on the axis is left."""
    assert not any("ADAGE" in label for axes in figure.axes for label in lines(axes))
    (box,) = figure.legends
    assert [text.get_text() for text in box.get_texts()] == ["AC-SMFG", "Exact ascent"]
    assert "Nowhere to be drawn: ADAGE (3 diverged)." in " ".join(figure.get_supxlabel().split())


def test_where_the_median_seed_is_lost_later_the_curve_ends_at_a_star_and_the_legend_counts_the_lost(found):
    late = found.results["adage"]
    values = {field.name: getattr(late.measures, field.name).copy() for field in dataclasses.fields(late.measures)}
    reference = found.results["ac-smfg"].measures
    for name, array in values.items():
        array[:, 1] = getattr(reference, name)[:, 1]
    late = dataclasses.replace(late, measures=dataclasses.replace(late.measures, **values))
    figure = comparison_figure(dataclasses.replace(found, results={**found.results, "adage": late}), game="g")
    assert "ADAGE (3 diverged)" in [text.get_text() for text in figure.legends[0].get_texts()]
    for axes in figure.axes:
        curve = lines(axes)["ADAGE (3 diverged)"]
        (star,) = [line for line in axes.lines if line.get_marker() == "*"]
        assert len(curve.get_xdata()) == 1
        assert (star.get_xdata()[0], star.get_ydata()[0]) == (curve.get_xdata()[-1], curve.get_ydata()[-1])


def test_panels_are_named_after_the_game_and_keep_apart(figure):
    assert_words_keep_apart(figure)
    assert figure.get_suptitle().startswith("a game.")
    assert [words(axes)[1] for axes in panels(figure)[-1]] == ["samples drawn [count]", "time of all seeds [s]"]
    for row, logarithmic in zip(panels(figure), ("linear", "log", "log"), strict=True):
        for axes in row:
            assert (axes.get_xscale(), axes.get_yscale()) == ("log", logarithmic)
    note = " ".join(figure.get_supxlabel().split())
    assert f"Medians of {SETTINGS.seeds} seeds" in note
    assert f"best of {SETTINGS.trials} random choices" in note
