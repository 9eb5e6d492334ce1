"""Suprema over mean fields: steepest edges of an affine game, and peaks between samples."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from tests.assumptions.chain_games import (
    array_pair,
)
from tests.assumptions.constants.test_game_constants import NUMBERS, QUICK, BrokenGame


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_exact_lipschitz_constants_are_the_steepest_edges(support):
    game, arrays = array_pair(5, support=support)
    constants = game_constants(game, QUICK)
    vertices = [arrays.tables(field) for field in np.eye(3 if support == "states" else 6)]
    for k, name in enumerate(NUMBERS[:3]):
        edges = [np.abs(one[k] - two[k]) for one, two in itertools.combinations(vertices, 2)]
        steepest = max((edge.sum(axis=-1) if k == 0 else edge).max() / 2.0 for edge in edges)
        assert getattr(constants, name) == pytest.approx(steepest, rel=1e-12)


class PeakedGame(BrokenGame):
    """The two states differ most, by 0.4, where x = m_0 = 0.3: at no vertex and not in the middle."""

    def transition(self, state, follower_action, leader_action, mean_field):
        share = 0.2 + state * 0.4 * (1.0 - (mean_field[0] - 0.3) ** 2)
        return jnp.array([0.0, 1.0]) + share * jnp.array([1.0, -1.0])


@pytest.mark.parametrize("boxes", [1, pytest.param(3, marks=pytest.mark.slow), 64])
def test_a_peak_between_the_samples_is_bounded_out_of_budget_too(boxes):
    constants = game_constants(PeakedGame(), dataclasses.replace(QUICK, num_boxes=boxes))
    bound = constants.bounds["one_step"]
    assert bound.upper >= 0.4
    assert not bound.exact or bound.upper == pytest.approx(0.4, abs=1e-9)
    assert bound.upper < (0.42 if boxes == 64 else 1.0)
    # The steepest slope of the share is 0.8 (1 - 0.3), at x = 1.
    assert 0.56 - 1e-9 <= constants.transition_lipschitz <= (0.57 if boxes == 64 else 2.0)
