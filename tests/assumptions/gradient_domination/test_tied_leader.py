"""The finding about a leader of one probability: certified with a bound, refuted by a trap, or not told."""

import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.assumptions.gradient_domination import tied_leader
from smfg_verify.assumptions.gradient_domination.tied_leader import tied_finding
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame


def game_of(leader_rewards, leader_moves, **options):
    """Two followers' actions that do nothing; the leader's actions move the states."""
    moves = np.broadcast_to(np.swapaxes(np.asarray(leader_moves, dtype=float), 0, 1)[:, None], (3, 2, 2, 3))
    rewards = np.broadcast_to(np.asarray(leader_rewards, dtype=float).T[:, None], (3, 2, 2))
    return checked(
        TabularGame.from_arrays(
            kernel=moves,
            follower_rewards=np.zeros((3, 2, 2)),
            leader_rewards=rewards,
            discount=0.9,
            temperature=0.5,
            leader_observation=[0, 0, 0],
            initial_distribution=np.array([0.8, 0.1, 0.1]),
            **options,
        )
    )


# From state 0 action 0 leads mostly to state 1, action 1 to state 2; from there back.
MOVES = np.array([[[0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]], [[0.1, 0.1, 0.8]] + [[0.9, 0.05, 0.05]] * 2])


@pytest.fixture(scope="module")
def findings():
    """At each state one action pays: the one that led there, or the other."""
    stay, change = [[0.0, 1.0, 0.0], [0.0, 0.0, 0.8]], [[0.0, 0.0, 0.8], [0.0, 1.0, 0.0]]
    return {
        name: (game, tied_finding(game))
        for name, game in (("stay", game_of(stay, MOVES)), ("change", game_of(change, MOVES)))
    }


def test_two_good_ends_refute_and_a_peak_is_certified(findings):
    assert findings["stay"][1].verdict is Verdict.REFUTED
    assert "do not lead" in findings["stay"][1].meaning
    finding = findings["change"][1]
    assert finding.verdict is Verdict.CERTIFIED
    assert 0.0 < finding.constant <= finding.details["upper"] * (1.0 + 1e-9)
    assert finding.details["upper"] <= finding.constant * (1.0 + 1e-4)


def test_the_constant_comes_back_from_the_witness(findings):
    for game, finding in findings.values():
        assert Finding.from_json(finding.to_json()).reproduce(game) == finding.constant


def test_what_the_error_of_the_equilibrium_may_have_made_is_open(findings, monkeypatch):
    """A trap that is shallower than the objective's error is none for sure, nor is a huge constant one."""
    real = tied_leader.evaluate_leaders
    coarse = lambda *args: (lambda found: found._replace(objective_error=found.objective_error + 1e3))(real(*args))  # noqa: E731
    monkeypatch.setattr(tied_leader, "evaluate_leaders", coarse)
    assert tied_finding(findings["stay"][0]).verdict is Verdict.INCONCLUSIVE
    monkeypatch.setattr(tied_leader, "_MOST", 1e-3)
    finding = tied_finding(findings["change"][0])
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "as computed" in finding.meaning


def test_an_entropy_of_the_leader_is_not_told_of():
    finding = tied_finding(game_of(np.zeros((2, 3)), MOVES, leader_temperature=0.1))
    assert finding.verdict is Verdict.NOT_APPLICABLE
    assert "no entropy" in finding.meaning
