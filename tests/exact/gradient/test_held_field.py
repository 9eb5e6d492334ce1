"""The gradient with the mean field held and the follower's policy answering, against what shares no code with it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import solve_equilibrium, stackelberg_gradient
from smfg_verify.exact.gradient.stackelberg import compiled_gradient
from smfg_verify.game import TabularGame, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair
from tests.helpers import oracle


@SUPPORTS_ONE_QUICK
@pytest.mark.parametrize("seed", [0, 1])
def test_it_agrees_with_the_oracle(seed, support):
    game, arrays, logits = pair(seed, support=support, observations=2, tau_l=0.2 * (seed % 2), tau=0.2 + 0.3 * seed)
    found, expected = stackelberg_gradient(game, logits), oracle.gradient(arrays, logits)
    np.testing.assert_allclose(found.held_field, expected.held_field, atol=1e-10)
    assert np.linalg.norm(expected.held_field - expected.direct) > 1e-3  # the readings differ
    assert np.linalg.norm(expected.held_field - expected.total) > 1e-3


def test_it_is_the_slope_of_the_return_at_a_frozen_mean_field():
    """Differences of J_l(phi, best response to (phi, m), m) at m held, by the oracle's own best response."""
    game, arrays, logits = pair(7, observations=2, tau=0.3)
    found = stackelberg_gradient(game, logits)
    mean_field = np.asarray(found.equilibrium.mean_field)
    direction = np.random.default_rng(1).normal(size=logits.shape)

    def objective(step):
        phi = oracle.leader_rows(arrays, logits + step * direction)
        return float(oracle.leader_return(arrays, phi, oracle.best_response(arrays, phi, mean_field)[1], mean_field))

    slope, error = oracle.central_difference(objective, 1e-3)
    assert float(jnp.sum(found.held_field * direction)) == pytest.approx(float(slope), abs=1e-9 + 10 * float(error))
    table, policy = np.asarray(found.held_field_policy_space), np.asarray(jax.nn.softmax(jnp.asarray(logits)))
    centred = table - np.sum(policy * table, axis=1, keepdims=True)
    np.testing.assert_allclose(found.held_field, policy * centred, atol=1e-12)
    assert float(found.held_field_policy_gap) == pytest.approx(np.sum(policy * (table.max(1)[:, None] - table)))


def uncoupled(**changes):
    """A random game in which nothing depends on the mean field, changed where asked."""
    rng = np.random.default_rng(3)
    arguments = {
        "kernel": rng.dirichlet(np.ones(4), (4, 3, 2)),
        "follower_rewards": rng.normal(size=(4, 3, 2)),
        "leader_rewards": rng.normal(size=(4, 3, 2)),
        "discount": 0.9,
        "temperature": 0.3,
    }
    return TabularGame.from_arrays(**(arguments | changes))


def test_without_any_dependence_on_the_mean_field_it_is_the_total_gradient():
    coupled, _, logits = pair(4, observations=2)
    slopes = lambda g: (g.kernel_mean_field, g.follower_rewards_mean_field, g.leader_rewards_mean_field)  # noqa: E731
    found = stackelberg_gradient(eqx.tree_at(slopes, coupled, replace_fn=jnp.zeros_like), logits)
    np.testing.assert_allclose(found.held_field, found.total, atol=1e-12)
    np.testing.assert_allclose(found.held_field, found.direct + found.policy_response, atol=1e-12)
    assert np.linalg.norm(found.policy_response) > 1e-2


@pytest.mark.slow
def test_a_leader_who_sees_no_follower_has_one_gradient_in_all_readings():
    found = stackelberg_gradient(games.load("independent-leader"), np.zeros((3, 2)))
    np.testing.assert_allclose(found.held_field, found.total, atol=1e-12)
    np.testing.assert_allclose(found.direct, found.total, atol=1e-12)


@pytest.mark.slow
def test_a_follower_who_cannot_answer_leaves_the_direct_part():
    """One action of the follower: its policy never moves, so both readings of "direct" agree, and the total differs."""
    coupling = np.random.default_rng(5).normal(size=(4, 4, 1, 2))
    rng = np.random.default_rng(6)
    game = uncoupled(
        kernel=rng.dirichlet(np.ones(4), (4, 1, 2)),
        follower_rewards=rng.normal(size=(4, 1, 2)),
        leader_rewards=rng.normal(size=(4, 1, 2)),
        leader_rewards_mean_field=coupling,
    )
    found = stackelberg_gradient(game, rng.normal(size=(4, 2)))
    np.testing.assert_allclose(found.held_field, found.direct, atol=1e-12)
    assert np.linalg.norm(found.total - found.direct) > 1e-2


def test_it_is_nan_where_the_equilibrium_has_not_converged():
    game, _, logits = pair(1, observations=2)
    solved = solve_equilibrium(game, logits)
    unsolved = jax.tree.map(lambda leaf: leaf * np.nan if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, solved)
    found = compiled_gradient(traced(game), softmax_policy(jnp.asarray(logits)), unsolved)
    assert np.all(np.isnan(found.held_field))
