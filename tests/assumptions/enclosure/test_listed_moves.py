"""Listed moves: those proved to be the same at every mean field are those of any mean field."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure import NoEnclosure
from smfg_verify.assumptions.enclosure.listed_moves import listed_moves
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.games import CongestionPricing
from tests.support.local_games import Crossing


def test_moves_are_those_of_the_game():
    game = CongestionPricing(side=3, slip=0.37)
    moves = listed_moves(checked(game))
    assert moves.missing < 1e-15
    for s, a, b in ((0, 0, 0), (4, 3, 1), (8, 2, 0)):
        np.testing.assert_array_equal(moves.probability[s, a, b], game.transition(s, a, b, np.eye(9)[2]))


def test_moves_that_read_the_mean_field_are_refused():
    with pytest.raises(NoEnclosure, match="same at every mean field"):
        listed_moves(checked(Crossing()))
