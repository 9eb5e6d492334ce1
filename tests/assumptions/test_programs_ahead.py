"""Programs made ahead of a check are those that it asks for, and it finds the same without them."""

import pytest

from smfg_verify.assumptions import check, property_names, search_settings
from smfg_verify.assumptions.programs_ahead import programs_ahead
from smfg_verify.game.programs import kept_programs, making_ahead
from smfg_verify.game.programs.kept_programs import keep_programs
from smfg_verify.game.programs.program_store import ProgramStore
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule


def asked_for(properties, number, folder, monkeypatch):
    """A check's record, and the programs asked for ahead of it and by it."""
    once, ahead, by_check = kept_programs._once, set(), set()

    def recorded(known, make):
        (ahead if making_ahead.is_ahead() else by_check).add(known)
        return once(known, make)

    game = load("laffer-tax")
    monkeypatch.setattr(kept_programs, "_once", recorded)
    monkeypatch.setattr(making_ahead, "processors", lambda: 2)
    keep_programs(ProgramStore(folder))
    try:
        with programs_ahead(game, properties, search_settings("quick", **number)):
            for thread in threads_ahead():
                thread.join()
            report = check(game, properties, budget="quick", **number)
    finally:
        keep_programs(None)
    return report.to_json(), ahead, by_check


def threads_ahead():
    return [thread for thread in making_ahead.threading.enumerate() if thread.name.startswith(making_ahead.NAME)]


def are_those_asked_for(properties, folder, monkeypatch, *, at_least, **number):
    found, ahead, by_check = asked_for(properties, number, folder, monkeypatch)
    assert len(ahead) >= at_least
    assert ahead <= by_check
    return found


@pytest.mark.slow
def test_every_program_made_ahead_is_asked_for(tmp_path, monkeypatch, without_jaxs_cache):
    number = {"num_leaders": 8, "num_starts": 2, "num_steps": 2}
    are_those_asked_for(["contraction"], tmp_path, monkeypatch, at_least=3, **number)


@pytest.mark.slow
def test_every_program_made_ahead_of_all_properties_is_asked_for(tmp_path, monkeypatch, without_jaxs_cache):
    # As every command does: without step sizes their property has nothing to linearise.
    steps = {"step_sizes": Schedule().constants()}
    found = are_those_asked_for(property_names(), tmp_path, monkeypatch, at_least=9, **steps)
    assert found == check(load("laffer-tax"), budget="quick", **steps).to_json()
