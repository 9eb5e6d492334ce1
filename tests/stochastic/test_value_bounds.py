import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import tabulate
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.kernel import follower_model
from smfg_verify.game import TabularGame, mean_field_shape, traced
from smfg_verify.stochastic import ac_smfg, reward_range, value_bounds
from tests.stochastic.games_for_runs import array_game


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_the_range_of_an_affine_reward_is_attained_at_a_vertex(support):
    arrays, game = array_game(0, support=support)
    vertices = np.eye(4 if support == "states" else 12)
    values = np.stack([arrays.tables(vertex)[1] for vertex in vertices])
    lower, upper = reward_range(game, "follower_reward")
    np.testing.assert_allclose([lower, upper], [values.min(), values.max()], rtol=1e-13)


# One game of each kind of mean field, dependence and table; each compiles a program.
QUICK = ("laffer-tax", "random-game", "market-entrance", "equilibrium-pricing", "congestion-pricing")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in games.names()]
)
def test_every_value_of_random_policies_and_mean_fields_is_in_its_box(name):
    game = traced(games.load(name, leader_temperature=0.3))
    bounds = value_bounds(game)
    rng = np.random.default_rng(0)
    shape = mean_field_shape(game)

    def values(mean_field, policy, leader_rows):
        model = follower_model(tabulate(game, mean_field), leader_rows)
        follower = policy_value(model, policy, game.discount, game.temperature)
        return follower, model

    for _ in range(20):
        mean_field = jnp.asarray(rng.dirichlet(np.full(int(np.prod(shape)), 0.2)).reshape(shape))
        policy = jax.nn.softmax(jnp.asarray(3.0 * rng.normal(size=(game.num_states, game.num_follower_actions))))
        rows = jax.nn.softmax(jnp.asarray(3.0 * rng.normal(size=(game.num_states, game.num_leader_actions))))
        follower, model = jax.jit(values)(mean_field, policy, rows)
        assert np.all((follower >= bounds.follower_lower) & (follower <= bounds.follower_upper))
        reward = np.sum(policy * model.leader_reward, axis=1) - 0.3 * np.sum(rows * np.log(rows), axis=1)
        chain = np.einsum("sa,sat->st", policy, model.transition)
        leader = np.linalg.solve(np.eye(game.num_states) - float(game.discount) * chain, reward)
        assert np.all((leader >= bounds.leader_lower) & (leader <= bounds.leader_upper))


def test_critics_are_projected_to_their_boxes_at_the_start_and_after():
    _, game = array_game(1)
    bounds = value_bounds(game)
    wild = {"follower_critic": np.full(4, 1e6), "leader_critic": np.full(4, -1e6)}
    trace = ac_smfg(game, num_iterations=50, seeds=range(3), initial=wild)
    np.testing.assert_array_equal(trace.follower_critic[:, 0], float(bounds.follower_upper))
    np.testing.assert_array_equal(trace.leader_critic[:, 0], float(bounds.leader_lower))
    assert trace.follower_critic.max() <= bounds.follower_upper
    assert trace.leader_critic.min() >= bounds.leader_lower
    assert np.any(trace.follower_critic[:, -1] < float(bounds.follower_upper))


def test_the_upper_bounds_are_attained_by_constant_rewards_and_uniform_policies():
    game = TabularGame.from_arrays(
        kernel=np.full((2, 3, 4, 2), 0.5),
        follower_rewards=np.full((2, 3, 4), 1.5),
        leader_rewards=np.full((2, 3, 4), -0.5),
        discount=0.8,
        temperature=0.3,
        leader_temperature=0.2,
    )
    bounds = value_bounds(game)
    expected = [1.5 / 0.2, (1.5 + 0.3 * np.log(3)) / 0.2, -0.5 / 0.2, (-0.5 + 0.2 * np.log(4)) / 0.2]
    names = ("follower_lower", "follower_upper", "leader_lower", "leader_upper")
    np.testing.assert_allclose([getattr(bounds, name) for name in names], expected, rtol=1e-13)


def test_the_range_of_a_game_too_large_for_every_vertex_holds_the_exact_one(monkeypatch):
    game = traced(games.load("congestion-pricing", side=10))
    exact = reward_range(game, "follower_reward")
    module = sys.modules["smfg_verify.stochastic.value_bounds"]
    monkeypatch.setattr(module, "_MAX_REWARDS", 1000)
    monkeypatch.setattr(module, "points_at_once", lambda entries, most: 1)
    wide = reward_range(game, "follower_reward")
    assert wide[0] < exact[0] < exact[1] < wide[1]
    assert wide[1] - wide[0] <= 2.0 * (exact[1] - exact[0]) * (1.0 + 1e-12)
