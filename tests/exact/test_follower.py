import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.follower import (
    _log_partition,
    best_response,
    optimal_value,
    policy_regret,
    policy_value,
    soft_bellman,
)
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain, discounted_occupancy, solve_linear, stationary_distribution
from smfg_verify.policies import entropy, observed_rows, softmax_policy
from tests.exact.cases import pair
from tests.helpers import oracle
from tests.support.strategies import distributions, tables


def problem(seed: int, **options):
    game, arrays, logits = pair(seed, **options)
    field = np.random.default_rng(seed).dirichlet(np.ones(game.num_states))
    rows = observed_rows(softmax_policy(jnp.asarray(logits)), game.leader_observation)
    return game, arrays, logits, field, follower_model(tabulate(game, jnp.asarray(field)), rows)


@pytest.mark.parametrize("tau", [2.0, 0.1, 0.005])
def test_best_response_agrees_with_the_oracle(tau):
    game, arrays, logits, field, model = problem(0, tau=tau, gamma=0.95)
    found = best_response(model, game.discount, game.temperature)
    expected = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)
    assert bool(found.converged)
    np.testing.assert_allclose(found.policy, np.asarray(expected[1], float), atol=1e-9)


@pytest.mark.parametrize("gamma", [0.0, 0.95])
def test_the_optimum_without_entropy_is_where_value_iteration_ends(gamma):
    """From above and below: iteration from the largest and the smallest value that there can be, 0.95^800 = 2e-18."""
    _, _, _, _, model = problem(2, gamma=gamma)
    reward, kernel = np.asarray(model.reward), np.asarray(model.transition)
    above = below = np.zeros(len(reward))
    above = above + reward.max() / (1.0 - gamma)
    below = below + reward.min() / (1.0 - gamma)
    for _ in range(800):
        above, below = (np.max(reward + gamma * kernel @ value, axis=1) for value in (above, below))
    found = optimal_value(model, jnp.asarray(gamma))
    np.testing.assert_allclose(found.value, above, atol=1e-12)
    np.testing.assert_allclose(found.value, below, atol=1e-12)
    assert 0.0 <= float(found.excess) < 1e-12


@pytest.mark.parametrize("level", [0.0, -(2.0**20)])
@pytest.mark.parametrize("gamma", [0.0, 0.95])
def test_regret_is_the_gap_to_value_iteration_whatever_is_added_to_all_rewards(gamma, level):
    """And no row that sums to 1.001, or has a negative entry, is one of probabilities."""
    _, _, _, _, model = problem(2, gamma=gamma)
    reward, kernel = np.asarray(model.reward), np.asarray(model.transition)
    policy = np.random.default_rng(0).dirichlet(np.ones(reward.shape[1]), len(reward))
    best = value = np.zeros(len(reward))
    for _ in range(800):
        best = np.max(reward + gamma * kernel @ best, axis=1)
        value = np.sum(policy * (reward + gamma * kernel @ value), axis=1)
    raised = eqx.tree_at(lambda model: model.reward, model, model.reward + level)
    found = policy_regret(raised, jnp.asarray(policy), jnp.asarray(gamma))
    np.testing.assert_allclose(found.value, value + level / (1.0 - gamma), rtol=1e-12)
    np.testing.assert_allclose(found.regret, best - value, atol=1e-7)
    if level == 0.0:
        assert np.all(found.regret >= best - value)
    pushed = kernel + np.array([2.0, -2.0, *np.zeros(len(reward) - 2)])
    for wrong in (1.001 * kernel, pushed):
        bad = eqx.tree_at(lambda model: model.transition, model, jnp.asarray(wrong))
        assert np.all(np.isnan(policy_regret(bad, jnp.asarray(policy), jnp.asarray(gamma)).regret))


def test_actions_that_are_equally_good_do_not_take_turns_for_ever():
    _, _, _, _, model = problem(2)
    twins = eqx.tree_at(
        lambda model: (model.reward, model.transition),
        model,
        (jnp.repeat(model.reward, 2, axis=1), jnp.repeat(model.transition, 2, axis=1)),
    )
    np.testing.assert_allclose(optimal_value(twins, 0.9).value, optimal_value(model, 0.9).value, rtol=1e-14)


def test_kl_identity_of_the_gap():
    r"""J* - J(pi) = 1/(1-gamma) sum_s d(s) tau KL(pi || pi*), with d the occupancy of pi."""
    game, _, _, _, model = problem(1)
    optimum = best_response(model, game.discount, game.temperature)
    policy = softmax_policy(jnp.asarray(np.random.default_rng(0).normal(size=(4, 3))))
    rho = game.initial_distribution
    gap = rho @ (optimum.value - policy_value(model, policy, game.discount, game.temperature))
    occupancy = discounted_occupancy(chain(policy, model.transition), rho, game.discount)
    divergence = jnp.sum(policy * (jnp.log(policy) - jnp.log(optimum.policy)), axis=-1)
    expected = game.temperature * jnp.sum(occupancy * divergence) / (1 - game.discount)
    assert float(gap) == pytest.approx(float(expected), abs=1e-12)


def test_value_is_the_occupancy_average_of_rewards():
    game, _, _, _, model = problem(2)
    policy = softmax_policy(jnp.asarray(np.random.default_rng(1).normal(size=(4, 3))))
    occupancy = discounted_occupancy(chain(policy, model.transition), game.initial_distribution, game.discount)
    assert float(jnp.sum(occupancy)) == pytest.approx(1.0, abs=1e-14)
    reward = jnp.sum(policy * model.reward, axis=-1) + game.temperature * entropy(policy)
    value = policy_value(model, policy, game.discount, game.temperature)
    expected = jnp.sum(occupancy * reward) / (1 - game.discount)
    assert float(game.initial_distribution @ value) == pytest.approx(float(expected), abs=1e-12)


def test_stationary_distribution_agrees_with_the_oracle_and_is_differentiable():
    transition = np.random.default_rng(3).dirichlet(np.ones(5), 5)
    found = stationary_distribution(jnp.asarray(transition))
    np.testing.assert_allclose(found, oracle.stationary_law(transition), atol=1e-14)
    np.testing.assert_allclose(found @ transition, found, atol=1e-15)
    move = np.random.default_rng(4).dirichlet(np.ones(5), 5) - transition
    _, slope = jax.jvp(stationary_distribution, (jnp.asarray(transition),), (jnp.asarray(move),))
    step = 1e-6
    around = [oracle.stationary_law(transition + sign * step * move) for sign in (1, -1)]
    np.testing.assert_allclose(slope, np.asarray(around[0] - around[1], float) / (2 * step), atol=1e-8)


def test_a_singular_system_gives_no_finite_answer():
    assert not np.all(np.isfinite(solve_linear(jnp.zeros((2, 2)), jnp.ones(2))))
    two_classes = jnp.eye(2)
    assert not np.all(np.isfinite(stationary_distribution(two_classes)))


def test_entropy_has_a_finite_slope_at_a_deterministic_policy():
    policy = jnp.array([[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(entropy(policy), [0.0, np.log(2.0)], atol=1e-15)
    assert np.all(np.isfinite(jax.jacobian(entropy)(policy)))


GAMMA, TAU = 0.9, 0.3
BELLMAN = jax.jit(lambda model, value: soft_bellman(model, value, GAMMA, TAU))
MODELS = [problem(seed)[-1] for seed in range(3)]
VALUES = tables((4,), 50.0)


@given(st.sampled_from(MODELS), VALUES, tables((4,), 50.0, 0.0))
def test_the_soft_bellman_operator_is_monotone_and_a_contraction(model, value, above):
    updated, _ = BELLMAN(model, value)
    raised, _ = BELLMAN(model, value + above)
    slack = 1e-13 * (1.0 + 100.0)
    assert np.all(np.asarray(raised - updated) >= -slack)
    assert np.max(np.abs(raised - updated)) <= GAMMA * np.max(np.abs(above)) + slack


@given(st.sampled_from(MODELS), VALUES, st.floats(-100.0, 100.0))
def test_a_constant_added_to_the_value_comes_out_discounted_and_moves_no_policy(model, value, constant):
    updated, policy = BELLMAN(model, value)
    shifted, same = BELLMAN(model, value + constant)
    np.testing.assert_allclose(shifted, updated + GAMMA * constant, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(same, policy, rtol=1e-10, atol=1e-300)


@given(st.sampled_from(MODELS), VALUES, distributions(4, 3))
def test_the_greedy_policy_attains_the_soft_maximum_and_no_policy_exceeds_it(model, value, other):
    """T V = max over pi of r_pi + gamma P_pi V + tau H(pi), attained at the softmax alone."""

    def gained(policy):
        action_values = np.asarray(model.reward) + GAMMA * np.asarray(model.transition) @ value
        return np.sum(policy * action_values, axis=1) + TAU * scipy.stats.entropy(policy, axis=1)

    updated, greedy = (np.asarray(found) for found in BELLMAN(model, value))
    np.testing.assert_allclose(gained(greedy), updated, rtol=0.0, atol=1e-12)
    assert np.all(gained(other) <= updated + 1e-12)


@settings(max_examples=4)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 1.0, 30.0, 800.0]))
def test_the_log_partition_and_the_softmax_are_those_of_two_functions_with_all_derivatives(seed, scale):
    generator = np.random.default_rng(seed)
    logits, *directions = jnp.asarray(scale * generator.standard_normal((4, 3, 4)))
    directions = [direction / scale for direction in directions]

    def slope_along(function, direction):
        return lambda x: jax.jvp(function, (x,), (direction,))[1]

    def along(function, order):
        return functools.reduce(slope_along, directions[:order], function)(logits)

    def apart(x):
        return jax.nn.logsumexp(x, axis=-1), jax.nn.softmax(x, axis=-1)

    for order in range(4):
        for found, expected in zip(along(_log_partition, order), along(apart, order), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13 * 10**order, atol=1e-13)
    slope = jax.grad(lambda x: jnp.sum(_log_partition(x)[0] * _log_partition(x)[1][:, 0]))(logits)
    expected = jax.grad(lambda x: jnp.sum(apart(x)[0] * apart(x)[1][:, 0]))(logits)
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-12 * max(1.0, scale))
