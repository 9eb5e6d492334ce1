"""Every iterate that one iteration may lead to: its weights, and their mean against the oracle's mean dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.drift.one_step import num_outcomes, outcomes
from smfg_verify.bounds.local.components import Components
from smfg_verify.game import traced
from smfg_verify.stochastic.schedules import StepSizes
from smfg_verify.stochastic.value_bounds import ValueBounds
from tests.exact.cases import SUPPORTS
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate

STEPS = StepSizes(leader=0.01, mean_field=0.02, follower=0.03, critic=0.04)
WIDE = ValueBounds(*(jnp.asarray(bound) for bound in (-1e6, 1e6, -1e6, 1e6)))


@SUPPORTS
def test_the_mean_of_all_outcomes_is_the_mean_dynamics_and_the_weights_are_a_law(support):
    arrays, game = array_game(0, (3, 2, 2), support=support, observations=2, tau_l=0.4, gamma=0.8)
    before = Components(**{name: jnp.asarray(part) for name, part in interior_iterate(arrays).items()})
    found = jax.jit(outcomes)(traced(game), WIDE, STEPS, before, jnp.asarray(1), jnp.asarray(2))
    assert len(found.stationary_weights) == num_outcomes(game) == 3 * 2 * 2 * 3 * (3 if support == "states" else 6)
    for weights in (found.stationary_weights, found.chain_weights):
        assert np.min(weights) >= 0.0
        assert np.sum(weights) == pytest.approx(1.0, abs=1e-12)
    h = oracle.mean_dynamics(
        arrays,
        before.leader_logits,
        before.follower_logits,
        before.follower_critic,
        before.leader_critic,
        before.mean_field,
    )
    expected = {
        "leader_logits": STEPS.leader * h.leader_logits,
        "follower_logits": STEPS.follower * h.follower_logits,
        "leader_critic": STEPS.critic * h.leader_value,
        "follower_critic": STEPS.critic * h.follower_value,
        "mean_field": STEPS.mean_field * h.mean_field,
    }
    for name, increment in expected.items():
        moved = np.tensordot(found.stationary_weights, getattr(found.points, name) - getattr(before, name), axes=1)
        np.testing.assert_allclose(moved, increment, atol=1e-14, err_msg=name)


def test_given_where_the_chain_stands_only_its_own_critic_entry_moves():
    """The critics' entry of a state changes by a transition from that state alone."""
    arrays, game = array_game(0, (3, 2, 2), support="states", observations=2, tau_l=0.4, gamma=0.8)
    before = Components(**{name: jnp.asarray(part) for name, part in interior_iterate(arrays).items()})
    found = jax.jit(outcomes)(traced(game), WIDE, STEPS, before, jnp.asarray(1), jnp.asarray(2))
    likely = np.asarray(found.chain_weights) > 0.0
    moved = np.any(np.asarray(found.points.follower_critic)[likely] != np.asarray(before.follower_critic), axis=0)
    np.testing.assert_array_equal(moved, [False, True, False])
