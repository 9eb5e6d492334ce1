"""Sentences of findings in the cases in which they used to be false: what they say is what was computed."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions import Verdict, check
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.findings import _bound_meaning
from smfg_verify.assumptions.contraction.near_equilibria import local_points, radius_finding
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.ergodicity.coverage import _occupancy_finding
from smfg_verify.assumptions.ergodicity.findings import _dobrushin_finding, _mixing_finding, _spectral_finding
from smfg_verify.assumptions.ergodicity.worst_chains import Chains
from smfg_verify.assumptions.gradient_alignment.convex_hull import SLACK, hull_finding, normalised_pairs
from smfg_verify.assumptions.gradient_alignment.measures import Reading, alignment_measures
from smfg_verify.assumptions.gradient_alignment.statements import _form_meaning, frontier_finding
from smfg_verify.assumptions.gradient_alignment.zeros import zeros_of_total
from smfg_verify.assumptions.gradient_domination.follower_program import program_finding
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.lipschitz.findings import _finding as lipschitz_finding
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.smoothness.findings import _concluded
from smfg_verify.assumptions.step_sizes.findings import _tracking_meaning
from smfg_verify.assumptions.uniqueness import findings as uniqueness
from smfg_verify.assumptions.uniqueness.monotonicity import _meaning as monotonicity_meaning
from smfg_verify.assumptions.uniqueness.several_equilibria import Equilibria
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.games import load
from tests.assumptions.crowds import QUICK, crowd

TINY = SearchSettings(num_leaders=3, num_starts=8, num_steps=2, num_boxes=20)


@pytest.fixture(scope="module")
def game():
    return crowd(-1.0, 0.5)


@pytest.fixture(scope="module")
def points(game):
    return evaluate_leaders(game, random_leaders(game, TINY))


def found_equilibria(*searches):
    """One record a leader, from (equilibria told apart, searches that did not arrive)."""
    fields = np.array([[0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    return lambda *_: [Equilibria(fields[:number], lost, np.full(number, 0.5)) for number, lost in searches]


@pytest.mark.parametrize(
    ("searches", "verdict", "words"),
    [
        ([(1, 4), (1, 6), (1, 4)], Verdict.SUPPORTED, "10 of 24 searches arrived"),
        ([(1, 7), (1, 7), (0, 8)], Verdict.INCONCLUSIVE, "2 of 24 searches arrived"),
        ([(0, 8), (0, 8), (0, 8)], Verdict.INCONCLUSIVE, "0 of 24 searches arrived"),
        ([(1, 0), (1, 7), (0, 8)], Verdict.SUPPORTED, "For 1 of 3 leaders two searches or more arrived"),
        ([(1, 0), (2, 6), (1, 0)], Verdict.REFUTED, "at least two equilibria"),
    ],
)
def test_uniqueness_counts_the_searches_that_arrived(monkeypatch, game, searches, verdict, words):
    monkeypatch.setattr(uniqueness, "find_equilibria", found_equilibria(*searches))
    finding = uniqueness._multi_start_finding(game, TINY)
    assert finding.verdict is verdict
    assert words in finding.meaning
    assert "every start" not in finding.meaning
    assert finding.searched["unconverged"] == sum(lost for _, lost in searches)


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


def test_numbers_that_were_not_measured_are_not_printed():
    sampled = SimpleNamespace(witnesses={}, searched={}, errors={})
    bound = SimpleNamespace(proved=False, upper=np.inf, reason="a primitive without a rule", exact=False, searched={})
    names = ("one_step", "transition_lipschitz")
    constants = SimpleNamespace(
        bounds=dict.fromkeys(names, bound), measured=dict.fromkeys(names, np.nan), sampled=sampled, searched={}
    )
    for finding in (_dobrushin_finding(constants), lipschitz_finding("transition", constants)):
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert "nan" not in finding.meaning


def test_an_infinite_bound_without_a_reason_gets_its_cause(game):
    inputs = inputs_of(game, game_constants(game, QUICK))._replace(follower_lipschitz=np.inf, mixing_factor=2.0)
    said = _bound_meaning(inputs, np.inf, "")
    assert "()" not in said
    assert "unbounded" in said


def test_no_time_is_promised_to_a_state_that_may_be_avoided():
    """Two states, one never started in and reached by one action only: the bound is zero, and said to be none."""
    lower = np.zeros((2, 2, 1, 2))
    constants = SimpleNamespace(transition_lower=lower, transition_upper=np.ones_like(lower))
    start = SimpleNamespace(initial_distribution=np.array([1.0, 0.0]), discount=0.9)
    finding = _occupancy_finding(start, constants)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.constant == 0.0
    assert "No positive lower bound" in finding.meaning


def evidence_of(points, **more):
    shared = {"reading": Reading.POLICY_HELD, "searched": {}, "measures": alignment_measures(points)}
    return SimpleNamespace(points=points, **shared, **more)


def test_a_ratio_that_no_leader_has_is_explained_by_counts(points):
    lost = points._replace(converged=np.array([False, False, True]), error=np.full(3, np.inf))
    said = _form_meaning("cosine", np.nan, Verdict.INCONCLUSIVE, evidence_of(lost), False, False)
    assert "3 leaders, 2 of them without an equilibrium" in said


def test_a_negative_product_that_did_not_repeat_is_not_called_support(game, points):
    """Misaligned by the batch, aligned when evaluated alone: no statement about slack follows."""
    negative = points._replace(direct=-points.total, error=np.full(3, 1e-12))
    finding = frontier_finding(game, evidence_of(negative), False)
    assert (finding.verdict is Verdict.REFUTED) == ("fails for every c" in finding.meaning)
    if finding.verdict is Verdict.INCONCLUSIVE:
        assert "needs no slack" not in finding.meaning


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


def test_a_mixture_of_failures_is_not_said_to_be_one_of_them(game):
    matrices = np.stack([np.full((2, 2), np.nan), np.array([[0.0, 1.0], [-1.0, 0.0]])])
    sizes = np.full(2, np.nan)
    leaders = np.zeros((2, 1, 2))
    finding = _concluded(game, TINY, leaders, np.zeros((2, 2)), matrices, sizes, np.full((2, 2), np.nan), None, 2)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "1 of 2 leaders" in finding.meaning
    assert finding.searched["masked_asymmetric"] == 1


def test_tracking_is_claimed_for_the_leaders_that_were_linearised():
    said = _tracking_meaning(0.5, {"lag": 0.1, "largest_real_part": 0.2}, 3, 7)
    assert "3 of 7 leaders" in said
    assert "every" not in said


def test_an_eigenvalue_too_near_zero_leaves_no_gap_in_the_sentence():
    assert "; (" not in monotonicity_meaning(Verdict.INCONCLUSIVE, 1e-13, "").replace("  ", " ")


def test_radii_are_counted_and_not_equilibria(game):
    """Of converged equilibria one without a slope: it is not among those that the largest radius was taken of."""
    found = local_points(game, TINY)
    agrees = found.agrees.copy()
    agrees[1] = False
    finding = radius_finding(found._replace(agrees=agrees), TINY)
    assert np.isnan(finding.details["radii"][1])
    assert f"at {int(np.sum(found.agrees)) - 1} equilibria" in finding.meaning


def test_a_solver_that_solved_without_a_policy_is_not_said_to_have_failed(game, monkeypatch):
    from smfg_verify import conic
    from smfg_verify.assumptions.gradient_domination import follower_program

    answer = conic.ConicResult(
        status=conic.SOLVED, value=0.0, variables={}, duals=(), second_status=conic.NOT_ASKED, second_value=0.0
    )
    monkeypatch.setattr(follower_program, "solve", lambda problem, **options: answer)
    finding = program_finding(game)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no policy" in finding.meaning
    assert "ended with status 'optimal'" not in finding.meaning


@pytest.mark.slow
@pytest.mark.parametrize("name", ["laffer-tax", "market-entrance", "equilibrium-pricing"])
def test_no_sentence_holds_a_number_that_is_none(name):
    for finding in check(load(name), budget="quick", num_leaders=24, num_starts=2, num_steps=5).findings:
        assert not re.search(r"\bnan\b|\(\)|; \(", finding.meaning), finding.meaning
