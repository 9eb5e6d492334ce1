"""Constants of the theorem from proofs: held against sampled points, and missing where there is no proof."""

import jax
import numpy as np
import pytest

from smfg_verify.assumptions import search_settings
from smfg_verify.bounds.theorem import certified
from smfg_verify.bounds.theorem.certified import certified_inputs
from smfg_verify.game import TabularGame
from smfg_verify.stochastic import value_bounds
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game
from tests.support.certified_games import MILD, certified_game

BUDGET = search_settings("quick", num_boxes=20)


def test_constants_bound_what_random_policies_and_mean_fields_have():
    arrays, found = certified_game(0)
    inputs, rng = found.inputs, np.random.default_rng(3)
    for _ in range(200):
        fields = rng.dirichlet(np.full(2, 0.3), 2)
        tables = [arrays.tables(m) for m in fields]
        apart = np.abs(fields[0] - fields[1]).sum()
        moved = [np.abs(one - other) for one, other in zip(*tables, strict=True)]
        assert moved[0].sum(axis=-1).max() <= inputs.transition_lipschitz * apart + 1e-12
        assert moved[1].max() <= inputs.follower_lipschitz * apart + 1e-12
        assert moved[2].max() <= inputs.leader_lipschitz * apart + 1e-12
        kernel, follower, leader = tables[0]
        assert inputs.follower_low <= follower.min() <= follower.max() <= inputs.follower_high
        assert inputs.leader_low <= leader.min() <= leader.max() <= inputs.leader_high
        assert 0.5 * np.abs(np.diff(kernel, axis=1)).sum(axis=-1).max() <= inputs.action_spread + 1e-12
        assert 0.5 * np.abs(np.diff(kernel, axis=2)).sum(axis=-1).max() <= inputs.leader_spread + 1e-12
        phi, policy = (oracle.softmax(rng.normal(scale=5.0, size=(2, 2))) for _ in range(2))
        chain = oracle.policy_kernel(arrays, phi, policy, fields[0])
        assert 0.5 * np.abs(chain[0] - chain[1]).sum() <= inputs.one_step + 1e-12
        assert 1.0 / (1.0 - 0.5 * np.abs(chain[0] - chain[1]).sum()) <= inputs.mixing_factor + 1e-12
        assert oracle.occupancy(arrays, chain).min() >= inputs.least_occupancy - 1e-12
        value = oracle.follower_value(arrays, phi, policy, fields[0])
        assert inputs.follower_box[0] - 1e-9 <= value.min() <= value.max() <= inputs.follower_box[1] + 1e-9
        assert np.ptp(value) <= inputs.follower_value_span + 1e-12
        kernel, reward = oracle.follower_model(arrays, phi, fields[0])
        quality = (reward + arrays.discount * kernel @ value) / arrays.temperature
        assert oracle.softmax(quality).min() >= inputs.largest_floor


def other(**changes):
    arrays = random_array_game(np.random.default_rng(0), 2, 2, 2, **{**MILD, **changes})
    return TabularGame.from_arrays(**arrays.from_arrays_arguments())


def restless():
    """Followers may stay where they are for ever, and the leader's moves change nothing."""
    arrays = random_array_game(np.random.default_rng(0), 2, 2, 2, **{**MILD, "kernel_coupling": 0.0})
    arrays.kernel[:, 0] = np.eye(2)[:, None]
    return TabularGame.from_arrays(**arrays.from_arrays_arguments())


@pytest.mark.parametrize(
    ("game", "cases"),
    [
        (lambda: other(support="state_actions"), {"pairs"}),
        (lambda: other(tau_l=0.5), {"leader-entropy"}),
        (restless, {"mixing"}),
        (lambda: other(tau=1e-3), {"one-sided"}),
    ],
)
def test_what_is_missing_is_named(game, cases):
    found = certified_inputs(game(), BUDGET)
    assert found.inputs is None
    assert cases <= {reason.case for reason in found.missing}
    assert all(str(reason) for reason in (*found.missing, *found.missing_for_leader))


def test_followers_too_cold_for_a_float_have_no_floor():
    # Nothing depends on the mean field, so that the response is constant and its rate certain however cold it is.
    still = {"kernel_coupling": 0.0, "reward_coupling": 0.0, "leader_coupling": 0.0}
    found = certified_inputs(other(tau=1e-3, **still), BUDGET)
    assert [reason.case for reason in found.missing] == ["cold"]


def test_boxes_that_are_too_narrow_are_missing(monkeypatch):
    def narrow(game):
        return jax.tree.map(lambda end: 0.9 * end, value_bounds(game))

    monkeypatch.setattr(certified, "value_bounds", narrow)
    found = certified_inputs(other(), BUDGET)
    assert [reason.case for reason in found.missing] == ["box", "box"]


def test_only_a_world_of_its_own_has_constants_for_the_leader():
    _, found = certified_game(0)
    assert {reason.case for reason in found.missing_for_leader} == {"alignment", "smoothness"}
    _, found = certified_game(4, own_world=True)
    assert found.inputs.own_world
    assert found.missing_for_leader == ()


def test_every_number_is_a_plain_float():
    _, found = certified_game(0)
    flat = [part for value in found.inputs for part in (value if isinstance(value, tuple) else (value,))]
    assert {type(part) for part in flat} <= {int, float, bool}
