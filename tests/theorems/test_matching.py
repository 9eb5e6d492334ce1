"""Theorems held against games: applies only by proofs, fails by what is refuted, and never by what was not read."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import search_settings
from smfg_verify.errors import InputError
from smfg_verify.game import TabularGame
from smfg_verify.theorems import (
    Answer,
    Coverage,
    Decision,
    Facts,
    Match,
    Reason,
    Wording,
    find_theorem,
    match_theorems,
    power_steps,
    theorem_names,
)
from smfg_verify.theorems.matching import decide
from smfg_verify.theorems.published.softmax_policy_gradient import stated_step
from tests.helpers.random_arrays import random_array_game
from tests.report.records import assumptions, finding
from tests.support.certified_games import MILD

QUICK = search_settings("quick", num_boxes=50)
SQUARE_SUMMABLE = {"mean_field": "2/3"}


def mild(**changes):
    arrays = random_array_game(np.random.default_rng(0), 2, 2, 2, **{**MILD, **changes})
    return TabularGame.from_arrays(**arrays.from_arrays_arguments())


@pytest.fixture(scope="module")
def game():
    return mild()


def matched(game, name, *findings, steps=None):
    (match,) = match_theorems(game, assumptions(*findings, game=game), steps, QUICK, [name])
    return match


def answers(match):
    pairs = zip(match.theorem.hypotheses, match.decisions, strict=True)
    return {hypothesis.name: decision.answer for hypothesis, decision in pairs}


def one_sided(verdict, constant=0.5):
    evidence = "proof" if verdict == "certified" else "search"
    facts = {"cut": False} if verdict == "certified" else {}
    return finding("one-sided-contraction", "certified-rate", verdict, constant, evidence=evidence, facts=facts)


@pytest.mark.parametrize("wording", Wording)
@pytest.mark.parametrize("answer", Answer)
def test_what_was_not_read_neither_holds_nor_fails(wording, answer, game):
    facts = Facts(game, assumptions(game=game), power_steps(), QUICK)
    for name in theorem_names():
        given = dataclasses.replace(
            find_theorem(name).hypotheses[0], wording=wording, decide=lambda _: Decision(answer, Reason("finite"))
        )
        found = decide(given, facts).answer
        if wording in (Wording.UNREAD, Wording.SUMMARY):
            assert found is Answer.UNKNOWN
        else:
            assert found is answer


def test_no_statement_known_by_its_abstract_applies_whatever_is_proved(game):
    facts = Facts(game, assumptions(game=game), power_steps(), QUICK)
    for name in theorem_names():
        theorem = find_theorem(name)
        proved = [
            dataclasses.replace(one, decide=lambda _: Decision(Answer.HOLDS, Reason("finite")))
            for one in theorem.hypotheses
        ]
        match = Match(theorem, tuple(decide(one, facts) for one in proved))
        assert match.coverage is (Coverage.APPLIES if theorem.wording.whole else Coverage.UNKNOWN), name
        assert (match.deciding is None) == theorem.wording.whole


def test_robbins_and_siegmund_apply_until_one_hypothesis_is_broken(game):
    steps, half = power_steps(exponents=SQUARE_SUMMABLE), power_steps()
    name = "robbins-siegmund"
    assert matched(game, name, one_sided("certified"), steps=steps).coverage is Coverage.APPLIES
    slow = matched(game, name, one_sided("certified"), steps=half)
    assert (slow.coverage, slow.deciding.name) == (Coverage.FAILS, "step sizes")
    refuted = one_sided("refuted", -0.5)
    # The drift is asked towards one point, of one leader.
    more = matched(game, name, refuted, steps=steps)
    assert (more.coverage, more.deciding.name, more.decision.finding) == (Coverage.UNKNOWN, "drift", refuted)
    several = finding("uniqueness", "multi-start", "refuted", 2.0, evidence="search")
    broken = matched(game, name, several, steps=steps)
    assert (broken.coverage, broken.deciding.name, broken.decision.finding) == (Coverage.FAILS, "drift", several)
    for verdict in ("supported", "inconclusive"):
        open_ = matched(game, name, one_sided(verdict), steps=steps)
        assert open_.coverage is Coverage.UNKNOWN
        assert "proof" in str(open_.decision.would)
    unchecked = matched(game, name, steps=steps)
    assert (unchecked.coverage, str(unchecked.decision.would)) == (
        Coverage.UNKNOWN,
        "`check --property one-sided-contraction`",
    )


def test_softmax_policy_gradient_applies_until_one_hypothesis_is_broken(game):
    name, covered = "softmax-policy-gradient", finding("coverage", "initial", constant=0.5)
    width = Facts(game, assumptions(game=game), power_steps(), QUICK).reward_width
    # AC-SMFG's step moves logits by 1 - gamma of it along the gradient.
    patience = 1.0 - float(game.discount)
    most = stated_step(float(game.discount), float(game.temperature), 2, width) / patience
    still = power_steps({"follower": 0.9 * most}, {"follower": "0"})
    match = matched(game, name, covered, steps=still)
    assert match.coverage is Coverage.APPLIES
    # The stated constant of the scale that is named, which brings all rewards into [0, 1].
    scale = match.decisions[-1].because.facts["scale"]
    assert scale >= width
    stated = stated_step(float(game.discount), float(game.temperature), 2, scale)
    np.testing.assert_allclose(stated, 0.9 * most * patience)
    for steps, answer in (
        (power_steps({"follower": 0.9 * most}), Answer.FAILS),
        (power_steps({"follower": 0.0}, {"follower": "0"}), Answer.FAILS),
        (power_steps({"follower": 1.5 * most}, {"follower": "0"}), Answer.UNKNOWN),
        (power_steps({"follower": 1e3}, {"follower": "0"}), Answer.FAILS),
    ):
        assert answers(matched(game, name, covered, steps=steps))["step size"] is answer
    assert matched(game, name, steps=still).coverage is Coverage.UNKNOWN
    bare = finding("coverage", "initial", "refuted", 0.0, facts={"state": 0})
    assert matched(game, name, bare, steps=still).decision.finding == bare


def test_the_range_of_rewards_holds_those_of_sampled_mean_fields(game):
    width = Facts(game, assumptions(game=game), power_steps(), QUICK).reward_width
    fields = np.random.default_rng(1).dirichlet(np.full(2, 0.2), 200)
    rewards = [
        float(game.follower_reward(jnp.array(s), jnp.array(a), jnp.array(b), jnp.asarray(m)))
        for m in fields[:40]
        for s in range(2)
        for a in range(2)
        for b in range(2)
    ]
    assert np.ptp(rewards) <= width <= 2.0 * np.ptp(rewards)


def test_the_stated_step_is_that_of_the_paper_and_changes_with_the_unit_of_reward():
    assert stated_step(0.5, 0.25, 3, 1.0) == pytest.approx(0.125 / (8.0 + 0.25 * (4.0 + 8.0 * math.log(3.0))))
    for unit in (0.1, 3.0):
        # In another unit the value is as many times larger, and so is its gradient.
        assert stated_step(0.9, unit * 0.3, 4, unit) * unit == pytest.approx(stated_step(0.9, 0.3, 4, 1.0))


def test_our_own_theorem_applies_to_a_mild_game_until_one_hypothesis_is_broken(game):
    name = "finite-time-bound"
    assert matched(game, name).coverage is Coverage.APPLIES
    assert matched(game, name, steps=power_steps({"leader": 0.0})).coverage is Coverage.APPLIES
    resting = matched(game, name, steps=power_steps({"follower": 0.0}))
    assert (resting.coverage, resting.deciding.name) == (Coverage.FAILS, "step sizes")
    cold = matched(mild(tau=1e-3), name)
    assert (cold.coverage, cold.deciding.name) == (Coverage.UNKNOWN, "one-sided contraction")
    assert answers(cold)["floor"] is Answer.UNKNOWN
    entropy = matched(mild(tau_l=0.5), name)
    assert (entropy.coverage, entropy.deciding.name) == (Coverage.FAILS, "the games it is about")
    assert set(answers(entropy).values()) == {Answer.FAILS, Answer.UNKNOWN, Answer.HOLDS}
    assert [key for key, value in answers(entropy).items() if value is Answer.HOLDS] == ["step sizes"]


def test_what_refutes_a_constant_of_our_own_theorem_makes_it_fail():
    name, cold = "finite-time-bound", mild(tau=1e-3)
    for verdict, coverage in (("refuted", Coverage.FAILS), ("inconclusive", Coverage.UNKNOWN)):
        found = finding("one-sided-contraction", "euclidean", verdict, -1.0, evidence="search")
        match = matched(cold, name, found)
        assert (match.coverage, match.deciding.name) == (coverage, "one-sided contraction")
        assert (match.decision.finding is found) == (verdict == "refuted")
    # A finding of another statement of the property refutes nothing here.
    other = finding("ergodicity", "mixing", "refuted", 1.0, evidence="search")
    assert matched(cold, name, other).coverage is Coverage.UNKNOWN


@pytest.mark.parametrize(
    ("leader", "mean_field", "answer"),
    [("1", "3/5", "holds"), ("1", "1", "fails"), ("1", "1/2", "fails"), ("3/5", "11/20", "fails"), ("2", "1", "fails")],
)
def test_the_slow_line_has_the_exponent_one_and_the_fast_one_less(leader, mean_field, answer, game):
    steps = power_steps(exponents={"leader": leader, "mean_field": mean_field})
    assert answers(matched(game, "sharp-decoupling", steps=steps))["step sizes"].value == answer


def test_games_too_large_for_a_table_leave_what_needs_one_open(game):
    facts = Facts(game, assumptions(game=game), power_steps(), QUICK)
    facts.table = False
    for one in find_theorem("finite-time-bound-leader").hypotheses[:-3]:
        assert decide(one, facts).answer is Answer.UNKNOWN
    assert facts.leader_reward_follows is None
    assert decide(find_theorem("softmax-policy-gradient").hypotheses[0], facts).answer is Answer.UNKNOWN


def test_the_line_of_the_leader_wants_a_leader_whose_world_is_its_own(game):
    name = "finite-time-bound-leader"
    coupled = matched(game, name)
    assert (coupled.coverage, coupled.deciding.name) == (Coverage.UNKNOWN, "leader")
    arrays = random_array_game(
        np.random.default_rng(0), 2, 2, 2, **{**MILD, "kernel_coupling": 0.0, "leader_coupling": 0.0}
    )
    arrays.kernel[:] = arrays.kernel[:, :1]
    arrays.leader_rewards[:] = arrays.leader_rewards[:, :1]
    alone = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    assert matched(alone, name).coverage is Coverage.APPLIES
    resting = matched(alone, name, steps=power_steps({"leader": 0.0}))
    assert (resting.coverage, resting.deciding.name) == (Coverage.FAILS, "leader's steps")


def test_ac_smfg_is_unknown_whatever_summaries_say_of_it(game):
    for steps in (power_steps(), power_steps(exponents={"leader": "3/5"}), power_steps({"leader": 0.6})):
        match = matched(game, "ac-smfg", steps=steps)
        assert match.coverage is Coverage.UNKNOWN
        assert set(answers(match).values()) == {Answer.UNKNOWN}


@pytest.mark.parametrize("name", theorem_names())
def test_the_shape_of_the_game_decides_what_no_search_can(name, game):
    """Finite, stationary, discounted, softmax: without a finding some statements fail, and none applies but ours."""
    failing = {
        "herding",
        "regularised-fixed-point",
        "flow-contraction",
        "softmax-iteration",
        "mf-oml",
        "linear-quadratic",
        "two-timescale-bilevel",
    }
    by_steps = {"robbins-siegmund", "softmax-policy-gradient", "sharp-decoupling"}
    match = matched(game, name)
    if name in failing | by_steps:
        assert match.coverage is Coverage.FAILS
    elif name == "finite-time-bound":
        assert match.coverage is Coverage.APPLIES
    else:
        assert match.coverage is Coverage.UNKNOWN


def test_a_transition_proved_free_of_the_mean_field_is_said_to_be(game):
    for constant, measured, answer in ((0.0, 0.0, "holds"), (0.5, 0.4, "fails"), (0.5, 0.0, "unknown")):
        details = {"measured": measured, "measured_error": 1e-12}
        facts = {"exact": True, "rounding": 0.0}
        found = finding("lipschitz", "transition", constant=constant, details=details, facts=facts)
        match = matched(game, "flow-contraction", found)
        assert answers(match)["dynamics"].value == answer
        assert match.decisions[1].finding == found


def test_a_report_about_another_game_is_refused(game):
    other = assumptions(game=mild(tau=2.0))
    with pytest.raises(InputError, match="other parameters"):
        match_theorems(game, other)


def test_unknown_theorems_are_refused(game):
    with pytest.raises(InputError, match="ac-smfg"):
        match_theorems(game, assumptions(game=game), names=["ac-smfgg"])
