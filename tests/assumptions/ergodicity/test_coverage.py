"""Coverage: bounds that hold for every policy, exact where the kernel is fixed."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.ergodicity import coverage
from smfg_verify.assumptions.ergodicity.coverage import least_occupancy
from smfg_verify.assumptions.finding import Side
from smfg_verify.games import load
from tests.assumptions.chain_games import array_pair, kernel_game, packaged, relabelled_states, split_follower_action
from tests.helpers.numerics import stationary_law

NAME = coverage.PROPERTY
QUICK = {"num_leaders": 30, "num_boxes": 100}


def checked(game):
    report = check(game, NAME, **QUICK)
    assert tuple(finding.statement for finding in report.findings) == coverage.STATEMENTS
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        assert finding.witness
        assert finding.reproduce(game) == pytest.approx(finding.constant, rel=1e-8, abs=1e-14)
    return report


def occupancy(chain, initial, discount):
    return (1.0 - discount) * np.linalg.solve((np.eye(len(chain)) - discount * chain).T, initial)


@pytest.mark.parametrize("discount", [0.0, 0.6, 0.95])
def test_occupancy_of_a_fixed_kernel_is_the_least_of_all_pure_policies(discount):
    """Avoiding one state is a decision problem of its own, and pure policies of both players are optimal in it."""
    _, arrays = array_pair(0, kernel_coupling=0.0, floor=0.0)
    kernel, initial = arrays.kernel, arrays.initial_distribution
    worst = np.full(3, np.inf)
    for pi in itertools.product(range(2), repeat=3):
        for phi in itertools.product(range(2), repeat=3):
            chain = kernel[np.arange(3), list(pi), list(phi)]
            worst = np.minimum(worst, occupancy(chain, initial, discount))
    found = least_occupancy(kernel, kernel, initial, discount)
    np.testing.assert_allclose(found, worst, rtol=1e-8)
    assert np.all(found <= worst + 1e-13)


def test_bounds_hold_for_random_policies_and_mean_fields():
    game, arrays = array_pair(1, floor=0.05)
    report = checked(game)
    assert report.verdict(NAME) is Verdict.CERTIFIED
    visited, stationary = report.finding(NAME, "occupancy"), report.finding(NAME, "stationary")
    assert stationary.verdict is Verdict.CERTIFIED
    rng = np.random.default_rng(2)
    for _ in range(200):
        kernel = arrays.tables(rng.dirichlet(np.ones(3)))[0]
        chain = np.einsum("sa,sb,sabt->st", *rng.dirichlet(np.full(2, 0.1), (2, 3)), kernel)
        law = occupancy(chain, arrays.initial_distribution, arrays.discount)
        assert np.all(law >= visited.details["occupancy"] - 1e-12)
        assert np.all(stationary_law(chain) >= stationary.details["stationary_mass"] - 1e-12)
    assert np.all(visited.details["occupancy"] > visited.details["restart_bound"])


def test_a_road_that_can_be_avoided_has_the_restarts_only():
    report = checked(load("two-road-toll", discount=0.8, initial_distribution=(0.3, 0.7)))
    initial, visited, stationary = report.findings
    assert (initial.constant, initial.verdict, initial.side) == (0.3, Verdict.CERTIFIED, Side.EXACT)
    assert visited.verdict is Verdict.CERTIFIED
    assert visited.constant == pytest.approx(0.2 * 0.3, rel=1e-12)
    assert (stationary.verdict, stationary.constant) == (Verdict.INCONCLUSIVE, 0.0)
    assert report.verdict(NAME) is Verdict.CERTIFIED


@pytest.mark.slow
def test_no_discount_leaves_the_initial_distribution():
    report = checked(kernel_game([[0.7, 0.3], [0.4, 0.6]], discount=0.0, initial_distribution=[0.2, 0.8]))
    assert report.finding(NAME, "occupancy").constant == pytest.approx(0.2, rel=1e-12)


@pytest.mark.slow
def test_a_single_state_is_always_there():
    report = checked(kernel_game(np.ones((1, 2, 2, 1))))
    assert [finding.constant for finding in report.findings] == pytest.approx([1.0, 1.0, 1.0], rel=1e-9)


@pytest.mark.slow
def test_labels_and_copies_of_an_action_leave_every_constant():
    game, arrays = array_pair(3)
    report = checked(game)
    for change in (lambda a: relabelled_states(a, np.array([1, 2, 0])), split_follower_action):
        other = checked(packaged(change(arrays)))
        for first, second in zip(report.findings, other.findings, strict=True):
            assert second.constant == pytest.approx(first.constant, rel=1e-9)


def test_bounds_that_the_game_leaves_are_refused():
    """A witness from a game of the same shape whose transition is another one proves nothing here."""
    report = checked(array_pair(4)[0])
    for statement in ("occupancy", "stationary"):
        with pytest.raises(ValueError, match="another game"):
            report.finding(NAME, statement).reproduce(array_pair(5)[0])
