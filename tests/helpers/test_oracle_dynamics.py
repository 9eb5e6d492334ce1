"""The oracle's mean dynamics, and the loop in NumPy, against what they must do where parts are frozen."""

import dataclasses
import itertools

import numpy as np
import pytest

from benchmarks import numpy_ac_smfg
from tests.helpers import oracle
from tests.helpers.random_iterates import SUPPORTS, random_game, random_iterate


@pytest.mark.parametrize("support", SUPPORTS)
def test_mean_dynamics_at_exact_critics_are_scaled_gradients(support):
    game = random_game(9, support, tau_l=0.2)
    leader, theta, _, _, mean_field = random_iterate(game, 9)
    phi, policy = oracle.leader_rows(game, leader), oracle.softmax(theta)
    value_f = oracle.follower_value(game, phi, policy, mean_field)
    swapped = dataclasses.replace(game, initial_distribution=np.zeros(4))
    value_l = np.zeros(4)
    for s in range(4):
        unit = dataclasses.replace(swapped, initial_distribution=np.eye(4)[s])
        value_l[s] = oracle.leader_return(unit, phi, policy, mean_field)
    h = oracle.mean_dynamics(game, leader, theta, value_f, value_l, mean_field)
    for field, point, function in [
        (
            "leader_logits",
            leader,
            lambda x: oracle.leader_return(game, oracle.leader_rows(game, x), policy, mean_field),
        ),
        ("follower_logits", theta, lambda x: oracle.follower_objective(game, leader, oracle.softmax(x), mean_field)),
    ]:
        units = np.eye(point.size).reshape(-1, *point.shape)
        slopes = [function(point + 1e-30j * unit).imag / 1e-30 for unit in units]
        expected = (1 - game.discount) * np.reshape(slopes, point.shape)
        np.testing.assert_allclose(getattr(h, field), expected, atol=1e-14)
    np.testing.assert_allclose(h.follower_value, 0, atol=1e-14)
    np.testing.assert_allclose(h.leader_value, 0, atol=1e-14)


@pytest.mark.parametrize("support", SUPPORTS)
def test_mean_dynamics_of_the_critics_and_the_mean_field(support):
    game = random_game(10, support, tau_l=0.2)
    leader, theta, value_f, value_l, mean_field = random_iterate(game, 10)
    h = oracle.mean_dynamics(game, leader, theta, value_f, value_l, mean_field)
    phi, policy = oracle.leader_rows(game, leader), oracle.softmax(theta)
    kernel, reward = oracle.follower_model(game, phi, mean_field)
    chain = np.einsum("sa,sat->st", policy, kernel)
    weight = oracle.occupancy(game, chain)
    assert weight.sum() == pytest.approx(1, abs=1e-14)
    target = np.sum(policy * (reward - game.temperature * np.log(policy)), axis=1) + game.discount * chain @ value_f
    np.testing.assert_allclose(h.follower_value, weight * (target - value_f), atol=1e-14)
    np.testing.assert_allclose(h.leader_logits.sum(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(h.follower_logits.sum(axis=1), 0, atol=1e-14)
    assert h.mean_field.sum() == pytest.approx(0, abs=1e-14)
    pairs = mean_field + h.mean_field
    states = pairs if support == "states" else pairs.sum(axis=1)
    np.testing.assert_allclose(states @ chain, states, atol=1e-14)
    if support == "state_actions":
        np.testing.assert_allclose(pairs, states[:, None] * policy, atol=1e-14)


def test_mean_dynamics_vanish_at_the_equilibrium_except_for_the_leader():
    game = random_game(11)
    leader = random_iterate(game, 11)[0]
    e = oracle.equilibrium(game, leader)
    h = oracle.mean_dynamics(game, leader, np.log(e.follower_policy), e.follower_value, np.zeros(4), e.mean_field)
    for component in (h.follower_logits, h.follower_value, h.mean_field):
        np.testing.assert_allclose(component, 0, atol=1e-13)
    assert np.abs(h.leader_logits).max() > 1e-4


def numpy_loop_game():
    """One small game as the NumPy benchmark and as the oracle read it."""
    game = numpy_ac_smfg.random_game(np.random.default_rng(0), 3, 2, 2)
    return game, oracle.ArrayGame(
        kernel=game.kernel,
        kernel_mean_field=game.kernel_slope,
        follower_rewards=game.follower_rewards,
        follower_rewards_mean_field=game.follower_slope,
        leader_rewards=game.leader_rewards,
        leader_rewards_mean_field=game.leader_slope,
        discount=game.discount,
        temperature=game.temperature,
        initial_distribution=game.initial_distribution,
        observation=game.observation,
    )


def test_numpy_loop_with_frozen_policies_finds_the_stationary_law_and_the_values():
    game, arrays = numpy_loop_game()
    frozen = numpy_ac_smfg.StepConstants(leader=0, follower=0, mean_field=1, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=0, constants=frozen)
    phi = policy = np.full((3, 2), 0.5)
    law = np.full(3, 1 / 3)
    for _ in range(200):
        law = oracle.population(arrays, phi, policy, law)
    np.testing.assert_allclose(last.mean_field, law, atol=0.1)
    np.testing.assert_allclose(last.follower_value, oracle.follower_value(arrays, phi, policy, law), atol=0.3)


def test_numpy_loop_with_a_frozen_leader_closes_the_follower_gap():
    game, arrays = numpy_loop_game()
    constants = numpy_ac_smfg.StepConstants(leader=0, mean_field=0.5, follower=1, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=1, constants=constants)
    start = oracle.follower_gap(arrays, np.zeros((3, 2)), np.full((3, 2), 0.5), last.mean_field)
    policy = oracle.softmax(last.follower_logits)
    np.testing.assert_allclose(last.follower_logits.sum(axis=1), 0, atol=1e-10)
    assert oracle.follower_gap(arrays, np.zeros((3, 2)), policy, last.mean_field) < 0.05 * start


def test_numpy_loop_with_a_frozen_population_finds_the_best_leader():
    game, arrays = numpy_loop_game()
    constants = numpy_ac_smfg.StepConstants(leader=1, mean_field=0, follower=0, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=2, constants=constants)
    policy, law = np.full((3, 2), 0.5), np.full(3, 1 / 3)
    returns = [
        oracle.leader_return(arrays, np.eye(2)[list(c)], policy, law) for c in itertools.product(range(2), repeat=3)
    ]
    np.testing.assert_allclose(last.leader_logits.sum(axis=1), 0, atol=1e-10)
    reached = oracle.leader_return(arrays, oracle.leader_rows(arrays, last.leader_logits), policy, law)
    assert reached > max(returns) - 0.05 * (max(returns) - min(returns))


def test_numpy_loop_visits_the_states_as_the_discounted_occupancy():
    game, arrays = numpy_loop_game()
    changes = {"discount": 0.7, "initial_distribution": np.array([0.9, 0.05, 0.05])}
    game, arrays = (dataclasses.replace(g, **changes) for g in (game, arrays))
    # With a reward of one and a critic that hardly moves, the critic counts visits; the slope is zero at the
    # frozen uniform mean field and only widens the critic's box.
    slope = np.array([5.0, -5.0, 0.0])[:, None, None, None] * np.ones((3, 2, 2))
    game = dataclasses.replace(game, leader_rewards=np.ones((3, 2, 2)), leader_slope=slope)
    constants = numpy_ac_smfg.StepConstants(leader=0, mean_field=0, follower=0, critic=1e-4)
    visits = numpy_ac_smfg.ac_smfg(game, 20_000, seed=3, constants=constants).leader_value
    policy = np.full((3, 2), 0.5)
    chain = oracle.policy_kernel(arrays, policy, policy, np.full(3, 1 / 3))
    weight = oracle.occupancy(arrays, chain)
    assert np.abs(weight - oracle.stationary_law(chain)).max() > 0.1
    np.testing.assert_allclose(visits / visits.sum(), weight, atol=0.03)
