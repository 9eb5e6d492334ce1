"""Figures by name: each draws what its record holds, on the axes that it is given."""

import dataclasses

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray
from matplotlib.figure import Figure

import smfg_verify
from smfg_verify import games, plot, solve_equilibrium, validate_bounds
from smfg_verify.report.figures.widths import INCHES
from tests.bounds.rates.test_decay import ITERATIONS
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of
from tests.bounds.rates.test_validate_bounds import residuals_of
from tests.report.figures.records.every_figure import contraction_report, cosine
from tests.report.records import assumptions, finding
from tests.support.drawn import assert_nothing_overlaps

GAME = games.load("laffer-tax")
SWEPT = xarray.Dataset(
    {
        "solve_objective": (
            ("discount", "temperature"),
            [[1.0, np.nan], [3.0, 4.0]],
            {"long_name": "Phi", "units": "reward"},
        )
    },
    coords={"discount": [0.8, 0.9], "temperature": [0.1, 1.0]},
)


@pytest.fixture(scope="module")
def records():
    residuals = residuals_of(np.random.default_rng(0).uniform(0.1, 1.0, (3, ITERATIONS.size)))
    trace = dataclasses.replace(
        trace_of(GAME, random_iterates(np.random.default_rng(1), GAME, 3, ITERATIONS.size)), iterations=ITERATIONS
    )
    bounds = validate_bounds(GAME, trace, residuals=residuals, num_resamples=100)
    report = contraction_report()
    report = dataclasses.replace(report, findings=(*report.findings, cosine()))
    return residuals, bounds, report, solve_equilibrium(GAME, np.zeros((1, 2)))


@pytest.fixture(scope="module")
def calls(records):
    residuals, bounds, report, equilibrium = records
    return {
        "convergence": (residuals, bounds, "e_mu"),
        "alignment": (report,),
        "alignment_along_run": (residuals,),
        "contraction": (report,),
        "eigenvalues": (report,),
        "mean_field": (GAME, equilibrium),
        "sweep": (SWEPT, "solve_objective", "discount", "temperature"),
    }


@pytest.fixture
def drawn(calls):
    axes = {name: Figure().subplots() for name in calls}
    assert all(getattr(plot, name)(*arguments, ax=axes[name]) is axes[name] for name, arguments in calls.items())
    return axes


def test_every_figure_has_a_title_and_both_axes_say_what_they_show(drawn):
    assert set(drawn) == set(plot.__all__)
    for name, axes in drawn.items():
        beginning = {"alignment_along_run": "Gradient alignment along", "sweep": "Sweep, "}.get(name, "Laffer tax. ")
        assert axes.get_title(loc="left").startswith(beginning), name
        assert axes.get_xlabel(), name
        assert axes.get_ylabel(), name


def test_what_is_drawn_are_the_numbers_of_the_record(records, drawn):
    residuals, bounds, report, equilibrium = records
    means = next(line for line in drawn["convergence"].lines if line.get_label() == "mean of seeds")
    np.testing.assert_array_equal(means.get_xdata(), residuals.iterations + 1)
    np.testing.assert_array_equal(means.get_ydata(), bounds["e_mu"].means)
    random = report.finding("gradient-alignment", "cosine").details["random"]
    bars = [bar for container in drawn["alignment"].containers for bar in container]
    assert sum(bar.get_height() for bar in bars) == np.sum(np.isfinite(random))
    places = drawn["eigenvalues"].collections[0].get_offsets()
    details = report.finding("contraction", "spectral-radius").details
    np.testing.assert_array_equal(places, np.stack([details["eigenvalues_real"], details["eigenvalues_imag"]], axis=1))
    np.testing.assert_array_equal([bar.get_width() for bar in drawn["mean_field"].patches], equilibrium.mean_field)
    assert drawn["contraction"].get_title(loc="left").endswith(report.verdict("contraction").value)


def test_mistakes_are_named(records):
    residuals, bounds, _, equilibrium = records
    with pytest.raises(ValueError, match="did you mean 'e_mu'"):
        plot.convergence(residuals, bounds, "e_nu")
    with pytest.raises(KeyError, match="coverage"):
        plot.contraction(assumptions(finding("coverage", "initial"), game=GAME))
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), equilibrium)
    with pytest.raises(ValueError, match="got 3 of them, expected one"):
        plot.mean_field(GAME, batch)


@pytest.mark.parametrize("width", INCHES)
def test_new_axes_are_as_wide_as_asked_for_and_everything_lies_apart(calls, width):
    for name, arguments in calls.items():
        axes = getattr(plot, name)(*arguments, width=width)
        assert axes.figure.get_figwidth() == INCHES[width]
        assert_nothing_overlaps(axes.figure)
        named = {text.get_text() for legend in axes.figure.legends for text in legend.get_texts()}
        assert named == set(axes.get_legend_handles_labels()[1]), name
        assert axes.get_legend() is None
        plt.close(axes.figure)


def test_on_axes_of_ones_own_the_legend_stands_beside_them_and_the_figure_stays_as_it_is(calls):
    for name, arguments in calls.items():
        figure = Figure(figsize=(6.0, 3.0), layout="constrained")
        axes = figure.subplots()
        getattr(plot, name)(*arguments, ax=axes)
        figure.draw_without_rendering()
        assert tuple(figure.get_size_inches()) == (6.0, 3.0)
        legend = axes.get_legend()
        assert legend is None or legend.get_window_extent().x0 >= axes.get_window_extent().x1, name


def test_without_axes_new_ones_are_made_and_the_names_complete(records):
    first, second = plot.alignment(records[2]), plot.alignment(records[2])
    assert first.figure is not second.figure
    plt.close("all")
    assert "plot" in dir(smfg_verify)
    assert set(plot.__all__) <= set(dir(plot))
