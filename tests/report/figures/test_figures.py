"""Figures: the data drawn is the data handed in, and what is not drawn is counted."""

import re

import equinox as eqx
import numpy as np
import pytest

from smfg_verify.assumptions import Evidence, Finding, Side, Verdict
from smfg_verify.bounds import RESIDUAL_NAMES, RUNNING_MINIMUM, PointStatus, Residuals, validate_bounds
from smfg_verify.exact import solve_equilibrium
from smfg_verify.games import load
from smfg_verify.report.figures.alignment import alignment_figure
from smfg_verify.report.figures.convergence import convergence_figure
from smfg_verify.report.figures.drawing import save_figure
from smfg_verify.report.figures.equilibrium import equilibrium_figure
from smfg_verify.stochastic import ac_smfg

SLOPE = -0.5


@pytest.fixture(scope="module")
def trace():
    return ac_smfg(load("laffer-tax"), num_iterations=1000, seeds=range(6), checkpoints=40)


def power_law(trace, **changes):
    """Residuals that decay as (k + 1)^SLOPE times a factor of the seed and of the name."""
    k = trace.iterations
    shape = (trace.seeds.size, k.size)
    jitter = np.random.default_rng(0).uniform(0.8, 1.2, shape)
    decay = {name: (1 + i) * jitter * (k + 1.0) ** SLOPE for i, name in enumerate(RESIDUAL_NAMES)}
    fields = {
        **decay,
        "rounding": {name: np.full(shape, 1e-20) for name in RESIDUAL_NAMES},
        "objective": np.zeros(shape),
        "direct_norm_squared": np.ones(shape),
        "alignment": jitter - 0.5,
        "status": np.full(shape, PointStatus.EVALUATED),
    }
    return Residuals(iterations=k, seeds=trace.seeds, **{**fields, **changes})


def drawn(trace, residuals):
    report = validate_bounds(load("laffer-tax"), trace, residuals=residuals)
    figure = convergence_figure(residuals, report)
    return figure, dict(zip(RESIDUAL_NAMES, figure.axes, strict=True)), report


def line(axes, beginning):
    (found,) = [item for item in axes.lines if item.get_label().startswith(beginning)]
    return found.get_xdata(), found.get_ydata()


def slope_of(axes, beginning):
    x, y = line(axes, beginning)
    return (np.log(y[-1]) - np.log(y[0])) / (np.log(x[-1]) - np.log(x[0]))


def test_convergence_draws_the_seed_mean_and_the_running_minimum(trace):
    residuals = power_law(trace)
    _, panels, report = drawn(trace, residuals)
    for name, axes in panels.items():
        x, y = line(axes, "mean of seeds")
        np.testing.assert_array_equal(x, trace.iterations + 1)
        np.testing.assert_allclose(y, getattr(residuals, name).mean(axis=0), rtol=1e-12)
    _, y = line(panels["e_omega"], "running minimum")
    np.testing.assert_array_equal(y, np.minimum.accumulate(line(panels["e_omega"], "mean of seeds")[1]))
    np.testing.assert_array_equal(y, report[RUNNING_MINIMUM].means)


def test_convergence_draws_the_fit_of_the_report_and_the_claimed_slope(trace):
    _, panels, report = drawn(trace, power_law(trace))
    for name, axes in panels.items():
        row = report[name]
        x, y = line(axes, "fit, slope")
        np.testing.assert_allclose(x, np.array(row.window) + 1.0)
        np.testing.assert_allclose(np.log(y), row.intercept + row.slope * np.log(x), rtol=1e-12)
        assert slope_of(axes, "slope") == pytest.approx(-0.5, abs=1e-12)
        assert row.verdict.value in axes.get_title(loc="left").replace("$", "")


def test_convergence_counts_what_log_axes_cannot_show(trace):
    values = power_law(trace).e_mu.copy()
    values[0, -3:-1] = np.nan
    values[:, 0] = 0.0
    figure, panels, _ = drawn(trace, power_law(trace, e_mu=values))
    note = " ".join(figure.get_supxlabel().split())
    assert "e_mu 2:" in note
    assert f"{len(values)} exact zeros" in note
    _, y = line(panels["e_mu"], "mean of seeds")
    assert np.isnan(y[[0, -3, -2]]).all()
    assert np.isfinite(y[1:-3]).all()
    assert not [item for item in panels["e_mu"].lines if item.get_label().startswith("fit")]


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
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_residuals_that_log_axes_cannot_show_leave_their_panels_empty(trace, value, tmp_path):
    """As of a leader with one action: its gradient is zero at every checkpoint, and no limits of the axis follow."""
    nothing = np.full((trace.seeds.size, trace.iterations.size), value)
    figure, panels, _ = drawn(trace, power_law(trace, e_omega=nothing, policy_gap=nothing))
    assert all(0.0 < low < high for low, high in (axes.get_ylim() for axes in panels.values()))
    assert save_figure(figure, tmp_path, "convergence")


def cosine_finding(random, constant):
    return Finding(
        property="gradient-alignment",
        statement="cosine",
        verdict=Verdict.SUPPORTED,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.SEARCH,
        details={"random": random},
    )


@pytest.mark.parametrize("lowest", [-1.0, 0.3])
def test_alignment_histogram_holds_every_number_and_the_worst_case(trace, lowest):
    random = np.concatenate([np.random.default_rng(1).uniform(lowest, 1.0, 200), [1.0 + 4e-16, lowest, np.nan, np.nan]])
    residuals = power_law(trace)
    residuals.alignment[2, 5] = np.nan
    figure = alignment_figure(cosine_finding(random, lowest), residuals)
    histogram, course = figure.axes
    assert sum(bar.get_height() for bar in histogram.patches if bar.get_height() > 1 or bar.get_width() < 0.1) == 202
    np.testing.assert_array_equal(line(histogram, "worst case")[0], [lowest, lowest])
    np.testing.assert_allclose(line(course, "median")[1], np.nanmedian(residuals.alignment, axis=0))
    np.testing.assert_allclose(line(course, "smallest")[1], np.nanmin(residuals.alignment, axis=0))
    note = " ".join(figure.get_supxlabel().split())
    assert "2 of 204 random leaders masked" in note
    assert f"1 of {residuals.alignment.size} points of the run masked" in note


def test_alignment_without_any_number_says_so(trace):
    residuals = power_law(trace)
    residuals.alignment[:] = np.nan
    figure = alignment_figure(cosine_finding(np.full(7, np.nan), np.nan), residuals)
    assert "7 of 7 random leaders masked" in figure.get_supxlabel()
    assert any("no cosine" in text.get_text() for text in figure.axes[1].texts)


@pytest.mark.parametrize("name", ["market-entrance", "equilibrium-pricing"])
def test_heat_maps_show_the_equilibrium_under_the_games_labels(name):
    game = load(name)
    shape = (game.num_states, game.num_leader_actions)
    equilibrium = solve_equilibrium(game, np.zeros(shape))
    policy = np.random.default_rng(0).dirichlet(np.ones(shape[1]), shape[0])
    figure = equilibrium_figure(game, equilibrium, {"leader": policy})
    field, follower, leader = [axes for axes in figure.axes if axes.images][:3]
    np.testing.assert_array_equal(np.ravel(field.images[0].get_array()), np.ravel(equilibrium.mean_field))
    np.testing.assert_array_equal(follower.images[0].get_array(), equilibrium.follower_policy)
    np.testing.assert_array_equal(leader.images[0].get_array(), policy)
    for axes in (field, follower, leader):
        assert tuple(label.get_text() for label in axes.get_yticklabels()) == tuple(game.state_labels)
    assert tuple(label.get_text() for label in follower.get_xticklabels()) == tuple(game.follower_action_labels)
    assert tuple(label.get_text() for label in leader.get_xticklabels()) == tuple(game.leader_action_labels)
    assert [text.get_text() for text in leader.texts] == [f"{value:.3f}" for value in policy.ravel()]


def test_an_unconverged_equilibrium_is_drawn_as_nan():
    game = load("laffer-tax")
    found = solve_equilibrium(game, np.zeros((1, 2)))
    lost = (np.full(2, np.nan), np.full((2, 2), np.nan), np.asarray(False))
    unconverged = eqx.tree_at(lambda e: (e.mean_field, e.follower_policy, e.converged), found, lost)
    figure = equilibrium_figure(game, unconverged, {"leader": np.full((1, 2), 0.5)})
    assert "NOT CONVERGED" in figure.get_supxlabel()
    assert {text.get_text() for text in figure.axes[0].texts} == {"nan"}


def test_a_saved_figure_is_a_function_of_its_data(trace, tmp_path):
    finding = cosine_finding(np.linspace(-1.0, 1.0, 50), -1.0)
    (tmp_path / "again").mkdir()
    first = save_figure(alignment_figure(finding), tmp_path, "alignment")
    save_figure(alignment_figure(finding), tmp_path / "again", "alignment")
    assert first == ("alignment.png", "alignment.svg")
    for name in first:
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert not re.search(r"<dc:date>", (tmp_path / "alignment.svg").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", *first]
