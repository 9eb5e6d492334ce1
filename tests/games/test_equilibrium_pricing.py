"""Equilibrium pricing against a plain loop over its formulas."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.games import EquilibriumPricing


@pytest.mark.parametrize("sizes", [(3, 2, 2), (5, 1, 3)])
def test_functions_match_a_plain_loop(sizes):
    stock, most, orders = sizes
    d, e0, sigma, c, taxes = 1.3, 0.7, 1.5, (0.2, 0.11, 0.13, 0.17, 0.19), (0.0, 0.3)
    game = EquilibriumPricing(
        max_inventory=stock, max_production=most, max_order=orders, demand=d, outside_supply=e0, elasticity=sigma,
        costs=c, taxes=taxes, weight=0.8, price_target=0.5,
    )  # fmt: skip
    actions = [(q, h) for q in range(most + 1) for h in range(orders + 1)]
    mean_field = np.random.default_rng(0).dirichlet(np.ones((stock + 1) * len(actions))).reshape(stock + 1, -1)
    produced = sum(mean_field[s, i] * q for s in range(stock + 1) for i, (q, _) in enumerate(actions))
    price = (d / (produced + e0)) ** (1 / sigma)
    for s, (i, (q, h)), (b, tax) in (
        (s, action, level) for s in range(stock + 1) for action in enumerate(actions) for level in enumerate(taxes)
    ):
        row = np.asarray(game.transition(s, jnp.asarray(i), b, mean_field))
        assert row[min(s - min(q, s) + h, stock)] == 1.0
        profit = (price - c[0] - tax) * q - c[1] * q**2 - c[2] * h - (c[2] + c[3]) * max(q - s, 0) - c[4] * s
        assert float(game.follower_reward(s, jnp.asarray(i), b, mean_field)) == pytest.approx(
            profit, rel=1e-12, abs=1e-14
        )
        gain = tax * produced - 0.8 * (price - 0.5) ** 2
        assert float(game.leader_reward(s, i, b, mean_field)) == pytest.approx(gain, rel=1e-12)


def test_price_scales_with_demand_and_falls_with_production():
    idle = jnp.zeros((4, 9)).at[0, 0].set(1.0)
    busy = jnp.zeros((4, 9)).at[0, 8].set(1.0)
    assert float(EquilibriumPricing().price(idle)) == pytest.approx(1.0)
    assert float(EquilibriumPricing().price(busy)) == pytest.approx(1 / 3)
    assert float(EquilibriumPricing(demand=8.0, elasticity=3.0).price(busy)) == pytest.approx(2 * 3 ** (-1 / 3))
