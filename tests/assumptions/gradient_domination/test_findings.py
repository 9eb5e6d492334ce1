"""Gradient domination of the follower: closed forms, the oracle, the theorem, and proofs against searches."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.gradient_domination import findings as domination_module
from smfg_verify.assumptions.gradient_domination.certified_constants import (
    constant_at_optimum,
    constant_in_box,
    constant_near_optimum,
    constant_of_policies,
    near_optimum,
    smallest_optimal_probability,
)
from smfg_verify.assumptions.gradient_domination.findings import STATEMENTS
from smfg_verify.assumptions.gradient_domination.measures import FollowerPoints, evaluate_points
from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.exact.cases import pair
from tests.helpers.follower_oracle import best_response, follower_gap, leader_rows
from tests.helpers.numerics import softmax

QUICK = {"num_leaders": 64, "num_starts": 4, "num_steps": 30, "num_boxes": 50}
NAME = "gradient-domination"
SMALL = (3, 2, 2)


def random_points(arrays, number, seed=0, scale=1.5):
    rng = np.random.default_rng(seed)
    n, actions, leader_actions = arrays.sizes
    rows = int(arrays.observation.max()) + 1
    shape = (n,) if arrays.support == "states" else (n, actions)
    return FollowerPoints(
        scale * rng.normal(size=(number, n, actions)),
        scale * rng.normal(size=(number, rows, leader_actions)),
        rng.dirichlet(np.full(int(np.prod(shape)), 0.5), number).reshape(number, *shape),
    )


def bandit(rewards, tau=0.3, gamma=0.8):
    count = len(rewards)
    return TabularGame.from_arrays(
        kernel=np.ones((1, count, 1, 1)),
        follower_rewards=np.reshape(rewards, (1, count, 1)),
        leader_rewards=np.zeros((1, count, 1)),
        discount=gamma,
        temperature=tau,
    )


def games(number, **options):
    return [pair(seed, SMALL, **options) for seed in range(number)]


def test_proved_constants_are_below_what_is_met():
    for tau in (0.3, 1.0):
        for game, arrays, _ in games(3, tau=tau):
            game = checked(game)
            found = evaluate_points(game, random_points(arrays, 256, scale=3.0))
            met = 2 * tau / 3 * arrays.initial_distribution.min() * np.min(found.optimal_probability) ** 2
            bounds = domination_module.bounds_of(domination_module.game_constants(game, SearchSettings(**QUICK)))
            assert 0.0 < constant_at_optimum(game, bounds) <= met
            corners = np.random.default_rng(1).choice([-LOGIT_BOX, LOGIT_BOX], size=(256, 3, 2))
            inside = random_points(arrays, 256)._replace(follower_logits=corners)
            assert 0.0 < constant_in_box(game) <= np.min(evaluate_points(game, inside).mei_constant)


def test_the_bound_of_optimal_probabilities_is_attained_by_two_arms():
    game = checked(bandit(np.array([0.0, 1.3])))
    bounds = {"reward_span": 1.3, "action_reward_span": 1.3, "one_step": 0.0, "action_spread": 0.0}
    np.testing.assert_allclose(smallest_optimal_probability(game, bounds), 1 / (1 + np.exp(1.3 / 0.3)), rtol=1e-12)
    assert smallest_optimal_probability(game, {**bounds, "reward_span": np.inf, "action_reward_span": np.inf}) == 0.0


def test_the_gap_that_keeps_half_of_the_floor_is_attained_by_two_arms():
    """One state and no future: with half of the smaller optimal probability the gap is the one that is allowed."""
    game = checked(bandit(np.array([0.0, 1.3]), gamma=0.0))
    bounds = {"reward_span": 1.3, "action_reward_span": 1.3, "one_step": 0.0, "action_spread": 0.0}
    found = near_optimum(game, smallest_optimal_probability(game, bounds))
    assert found.constant == constant_near_optimum(game, bounds)
    tau, best = 0.3, np.log1p(np.exp(1.3 / 0.3))
    p = found.probability
    value = (1 - p) * 1.3 - tau * (p * np.log(p) + (1 - p) * np.log1p(-p))
    np.testing.assert_allclose(found.gap, tau * best - value, rtol=1e-8)
    np.testing.assert_allclose(p, 0.5 / (1 + np.exp(1.3 / 0.3)), rtol=1e-9)
    np.testing.assert_allclose(found.constant, 2 * tau * p**2, rtol=1e-9)
    assert constant_near_optimum(game, {**bounds, "action_reward_span": np.inf}) == 0.0


def near_best(arrays, points, gap, rng):
    """Logits of policies within a gap of the optimum, most of them nearly that far."""
    logits = []
    for omega, field in zip(points.leader_logits, points.mean_field, strict=True):
        best = np.log(best_response(arrays, leader_rows(arrays, omega), field)[1])
        move = rng.normal(size=best.shape)
        size = 8.0
        while follower_gap(arrays, omega, softmax(best + size * move), field) > gap:
            size *= 0.7
        logits.append(best + size * move)
    return points._replace(follower_logits=np.array(logits))


def test_policies_near_the_optimum_have_the_proved_floor_and_constant():
    """Where the floor is that of the optimum itself, not a bound of it: what is proved is then nearly met."""
    game, arrays, _ = games(1, tau=1.0)[0]
    game, points = checked(game), random_points(arrays, 48)
    floor = np.min(evaluate_points(game, points).optimal_probability)
    found = near_optimum(game, float(floor))
    np.testing.assert_allclose(found.probability, 0.5 * floor, rtol=1e-9)
    near = near_best(arrays, points, found.gap, np.random.default_rng(2))
    measures = evaluate_points(game, near)
    assert np.all(measures.gap <= found.gap * (1 + 1e-9))
    assert np.min(softmax(near.follower_logits)) >= found.probability
    assert np.nanmin(measures.ratio) >= found.constant > 0.0


def test_the_constant_of_a_floor_is_below_that_of_every_policy_with_it():
    game, arrays, _ = games(1, tau=0.5)[0]
    game, points = checked(game), random_points(arrays, 64, scale=2.0)
    measures = evaluate_points(game, points)
    for index, theta in enumerate(points.follower_logits):
        constant = constant_of_policies(game, np.min(softmax(theta)))
        assert 0.0 < constant <= measures.mei_constant[index]
        assert constant <= measures.ratio[index]


def test_the_bound_of_optimal_probabilities_is_nearly_attained_by_a_choice_for_ever():
    """The action picks the next state, one pays 1 and the other 0: log-odds of gamma / tau."""
    tau, gamma = 0.02, 0.9
    kernel = np.zeros((2, 2, 1, 2))
    kernel[:, 0, 0, 0] = kernel[:, 1, 0, 1] = 1.0
    game = TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=np.array([1.0, 0.0])[:, None, None] * np.ones((2, 2, 1)),
        leader_rewards=np.zeros((2, 2, 1)),
        discount=gamma,
        temperature=tau,
    )
    points = FollowerPoints(np.zeros((1, 2, 2)), np.zeros((1, 2, 1)), np.full((1, 2), 0.5))
    true = evaluate_points(checked(game), points).optimal_probability[0]
    np.testing.assert_allclose(true, 1 / (1 + np.exp(gamma / tau)), rtol=1e-9)
    bounds = {"reward_span": 1.0, "action_reward_span": 0.0, "one_step": 0.0, "action_spread": 1.0}
    expected = 1 / (1 + np.exp(gamma * (1.0 + tau * np.log(2)) / tau))
    np.testing.assert_allclose(smallest_optimal_probability(game, bounds), expected, rtol=1e-12)
    assert expected <= true


@pytest.fixture(scope="module")
def report():
    game, _, _ = pair(3, SMALL)
    return game, check(game, NAME, **QUICK)


def test_findings_and_their_witnesses(report):
    game, found = report
    assert tuple(finding.statement for finding in found.findings) == STATEMENTS
    verdicts = {finding.statement: finding.verdict.value for finding in found.findings}
    assert verdicts == dict(
        zip(
            STATEMENTS,
            ("supported", "supported", "certified", "certified", "supported", "certified", "not-applicable"),
            strict=True,
        )
    )
    assert found.verdict(NAME) is Verdict.SUPPORTED
    for finding in AssumptionReport.from_json(found.to_json(), game).findings:
        if finding.verdict is Verdict.NOT_APPLICABLE:
            continue
        np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-8)


def test_the_search_finds_worse_than_the_sample(report):
    _, found = report
    for statement in ("domination", "mei-inequality"):
        finding = found.finding(NAME, statement)
        curve = finding.details["search_curve"]
        assert np.all(np.diff(curve) <= 0.0)
        assert finding.constant <= curve[-1] * (1 + 1e-8)
        assert finding.constant < 0.9 * np.min(finding.details["random"])
    assert found.finding(NAME, "domination").constant >= found.finding(NAME, "domination").details["certified_in_box"]
    assert found.finding(NAME, "mei-inequality").constant >= 2 * 3


def test_the_same_seed_gives_the_same_findings(report):
    game, found = report
    again = check(game, NAME, **QUICK)
    for statement in ("domination", "mei-inequality", "kl-identity"):
        assert again.finding(NAME, statement) == found.finding(NAME, statement)


def test_an_unbounded_reward_certifies_nothing(report, monkeypatch):
    game, _ = report
    real = domination_module.game_constants

    def unbounded(game, settings):
        constants = real(game, settings)
        return dataclasses.replace(
            constants,
            follower_reward_upper=np.full_like(constants.follower_reward_upper, np.inf),
            unproved={"follower_reward_range": "no rule for a primitive"},
        )

    monkeypatch.setattr(domination_module, "game_constants", unbounded)
    finding = check(game, NAME, **QUICK).finding(NAME, "mei-constant")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no rule for a primitive" in finding.meaning


def test_a_ratio_below_one_is_refuted(report, monkeypatch):
    """The refuting branch, which no game reaches: a constant ten thousand times too large."""
    game, _ = report
    real = domination_module.evaluate_points

    def inflated(game, points):
        found = real(game, points)
        return found._replace(mei_constant=1e9 * found.mei_constant)

    monkeypatch.setattr(domination_module, "evaluate_points", inflated)
    found = check(game, NAME, **QUICK)
    assert found.finding(NAME, "mei-inequality").verdict is Verdict.REFUTED
    assert found.verdict(NAME) is Verdict.REFUTED


def test_a_single_follower_action_is_not_applicable():
    found = check(bandit(np.zeros(1)), NAME, **QUICK)
    assert {finding.verdict for finding in found.findings} == {Verdict.NOT_APPLICABLE}
    assert found.verdict(NAME) is Verdict.NOT_APPLICABLE
