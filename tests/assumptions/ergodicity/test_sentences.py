"""Sentences of ergodicity and coverage in the cases in which they used to be false."""

from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.ergodicity.coverage import _occupancy_finding
from smfg_verify.assumptions.ergodicity.findings import _mixing_finding, _spectral_finding
from smfg_verify.assumptions.ergodicity.worst_chains import Chains
from tests.assumptions.crowds import crowd


@pytest.fixture(scope="module")
def game():
    return crowd(-1.0, 0.5)


def chains(follower, leader, matrix):
    number = len(matrix)
    return Chains(
        np.array([follower] * number), np.array([leader] * number), np.full((number, 2), 0.5), np.array(matrix)
    )


def test_a_chain_of_mixed_policies_is_not_called_pure(game):
    for follower, kind in ((np.eye(2), "pair of pure policies"), (np.full((2, 2), 0.5), "pair of policies")):
        stuck = chains(follower, np.eye(2), [np.eye(2)])
        finding = _mixing_finding(game, stuck, {}, np.zeros(1))
        assert finding.verdict is Verdict.REFUTED
        assert kind in finding.meaning


def test_chains_without_numbers_are_counted_and_no_rate_is_made_of_them(game):
    lost = chains(np.eye(2), np.eye(2), [np.full((2, 2), np.nan)])
    spectral = _spectral_finding(game, lost, {})
    assert spectral.verdict is Verdict.INCONCLUSIVE
    assert "nan" not in spectral.meaning
    both = chains(np.eye(2), np.eye(2), [np.full((2, 2), np.nan), np.full((2, 2), 0.5)])
    assert "Each of the 1 chains looked at mixes (1 more" in _mixing_finding(game, both, {}, np.zeros(1)).meaning


@pytest.mark.wrong_types
def test_no_time_is_promised_to_a_state_that_may_be_avoided():
    """Two states, one never started in and reached by one action only: the bound is zero, and said to be none."""
    lower = np.zeros((2, 2, 1, 2))
    constants = SimpleNamespace(transition_lower=lower, transition_upper=np.ones_like(lower))
    start = SimpleNamespace(initial_distribution=np.array([1.0, 0.0]), discount=0.9)
    finding = _occupancy_finding(start, constants)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.constant == 0.0
    assert "No positive lower bound" in finding.meaning
