"""Sentences of gradient alignment in the cases in which they used to be false."""

from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.gradient_alignment.convex_hull import SLACK, hull_finding, normalised_pairs
from smfg_verify.assumptions.gradient_alignment.measures import alignment_measures
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.gradient_alignment.sentences import GRADIENT_ALIGNMENT
from smfg_verify.assumptions.gradient_alignment.statements import _facts, frontier_finding
from smfg_verify.assumptions.gradient_alignment.zeros import zeros_of_total
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.sentence import FindingData
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from tests.assumptions.gradient_alignment.test_readings import PLACES, built

TINY = SearchSettings(num_leaders=3, num_starts=8, num_steps=2, num_boxes=20)


@pytest.fixture(scope="module")
def game():
    return checked(built(leader_rewards_mean_field=PLACES))


@pytest.fixture(scope="module")
def points(game):
    return evaluate_leaders(game, random_leaders(game, TINY))


def evidence_of(points, **more):
    shared = {"reading": Reading.POLICY_HELD, "searched": {"starts": 8}, "measures": alignment_measures(points)}
    return SimpleNamespace(points=points, **shared, **more)


@pytest.mark.wrong_types
def test_a_ratio_that_no_leader_has_is_explained_by_counts(points):
    lost = points._replace(converged=np.array([False, False, True]), error=np.full(3, np.inf))
    facts = _facts("cosine", evidence_of(lost), False)
    said = GRADIENT_ALIGNMENT["cosine"].meaning(FindingData("inconclusive", np.nan, facts))
    assert "3 leaders, 2 of them without an equilibrium" in said


@pytest.mark.wrong_types
def test_a_negative_product_that_did_not_repeat_is_not_called_support(game, points):
    """Misaligned by the batch, aligned when evaluated alone: no statement about slack follows."""
    negative = points._replace(direct=-points.total, error=np.full(3, 1e-12))
    finding = frontier_finding(game, evidence_of(negative), False)
    assert (finding.verdict is Verdict.REFUTED) == ("fails for every c" in finding.meaning)
    if finding.verdict is Verdict.INCONCLUSIVE:
        assert "needs no slack" not in finding.meaning


@pytest.mark.wrong_types
def test_zeros_are_counted_and_their_absence_explained(game, points):
    rest = SimpleNamespace(points=points, reached=np.array([True, False, False]), num_steps=np.zeros(3, int))
    nothing = evidence_of(points, total_rest=rest, direct_rest=rest, scale=0.0)
    finding = zeros_of_total(game, nothing, False)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "flows ended" not in finding.meaning  # one flow did reach a zero
    some = evidence_of(points, total_rest=rest, direct_rest=rest, scale=1e9)
    assert "1 of 3 flows reached" in zeros_of_total(game, some, False).meaning


def test_the_hull_s_slack_is_part_of_the_claim(game, points):
    finding = hull_finding(game, points, TINY)
    if np.isfinite(finding.constant):
        assert f"{SLACK:g}" in finding.meaning
        total, direct = normalised_pairs(points)
        for weights in np.random.default_rng(0).dirichlet(np.ones(len(points.logits)), 200):
            g, p = weights @ total, weights @ direct
            assert g @ p >= finding.constant * (g @ g) - SLACK - 1e-12
