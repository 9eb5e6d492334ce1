"""Residuals that are zero, selections that are empty: said, never a number made of rounding or of nothing."""

import dataclasses
import io
import json

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from smfg_verify.bounds import (
    RESIDUAL_NAMES,
    ChangeStatus,
    PlanStatus,
    PredictionStatus,
    RateVerdict,
    compare_local,
    exact_residuals,
    find_limit_points,
    leader_way,
    local_prediction,
    plan_power,
    step_laboratory,
    validate_bounds,
)
from smfg_verify.bounds.drift.inequalities import RESIDUALS, fit_inequality
from smfg_verify.bounds.drift.validate_drift import bound_curves, validate_drift
from smfg_verify.bounds.local.linear_noise import linear_noise
from smfg_verify.bounds.rates.change_point import change_point
from smfg_verify.bounds.steps.sweep import StepPlane, power_schedule
from smfg_verify.errors import InputError
from smfg_verify.exact.batching import in_batches
from smfg_verify.jobs.drift import Drift
from smfg_verify.jobs.lab import LabResult
from smfg_verify.jobs.settings import GameSettings, RunSettings
from smfg_verify.report.files.drift import write_drift
from smfg_verify.report.files.lab import write_lab
from smfg_verify.report.tables.bounds import bounds_tables
from smfg_verify.report.tables.drift import drift_tables
from smfg_verify.report.tables.lab import lab_tables
from smfg_verify.stochastic import Schedule, ac_smfg
from tests.bounds.drift.planted import planted
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law
from tests.support.odd_games import OneState, Still

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning", "error::UserWarning:scipy.*")
CONSTANTS = np.array([0.7, 0.3, 0.0, 0.2, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.0])


def printed(shown) -> str:
    console = Console(width=250, file=io.StringIO())
    console.print(shown)
    return " ".join(console.file.getvalue().split())


@pytest.mark.parametrize("size", [0.0, 1e-33])
def test_an_error_that_is_zero_up_to_rounding_gets_no_constant(size):
    """Its column of the linear program is zero: any constant would do, 1e297 of one state's mean field was taken."""
    data = planted(np.random.default_rng(0), CONSTANTS)
    data.before["e_mu"][:] = size
    data.rounding["e_mu"][:] = 1e-30
    found = fit_inequality(data, "e_theta")
    assert found.solved
    assert found.coupling["e_mu"] == found.moving["e_mu"] == 0.0
    assert np.all(found.constants < 1e3)


@pytest.mark.parametrize("size", [0.0, 1e-33])
def test_a_residual_that_is_zero_up_to_rounding_has_no_inequality(size):
    data = planted(np.random.default_rng(1), CONSTANTS)
    data.before["e_theta"][:] = size
    data.rounding["e_theta"][:] = 1e-30
    found = fit_inequality(data, "e_theta")
    assert not found.solved
    assert "zero, up to rounding" in found.status


def test_rows_whose_squares_are_too_large_for_a_float_are_left_out():
    """A reward of 1e200 has residuals of infinity before and after: their difference was a warning of NumPy's."""
    whole, data = (planted(np.random.default_rng(3), CONSTANTS) for _ in range(2))
    for name in data.before:
        data.before[name][7] = np.inf
    data.stationary["e_theta"][:, 7] = np.inf
    data.before["e_mu"][8] = np.inf
    rows = np.ones_like(whole.stationary["e_theta"], bool)
    rows[:, [7, 8]] = False
    np.testing.assert_array_equal(
        fit_inequality(data, "e_theta").constants, fit_inequality(whole, "e_theta", rows).constants
    )


def test_a_learner_that_does_not_step_has_no_inequality():
    data = planted(np.random.default_rng(2), CONSTANTS)
    data.steps[..., 2] = 0.0
    assert "follower, is zero" in fit_inequality(data, "e_theta").status


@pytest.fixture(scope="module")
def one_state():
    game = OneState()
    trace = ac_smfg(game, num_iterations=40, seeds=[0], schedule=Schedule(), checkpoints=5)
    return game, trace, validate_drift(game, trace)


def test_drift_of_one_state_says_that_its_mean_field_does_not_move(one_state, tmp_path):
    """One seed and one state: no seeds to leave out, and a line that says nothing; a Lyapunov function was found."""
    game, _, report = one_state
    unsolved = [name for name, inequality in report.inequalities.items() if not inequality.solved]
    assert unsolved == ["e_mu"]
    assert all(np.all(report.inequalities[name].constants < 1e6) for name in RESIDUALS if name != "e_mu")
    assert not report.lyapunov.exists
    assert not report.lyapunov.obstruction
    drift = Drift(GameSettings("odd"), game, RunSettings(1, 40), report, None)
    said = printed(drift_tables(drift))
    assert "e_mu has no constants" in said
    assert "no group left out" in said
    assert "nan" not in said
    record = json.loads(write_drift(drift, tmp_path).read_text())
    line = record["inequalities"]["e_mu"]
    assert line["outcome"] == {"case": "no-residual", "facts": {}}
    assert line["status"] == "the residual is zero, up to rounding, at every iterate"
    assert (line["contraction"], line["violation"], line["coupling"]) == ("NaN", "NaN", {})
    assert record["lyapunov"]["undecided"] == {"case": "unsolved", "facts": {"residuals": ["e_mu"]}}
    assert record["lyapunov"]["reason"] == "the inequality of e_mu has no constants"


def test_drift_of_a_run_that_diverged_throughout_says_so(one_state):
    game, trace, _ = one_state
    lost = eqx.tree_at(lambda t: t.leader_logits, trace, np.full_like(trace.leader_logits, np.nan))
    report = validate_drift(game, lost)
    assert {inequality.status for inequality in report.inequalities.values()} == {"no iterate with finite residuals"}
    assert not report.lyapunov.exists


@pytest.mark.parametrize("bad", ["empty", "nan"])
def test_curves_are_not_made_of_seeds_without_numbers(one_state, bad):
    _, trace, report = one_state
    solved = {name: dataclasses.replace(report.inequalities["e_Vf"], residual=name) for name in RESIDUALS}
    report = dataclasses.replace(report, inequalities=solved)
    shape = (0 if bad == "empty" else 2, len(trace.iterations))
    tables = {name: np.full(shape, 1.0) for name in (*RESIDUALS, "objective")}
    if bad == "nan":
        tables["objective"][1, 2] = np.nan
    with pytest.raises(InputError, match=r"0 seeds|2 seeds and 1 numbers"):
        bound_curves(report, tables, trace.iterations)


def test_noise_of_rounding_has_no_break_and_plans_nothing():
    """Before, a plan of 8 seeds was recommended to tell apart two slopes of a gradient that is zero."""
    values = 1e-33 * noisy_power_law(np.random.default_rng(3), -0.5, num_seeds=40, noise=0.3)
    level = np.full(values.shape, 1e-28)
    found = change_point(values, ITERATIONS, rounding=level)
    assert found.status is ChangeStatus.INCONCLUSIVE
    assert "nothing decays" in found.reason
    plan = plan_power(
        values,
        ITERATIONS,
        rounding=level,
        seeds=[8],
        planned_iterations=[10**7],
        num_simulations=100,
        num_resamples=100,
    )
    assert plan.status is PlanStatus.INCONCLUSIVE
    assert "rounding" in plan.reason
    assert plan.recommended is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_way_of_leaders_that_diverged_is_no_number(value):
    logits = np.zeros((3, 4, 1, 2))
    logits[1, 2:] = value
    assert np.all(np.isnan(leader_way(logits, np.array([0, 1, 10, 100]))))


@pytest.mark.slow
def test_a_game_in_which_nothing_is_random_is_predicted_to_stay_where_it_is():
    """No noise: the covariance is zero, which was called ill-conditioned; zero over zero is no ratio."""
    game = Still()
    (point,) = find_limit_points(game, num_starts=1).interior
    trace = ac_smfg(game, num_iterations=20, seeds=range(5), checkpoints=5)
    residuals = exact_residuals(game, trace)
    found = local_prediction(game, point, Schedule(), trace.iterations)
    assert found.status is PredictionStatus.PREDICTED
    assert not np.any(found.covariance)
    assert all(not np.any(found.means[name][-1]) for name in RESIDUAL_NAMES)
    compared = compare_local(found, residuals)
    assert all(np.isnan(compared.ratio[name]) for name in RESIDUAL_NAMES)
    bounds = validate_bounds(game, trace, residuals=residuals, num_resamples=100)
    assert all(row.verdict is RateVerdict.INCONCLUSIVE and np.isnan(row.slope) for row in bounds.rows)
    assert "nan" not in printed(bounds_tables(bounds))


@pytest.mark.slow
def test_a_prediction_of_zero_beside_a_residual_is_an_infinite_ratio_without_an_error():
    game = Still()
    (point,) = find_limit_points(game, num_starts=1).interior
    trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=5)
    moved = dataclasses.replace(exact_residuals(game, trace), e_mu=np.ones((2, 5)))
    compared = compare_local(local_prediction(game, point, Schedule(), trace.iterations), moved)
    assert compared.ratio["e_mu"] == np.inf
    assert np.isnan(compared.standard_error["e_mu"])


PLANE = StepPlane("leader", "critic", np.array([0.1, 0.2, 0.4]), np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("game", "plane", "said"),
    [
        (Still(), PLANE, "zero up to rounding"),
        pytest.param(
            Still(),
            PLANE._replace(x_values=np.array([np.inf])),
            "no choice of step sizes has a finite mean",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_sweep_without_a_best_choice_names_none(game, plane, said, tmp_path):
    lab = step_laboratory(game, num_iterations=10, num_seeds=4, planes=[plane])
    assert lab.found is lab.foreseen is None
    assert said in lab.undecided
    assert np.isnan(lab.rank_correlation)
    assert np.isnan(lab.refinement)
    result = LabResult(GameSettings("odd"), game, RunSettings(4, 10), lab)
    shown = printed(lab_tables(result))
    assert said in shown
    assert "nan" not in shown
    assert {path.name for path in write_lab(result, tmp_path)} == {"lab.json", "lab.png", "lab.svg", "lab.pdf"}


@pytest.mark.parametrize(
    ("planes", "said"),
    [
        ([], "got none"),
        ([PLANE._replace(x="leeder")], "'leeder'"),
        ([PLANE._replace(x="critic")], "two different"),
        ([PLANE._replace(y_values=np.empty(0))], "0 of critic"),
    ],
)
def test_planes_that_hold_no_choice_are_refused(planes, said):
    with pytest.raises(InputError, match=said):
        step_laboratory(Still(), num_iterations=10, num_seeds=4, planes=planes)


def test_a_prediction_over_no_iterations_is_refused():
    with pytest.raises(InputError, match="num_iterations"):
        linear_noise(Still(), power_schedule(np.full((1, 6), 0.5)), 0)


def test_batches_of_no_points_are_empty_tables():
    found = in_batches(lambda x: (x.sum(axis=1), {"twice": 2 * x}), 0, np.zeros((0, 3)))
    assert found[0].shape == (0,)
    assert found[1]["twice"].shape == (0, 3)
    assert in_batches(lambda x: jnp.sum(x, axis=1), 4, np.zeros((0, 3))).dtype == float
