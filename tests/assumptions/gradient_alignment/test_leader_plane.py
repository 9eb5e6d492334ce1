"""Free parameters reach every policy once; the field on a grid is that of the leaders there."""

from types import SimpleNamespace

import numpy as np
import scipy.special
from hypothesis import given

from smfg_verify.assumptions.gradient_alignment import leader_plane
from smfg_verify.assumptions.gradient_alignment.leader_plane import num_free_parameters, with_free_parameters
from smfg_verify.games import load
from tests.support.strategies import tables

# Two observations and three leader actions.
GAME = SimpleNamespace(num_leader_actions=3, leader_observation=np.array([0, 1, 1]), num_states=3)


@given(tables((4, 2, 3), 5.0))
def test_every_policy_has_one_set_of_free_parameters(logits):
    assert num_free_parameters(GAME) == 4
    free = (logits[:, :, 1:] - logits[:, :, :1]).reshape(4, -1)
    found = with_free_parameters(GAME, free)
    np.testing.assert_array_equal(found[:, :, 0], 0.0)
    policies = (scipy.special.softmax(each, axis=-1) for each in (found, logits))
    np.testing.assert_allclose(*policies, rtol=1e-12)
    np.testing.assert_array_equal(found[:, :, 1:].reshape(4, -1), free)


def test_the_field_is_that_of_the_leaders_at_the_points_of_its_grid(monkeypatch):
    """Of fields that are known: the objective is the sum of the logits, and its gradient the logits themselves."""

    def evaluated(game, logits):
        return SimpleNamespace(objective=logits.sum(axis=(1, 2)), total=logits, direct=-2.0 * logits)

    monkeypatch.setattr(leader_plane, "evaluate_leaders", evaluated)
    for name in ("laffer-tax", "two-road-toll", "market-entrance"):
        game = load(name)
        field, number = leader_plane.alignment_field(game), num_free_parameters(game)
        if number > 2:
            assert field == {}
            continue
        grid = np.stack(np.meshgrid(*[field["axis"]] * number, indexing="ij"), axis=-1)
        np.testing.assert_allclose(field["objective"], grid.sum(axis=-1), atol=1e-12)
        np.testing.assert_array_equal(field["total"], grid)
        np.testing.assert_array_equal(field["direct"], -2.0 * grid)
