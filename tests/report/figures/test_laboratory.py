"""The laboratory's figure: every cell of every plane, what is not certified hatched, optima where they are."""

import dataclasses

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from smfg_verify.bounds.steps.sentences import NoOptimum, NoRegion
from smfg_verify.report.figures.laboratory import laboratory_figure
from tests.report.records import laboratory
from tests.support.drawn import assert_words_keep_apart, lines


@pytest.fixture(scope="module")
def figure():
    return laboratory_figure(laboratory(), game="laffer-tax")


def planes(figure):
    return figure.axes[:2]


def markers(axes, kind):
    return [tuple(map(int, line.get_xydata()[0])) for line in axes.lines if line.get_marker() == kind]


def cells(axes, *, hatched):
    """Places of the rectangles over cells: hatched where not certified, plain where diverged."""
    shown = [patch for patch in axes.patches if isinstance(patch, Rectangle) and bool(patch.get_hatch()) == hatched]
    return {(round(cell.get_y() + 0.5), round(cell.get_x() + 0.5)) for cell in shown}


def test_heat_maps_hold_what_was_measured_on_one_scale_under_the_values_swept(figure):
    scales = set()
    for axes, result in zip(planes(figure), laboratory().planes, strict=True):
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array().filled(np.nan), result.measured)
        assert [label.get_text() for label in axes.get_xticklabels()] == [f"{x:.2g}" for x in result.plane.x_values]
        assert [label.get_text() for label in axes.get_yticklabels()] == [f"{y:.2g}" for y in result.plane.y_values]
        assert cells(axes, hatched=False) == set(zip(*np.nonzero(np.isnan(result.measured)), strict=True))
        scales.add(image.get_clim())
    assert scales == {(0.125, 4.0)}
    assert "leader" in planes(figure)[0].get_xlabel()
    assert "critics" in planes(figure)[0].get_ylabel()
    assert planes(figure)[1].get_ylabel() == "exponent, leader [1]"


def test_what_is_not_certified_is_hatched_unless_there_is_no_region(figure):
    for axes, result in zip(planes(figure), laboratory().planes, strict=True):
        assert cells(axes, hatched=True) == set(zip(*np.nonzero(~result.certified), strict=True))
    without = laboratory_figure(laboratory(no_region=NoRegion("not-given")), game="g")
    assert all(not cells(axes, hatched=True) for axes in planes(without))
    assert "No region is drawn: no drift inequalities were given." in " ".join(without.get_supxlabel().split())


def test_optima_are_marked_at_their_cells_in_the_planes_they_lie_in(figure):
    first, second = planes(figure)
    # Found at the base, leader 0.2 and critics 2, which lies in both planes; foreseen at leader 0.1.
    assert set(markers(first, "o")) == {(1, 1)}
    assert set(markers(second, "o")) == {(1, 0)}
    assert set(markers(first, "x")) == {(0, 1)}
    found = laboratory().found
    elsewhere = dataclasses.replace(found, choice={**found.choice, "follower": 9.0})
    assert not any(markers(axes, "o") for axes in planes(laboratory_figure(laboratory(found=elsewhere), game="g")))


def test_predictions_stand_against_measurements_certified_or_not(figure):
    drawn = lines(figure.axes[2])
    for label, inside in (("certified", True), ("not certified", False)):
        x = np.concatenate([r.predicted[r.certified == inside] for r in laboratory().planes])
        y = np.concatenate([r.measured[r.certified == inside] for r in laboratory().planes])
        known = np.isfinite(x)
        np.testing.assert_array_equal(drawn[f"run, {label}"].get_xydata(), np.stack([x, y], axis=1)[known])
    x, y = drawn["measured as predicted"].get_data()
    np.testing.assert_array_equal(x, y)
    assert_words_keep_apart(figure)


def test_a_sweep_in_which_all_diverged_is_drawn_without_a_scale():
    lost = [dataclasses.replace(r, measured=np.full((2, 3), np.nan)) for r in laboratory().planes]
    figure = laboratory_figure(
        laboratory(planes=tuple(lost), found=None, foreseen=None, no_optimum=NoOptimum("no-mean")), game="g"
    )
    assert all(len(cells(axes, hatched=False)) == 6 for axes in planes(figure))
    assert set(lines(figure.axes[2])) == {"measured as predicted"}
