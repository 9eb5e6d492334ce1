"""Names and units mean nothing: an equilibrium, its objective and its gradient follow whatever states, actions, rewards
and logits are called, and are those of the renamed game."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.game import TabularGame
from tests.helpers.random_arrays import random_array_game
from tests.support.strategies import tables

N, A, B = 4, 3, 2
# The shape of `tests.exact.cases.pair`, so that one program serves its tests and these.
EXAMPLES = settings(max_examples=10)
SEEDS = st.integers(0, 10**6)
LOGITS = tables((N, B), 3.0)
TAU = 0.5
TABLE_PARTS = ("total", "direct", "policy_response", "mean_field_response", "held_field")
NUMBERS = ("objective", "policy_gap")


def arrays_of(seed):
    drawn = random_array_game(np.random.default_rng(seed), N, A, B, tau=TAU, gamma=0.8, tau_l=0.1)
    return dataclasses.replace(drawn, observation=np.arange(N))


def solved(arrays, logits):
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    found = stackelberg_gradient(game, logits)
    assert bool(found.equilibrium.converged)
    return found


def relabelled(arrays, states, actions, leader_actions):
    """The game in which state i is what was states[i], and so on."""
    inner = np.ix_(states, actions, leader_actions)

    def table(values):
        return values[inner]

    return dataclasses.replace(
        arrays,
        kernel=table(arrays.kernel)[..., states],
        kernel_mean_field=np.stack([table(slope)[..., states] for slope in arrays.kernel_mean_field[states]]),
        follower_rewards=table(arrays.follower_rewards),
        follower_rewards_mean_field=np.stack([table(s) for s in arrays.follower_rewards_mean_field[states]]),
        leader_rewards=table(arrays.leader_rewards),
        leader_rewards_mean_field=np.stack([table(s) for s in arrays.leader_rewards_mean_field[states]]),
        initial_distribution=arrays.initial_distribution[states],
    )


@EXAMPLES
@given(SEEDS, LOGITS, st.permutations(range(N)), st.permutations(range(A)), st.permutations(range(B)))
def test_a_renamed_game_has_the_renamed_equilibrium_and_gradient(seed, logits, states, actions, leader_actions):
    arrays, leader = arrays_of(seed), np.ix_(states, leader_actions)
    plain = solved(arrays, logits)
    renamed = solved(relabelled(arrays, states, actions, leader_actions), logits[leader])
    for name in TABLE_PARTS:
        expected = np.asarray(getattr(plain, name))[leader]
        np.testing.assert_allclose(getattr(renamed, name), expected, rtol=0.0, atol=1e-9, err_msg=name)
    for name in NUMBERS:
        assert float(getattr(renamed, name)) == pytest.approx(float(getattr(plain, name)), abs=1e-9)
    field, policy = (np.asarray(getattr(plain.equilibrium, name)) for name in ("mean_field", "follower_policy"))
    np.testing.assert_allclose(renamed.equilibrium.mean_field, field[states], atol=1e-10)
    np.testing.assert_allclose(renamed.equilibrium.follower_policy, policy[np.ix_(states, actions)], atol=1e-10)


@EXAMPLES
@given(SEEDS, LOGITS, tables((N, 1), 50.0))
def test_a_number_added_to_a_row_of_logits_changes_nothing_and_no_gradient_points_that_way(seed, logits, shift):
    arrays = arrays_of(seed)
    plain, shifted = solved(arrays, logits), solved(arrays, logits + shift)
    for name in ("total", "objective", "policy_gap"):
        np.testing.assert_allclose(getattr(shifted, name), getattr(plain, name), rtol=0.0, atol=1e-9)
    for name in ("total", "direct", "policy_response", "mean_field_response"):
        np.testing.assert_allclose(np.sum(getattr(plain, name), axis=1), 0.0, atol=1e-10)
    parts = plain.direct + plain.policy_response + plain.mean_field_response
    np.testing.assert_allclose(parts, plain.total, rtol=0.0, atol=1e-10)


@EXAMPLES
@given(SEEDS, LOGITS, st.floats(0.1, 10.0), st.floats(-5.0, 5.0), st.floats(0.1, 10.0))
def test_units_of_rewards_scale_what_is_in_them_and_nothing_else(seed, logits, follower, constant, leader):
    """The follower's reward and temperature times a factor, plus a constant; the leader's and its temperature."""
    arrays = arrays_of(seed)
    plain = solved(arrays, logits)
    other = dataclasses.replace(
        arrays,
        follower_rewards=follower * arrays.follower_rewards + constant,
        follower_rewards_mean_field=follower * arrays.follower_rewards_mean_field,
        temperature=follower * arrays.temperature,
        leader_rewards=leader * arrays.leader_rewards,
        leader_rewards_mean_field=leader * arrays.leader_rewards_mean_field,
        leader_temperature=leader * arrays.leader_temperature,
    )
    scaled = solved(other, logits)
    for name in ("mean_field", "follower_policy"):
        found, expected = (getattr(each.equilibrium, name) for each in (scaled, plain))
        np.testing.assert_allclose(found, expected, atol=1e-10)
    for name in (*TABLE_PARTS, *NUMBERS):
        expected = leader * np.asarray(getattr(plain, name))
        np.testing.assert_allclose(getattr(scaled, name), expected, rtol=1e-8, atol=1e-9, err_msg=name)
    value = follower * np.asarray(plain.equilibrium.follower_value) + constant / (1.0 - arrays.discount)
    np.testing.assert_allclose(scaled.equilibrium.follower_value, value, rtol=1e-9, atol=1e-8)
