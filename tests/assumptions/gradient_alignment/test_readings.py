"""Alignment where a gradient vanishes, and in both readings of the direct one, on games whose answer is known."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.gradient_alignment.findings import STATEMENTS
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.exact import stackelberg_gradient
from smfg_verify.game import TabularGame

NAME = "gradient-alignment"
TINY = {"num_leaders": 24, "num_starts": 2, "num_steps": 6, "num_boxes": 40}
# Where AC-SMFG follows next state: the follower's action a moves to state a with probability 0.9.
MOVES = np.tile(np.array([[0.9, 0.1], [0.1, 0.9]])[None, :, None, :], (2, 1, 2, 1))
SUBSIDY = np.zeros((2, 2, 2))
SUBSIDY[1, :, 1] = 0.5  # to who is in state 1, where the leader plays 1
CROWD = -np.tile(np.eye(2)[:, :, None, None], (1, 1, 2, 2))  # (mean field entry, s, a, b): each state loses its crowd
PLACES = np.tile(np.array([0.0, 1.0])[:, None, None, None], (1, 2, 2, 2))  # the share of state 1, wherever one is


def built(**changes):
    """Two states and actions; all mean-field arrays are given, so that one compiled program serves."""
    zero = np.zeros((2, 2, 2, 2))
    arguments = {
        "kernel": MOVES,
        "follower_rewards": SUBSIDY,
        "leader_rewards": np.zeros((2, 2, 2)),
        "follower_rewards_mean_field": CROWD,
        "leader_rewards_mean_field": zero,
        "discount": 0.5,
        "temperature": 0.5,
    }
    return TabularGame.from_arrays(**(arguments | changes))


# Leaders whose direct gradient is zero for every leader, and whose total gradient is not.
BLIND = {
    "who cares about places only": {"leader_rewards_mean_field": PLACES},
    "with a constant beside it": {"leader_rewards_mean_field": PLACES, "leader_rewards": np.full((2, 2, 2), 7.0)},
    "who loses by crowds": {"leader_rewards_mean_field": -PLACES},
    "who also moves people": {
        "leader_rewards_mean_field": PLACES,
        "kernel": np.tile(np.array([[[0.9, 0.1], [0.7, 0.3]], [[0.2, 0.8], [0.1, 0.9]]])[None], (2, 1, 1, 1)),
    },
}


def reproduces(report, game):
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        if finding.witness and np.isfinite(finding.constant):
            np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[pytest.mark.slow] * k.startswith(("with", "who l"))) for k in BLIND]
)
def test_a_direct_gradient_of_zero_refutes_where_the_total_is_not_zero(kind):
    game = built(**BLIND[kind])
    report = check(game, NAME, **TINY)
    assert report.verdict(NAME) is Verdict.REFUTED
    for statement in ("cosine", "inner-product-constant", "frontier", "zeros-of-direct"):
        finding = report.finding(NAME, statement)
        assert finding.verdict is Verdict.REFUTED
        gradient = stackelberg_gradient(game, finding.witness["logits"])
        assert float(jnp.linalg.norm(gradient.total)) > 1e-4
        assert float(jnp.linalg.norm(gradient.direct)) < 1e-13
    assert report.finding(NAME, "cosine").constant == 0.0
    # <g, p> >= c |p|^2 holds where p is zero: it asks nothing there.
    assert report.finding(NAME, "direct-constant").verdict is Verdict.INCONCLUSIVE
    assert "below one" not in report.finding(NAME, "relative-error").meaning
    reproduces(report, game)


ODD = {
    "no rewards": {"follower_rewards": np.zeros((2, 2, 2)), "follower_rewards_mean_field": 0.0 * CROWD},
    "a leader without rewards": {},
    "a constant leader": {"leader_rewards": np.full((2, 2, 2), 3.0)},
    "a follower without influence": {"kernel": np.full((2, 2, 2, 2), 0.5), "leader_rewards_mean_field": PLACES},
    "no tomorrow, so no subsidy moves anyone": {"discount": 0.0, "leader_rewards_mean_field": PLACES},
}


@pytest.mark.parametrize("kind", [pytest.param(k, marks=[pytest.mark.slow] * k.startswith("no r")) for k in ODD])
def test_where_no_gradient_is_above_its_error_nothing_is_refuted_nor_supported_by_a_ratio(kind):
    report = check(built(**ODD[kind]), NAME, **TINY)
    for reading in Reading:
        assert report.finding(NAME, reading.statement("cosine")).verdict is Verdict.INCONCLUSIVE
        assert "numerical error" in report.finding(NAME, reading.statement("zeros-of-direct")).meaning or (
            report.finding(NAME, reading.statement("zeros-of-direct")).verdict is Verdict.CERTIFIED
        )
    assert Verdict.REFUTED not in {finding.verdict for finding in report.findings}
    reproduces(report, built(**ODD[kind]))


@pytest.mark.parametrize(("num_leaders", "num_starts"), [(1, 1), pytest.param(2, 1, marks=pytest.mark.slow)])
def test_one_leader_and_one_start_are_enough(num_leaders, num_starts):
    game = built(leader_rewards_mean_field=PLACES)
    report = check(game, NAME, num_leaders=num_leaders, num_starts=num_starts, num_steps=0, num_boxes=40)
    assert report.verdict(NAME) is Verdict.REFUTED


def test_a_leader_of_one_action_is_not_applicable_in_either_reading():
    game = TabularGame.from_arrays(
        kernel=MOVES[:, :, :1],
        follower_rewards=SUBSIDY[:, :, :1],
        leader_rewards=SUBSIDY[:, :, 1:],
        discount=0.5,
        temperature=0.5,
    )
    report = check(game, NAME, **TINY)
    assert tuple(finding.statement for finding in report[NAME]) == STATEMENTS
    assert {finding.verdict for finding in report.findings} == {Verdict.NOT_APPLICABLE}


def answering_leader():
    """The leader earns 0.1 where it plays 1, and loses by the action that its subsidy invites; nobody feels crowds."""
    rewards = 0.1 * np.tile(np.array([0.0, 1.0]), (2, 2, 1)) - np.tile(np.array([0.0, 1.0])[None, :, None], (2, 1, 2))
    return built(leader_rewards=rewards, follower_rewards=4.0 * SUBSIDY, follower_rewards_mean_field=0.0 * CROWD)


def test_alignment_in_one_reading_only_is_said():
    """Without mean field p' = g for every leader; p overlooks the follower's answer and points the other way."""
    game = answering_leader()
    report = check(game, NAME, **TINY)
    assert report.finding(NAME, "cosine").verdict is Verdict.REFUTED
    witness = report.finding(NAME, "cosine").witness["logits"]
    gradient = stackelberg_gradient(game, witness)
    assert float(jnp.sum(gradient.total * gradient.direct)) < 0.0
    np.testing.assert_allclose(gradient.held_field, gradient.total, atol=1e-12)
    agreeing = report.finding(NAME, "readings")
    assert agreeing.verdict is Verdict.REFUTED
    assert "one reading only" in agreeing.meaning
    assert dict(agreeing.details["verdicts"]) == {
        "follower-policy-and-mean-field-held": "refuted",
        "mean-field-held": "supported",
    }
    assert report.finding(NAME, "cosine-field-held").constant == pytest.approx(1.0)
    reproduces(report, game)


SAYS = {
    Reading.POLICY_HELD: "Here p holds the follower's policy and the mean field, as AC-SMFG does.",
    Reading.FIELD_HELD: "Here p holds the mean field alone, and the follower's policy answers the leader.",
}


def test_every_finding_says_which_reading_it_is_about():
    report = check(answering_leader(), NAME, **TINY)
    for finding in report[NAME]:
        if finding.statement == "readings":
            assert finding.details["reading"] == "both"
            continue
        reading = Reading.FIELD_HELD if finding.statement.endswith("-field-held") else Reading.POLICY_HELD
        assert finding.details["reading"] == reading.value
        assert finding.meaning.endswith(SAYS[reading])
