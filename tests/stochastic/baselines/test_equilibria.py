"""The step that the baselines without samples share: up the gradient in memory, then the answer to the new leader."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact.objective import leader_value
from smfg_verify.game import traced
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic.baselines._equilibria import Answer, climb, no_gradient
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry
from smfg_verify.stochastic.value_bounds import ValueBounds
from tests.stochastic.games_for_runs import array_game, interior_iterate

LANES = 2


def carry_of(arrays, gradient) -> Carry:
    parts = interior_iterate(arrays)
    many = {name: jnp.repeat(jnp.asarray(part)[..., None], LANES, axis=-1) for name, part in parts.items()}
    states = jnp.array([1, 2])
    return Carry(Iterate(**many, occupancy_state=states, population_state=states), {"gradient": gradient})


def answer(logits, mean_field, value):
    """Whatever shows what it was asked with: a policy that never takes the last action, and a reversed mean field."""
    policy = jnp.zeros((4, 3)).at[:, 0].set(0.25).at[:, 1].set(0.75)
    return Answer(policy, value + 1.0, mean_field[::-1], 2.0 * logits)


@eqx.filter_jit
def climbed(game, bounds, step_size, carry):
    return climb(game, bounds, step_size, carry, answer)


def test_the_leader_climbs_by_what_is_in_memory_and_the_answer_is_about_where_it_came_to():
    arrays, game = array_game(0, gamma=0.9)
    game = traced(game)
    gradient = jnp.asarray(np.random.default_rng(1).normal(size=(4, 2, LANES)))
    before = carry_of(arrays, gradient)
    wide = ValueBounds(*(jnp.asarray(bound) for bound in (-1e6, 1e6, -1e6, 1e6)))
    after = climbed(game, wide, jnp.asarray(0.5), before)
    logits = before.iterate.leader_logits + 0.5 * 0.1 * gradient
    np.testing.assert_allclose(after.iterate.leader_logits, logits, rtol=1e-14)
    np.testing.assert_allclose(after.memory["gradient"], 2.0 * logits, rtol=1e-14)
    np.testing.assert_array_equal(after.iterate.mean_field, before.iterate.mean_field[::-1])
    np.testing.assert_array_equal(after.iterate.follower_critic, before.iterate.follower_critic + 1.0)
    np.testing.assert_array_equal(after.iterate.occupancy_state, before.iterate.occupancy_state)
    assert np.all(np.isfinite(after.iterate.follower_logits))
    for lane in range(LANES):
        found = softmax_policy(after.iterate.follower_logits[..., lane])
        np.testing.assert_allclose(found, np.tile([0.25, 0.75, 0.0], (4, 1)), atol=1e-15)
        values = leader_value(game, softmax_policy(logits[..., lane]), found, after.iterate.mean_field[:, lane])
        np.testing.assert_allclose(after.iterate.leader_critic[:, lane], values, rtol=1e-12)


def test_critics_stay_in_their_boxes_and_the_first_iteration_leaves_the_leader():
    arrays, game = array_game(0, gamma=0.9)
    first = {name: jnp.repeat(part[..., None], LANES, axis=-1) for name, part in no_gradient(game).items()}
    before = carry_of(arrays, first["gradient"])
    tight = ValueBounds(*(jnp.asarray(bound) for bound in (-0.25, -0.125, 0.0, 0.5)))
    after = climbed(traced(game), tight, jnp.asarray(0.5), before)
    np.testing.assert_array_equal(after.iterate.leader_logits, before.iterate.leader_logits)
    for critic, low, high in (
        (after.iterate.leader_critic, tight.leader_lower, tight.leader_upper),
        (after.iterate.follower_critic, tight.follower_lower, tight.follower_upper),
    ):
        assert np.min(critic) >= float(low)
        assert np.max(critic) <= float(high)
