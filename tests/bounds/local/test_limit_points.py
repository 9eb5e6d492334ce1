"""Limit points of AC-SMFG: zeros by the oracle, stability by the flow itself, saturation and degeneracy by name."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds.local.components import Components, step_constants
from smfg_verify.bounds.local.limit_points import LimitStatus, find_limit_points, limit_point_at
from smfg_verify.bounds.local.mean_dynamics import mean_dynamics_at
from smfg_verify.bounds.local.predicted_errors import PredictionStatus, local_prediction
from smfg_verify.game import TabularGame, traced
from smfg_verify.stochastic import Schedule
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game

CONSTANTS = Schedule(leader=0.5, mean_field=0.7, follower=0.7, critic=0.7)


@pytest.fixture(scope="module")
def random_case():
    """Of the shape of `crowd_lovers`, so that one program serves both."""
    arrays, game = array_game(1, (2, 2, 2), observations=1, tau_l=0.3, gamma=0.7)
    return arrays, game, find_limit_points(game, CONSTANTS, num_starts=3)


def drift(game, schedule, iterate, horizon):
    """The iterate after following dx/dt = D h(x) for a time, by Euler steps short against the fastest mode."""
    game, step = traced(game), 0.1
    sizes = step_constants(game, schedule)
    ends = np.cumsum([np.size(part) for part in iterate])[:-1]
    scales = [part[0] for part in np.split(sizes, ends)]

    def one(_, x):
        h = mean_dynamics_at(game, x)
        return Components(*(part + step * c * slope for part, c, slope in zip(x, scales, h, strict=True)))

    start = Components(*(jnp.asarray(part) for part in iterate))
    return jax.jit(lambda x: jax.lax.fori_loop(0, int(horizon / step), one, x))(start)


def leader_distance(first, second):
    tables = (jax.nn.softmax(jnp.asarray(x.follower_logits), axis=-1) for x in (first, second))
    return float(np.max(np.abs(np.subtract(*tables))))


def test_an_interior_limit_is_a_zero_of_the_oracles_mean_dynamics_and_of_its_direct_gradient(random_case):
    arrays, _, found = random_case
    assert found.num_starts == 3 == sum(point.num_starts for point in found.points)
    (point,) = found.points
    assert point.status is LimitStatus.INTERIOR
    x = point.iterate
    h = oracle.mean_dynamics(
        arrays, x.leader_logits, x.follower_logits, x.follower_critic, x.leader_critic, x.mean_field
    )
    components = [np.ravel(part) for part in dataclasses.astuple(h)]
    assert np.linalg.norm(np.concatenate(components)) < 1e-9
    gradient = oracle.gradient(arrays, x.leader_logits)
    np.testing.assert_allclose(np.asarray(gradient.direct, float), 0.0, atol=1e-8)
    np.testing.assert_allclose(x.mean_field, gradient.equilibrium.mean_field, atol=1e-10)
    np.testing.assert_allclose(point.gradient_norm, np.linalg.norm(np.asarray(gradient.total, float)), rtol=1e-7)
    np.testing.assert_allclose(point.policy_gap, gradient.gap, rtol=1e-7)
    assert point.gradient_norm > 1e-2, "the direct gradient misses a part here"
    assert point.residual < 1e-10
    assert point.ordered


@pytest.mark.slow
def test_a_stable_limit_attracts_the_mean_dynamics_at_the_rate_of_its_slowest_mode(random_case):
    _, game, found = random_case
    (point,) = found.stable
    assert np.all(np.diff(point.eigenvalues.real) <= 1e-12)
    x = point.iterate
    pushed = x._replace(
        follower_critic=x.follower_critic + 0.05, leader_logits=x.leader_logits + np.array([[0.05, 0.0]])
    )
    # By then the fast modes have died out, so two later times show the slow one alone.
    unit = 1.0 / abs(point.spectral_abscissa)
    middle = drift(game, CONSTANTS, pushed, 8.0 * unit)
    last = drift(game, CONSTANTS, middle, 2.0 * unit)
    sizes = [np.linalg.norm(np.asarray(late.leader_critic) - x.leader_critic) for late in (middle, last)]
    np.testing.assert_allclose(np.log(sizes[0] / sizes[1]), 2.0, rtol=0.05)


def crowd_lovers(strength):
    """Two places, no leader to speak of, followers who like company: with much of it, the even split repels."""
    kernel = np.broadcast_to(0.05 + 0.9 * np.eye(2)[None, :, None, :], (2, 2, 2, 2)).copy()
    slope = np.broadcast_to(strength * np.eye(2)[:, None, :, None], (2, 2, 2, 2)).copy()
    leader, still = np.zeros((2, 2, 2)), np.zeros((2, 2, 2, 2))
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=np.zeros((2, 2, 2)),
        leader_rewards=leader,
        kernel_mean_field=still[..., None] * np.ones(2),
        follower_rewards_mean_field=slope,
        leader_rewards_mean_field=still,
        discount=0.5,
        temperature=0.3,
        initial_distribution=np.full(2, 0.5),
        leader_observation=np.zeros(2, int),
        leader_temperature=0.2,
    )


def even_split():
    value = np.full(2, 1.0)
    return Components(np.zeros((1, 2)), np.zeros((2, 2)), value, value, np.full(2, 0.5))


@pytest.mark.parametrize(("strength", "stable"), [pytest.param(0.3, True, marks=pytest.mark.slow), (2.0, False)])
def test_stability_is_what_the_mean_dynamics_does(strength, stable):
    """With more company wanted the even split turns from attracting to repelling; the flow shows the same."""
    game = crowd_lovers(strength)
    point = limit_point_at(game, even_split(), CONSTANTS)
    assert point.status is LimitStatus.INTERIOR
    np.testing.assert_allclose(point.iterate.mean_field, 0.5, atol=1e-12)
    assert point.stable is stable
    if not stable:
        assert local_prediction(game, point, CONSTANTS, [10]).status is PredictionStatus.UNSTABLE
    pushed = point.iterate._replace(follower_logits=np.array([[0.01, -0.01]] * 2))
    late = drift(game, CONSTANTS, pushed, 400.0)
    distance = leader_distance(late, point.iterate)
    assert distance < 1e-4 if stable else distance > 0.2


def test_a_saturating_leader_is_reported_at_the_boundary_and_not_polished():
    """The Laffer tax: the direct gradient asks for the highest tax everywhere, far from a stationary policy."""
    found = find_limit_points(games.LafferTax(), CONSTANTS, num_starts=3)
    (point,) = found.points
    assert found.boundary == (point,)
    assert point.num_starts == 3
    assert point.newton_steps == 0
    assert jax.nn.softmax(jnp.asarray(point.iterate.leader_logits))[0, 1] > 1.0 - 1e-4
    assert point.residual < 1e-5
    assert point.direct_norm < 1e-4
    assert point.gradient_norm < 1e-3, "it saturates: the logits alone would call it stationary"
    assert point.policy_gap > 1.0
    assert not point.stable
    assert np.isnan([point.condition, point.spectral_abscissa]).all()


@pytest.mark.slow
def test_a_continuum_of_zeros_is_degenerate():
    """Nothing depends on the leader's action, so that every leader is a zero."""
    arrays, _ = array_game(0, (3, 2, 2), observations=1)
    fields = ("kernel", "follower_rewards", "leader_rewards", "kernel_mean_field", "follower_rewards_mean_field")
    fields = (*fields, "leader_rewards_mean_field")
    axes = {name: -2 if "kernel" in name else -1 for name in fields}
    flat = {
        name: np.repeat(np.take(getattr(arrays, name), [0], axis=axis), 2, axis=axis) for name, axis in axes.items()
    }
    game = TabularGame.from_arrays(**dataclasses.replace(arrays, **flat).from_arrays_arguments())
    found = find_limit_points(game, CONSTANTS, num_starts=2)
    assert [point.status for point in found.points] == [LimitStatus.DEGENERATE] * 2
    assert not found.stable
    assert all(point.residual < 1e-9 for point in found.points)


def test_a_flow_cut_short_is_not_converged_and_gives_no_numbers():
    found = find_limit_points(games.LafferTax(), CONSTANTS, num_starts=2, max_steps=1)
    assert {point.status for point in found.points} == {LimitStatus.NOT_CONVERGED}
    assert len(found.points) == 2
    for point in found.points:
        assert point.residual > 1e-6, "the residual is reported all the same"
        assert np.isnan([point.gradient_norm, point.policy_gap, point.objective]).all()
        assert all(np.isnan(part).all() for part in point.iterate)


@pytest.mark.wrong_types
def test_bad_input_is_refused():
    game = games.TwoRoadToll(leader_temperature=0.2)
    with pytest.raises(ValueError, match="num_starts, leader_scale"):
        find_limit_points(game, num_starts=0)
    with pytest.raises(ValueError, match=r"starts: got shape \(1, 2\)"):
        find_limit_points(game, starts=np.zeros((1, 2)))
    with pytest.raises(ValueError, match="got zero for critic"):
        find_limit_points(game, Schedule(critic=0.0))
