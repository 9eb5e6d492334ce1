"""Tables at the vertices: leader actions that say nothing new are left out, and what that costs is an error."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.helpers.random_arrays import random_array_game


def arrays_of(seed=0, sizes=(3, 2, 4)):
    return random_array_game(np.random.default_rng(seed), *sizes)


def tables_of(arrays):
    return vertex_tables(checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())))


def blended(arrays, weights):
    """Each leader action as a mean of the first and the last one."""

    def blend(table, axis):
        first, last = (np.take(table, [k], axis=axis) for k in (0, -1))
        shape = [1] * table.ndim
        shape[axis] = len(weights)
        share = np.reshape(weights, shape)
        return (1.0 - share) * first + share * last

    axes = {"kernel": 2, "kernel_mean_field": 3, "follower_rewards": 2, "follower_rewards_mean_field": 3}
    return dataclasses.replace(arrays, **{name: blend(getattr(arrays, name), axis) for name, axis in axes.items()})


def test_actions_between_two_others_are_left_out_and_all_alike_leave_one():
    arrays = arrays_of()
    assert all(len(actions) == 4 for actions in tables_of(arrays).row_actions)
    between = tables_of(blended(arrays, np.array([0.0, 0.3, 0.8, 1.0])))
    assert all(sorted(actions) == [0, 3] for actions in between.row_actions)
    alike = tables_of(blended(arrays, np.zeros(4)))
    assert all(len(actions) == 1 for actions in alike.row_actions)
    assert alike.shape.sizes == (3,)


def test_every_leader_faces_what_the_kept_actions_span():
    tables = tables_of(blended(arrays_of(), np.array([0.0, 0.3, 0.8, 1.0])))
    full = arrays_of()
    rng = np.random.default_rng(1)
    field = rng.dirichlet(np.ones(3))
    moves = full.kernel + np.tensordot(field, full.kernel_mean_field, 1)
    for s, actions in enumerate(tables.row_actions[row] for row in tables.observation):
        at = np.tensordot(field, tables.transition, 1)[s]
        for k, action in enumerate(actions):
            expected = moves[s, :, action, :-1]
            assert np.all(np.abs(at[:, k] - expected) <= tables.transition_error[s, :, 0] + 1e-15)


def test_rows_that_miss_one_widen_the_errors():
    exact, arrays = tables_of(arrays_of()), arrays_of()
    off = dataclasses.replace(arrays, kernel=arrays.kernel * (1.0 + 1e-12))
    found = tables_of(off)
    assert np.min(found.transition_error - exact.transition_error) >= 1e-12
    worth = np.max(np.abs(arrays.follower_rewards)) * arrays.discount / (1.0 - arrays.discount)
    assert np.min(found.reward_error - exact.reward_error) >= 0.5e-12 * worth


@pytest.mark.parametrize("name", ["equilibrium-pricing"])
def test_a_law_of_pairs_and_curved_functions_have_no_tables(name):
    assert vertex_tables(checked(load(name))) is None


def test_mixing_is_the_largest_distance_of_two_rows_at_one_mean_field():
    arrays = arrays_of(3)
    rows = arrays.kernel + arrays.kernel_mean_field
    flat = rows.reshape(3, -1, 3)
    largest = 0.5 * max(np.abs(at[i] - at[j]).sum() for at in flat for i in range(24) for j in range(24))
    assert largest <= tables_of(arrays).mixing <= largest + 1e-9


def test_rows_that_miss_one_are_as_far_apart_as_with_the_last_entry_that_the_others_leave():
    rows = np.array([[0.9, 0.1], [0.1, 0.9 - 1e-10]])
    game = checked(
        TabularGame.from_arrays(
            kernel=rows[:, None, None, :],
            follower_rewards=np.zeros((2, 1, 1)),
            leader_rewards=np.zeros((2, 1, 1)),
            discount=0.9,
            temperature=1.0,
        )
    )
    tables = vertex_tables(game)
    kept = tables.transition[..., 0]
    assert tables.mixing >= np.ptp(kept)
    assert tables.mixing <= np.ptp(kept) + 1e-12
