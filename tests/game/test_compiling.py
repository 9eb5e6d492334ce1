"""Compiled functions of a game: never stale, never cleared."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify.game import compiled_for_game, traced
from tests.game.reach.roads import road
from tests.game.reach.test_equal_games import FIELD

TOLL = 0.0


@jax.jit
def jitted(state):
    return TOLL * state


def test_a_class_made_again_with_the_same_functions_shares_the_programs():
    before = None
    for _ in range(3):
        game = road(lambda self, s: 0.37 * s)
        sv.tabulate(game, FIELD)
        structure = jax.tree.structure(traced(game))
        assert before is None or structure == before
        before = structure
    # The class whose programs are shared goes its own way, and takes no other class with it.
    low, high = {"toll": 1.0}, {"toll": 1.0}

    def priced(prices):
        return road(lambda self, s: prices["toll"] * s)

    first, second = priced(low), priced(high)
    assert jax.tree.structure(traced(first)) == jax.tree.structure(traced(second))
    low["toll"] = 2.0
    np.testing.assert_allclose(sv.tabulate(second, FIELD).follower_reward[1, 0, 0], -FIELD[1] - 1.0)
    np.testing.assert_allclose(sv.tabulate(first, FIELD).follower_reward[1, 0, 0], -FIELD[1] - 2.0)
    # Labels are no part of what a game does, and still the game's own.
    labelled = road(lambda self, s: 0.37 * s, state_labels=("short", "long"))
    assert traced(labelled).state_labels == ("short", "long")
    assert traced(road(lambda self, s: 0.37 * s)).state_labels is None


def test_caches_of_jax_are_never_cleared_and_never_stale(monkeypatch):
    monkeypatch.setattr(jax, "clear_caches", lambda: pytest.fail("clears the programs of the whole process"))
    first, second = road(lambda self, s: jitted(s)), road(lambda self, s: 2.0 * jitted(s))
    jitted(jnp.array(1))  # the user tries the helper by hand, and JAX keeps the trace
    first.follower_reward(jnp.array(1), 0, 0, jnp.asarray(FIELD))
    for toll in (0.0, 2.0, 3.0, 2.0, 0.0):
        globals()["TOLL"] = toll
        for game, factor in ((first, 1.0), (second, 2.0)):
            found = sv.tabulate(game, FIELD).follower_reward[1, 0, 0]
            np.testing.assert_allclose(found, -FIELD[1] - factor * toll, rtol=1e-14)


def test_a_game_that_changes_while_its_programs_are_compiled_is_refused():
    # Like no other game of the tests: one that does the same would lend its functions, and its globals do not change.
    game = road(lambda self, s: 0.83 * jitted(s))
    ready = traced(game)
    globals()["TOLL"] = 2.0
    with pytest.raises(ValueError, match="changed while"):
        compiled_for_game(lambda game: game.follower_reward(1, 0, 0, jnp.asarray(FIELD)))(ready)
    globals()["TOLL"] = 0.0
    np.testing.assert_allclose(sv.tabulate(game, FIELD).follower_reward[1, 0, 0], -FIELD[1])
