"""What is found does not depend on how busy the machine is; where a time limit is asked for, the findings say so."""

import os

import pytest

from smfg_verify.assumptions import check
from smfg_verify.assumptions import deadline as deadline_module
from smfg_verify.assumptions.constants import game_constants
from smfg_verify.assumptions.finding import Evidence, Side
from smfg_verify.games import load
from tests.support.processes import busy_machine

# Proofs of a game that is not affine, which end by their number of boxes.
GENERAL = {"name": "market-entrance", "properties": ("lipschitz", "coverage")}
SMALL = {"budget": "quick", "num_leaders": 24, "num_starts": 2, "num_steps": 5}


def findings_of(name, properties, **options):
    """All findings as text, nothing kept from an earlier check."""
    game_constants._cached.cache_clear()
    return [finding.to_json() for finding in check(load(name), properties, **SMALL, **options).findings]


@pytest.mark.slow
@pytest.mark.parametrize("name", [GENERAL["name"], "equilibrium-pricing"])
def test_the_same_constants_and_verdicts_beside_busy_processes(name):
    quiet = findings_of(**{**GENERAL, "name": name})
    with busy_machine(2 * (os.cpu_count() or 1)):
        busy = findings_of(**{**GENERAL, "name": name})
    assert busy == quiet
    assert not any("time limit" in text for text in quiet)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["equilibrium-pricing", "market-entrance", "laffer-tax"])
def test_every_property_beside_busy_processes(name):
    quiet = findings_of(name, None)
    with busy_machine(2 * (os.cpu_count() or 1)):
        busy = findings_of(name, None)
    assert busy == quiet


@pytest.mark.parametrize("name", ["lipschitz", pytest.param("coverage", marks=pytest.mark.slow)])
def test_no_clock_is_read_unless_it_is_asked_for(name, monkeypatch):
    """The stronger statement: nothing that a finding is made of looks at the time."""

    class NoClock:
        @staticmethod
        def monotonic():
            raise AssertionError("a clock was read")

    monkeypatch.setattr(deadline_module, "time", NoClock)
    findings_of(GENERAL["name"], name)
    with pytest.raises(AssertionError, match="clock"):
        findings_of(GENERAL["name"], name, time_limit=1.0)


@pytest.mark.parametrize("properties", ["lipschitz", pytest.param(GENERAL["properties"], marks=pytest.mark.slow)])
def test_a_bound_that_the_limit_cut_says_so_and_stays_valid(properties):
    free = {f.statement: f for f in check(load(GENERAL["name"]), properties, **SMALL).findings}
    found = check(load(GENERAL["name"]), properties, **SMALL, time_limit=1e-9).findings
    cut = {finding.statement: finding for finding in found}
    said = {name for name, finding in cut.items() if "cut_by_time_limit" in finding.searched}
    assert "leader-reward" in said
    for name, finding in cut.items():
        assert ("A time limit cut short" in finding.meaning) == (name in said)
        if finding.side is not Side.LOWER and finding.evidence is Evidence.PROOF:
            assert finding.constant >= free[name].constant * (1.0 - 1e-12)
        if name not in said:
            assert finding.constant == free[name].constant
