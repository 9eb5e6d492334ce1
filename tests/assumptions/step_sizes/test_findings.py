"""Step sizes: every verdict of their order, range and ratios, and the linearised dynamics against the oracle."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.step_sizes.findings import STATEMENTS
from smfg_verify.game import TabularGame
from smfg_verify.stochastic.schedules import Schedule
from tests.exact.cases import pair

QUICK = {"num_leaders": 32, "num_starts": 2, "num_steps": 5, "num_boxes": 50}
NAME = "step-sizes"
SMALL = (3, 2, 2)
ORDERED = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 1.0}


@pytest.fixture(scope="module")
def weak():
    """A hot game with little coupling, whose map of mean fields is proved to contract."""
    return pair(0, SMALL, kernel_coupling=0.02, reward_coupling=0.02, tau=5.0, gamma=0.5, floor=0.8)[0]


def report_of(game, **changes):
    return check(game, NAME, step_sizes={**ORDERED, **changes}, **QUICK)


def assert_reproduces(report, game):
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        if finding.witness:
            np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-8)


def test_nothing_given_is_not_applicable(weak):
    report = check(weak, NAME, **QUICK)
    assert tuple(finding.statement for finding in report.findings) == STATEMENTS
    assert {finding.verdict for finding in report.findings} == {Verdict.NOT_APPLICABLE}


def test_an_ordered_schedule_of_a_weakly_coupled_game_is_supported(weak):
    report = report_of(weak)
    assert report.finding(NAME, "order").verdict is Verdict.CERTIFIED
    assert report.finding(NAME, "order").constant == 1.0
    assert report.finding(NAME, "order").details["leader/mean_field"] == pytest.approx(0.4)
    assert report.finding(NAME, "range").verdict is Verdict.CERTIFIED
    assert report.finding(NAME, "ratios").verdict is Verdict.SUPPORTED
    assert report.verdict(NAME) is Verdict.SUPPORTED
    assert_reproduces(report, weak)


@pytest.mark.parametrize(
    ("changes", "largest"),
    [({"leader": 0.6}, 1.2), ({"mean_field": 2.0}, 2.0), ({"follower": 1.5}, 1.5), ({"critic": 0.0}, np.inf)],
)
def test_a_broken_order_is_refuted(weak, changes, largest):
    report = report_of(weak, **changes)
    finding = report.finding(NAME, "order")
    assert finding.verdict is Verdict.REFUTED
    np.testing.assert_allclose(finding.constant, largest)
    assert report.verdict(NAME) is Verdict.REFUTED
    assert_reproduces(report, weak)


def test_all_at_rest_is_in_order(weak):
    finding = report_of(weak, **dict.fromkeys(ORDERED, 0.0)).finding(NAME, "order")
    assert (finding.verdict, finding.constant) == (Verdict.CERTIFIED, 0.0)


@pytest.mark.parametrize("critic", [1.0, 1.2, 2.0, 3.7])
def test_the_range_says_when_clipping_ends(weak, critic):
    """Against the schedule itself: the first iteration whose step is not clipped."""
    finding = report_of(weak, critic=critic).finding(NAME, "range")
    first = finding.details["first_unclipped_critic"]
    schedule = Schedule(critic=critic)
    unclipped = [critic / np.sqrt(k + 1) <= 1.0 for k in range(20)]
    assert first == unclipped.index(True)
    assert float(schedule.at(np.array(first)).critic) == pytest.approx(critic / np.sqrt(first + 1))
    assert finding.verdict is (Verdict.CERTIFIED if first == 0 else Verdict.INCONCLUSIVE)
    assert first == 0 or f"before iteration {first}" in finding.meaning


def test_a_leader_at_rest_before_a_proved_contraction_is_certified(weak):
    report = report_of(weak, leader=0.0)
    finding = report.finding(NAME, "ratios")
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.constant < 1.0
    measured = report_of(weak).finding(NAME, "ratios").details["contraction"]
    assert measured <= finding.constant
    assert report.verdict(NAME) is Verdict.CERTIFIED
    assert_reproduces(report, weak)


def test_a_mean_field_at_rest_tracks_nothing(weak):
    report = report_of(weak, leader=0.0, mean_field=0.0)
    assert report.finding(NAME, "ratios").verdict is Verdict.INCONCLUSIVE


def test_a_map_that_does_not_contract_is_inconclusive():
    """Followers who answer a crowd all at once: the map of mean fields overshoots, though its fixed point is stable."""
    game = congestion()
    report = report_of(game)
    finding = report.finding(NAME, "ratios")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.constant > 1.0
    assert "nothing follows" in finding.meaning
    assert_reproduces(report, game)


def congestion():
    """Three places, an action for two of them; the follower pays for the crowd where it goes."""
    arrays = pair(0, SMALL, kernel_coupling=0.02)[1]
    crowd = np.zeros((3, 3, 2, 2))
    crowd[0, :, 0], crowd[1, :, 1] = -2.0, -2.0
    kernel = np.full((3, 2, 2, 3), 0.05)
    kernel[:, 0, :, 0] = kernel[:, 1, :, 1] = 0.9
    changed = dataclasses.replace(arrays, kernel=kernel, follower_rewards_mean_field=crowd, temperature=0.2)
    changed = dataclasses.replace(changed, kernel_mean_field=np.zeros_like(arrays.kernel_mean_field))
    return TabularGame.from_arrays(**changed.from_arrays_arguments())
