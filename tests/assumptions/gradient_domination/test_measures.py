"""Gap, gradient and their ratio: the oracle, closed forms, and what renaming and units leave alone."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions.gradient_domination.measures import FollowerPoints, evaluate_points
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.assumptions.gradient_domination.test_findings import SMALL, bandit, games, random_points
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair
from tests.helpers import oracle


@SUPPORTS_ONE_QUICK
def test_gap_and_gradient_against_the_oracle(support):
    game, arrays, _ = pair(3, SMALL, support=support)
    points = random_points(arrays, 3)
    found = evaluate_points(checked(game), points)
    for k in range(3):
        theta, omega, field = (leaf[k] for leaf in points)

        def objective(table, omega=omega, field=field):
            return oracle.follower_objective(arrays, omega, oracle.softmax(table), field)

        gap = oracle.follower_gap(arrays, omega, oracle.softmax(theta), field)
        np.testing.assert_allclose([found.gap[k], found.value_gap[k]], gap, rtol=1e-9)
        units = np.eye(theta.size).reshape(-1, *theta.shape)
        slope = [oracle.central_difference(lambda t, u=u: objective(theta + t * u), 1e-2)[0] for u in units]  # noqa: B023
        np.testing.assert_allclose(found.squared_norm[k], np.sum(np.square(slope)), rtol=1e-8)
        np.testing.assert_allclose(found.ratio[k], np.sum(np.square(slope)) / gap, rtol=1e-8)
        np.testing.assert_allclose(found.mei_constant[k], mei_constant(arrays, theta, omega, field), rtol=1e-9)


def mei_constant(arrays, theta, omega, field):
    """(2 tau / n) min rho min pi^2 / max (d* / d), by the oracle's occupancies."""
    phi, policy = oracle.leader_rows(arrays, omega), oracle.softmax(theta)
    best = oracle.best_response(arrays, phi, field)[1]
    visits, best_visits = (
        oracle.occupancy(arrays, oracle.policy_kernel(arrays, phi, rows, field)) for rows in (policy, best)
    )
    start = arrays.initial_distribution.min()
    return 2 * arrays.temperature / len(visits) * start * policy.min() ** 2 / np.max(best_visits / visits)


def test_one_state_is_a_closed_form():
    rewards, tau, gamma = np.array([0.3, -0.2, 1.0]), 0.3, 0.8
    theta = np.array([0.4, -1.0, 0.2])
    points = FollowerPoints(theta[None, None], np.zeros((1, 1, 1)), np.ones((1, 1)))
    found = evaluate_points(checked(bandit(rewards, tau, gamma)), points)
    policy = np.exp(theta) / np.sum(np.exp(theta))
    value = np.sum(policy * (rewards - tau * np.log(policy))) / (1 - gamma)
    best = tau * np.log(np.sum(np.exp(rewards / tau))) / (1 - gamma)
    advantage = rewards - tau * np.log(policy) - (1 - gamma) * value
    np.testing.assert_allclose(found.gap[0], best - value, rtol=1e-12)
    np.testing.assert_allclose(found.squared_norm[0], np.sum((policy * advantage) ** 2) / (1 - gamma) ** 2, rtol=1e-12)
    np.testing.assert_allclose(found.mei_constant[0], 2 * tau * policy.min() ** 2, rtol=1e-12)
    optimum = np.exp(rewards / tau) / np.sum(np.exp(rewards / tau))
    np.testing.assert_allclose(found.optimal_probability[0], optimum.min(), rtol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.5, 5.0])
def test_the_theorem_holds_with_its_factor_2n_to_spare(scale):
    """Mei et al. prove at least one, the proof of the module's docstring 2n; on games from hot to cold."""
    for tau in (0.05, 0.3, 3.0):
        for game, arrays, _ in games(4, tau=tau, gamma=0.6):
            found = evaluate_points(checked(game), random_points(arrays, 64, seed=7, scale=scale))
            assert np.nanmin(found.mei_ratio) >= 2 * 3 * (1 - 1e-9)
            assert np.nanmax(found.identity_error) < 1e-6


def test_the_factor_2n_is_needed():
    """Two equal bandit arms near the optimum attain it at one state: 2n C is the ratio itself."""
    points = FollowerPoints(np.array([[[1e-6, -1e-6]]]), np.zeros((1, 1, 1)), np.ones((1, 1)))
    found = evaluate_points(checked(bandit(np.zeros(2), gamma=0.0)), points)
    np.testing.assert_allclose(found.mei_ratio[0], 2.0, rtol=1e-5)


def test_near_the_optimum_the_ratio_is_above_the_constant_there():
    game, arrays, logits = pair(5, SMALL)
    field = np.array([0.2, 0.5, 0.3])
    _, policy = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)
    theta = np.log(policy) + 1e-3 * np.random.default_rng(0).normal(size=(64, *policy.shape))
    found = evaluate_points(checked(game), FollowerPoints(theta, np.tile(logits, (64, 1, 1)), np.tile(field, (64, 1))))
    constant = 2 * arrays.temperature / 3 * arrays.initial_distribution.min() * policy.min() ** 2
    assert np.min(found.ratio) >= 2 * 3 * constant * (1 - 1e-2)
    np.testing.assert_allclose(found.mei_constant, constant, rtol=2e-2)


def test_at_the_optimum_nothing_is_divided_by_rounding():
    game, arrays, logits = pair(5, SMALL)
    field = np.array([0.2, 0.5, 0.3])
    _, policy = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)
    found = evaluate_points(checked(game), FollowerPoints(np.log(policy)[None], logits[None], field[None]))
    assert not found.resolved[0]
    assert np.isnan(found.ratio[0])


def test_scaling_rewards_and_temperature_scales_the_ratio():
    _, arrays, _ = pair(2, SMALL)
    names = ("follower_rewards", "follower_rewards_mean_field", "temperature")
    scaled = dataclasses.replace(arrays, **{name: 7.0 * getattr(arrays, name) for name in names})
    points = random_points(arrays, 8)
    found, other = (
        evaluate_points(checked(TabularGame.from_arrays(**a.from_arrays_arguments())), points) for a in (arrays, scaled)
    )
    for name in ("gap", "ratio", "mei_constant"):
        np.testing.assert_allclose(getattr(other, name), 7.0 * getattr(found, name), rtol=1e-10)
    np.testing.assert_allclose(other.mei_ratio, found.mei_ratio, rtol=1e-10)


def test_relabelling_changes_nothing():
    _, arrays, _ = pair(2, SMALL)
    order, actions = np.array([2, 0, 1]), np.array([1, 0])
    table = np.ix_(order, actions, np.arange(2))
    relabelled = dataclasses.replace(
        arrays,
        kernel=arrays.kernel[table][..., order],
        kernel_mean_field=arrays.kernel_mean_field[order][(slice(None), *table)][..., order],
        follower_rewards=arrays.follower_rewards[table],
        follower_rewards_mean_field=arrays.follower_rewards_mean_field[order][(slice(None), *table)],
        leader_rewards=arrays.leader_rewards[table],
        leader_rewards_mean_field=arrays.leader_rewards_mean_field[order][(slice(None), *table)],
        initial_distribution=arrays.initial_distribution[order],
        observation=arrays.observation[order],
    )
    points = random_points(arrays, 8)
    moved = FollowerPoints(
        points.follower_logits[:, order][:, :, actions], points.leader_logits, points.mean_field[:, order]
    )
    found = evaluate_points(checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())), points)
    other = evaluate_points(checked(TabularGame.from_arrays(**relabelled.from_arrays_arguments())), moved)
    for name in ("gap", "squared_norm", "mei_constant", "optimal_probability"):
        np.testing.assert_allclose(getattr(other, name), getattr(found, name), rtol=1e-10)
