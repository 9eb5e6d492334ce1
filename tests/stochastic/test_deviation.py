"""Gain of a single deviation: exact at one follower, of order 1/N at equilibrium, the exploitability in the limit."""

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import TabularGame
from smfg_verify.stochastic import simulate_population
from tests.helpers.oracle import entropy, soft_value_iteration, softmax, stationary_law
from tests.helpers.random_arrays import random_array_game
from tests.stochastic.games_for_runs import array_game
from tests.stochastic.test_finite_population import LARGEST_Z, policies


class _Alone:
    """The game of N = 1 as the oracle reads it: everywhere the mean field is where the follower is itself."""

    def __init__(self, arrays):
        n, num_actions, _ = self.sizes = arrays.sizes
        width = 1 if arrays.support == "states" else num_actions
        corners = np.eye(n * width)
        tables = [np.empty_like(table) for table in arrays.tables(corners[0])]
        for s in range(n):
            for a in range(num_actions):
                met = arrays.tables(corners[s if width == 1 else s * num_actions + a])
                for table, here in zip(tables, met, strict=True):
                    table[s, a] = here[s, a]
        self._tables = tables
        self.discount, self.temperature = arrays.discount, arrays.temperature

    def tables(self, mean_field):
        return self._tables


def expected_return(policy, phi, kernel, rewards, discount, bonus, law, steps):
    """Discounted sum over `steps` of E[rewards(s, a, b) + bonus(s)], of tables that do not change."""
    reward = np.einsum("sa,sb,sab->s", policy, phi, rewards) + bonus
    chain = np.einsum("sa,sb,sabt->st", policy, phi, kernel)
    total = 0.0
    for step in range(steps):
        total += discount**step * law @ reward
        law = law @ chain
    return total


@pytest.mark.slow
@pytest.mark.parametrize("support", [pytest.param("states", marks=pytest.mark.slow), "state_actions"])
def test_a_single_follower_has_the_returns_and_the_gain_of_its_decision_problem(support):
    arrays, game = array_game(1, support=support, tau_l=0.3)
    policy, logits = policies(arrays)
    phi, law, steps = softmax(logits)[arrays.observation], arrays.initial_distribution, 12
    run = simulate_population(game, policy, 1, leader_logits=logits, num_steps=steps, seeds=range(800), initial=law)
    alone = _Alone(arrays)
    kernel, follower_rewards, leader_rewards = alone.tables(None)
    bonus = arrays.temperature * entropy(policy)
    for found, rewards, added in (
        (run.follower_return, follower_rewards, bonus),
        (run.leader_return, leader_rewards, 0.3 * entropy(phi)),
    ):
        expected = expected_return(policy, phi, kernel, rewards, arrays.discount, added, law, steps)
        assert abs(np.mean(found) - expected) < LARGEST_Z * np.std(found) / np.sqrt(found.size)
    kept = expected_return(policy, phi, kernel, follower_rewards, arrays.discount, bonus, law, 800)
    gain = law @ soft_value_iteration(alone, phi, None) - kept
    assert gain > 0.01
    for found in (run.deviation.gain, run.deviation.clairvoyant_gain):
        np.testing.assert_allclose(found, gain, atol=1e-9)


def test_at_equilibrium_the_gain_of_a_deviation_vanishes_as_one_over_the_number_of_players():
    game = games.load("epidemic")
    found = [simulate_population(game, None, n, num_steps=60, seeds=range(6)).deviation for n in (10, 200)]
    for deviation in found:
        error = np.std(deviation.gain) / np.sqrt(deviation.gain.size)
        assert np.mean(deviation.gain) > -LARGEST_Z * error
        # Seeing the path before it comes is worth something, so the two bounds are not one.
        assert np.all(deviation.clairvoyant_gain > np.maximum(deviation.gain, 0.0))
    upper = [deviation.interval[1] for deviation in found]
    # Of second order in a fluctuation of size N^-1/2; a gain that only shrank like it would fall by 4.5, not by 20.
    assert upper[0] / upper[1] > 10.0


@pytest.mark.slow
def test_away_from_equilibrium_the_gain_tends_to_the_exploitability_of_the_limit():
    arrays, game = array_game(3)
    policy, logits = policies(arrays)
    phi = softmax(logits)[arrays.observation]
    field = np.full(4, 0.25)
    for _ in range(200):
        kernel, rewards, _ = arrays.tables(field)
        field = stationary_law(np.einsum("sa,sb,sabt->st", policy, phi, kernel))
    bonus = arrays.temperature * entropy(policy)
    kept = expected_return(policy, phi, kernel, rewards, arrays.discount, bonus, field, 2000)
    exploitability = field @ soft_value_iteration(arrays, phi, field) - kept
    gaps = []
    for players in (10, 1000):
        run = simulate_population(
            game, policy, players, leader_logits=logits, mean_field=field, num_steps=40, seeds=range(6)
        )
        gaps.append(max(abs(end - exploitability) for end in run.deviation.interval))
    assert gaps[1] < 0.005 * exploitability
    assert gaps[1] < 0.2 * gaps[0]


@pytest.mark.slow
def test_the_value_on_a_path_is_the_mean_return_where_the_others_are_not_moved():
    arrays = random_array_game(np.random.default_rng(5), 3, 2, 2, kernel_coupling=0.0, reward_coupling=3.0)
    game = TabularGame.from_arrays(**{**arrays.from_arrays_arguments(), "discount": 0.4})
    policy, logits = policies(arrays)
    run = simulate_population(
        game,
        policy,
        5,
        leader_logits=logits,
        num_steps=15,
        seeds=range(2000),
        mean_field=np.full(3, 1 / 3),
        initial=[1.0, 0.0, 0.0],
    )
    difference = run.follower_return - run.deviation.value
    assert abs(np.mean(difference)) < LARGEST_Z * np.std(difference) / np.sqrt(difference.size)


@pytest.mark.slow
@pytest.mark.parametrize(("num_states", "known"), [(20, True), (210, False)])
def test_no_upper_bound_without_the_best_deviation_after_the_last_step(num_states, known):
    """Who never moves forgoes 1 in the last state; policy iteration learns of it one state at a time, 200 at most."""
    here, ahead = np.eye(num_states), np.eye(num_states)[np.minimum(np.arange(num_states) + 1, num_states - 1)]
    rewards = np.full((num_states, 2, 1), [[1e-3], [0.0]])
    rewards[-1] = 1.0
    game = TabularGame.from_arrays(
        kernel=np.stack([here, ahead], axis=1)[:, :, None, :],
        follower_rewards=rewards,
        leader_rewards=np.zeros_like(rewards),
        discount=0.999,
        temperature=1e-6,
        leader_observation=np.zeros(num_states, int),
    )
    stay = np.stack([np.full(num_states, 1.0 - 1e-9), np.full(num_states, 1e-9)], axis=1)
    first = here[0]
    found = simulate_population(game, stay, 3, leader_logits=np.zeros((1, 1)), num_steps=2, seeds=[0], initial=first)
    # 1e-3 a period for ever is 1; the last state is 19 steps away and worth 0.999^19 / 0.001 = 981.
    gains = np.array([found.deviation.gain[0], found.deviation.clairvoyant_gain[0]])
    assert np.all(np.isfinite(gains) if known else np.isnan(gains))
    if known:
        np.testing.assert_allclose(gains, 0.999**19 / 1e-3 - 1.0, rtol=1e-3)
