"""Step sizes: every verdict of their order, range and ratios, and the linearised dynamics against the oracle."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.step_sizes.findings import STATEMENTS
from smfg_verify.assumptions.step_sizes.mean_field_tracking import linearise, tangent_norm
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from smfg_verify.stochastic.schedules import Schedule
from tests.exact.cases import pair
from tests.helpers import oracle

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


@pytest.mark.parametrize("support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def test_linearisation_against_the_oracle(support):
    game, arrays, logits = pair(2, SMALL, support=support)
    found = linearise(checked(game), logits[None])
    field = oracle.equilibrium(arrays, logits).mean_field.ravel()
    np.testing.assert_allclose(found.mean_field[0].ravel(), field, atol=1e-11)
    units = np.eye(logits.size).reshape(-1, *logits.shape)
    moved = [
        oracle.central_difference(
            lambda t, u=u: oracle.equilibrium(arrays, logits + t * u, field).mean_field.ravel(), 1e-2
        )[0]
        for u in units
    ]
    np.testing.assert_allclose(found.moved[0], np.array(moved).T, atol=1e-8)
    np.testing.assert_allclose(found.update[0], update(arrays, logits, field), atol=1e-9)
    size = len(field)
    for i, j in ((0, 1), (size - 1, 0)):
        along = np.eye(size)[i] - np.eye(size)[j]
        image = oracle.central_difference(lambda t, along=along: response(arrays, logits, field + t * along), 1e-3)[0]
        np.testing.assert_allclose(found.response[0] @ along, image, atol=1e-8)
        turned = oracle.central_difference(lambda t, along=along: update(arrays, logits, field + t * along), 1e-3)[0]
        np.testing.assert_allclose(found.slope[0] @ along, turned, atol=1e-7)


def response(arrays, logits, field):
    phi = oracle.leader_rows(arrays, logits)
    return oracle.population(arrays, phi, oracle.best_response(arrays, phi, field)[1], field)


def update(arrays, logits, field):
    """(1 - gamma) times the slope of the leader's return at fixed follower and mean field."""
    policy = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)[1]

    def returned(table):
        return oracle.leader_return(arrays, oracle.leader_rows(arrays, table), policy, field)

    units = np.eye(logits.size).reshape(-1, *logits.shape)
    slopes = [oracle.central_difference(lambda t, u=u: returned(logits + t * u), 1e-2)[0] for u in units]
    return (1 - arrays.discount) * np.array(slopes)


def test_the_linearised_recursion_is_that_of_the_mean_dynamics():
    """One joint step of leader and mean field from a displaced mean field, by the oracle: the error moves as told."""
    _, arrays, logits = pair(2, SMALL)
    found = linearise(checked(pair(2, SMALL)[0]), logits[None])
    field, (zeta, xi) = found.mean_field[0], (0.03, 0.1)
    error = 1e-4 * np.array([1.0, -0.3, -0.7])
    moved = (field + error) + xi * (response(arrays, logits, field + error) - (field + error))
    stepped = logits + zeta * update(arrays, logits, field + error).reshape(logits.shape)
    after = moved - oracle.equilibrium(arrays, stepped, field).mean_field
    resting = (
        field - oracle.equilibrium(arrays, logits + zeta * found.update[0].reshape(logits.shape), field).mean_field
    )
    matrix = np.eye(3) - xi * (np.eye(3) - found.response[0]) - zeta * found.moved[0] @ found.slope[0]
    np.testing.assert_allclose(after - resting, matrix @ error, atol=2e-3 * np.max(np.abs(error)))
    q = found.contraction[0] + zeta / xi * found.feedback[0]
    assert np.sum(np.abs(matrix @ error)) <= (1 - xi * (1 - q)) * np.sum(np.abs(error))


def test_tangent_norm_is_attained_at_a_pair_of_columns():
    matrix = np.random.default_rng(0).normal(size=(1, 5, 5))
    pairs = [np.eye(5)[i] - np.eye(5)[j] for i in range(5) for j in range(5) if i != j]
    largest = max(np.sum(np.abs(matrix[0] @ v)) / 2 for v in pairs)
    assert tangent_norm(matrix)[0] == pytest.approx(largest)
    others = np.random.default_rng(1).normal(size=(500, 5))
    others -= others.mean(axis=1, keepdims=True)
    stretched = np.sum(np.abs(others @ matrix[0].T), axis=1) / np.sum(np.abs(others), axis=1)
    assert np.all(stretched <= largest * (1 + 1e-12))
    assert tangent_norm(np.ones((1, 1, 1)))[0] == 0.0
