"""What one compiled call does to a group of runs, whatever the group."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import traced
from smfg_verify.stochastic import Schedule, value_bounds
from smfg_verify.stochastic.ac_smfg import AcSmfg
from smfg_verify.stochastic.engine import advance
from smfg_verify.stochastic.engine.advance import advance_in_turn, advance_on_thread, goes_in_turn
from smfg_verify.stochastic.engine.groups import Groups, one_lane
from smfg_verify.stochastic.engine.initial import first_iterate, repeated_memory
from smfg_verify.stochastic.value_bounds import ValueBounds

METHOD = AcSmfg(Schedule(), "markov")
SEEDS = np.array([7, 3, 11, 5, 2], np.uint32)


def begun(game, method=METHOD):
    """The start of every seed by name."""
    first = first_iterate(game, value_bounds(game), SEEDS, None)
    return first | repeated_memory(method.first_memory(game), SEEDS.size)


def advanced(game, width, spans):
    """All seeds after the spans of iterations, in groups of a width."""
    groups = Groups.of(SEEDS.size, width, in_turn=True)
    carries = groups.to_lanes(begun(game))
    for k, (seeds, size) in enumerate(zip(groups.split(SEEDS), groups.sizes, strict=True)):
        for span in spans:
            job = (game, value_bounds(game), METHOD, jnp.asarray(seeds), carries[k], *span, size)
            carries[k] = advance_on_thread(*job, in_turn=True, float64=True)
    return groups.from_lanes(carries)


@pytest.mark.parametrize("name", [pytest.param("market-entrance", marks=pytest.mark.slow), "congestion-pricing"])
def test_the_bits_of_a_run_depend_neither_on_the_width_of_its_group_nor_on_the_calls(name):
    """Widths are other programs: only the code of one run is the same in all of them."""
    game = traced(games.load(name))
    expected = advanced(game, 1, [(0, 300)])
    for width, spans in ((3, [(0, 300)]), (8, [(0, 1), (1, 127), (127, 129), (129, 300)])):
        found = advanced(game, width, spans)
        for field, array in expected.items():
            np.testing.assert_array_equal(found[field], array, err_msg=f"{field} at width {width}")


def test_lanes_past_the_count_stay_as_they_are():
    game = traced(games.load("market-entrance"))
    groups = Groups.of(SEEDS.size, SEEDS.size, in_turn=False)
    before = begun(game)
    (carry,) = groups.to_lanes(before)
    span = (jnp.int32(number) for number in (0, 50, 2))
    after = groups.from_lanes([advance_in_turn(game, value_bounds(game), METHOD, jnp.asarray(SEEDS), carry, *span)])
    for field, array in before.items():
        np.testing.assert_array_equal(after[field][2:], array[2:])
    assert np.all(np.any(after["leader_critic"][:2] != before["leader_critic"][:2], axis=1))


@pytest.mark.parametrize("name", games.names())
def test_every_registered_game_goes_in_turn_and_what_solves_linear_systems_does_not(name):
    game = traced(games.load(name))
    bounds = ValueBounds(*(jnp.asarray(end) for end in (-1.0, 1.0, -1.0, 1.0)))
    first = first_iterate(game, bounds, SEEDS, None)
    for sampling, in_turn in (("markov", True), ("iid", False)):
        method = AcSmfg(Schedule(), sampling)
        lane = one_lane(first | repeated_memory(method.first_memory(game), SEEDS.size))
        assert goes_in_turn(game, bounds, method, lane) is in_turn


def test_a_step_is_traced_once_for_all_numbers_of_a_game_and_again_for_another_one(monkeypatch):
    """In a sweep over parameters it would take longer than the runs."""
    traces = []
    monkeypatch.setattr(advance, "fits_one_loop", lambda *arguments: bool(traces.append(arguments)) or True)
    advance._fits_one_loop.cache_clear()
    lane = one_lane(begun(traced(games.load("laffer-tax"))))
    bounds = ValueBounds(*(jnp.asarray(end) for end in (-1.0, 1.0, -1.0, 1.0)))
    for discount in (0.5, 0.7, 0.9):
        for leader in (0.1, 0.3):
            method = AcSmfg(Schedule(leader=leader), "markov")
            assert goes_in_turn(traced(games.load("laffer-tax", discount=discount)), bounds, method, lane)
    assert len(traces) == 1

    class Other(type(games.load("laffer-tax"))):
        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return 2.0 * super().leader_reward(state, follower_action, leader_action, mean_field)

    assert goes_in_turn(traced(Other()), bounds, METHOD, lane)
    assert len(traces) == 2
    advance._fits_one_loop.cache_clear()
