"""Local theory: the Lyapunov equation, the lag of slow modes, and predicted against measured means."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds import RESIDUAL_NAMES, compare_local, exact_residuals, find_limit_points, local_prediction
from smfg_verify.bounds.local.components import Components, movable_directions, step_constants
from smfg_verify.bounds.local.expansion import SQUARED, expansion_at
from smfg_verify.bounds.local.limit_points import LimitStatus, limit_point_at
from smfg_verify.bounds.local.mean_dynamics import mean_dynamics_jacobian
from smfg_verify.bounds.local.predicted_errors import PredictionStatus
from smfg_verify.game import traced
from smfg_verify.stochastic import Schedule, ac_smfg
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.samples import num_uniforms
from smfg_verify.stochastic.schedules import StepSizes
from smfg_verify.stochastic.updates import update
from smfg_verify.stochastic.value_bounds import value_bounds
from tests.bounds.local.test_limit_points import crowd_lovers, even_split

SLOW_LEADER = Schedule(leader=0.5, mean_field=0.7, follower=0.7, critic=0.7)
EQUAL = Schedule(leader=2.0, mean_field=2.0, follower=2.0, critic=2.0)
GAMES = {
    "two-road-toll": games.TwoRoadToll(leader_temperature=0.2, discount=0.5),
    "market-entrance": games.MarketEntrance(leader_temperature=0.2, discount=0.5),
    "laffer-tax": games.LafferTax(leader_temperature=0.2, temperature=0.3, discount=0.5),
    "independent-leader": games.IndependentLeader(leader_temperature=0.2, discount=0.5),
}


@functools.cache
def limit_of(name):
    """The only limit point of a game; it is stable."""
    (point,) = find_limit_points(GAMES[name], SLOW_LEADER, num_starts=3).stable
    return point


# --- the Lyapunov equation -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_covariance_solves_the_lyapunov_equation_written_as_one_linear_system():
    game, point = GAMES["laffer-tax"], limit_of("laffer-tax")
    found = local_prediction(game, point, SLOW_LEADER, [1000], "markov")
    constants, basis = step_constants(game, SLOW_LEADER), movable_directions(game)
    matrix = basis.T @ np.diag(constants) @ mean_dynamics_jacobian(game, point.iterate) @ basis
    forcing = basis.T @ np.diag(constants) @ found.noise @ np.diag(constants) @ basis
    eye = np.eye(len(matrix))
    system = np.kron(eye, matrix) + np.kron(matrix, eye)
    expected = np.linalg.solve(system, -forcing.ravel()).reshape(matrix.shape)
    np.testing.assert_allclose(basis.T @ found.covariance @ basis, expected, atol=1e-9 * np.max(np.abs(expected)))
    np.testing.assert_allclose(basis @ basis.T @ found.covariance, found.covariance, atol=1e-12)
    assert np.min(np.linalg.eigvalsh(expected)) > 0.0
    assert found.lyapunov_residual < 1e-10
    exact = np.linalg.norm(system, 1) * np.linalg.norm(np.linalg.inv(system), 1)
    assert 0.1 * exact < found.condition < 10.0 * exact


def test_the_lag_of_slow_modes_is_that_of_the_linear_recursion():
    """Step by step, C += eps_k (A C + C A^T) + eps_k^2 D Sigma D: what eps_k S leaves over is nearly all lag."""
    game, point = GAMES["laffer-tax"], limit_of("laffer-tax")
    last = 20_000
    found = local_prediction(game, point, SLOW_LEADER, [last])
    constants, basis = step_constants(game, SLOW_LEADER), movable_directions(game)
    matrix = basis.T @ np.diag(constants) @ mean_dynamics_jacobian(game, point.iterate) @ basis
    forcing = basis.T @ np.diag(constants) @ found.noise @ np.diag(constants) @ basis
    covariance = np.zeros_like(matrix)
    for eps in 1.0 / np.sqrt(np.arange(1.0, last + 1.0)):
        covariance = covariance + eps * (matrix @ covariance + covariance @ matrix.T) + eps**2 * forcing
    iterate = Components(*(jnp.asarray(part) for part in point.iterate))
    expansion = expansion_at(traced(game), iterate, basis, (covariance, covariance))
    eps = 1.0 / np.sqrt(last + 1.0)
    for name in ("e_theta", "e_mu"):
        slope = expansion.slope[SQUARED[name]]
        left = np.trace(slope.T @ covariance @ slope) - eps * found.slopes[name]
        assert left > 0.0
        np.testing.assert_allclose(eps**2 * found.lags[name], left, rtol=0.15)


# --- predictions against runs ----------------------------------------------------------------------------------------


def compared(name, schedule, sampling, num_iterations, *, num_seeds=256, at_limit=False):
    game, point = GAMES[name], limit_of(name)
    checkpoints = np.unique(np.rint(np.geomspace(num_iterations / 10, num_iterations, 7)).astype(int))
    trace = ac_smfg(
        game,
        num_iterations=num_iterations,
        seeds=range(num_seeds),
        schedule=schedule,
        sampling=sampling,
        checkpoints=checkpoints,
        initial=point.iterate._asdict() if at_limit else None,
    )
    prediction = local_prediction(game, point, schedule, trace.iterations, sampling)
    assert prediction.status is PredictionStatus.PREDICTED
    assert np.min(prediction.critic_margin) > 5.0
    return prediction, compare_local(prediction, exact_residuals(game, trace))


@pytest.mark.parametrize(
    ("name", "schedule", "sampling", "num_iterations", "at_limit"),
    [
        pytest.param("laffer-tax", SLOW_LEADER, "markov", 30_000, True, marks=pytest.mark.slow),
        pytest.param("two-road-toll", SLOW_LEADER, "markov", 300_000, False, marks=pytest.mark.slow),
        pytest.param("market-entrance", SLOW_LEADER, "markov", 300_000, False, marks=pytest.mark.slow),
        pytest.param("laffer-tax", SLOW_LEADER, "markov", 300_000, False, marks=pytest.mark.slow),
        pytest.param("independent-leader", EQUAL, "markov", 100_000, False, marks=pytest.mark.slow),
        pytest.param("two-road-toll", SLOW_LEADER, "iid", 20_000, True, marks=pytest.mark.slow),
        pytest.param("market-entrance", SLOW_LEADER, "iid", 30_000, True, marks=pytest.mark.slow),
        pytest.param("independent-leader", EQUAL, "iid", 30_000, True, marks=pytest.mark.slow),
    ],
)
def test_predicted_means_are_within_ten_percent_of_measured_ones(name, schedule, sampling, num_iterations, at_limit):
    _, found = compared(name, schedule, sampling, num_iterations, at_limit=at_limit)
    assert found.num_not_finite == 0
    for residual in RESIDUAL_NAMES:
        assert abs(found.ratio[residual] - 1.0) < 0.1, (residual, found.ratio, found.standard_error)
        assert found.standard_error[residual] < 0.04, residual


@pytest.mark.slow
def test_mean_and_covariance_at_a_constant_step_include_the_drift_of_the_chains():
    """A long run at constant steps shows the bias b eps itself, which in iid sampling would be another one."""
    schedule, eps, lanes = SLOW_LEADER, 0.04, 256
    game = games.LafferTax(leader_temperature=0.2, temperature=0.3, discount=0.5, inertia=0.5)
    (point,) = find_limit_points(game, schedule, num_starts=1).stable
    predicted = {mode: local_prediction(game, point, schedule, [1000], mode) for mode in ("markov", "iid")}
    mean, covariance = constant_step_moments(traced(game), point.iterate, eps, lanes, jax.random.key(0))
    basis = movable_directions(game)
    error = (basis.T @ mean).std(axis=1) / np.sqrt(lanes)
    scores = {mode: (basis.T @ mean).mean(axis=1) - eps * basis.T @ found.bias for mode, found in predicted.items()}
    assert np.max(np.abs(scores["markov"] / error)) < 3.0
    assert np.max(np.abs(scores["iid"] / error)) > 4.0
    ratios = np.diag(covariance) / (eps * np.diag(predicted["markov"].covariance))
    assert np.max(np.abs(ratios - 1.0)) < 0.1


@eqx.filter_jit
def constant_step_moments(game, iterate, eps, lanes, key):
    """Averages over time of the deviation, (N, lanes), and of its outer product, (N, N), at steps c eps."""
    constants = SLOW_LEADER
    steps = StepSizes(
        *(eps * c for c in (constants.leader, constants.mean_field, constants.follower, constants.critic))
    )
    bounds, count, warm, last = value_bounds(game), num_uniforms(game, "markov"), 5_000, 300_000
    many = [jnp.repeat(jnp.asarray(part)[..., None], lanes, axis=-1) for part in iterate]
    states = jnp.zeros(lanes, jnp.int32)
    centre = jnp.concatenate([part.reshape(-1, lanes) for part in many])

    def one(k, carry):
        x, mean, square = carry
        x = update(game, bounds, steps, "markov", x, jax.random.uniform(jax.random.fold_in(key, k), (count, lanes)))
        away = jnp.concatenate([getattr(x, name).reshape(-1, lanes) for name in Components._fields]) - centre
        kept = k >= warm
        return x, mean + kept * away, square + kept * (away @ away.T)

    empty = (jnp.zeros_like(centre), jnp.zeros((len(centre), len(centre))))
    _, mean, square = jax.lax.fori_loop(0, last, one, (Iterate(*many, states, states), *empty))
    return mean / (last - warm), square / ((last - warm) * lanes)


# --- what is not predicted -------------------------------------------------------------------------------------------


def test_where_the_theory_does_not_apply_there_are_no_numbers():
    game = games.LafferTax()
    (boundary,) = find_limit_points(game, SLOW_LEADER, num_starts=1).points
    assert boundary.status is LimitStatus.BOUNDARY
    assert_unknown(local_prediction(game, boundary, SLOW_LEADER, [10, 100]), PredictionStatus.NOT_INTERIOR)


@pytest.mark.slow
def test_a_repelling_limit_has_no_stationary_covariance():
    game = crowd_lovers(2.0)
    saddle = limit_point_at(game, even_split(), SLOW_LEADER)
    assert_unknown(local_prediction(game, saddle, SLOW_LEADER, [10, 100]), PredictionStatus.UNSTABLE)


def assert_unknown(found, status):
    assert found.status is status
    assert np.isnan(found.covariance).all()
    assert all(np.isnan(found.means[name]).all() for name in RESIDUAL_NAMES)


def test_where_a_step_is_clipped_the_mean_is_unknown_and_a_slow_mode_is_seen_in_the_memory():
    game, point = GAMES["laffer-tax"], limit_of("laffer-tax")
    fast = Schedule(leader=0.5, mean_field=0.7, follower=0.7, critic=2.0)
    found = local_prediction(game, point, fast, [1, 3, 100_000])
    np.testing.assert_array_equal(np.isnan(found.means["e_mu"]), [True, False, False])
    assert found.memory[1] > 0.9
    assert found.memory[2] < 1e-3


@pytest.mark.wrong_types
def test_bad_input_is_refused():
    game, point = GAMES["laffer-tax"], limit_of("laffer-tax")
    with pytest.raises(ValueError, match="iterations: got"):
        local_prediction(game, point, SLOW_LEADER, [0.5])
    with pytest.raises(ValueError, match="sampling: got 'both'"):
        local_prediction(game, point, SLOW_LEADER, [10], "both")
    with pytest.raises(ValueError, match="limit point of another game"):
        local_prediction(games.LafferTax(leader_temperature=0.3, discount=0.5), point, SLOW_LEADER, [10])
