"""Falling temperatures: the slope is that of the equilibria, and where Newton stalls a walk down arrives."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import EquilibriumMethod, solve_equilibrium
from smfg_verify.exact.equilibrium.cooling import stations
from smfg_verify.game import traced
from tests.exact.equilibrium.crowded_chain import crowded_chain, kernel, reward

ONE = jnp.ones((7, 1))


def test_slopes_are_those_of_the_equilibria_on_both_sides():
    game = traced(crowded_chain(7))
    middle = list(stations(game, ONE, 0.5))[-1]
    above, below = (list(stations(game, ONE, 0.5 + change))[-1] for change in (1e-4, -1e-4))
    for name in ("mean_field", "value"):
        difference = (getattr(above.point, name) - getattr(below.point, name)) / 2e-4
        np.testing.assert_allclose(getattr(middle.slope, name), difference, rtol=1e-5, atol=1e-6)


def test_the_policy_extended_to_zero_is_nearer_to_that_of_zero_by_one_order():
    """Halving tau halves how far the policy is from the limit, and quarters how far its extension is."""
    game = traced(crowded_chain(7))
    limit = list(stations(game, ONE, 1e-4))[-1].policies[1]
    hot, cold = (np.abs(list(stations(game, ONE, tau))[-1].policies - limit).max(axis=(1, 2)) for tau in (0.02, 0.01))
    assert hot[0] / cold[0] == pytest.approx(2.0, rel=0.05)
    assert hot[1] / cold[1] == pytest.approx(4.0, rel=0.1)


@pytest.mark.parametrize("temperature", [2.9e-3, 2.9e-5])
def test_an_equilibrium_that_newton_does_not_reach_from_the_uniform_field(temperature):
    found = solve_equilibrium(crowded_chain(7, temperature=temperature), np.zeros((7, 1)))
    assert int(found.method) == EquilibriumMethod.COOLING
    policy, field = np.asarray(found.follower_policy), np.asarray(found.mean_field)
    np.testing.assert_allclose(field @ np.einsum("sa,sat->st", policy, kernel(7)), field, atol=1e-10)
    quality = reward(7, field) + 0.9 * kernel(7) @ np.asarray(found.follower_value)
    raised = quality - quality.max(axis=1, keepdims=True)
    soft = quality.max(axis=1) + temperature * np.log(np.exp(raised / temperature).sum(axis=1))
    np.testing.assert_allclose(found.follower_value, soft, rtol=1e-10)
    weights = np.exp(raised / temperature)
    np.testing.assert_allclose(policy, weights / weights.sum(axis=1, keepdims=True), atol=1e-6)


def test_a_walk_that_is_cut_short_ends_above_its_target():
    assert [len(list(stations(traced(crowded_chain(7)), ONE, 1e-3, max_stations=most))) for most in (0, 1)] == [0, 1]
    walk = list(stations(traced(crowded_chain(7)), ONE, 1e-3))
    assert [station.temperature for station in walk] == sorted((s.temperature for s in walk), reverse=True)
    assert walk[0].temperature > 1e-3 == walk[-1].temperature
