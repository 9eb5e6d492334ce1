"""Equilibria without entropy: exploitability by value iteration elsewhere, closed forms, changes of unit."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify import AbstractGame, games, solve_nash
from smfg_verify.errors import InputError, NumericalError
from smfg_verify.exact import NashStatus
from smfg_verify.game import TabularGame, parameter
from tests.exact.equilibrium.crowded_chain import crowded_chain, kernel, reward
from tests.support.cancelling_rewards import CancellingRewards


def gained(policy, field):
    """What a deviation gains on the chain from the uniform law, by value iteration in NumPy."""
    table, rewards = kernel(len(field)), reward(len(field), field)
    best = value = np.zeros(len(field))
    for _ in range(600):  # 0.9^600 = 4e-28
        best = np.max(rewards + 0.9 * table @ best, axis=1)
        value = np.sum(policy * (rewards + 0.9 * table @ value), axis=1)
    return best - value


@pytest.mark.parametrize("target", [1e-3, 1e-6])
def test_exploitability_of_the_chain_against_value_iteration(target):
    found = solve_nash(crowded_chain(7), np.zeros((7, 1)), exploitability=target)
    policy, field = np.asarray(found.follower_policy), np.asarray(found.mean_field)
    np.testing.assert_allclose(policy.sum(axis=1), 1.0, atol=1e-14)
    moved = field @ np.einsum("sa,sat->st", policy, kernel(7))
    assert np.abs(moved - field).sum() <= float(found.consistency) + 1e-15 < 1e-13
    gain = gained(policy, field)
    assert gain.mean() <= float(found.exploitability) + 1e-12 <= target + 1e-12
    assert gain.max() <= float(found.largest_regret) + 1e-12
    assert float(found.exploitability) == pytest.approx(gain.mean(), rel=1e-3, abs=1e-11)


def crowded_choice(charges, weights, scale=1.0, gamma=0.5):
    """One state; action a costs charges[a] plus weights[a] times the share that takes it."""
    return TabularGame.from_arrays(
        kernel=np.ones((1, len(charges), 1, 1)),
        follower_rewards=-scale * np.asarray(charges, float)[None, :, None],
        follower_rewards_mean_field=-scale * np.diag(np.asarray(weights, float))[:, None, :, None],
        leader_rewards=np.zeros((1, len(charges), 1)),
        mean_field_support="state_actions",
        discount=gamma,
        temperature=1.0,
    )


@settings(max_examples=10, deadline=None)
@given(st.floats(0.5, 5.0), st.floats(0.5, 5.0), st.floats(-0.45, 0.45))
def test_two_crowded_roads_cost_the_same(first, second, difference):
    """Wardrop: c_0 + w_0 x = c_1 + w_1 (1 - x) where both are used, x = (c_1 - c_0 + w_1) / (w_0 + w_1)."""
    found = solve_nash(crowded_choice([0.0, difference], [first, second]), np.zeros((1, 1)), exploitability=1e-7)
    share = (difference + second) / (first + second)
    assert np.asarray(found.mean_field)[0, 0] == pytest.approx(share, abs=2e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5])
def test_rewards_that_are_equal_at_the_uniform_field_are_a_game_too(gamma):
    found = solve_nash(crowded_choice([0.0, 1.0], [3.0, 1.0], gamma=gamma), np.zeros((1, 1)), exploitability=1e-9)
    np.testing.assert_allclose(found.mean_field, [[0.5, 0.5]], atol=1e-9)


def test_a_dominated_action_is_never_taken():
    found = solve_nash(crowded_choice([0.0, 3.0, 0.0], [1.0, 1.0, 1.0]), np.zeros((1, 1)))
    np.testing.assert_allclose(found.follower_policy, [[0.5, 0.0, 0.5]], atol=1e-15)


def test_a_cyclic_game_in_which_best_responses_go_round():
    """Rock, paper, scissors against the population's shares, with stakes: x_a in proportion to the opposite stake."""
    stakes = np.array([[0.0, -1.0, 2.0], [1.0, 0.0, -3.0], [-2.0, 3.0, 0.0]])
    game = TabularGame.from_arrays(
        kernel=np.ones((1, 3, 1, 1)),
        follower_rewards=np.zeros((1, 3, 1)),
        follower_rewards_mean_field=stakes.T[:, None, :, None],
        leader_rewards=np.zeros((1, 3, 1)),
        mean_field_support="state_actions",
        discount=0.5,
        temperature=1.0,
    )
    found = solve_nash(game, np.zeros((1, 1)), exploitability=1e-8)
    np.testing.assert_allclose(np.asarray(found.mean_field)[0], np.array([3.0, 2.0, 1.0]) / 6.0, atol=1e-8)


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_another_unit_of_reward_is_another_unit_of_exploitability(factor):
    arguments = ([0.0, 0.2], [1.0, 2.0])
    plain = solve_nash(crowded_choice(*arguments), np.zeros((1, 1)), exploitability=1e-7)
    other = solve_nash(crowded_choice(*arguments, scale=factor), np.zeros((1, 1)), exploitability=1e-7 * factor)
    np.testing.assert_allclose(plain.follower_policy, other.follower_policy, atol=1e-7)
    assert float(other.temperature) == pytest.approx(factor * float(plain.temperature), rel=1e-12)


def test_the_temperature_of_the_game_itself_is_not_read():
    hot, cold = (solve_nash(crowded_chain(7, temperature=tau), np.zeros((7, 1))) for tau in (10.0, 1e-9))
    np.testing.assert_array_equal(hot.follower_policy, cold.follower_policy)


def test_a_target_below_rounding_is_refused_not_reached():
    game = crowded_chain(7)
    with pytest.raises(NumericalError, match=r"exploitability .* at best, .* rounding"):
        solve_nash(game, np.zeros((7, 1)), exploitability=1e-18)
    found = solve_nash(game, np.zeros((7, 1)), exploitability=1e-18, throw=False)
    assert NashStatus(int(found.status)) is NashStatus.FLOOR
    assert not bool(found.converged)
    assert np.all(np.isnan(found.mean_field))
    assert np.all(np.isnan(found.follower_policy))
    assert 0.0 < float(found.exploitability) < 1e-6


@pytest.mark.parametrize("target", [0.0, -1.0, np.nan, np.inf])
def test_targets_that_are_none_are_refused(target):
    with pytest.raises(InputError, match="expected a positive number"):
        solve_nash(games.load("laffer-tax"), np.zeros((1, 2)), exploitability=target)


def test_two_closed_classes_at_every_temperature_have_no_population():
    game = TabularGame.from_arrays(
        kernel=np.eye(2)[:, None, None, :],
        follower_rewards=np.zeros((2, 1, 1)),
        leader_rewards=np.zeros((2, 1, 1)),
        discount=0.5,
        temperature=1.0,
    )
    found = solve_nash(game, np.zeros((2, 1)), throw=False)
    assert NashStatus(int(found.status)) is NashStatus.NOT_FOUND
    assert np.all(np.isnan(found.mean_field))
    with pytest.raises(NumericalError, match="no equilibrium was found even at a high temperature"):
        solve_nash(game, np.zeros((2, 1)))


def loop_or_stay(discount, rewards):
    """State 0 is kept (reward r0) or left (r1) for state 1, which leads back (r2) whatever is done: periods 1 and 2."""
    kernel = np.zeros((2, 2, 1, 2))
    kernel[0, 0, 0, 0] = kernel[0, 1, 0, 1] = kernel[1, :, 0, 0] = 1.0
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=np.array([[rewards[0], rewards[1]], [rewards[2], rewards[2]]])[..., None],
        leader_rewards=np.zeros((2, 2, 1)),
        discount=discount,
        temperature=1.0,
    )


def gained_by_leaving(discount, rewards, policy):
    """V_0 = (p r0 + q (r1 + gamma r2)) / (1 - p gamma - q gamma^2) and V_1 = r2 + gamma V_0, in fractions."""
    gamma, (stay, leave, back), weights = Fraction(discount), map(Fraction, rewards), map(Fraction, policy)
    total, (first, second) = sum(map(Fraction, policy)), weights

    def start(p, q):
        return (p * stay + q * (leave + gamma * back)) / (1 - p * gamma - q * gamma**2)

    best = max(start(1, 0), start(0, 1))
    return float((1 + gamma) / 2 * (best - start(first / total, second / total)))


@pytest.mark.parametrize(
    ("left", "level", "apart", "share"),
    [
        (1e-7, 1e4, 1e-7, 0.2),
        (1e-7, 1e4, 1e-7, 0.1),
        (1e-8, 1.0, 0.01, 0.4),
        (1e-8, -1.0, 1.0, 0.2),
        (1e-6, 1.0, 1e-6, 0.2),
        (1e-5, 1e4, 1e-5, 0.1),
        (1e-3, 1e4, 1e-3, 0.4),
        (0.5, 1.0, 0.1, 0.4),
    ],
)
def test_what_rounding_hides_of_a_gain_is_part_of_the_exploitability(left, level, apart, share):
    """The two ways differ by less than a float of the size of values can show, but for ever."""
    better = share * np.spacing(abs(level) / left)
    rewards = (level, level - apart, level + apart + 2.0 * better)
    found = solve_nash(loop_or_stay(1.0 - left, rewards), np.zeros((2, 1)), throw=False)
    assert float(found.exploitability) >= 0.0
    if bool(found.converged):
        gain = gained_by_leaving(1.0 - left, rewards, np.asarray(found.follower_policy)[0])
        assert gain <= float(found.exploitability) <= 1e-6


class Bumped(AbstractGame):
    """Probabilities anywhere but near the mean field of the equilibrium, (0.1, 0.9), which no check looks at."""

    more: float = parameter(default=0.0)
    shifted: float = parameter(default=0.0)
    discount: float = parameter(default=0.9)
    temperature: float = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 2, 2, 1

    def transition(self, s, a, b, m):
        near = jnp.where(jnp.abs(m[1] - 0.9) < 1e-3, 1.0, 0.0)
        pushed = jnp.where(a == 0, jnp.array([1.0, -1.0]), 0.0)
        here = jnp.where(jnp.arange(2) == a, 0.9, 0.1)
        return here + near * (self.more * (jnp.arange(2) == s) + self.shifted * pushed)

    def follower_reward(self, s, a, b, m):
        return 1.0 * a

    def leader_reward(self, s, a, b, m):
        return m[0]


@pytest.mark.parametrize(
    ("more", "shifted", "found"), [(0.0, 0.0, True), (0.05, 0.0, False), (-0.05, 0.0, False), (0.0, 0.2, False)]
)
def test_rows_that_are_no_probabilities_at_the_equilibrium_are_none_of_a_game(more, shifted, found):
    assert bool(solve_nash(Bumped(more=more, shifted=shifted), np.zeros((2, 1)), throw=False).converged) == found


@pytest.mark.parametrize("method", [pytest.param("dense", marks=pytest.mark.slow), "sparse"])
def test_rewards_that_cancel_on_average_hide_no_gain(method):
    """Rounded averages are taken for others; what a deviation gains is that of the true ones, by policy iteration."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        rewards, swing = rng.integers(-6, 6, (5, 2)) / 2.0**20, rng.integers(-(2**28), 2**28, (5, 2)) / 1.0
        game = CancellingRewards(rewards=rewards, swing=swing, steers=np.ones(5), discount=0.99)
        found = solve_nash(game, np.zeros((1, 5)), exploitability=1.0, method=method)
        ahead = np.eye(5)[[1, 2, 3, 4, 0]]
        leans = [np.diag(0.02 * (np.arange(5) == 0) + turn) for turn in (-0.2, 0.2)]
        quarter = 0.25 * np.eye(5)
        moves = np.stack([0.5 * np.eye(5) + (quarter + by) @ ahead + (quarter - by) @ ahead.T for by in leans])
        policy = np.asarray(found.follower_policy)
        held = np.linalg.solve(np.eye(5) - 0.99 * np.einsum("sa,ast->st", policy, moves), np.sum(policy * rewards, 1))
        best = held
        for _ in range(20):
            chosen = np.argmax(rewards + 0.99 * np.einsum("ast,t->sa", moves, best), axis=1)
            best = np.linalg.solve(np.eye(5) - 0.99 * moves[chosen, np.arange(5)], rewards[np.arange(5), chosen])
        assert np.max(best - held) <= float(found.largest_regret)
        assert np.mean(best - held) <= float(found.exploitability)
