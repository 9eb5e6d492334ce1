"""An iterate as one vector and back, and the directions that an update can move it in."""

import numpy as np
import pytest

from smfg_verify.bounds.local.components import (
    Components,
    component_shapes,
    flattened,
    learners_of_entries,
    movable_directions,
    step_constants,
    unflattened,
)
from smfg_verify.stochastic import Schedule
from tests.exact.cases import SUPPORTS
from tests.stochastic.games_for_runs import array_game, interior_iterate


@SUPPORTS
def test_a_vector_leads_back_to_its_iterate_and_knows_whose_steps_move_it(support):
    arrays, game = array_game(0, support=support, observations=2)
    iterate = Components(**interior_iterate(arrays))
    back = unflattened(game, flattened(iterate))
    for name, shape, part in zip(Components._fields, component_shapes(game), iterate, strict=True):
        assert part.shape == shape
        np.testing.assert_array_equal(getattr(back, name), part)
    size = 4 if support == "states" else 12
    expected = ["leader"] * 4 + ["follower"] * 12 + ["critic"] * 8 + ["mean_field"] * size
    assert learners_of_entries(game) == tuple(expected)
    schedule = Schedule(leader=1.0, mean_field=2.0, follower=3.0, critic=4.0)
    constants = {"leader": 1.0, "mean_field": 2.0, "follower": 3.0, "critic": 4.0}
    np.testing.assert_array_equal(step_constants(game, schedule), [constants[name] for name in expected])


@SUPPORTS
def test_movable_directions_are_all_that_keep_row_sums_and_mass(support):
    _, game = array_game(0, support=support, observations=2)
    basis = movable_directions(game)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-14)
    assert len(basis) - basis.shape[1] == 2 + 4 + 1
    for direction in basis.T:
        moved = unflattened(game, direction)
        np.testing.assert_allclose(moved.leader_logits.sum(axis=1), 0.0, atol=1e-14)
        np.testing.assert_allclose(moved.follower_logits.sum(axis=1), 0.0, atol=1e-14)
        assert moved.mean_field.sum() == pytest.approx(0.0, abs=1e-14)


def test_a_component_that_never_moves_has_no_limit():
    _, game = array_game(0)
    with pytest.raises(ValueError, match="got zero for follower, expected > 0: a frozen component has no limit"):
        step_constants(game, Schedule(follower=0.0))
