"""The program made ahead of a gradient is the one that the gradient asks for, on every kind of game."""

import threading

import numpy as np
import pytest

from smfg_verify import stackelberg_gradient
from smfg_verify.exact.gradient.ahead import gradient_program
from smfg_verify.game import leader_logits_shape, traced
from smfg_verify.game.programs import kept_programs, making_ahead
from smfg_verify.game.programs.kept_programs import keep_programs
from smfg_verify.game.programs.program_store import ProgramStore
from smfg_verify.games import load
from tests.game.reach.roads import road

# Mean fields over states, over pairs, and a user's own class.
GAMES = {
    "laffer-tax": lambda: load("laffer-tax"),
    "shop-positioning": lambda: load("shop-positioning"),
    "road": lambda: road(lambda self, s: s),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "laffer-tax")) for n in GAMES])
def test_the_program_made_ahead_is_the_one_asked_for(name, tmp_path, monkeypatch, without_jaxs_cache):
    asked, game = {True: [], False: []}, GAMES[name]()

    def noted(known, make):
        """Nothing is made: a gradient asks for its equilibrium's program first, and so does this."""
        if known[0].__name__ == "gradient_at":
            asked[making_ahead.is_ahead()].append(known)
            raise making_ahead.Made
        return once(known, make)

    once = kept_programs._once
    monkeypatch.setattr(kept_programs, "_once", noted)
    monkeypatch.setattr(making_ahead, "processors", lambda: 2)
    keep_programs(ProgramStore(tmp_path))
    try:
        tried = threading.Event()
        with making_ahead.making_ahead([lambda: gradient_program(traced(game)), tried.set]):
            assert tried.wait(60.0)
        with pytest.raises(making_ahead.Made):
            stackelberg_gradient(game, np.zeros(leader_logits_shape(game)))
    finally:
        keep_programs(None)
    assert len(asked[True]) == 1
    assert asked[True] == asked[False]
