"""Residuals along a run: the data drawn is the data handed in, and what log axes cannot show is counted."""

import numpy as np
import pytest

from smfg_verify.bounds import RESIDUAL_NAMES, RUNNING_MINIMUM, PointStatus, validate_bounds
from smfg_verify.report.figures.convergence import convergence_figure
from smfg_verify.report.labels import MEASURES
from tests.report.figures.records.residuals import GAME, line, power_law, run
from tests.support.drawn import assert_words_keep_apart, lines, words


@pytest.fixture(scope="module")
def trace():
    return run()


def drawn(trace, residuals):
    report = validate_bounds(GAME, trace, residuals=residuals)
    figure = convergence_figure(residuals, report)
    return figure, dict(zip(RESIDUAL_NAMES, figure.axes, strict=True)), report


@pytest.fixture(scope="module")
def plain(trace):
    return drawn(trace, power_law(trace))


def slope_of(axes, beginning):
    x, y = line(axes, beginning)
    return (np.log(y[-1]) - np.log(y[0])) / (np.log(x[-1]) - np.log(x[0]))


def test_convergence_draws_the_seed_mean_and_the_running_minimum(trace, plain):
    residuals, (_, panels, report) = power_law(trace), plain
    for name, axes in panels.items():
        x, y = line(axes, "mean of seeds")
        np.testing.assert_array_equal(x, trace.iterations + 1)
        np.testing.assert_allclose(y, getattr(residuals, name).mean(axis=0), rtol=1e-12)
    _, y = line(panels["e_omega"], "its running minimum")
    np.testing.assert_array_equal(y, np.minimum.accumulate(line(panels["e_omega"], "mean of seeds")[1]))
    np.testing.assert_array_equal(y, report[RUNNING_MINIMUM].means)


def test_convergence_draws_the_fit_of_the_report_and_the_claimed_slope(plain):
    _, panels, report = plain
    for name, axes in panels.items():
        row = report[name]
        x, y = line(axes, "fitted slope")
        np.testing.assert_allclose(x, np.array(row.window) + 1.0)
        np.testing.assert_allclose(np.log(y), row.intercept + row.slope * np.log(x), rtol=1e-12)
        assert slope_of(axes, "claimed slope") == pytest.approx(-0.5, abs=1e-12)
        assert row.verdict.value in " ".join(axes.get_title(loc="left").replace("$", "").split())


def test_convergence_counts_what_log_axes_cannot_show(trace):
    values = power_law(trace).e_mu.copy()
    values[0, -3:-1] = np.nan
    values[:, 0] = 0.0
    figure, panels, _ = drawn(trace, power_law(trace, e_mu=values))
    note = " ".join(figure.get_supxlabel().split())
    assert "mean field 2:" in note
    assert f"{len(values)} exact zeros" in note
    _, y = line(panels["e_mu"], "mean of seeds")
    assert np.isnan(y[[0, -3, -2]]).all()
    assert np.isfinite(y[1:-3]).all()
    assert not [item for item in panels["e_mu"].lines if item.get_label().startswith("fitted")]


def test_the_figure_hides_no_seed_that_diverged(trace):
    values = {name: getattr(power_law(trace), name).copy() for name in RESIDUAL_NAMES}
    for array in values.values():
        array[1, -4:] = np.nan
    status = np.full(values["e_mu"].shape, PointStatus.EVALUATED)
    status[1, -4:] = PointStatus.DIVERGED
    figure, panels, _ = drawn(trace, power_law(trace, **values, status=status))
    assert "4 diverged" in " ".join(figure.get_supxlabel().split())
    assert all("inconclusive" in axes.get_title(loc="left") for axes in panels.values())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "value", [0.0, pytest.param(np.nan, marks=pytest.mark.slow), pytest.param(np.inf, marks=pytest.mark.slow)]
)
def test_residuals_that_log_axes_cannot_show_leave_their_panels_empty(trace, value):
    """As of a leader with one action: its gradient is zero at every checkpoint, and no limits of the axis follow."""
    nothing = np.full((trace.seeds.size, trace.iterations.size), value)
    figure, panels, _ = drawn(trace, power_law(trace, e_omega=nothing, policy_gap=nothing))
    assert all(0.0 < low < high for low, high in (axes.get_ylim() for axes in panels.values()))
    figure.draw_without_rendering()


def test_every_panel_has_its_words_and_a_legend_of_what_is_drawn_in_it(trace, plain):
    figure, panels, report = plain
    assert_words_keep_apart(figure)
    (legend,) = figure.legends
    assert legend.get_texts()[0].get_text() == "5% to 95% of seeds"
    for name, axes in panels.items():
        title, _, y = words(axes)
        assert y == f"{MEASURES[name].symbol} [{MEASURES[name].unit}]"
        assert MEASURES[name].words in " ".join(title.split())
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert set(lines(axes)) | {"its running minimum"} == {text.get_text() for text in legend.get_texts()[1:]}
        assert ("no claim" in " ".join(title.split())) == (name == "policy_gap")
    assert {words(axes)[1] for axes in figure.axes[3:]} == {"iterations $k+1$ [count]"}
    assert f"{report.num_seeds} seeds, {trace.iterations.size} checkpoints" in " ".join(figure.get_supxlabel().split())
