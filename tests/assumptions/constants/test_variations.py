"""Variations between pairs of states and actions."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from tests.assumptions.chain_games import (
    array_pair,
)
from tests.assumptions.constants.test_game_constants import QUICK, coefficient


@pytest.mark.parametrize("observations", [1, 2, 3])
def test_one_step_is_the_worst_pure_chain_at_a_vertex(observations):
    """Brute force over every pair of pure policies, the leader's tied by observation: exact, not only a bound."""
    game, arrays = array_pair(3, sizes=(3, 2, 2), observations=observations, floor=0.0)
    worst = 0.0
    for field in np.eye(3):
        kernel = arrays.tables(field)[0]
        for pi in itertools.product(range(2), repeat=3):
            for phi in itertools.product(range(2), repeat=observations):
                chain = kernel[np.arange(3), list(pi), np.array(phi)[arrays.observation]]
                worst = max(worst, coefficient(chain))
    assert game_constants(game, QUICK).one_step == pytest.approx(worst, rel=1e-12)
