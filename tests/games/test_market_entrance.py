"""Market entrance against its formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import MarketEntrance, load


def leader_rewards(game, mean_field):
    return jnp.stack([game.leader_reward(s, 0, 0, jnp.asarray(mean_field)) for s in range(game.num_states)])


@pytest.mark.parametrize("num_states", [2, 4])
def test_mean_log_scarcity_is_minus_a_divergence(num_states):
    target, mean_field = np.random.default_rng(0).dirichlet(np.ones(num_states), 2)
    game = MarketEntrance(num_states=num_states, target=target)
    divergence = np.sum(mean_field * np.log(mean_field / target))
    assert float(mean_field @ leader_rewards(game, mean_field)) == pytest.approx(-divergence, rel=1e-12)


def test_mean_field_gradient_vanishes_on_the_simplex_for_log_scarcity_only():
    """The direct part sees the reward only through the law of the states: alignment by structure."""
    mean_field = jnp.asarray([0.4, 0.6])

    def tangent(game):
        gradient = jax.grad(lambda m: mean_field @ leader_rewards(game, m))(mean_field)
        return float(gradient[0] - gradient[1])

    assert tangent(MarketEntrance(scarcity="log")) == pytest.approx(0.0, abs=1e-14)
    assert tangent(MarketEntrance(scarcity="quadratic")) == pytest.approx(-2 * (0.1 + 0.1), rel=1e-12)


def test_quadratic_scarcity_is_zero_at_its_target_in_every_state():
    game = MarketEntrance(scarcity="quadratic")
    np.testing.assert_allclose(leader_rewards(game, game.target), 0.0, atol=1e-15)
    np.testing.assert_allclose(leader_rewards(game, jnp.asarray([1.0, 0.0])), -2 * 0.7**2)


def test_log_scarcity_is_flat_below_the_floor():
    game = MarketEntrance(floor=0.01)
    assert float(game.leader_reward(0, 0, 0, jnp.asarray([0.0, 1.0]))) == pytest.approx(np.log(0.3 / 0.01))


def test_operator_places_the_displaced_on_the_favoured_side():
    game, mean_field = MarketEntrance(inertia=0.2), jnp.asarray([0.5, 0.5])
    np.testing.assert_allclose(game.transition(0, 0, 0, mean_field), [0.9, 0.1])
    np.testing.assert_allclose(game.transition(0, 0, 1, mean_field), [1.0, 0.0])
    np.testing.assert_allclose(game.transition(0, 0, 2, mean_field), [0.8, 0.2])


def test_rebate_goes_to_the_chosen_favoured_side_and_costs_the_operator_once():
    game, mean_field = MarketEntrance(), jnp.asarray([0.25, 0.75])
    rewards = [[float(game.follower_reward(1, a, b, mean_field)) for b in range(3)] for a in range(2)]
    np.testing.assert_allclose(rewards, [[-1.5, -1.2, -1.5], [-1.5, -1.5, -1.2]])
    costs = [float(game.leader_reward(0, 0, b, mean_field) - game.leader_reward(0, 0, 0, mean_field)) for b in range(3)]
    np.testing.assert_allclose(costs, [0.0, -0.05, -0.05])


def test_renaming_the_sides_renames_the_game():
    rng = np.random.default_rng(1)
    kappa, (target, law), order = rng.uniform(size=3), rng.dirichlet(np.ones(3), 2), np.asarray([2, 0, 1])
    mean_field = jnp.asarray(law)
    game = MarketEntrance(num_states=3, kappa=kappa, target=target)
    renamed = MarketEntrance(num_states=3, kappa=kappa[order], target=target[order])
    for s, a, b in np.ndindex(3, 3, 4):
        old = (order[s], order[a], 0 if b == 0 else order[b - 1] + 1)
        np.testing.assert_allclose(
            renamed.transition(s, a, b, mean_field[order]), game.transition(*old, mean_field)[order], rtol=1e-12
        )
        for reward in ("follower_reward", "leader_reward"):
            new = getattr(renamed, reward)(s, a, b, mean_field[order])
            assert float(new) == pytest.approx(float(getattr(game, reward)(*old, mean_field)))


@pytest.mark.parametrize(
    ("parameters", "target"),
    [
        ({}, [0.3, 0.7]),
        ({"configuration": "sell_skew"}, [0.3, 0.7]),
        ({"configuration": "buy_skew"}, [0.7, 0.3]),
        ({"configuration": "balanced", "num_states": 4}, [0.25] * 4),
        ({"num_states": 3}, [1 / 3] * 3),
        ({"target": [0.1, 0.9]}, [0.1, 0.9]),
    ],
)
def test_configurations_set_the_target(parameters, target):
    np.testing.assert_allclose(load("market-entrance", **parameters).target, target)


def test_one_congestion_cost_stands_for_every_side():
    assert bool(load("market-entrance", kappa=2) == load("market-entrance", kappa=[2, 2]))
