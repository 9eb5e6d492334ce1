"""Whether the transient is over: leaders whose way is known in closed form, and one rule for verdict and plan."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from smfg_verify.bounds import RUNNING_AVERAGE, RUNNING_MINIMUM, RateVerdict, leader_way, plan_power, validate_bounds
from smfg_verify.bounds.rates.sentences import IN_TRANSIENT
from tests.bounds.rates.test_change_point import with_break
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of
from tests.bounds.rates.test_validate_bounds import GAME, report_of, residuals_of
from tests.support.strategies import tables

CLOCK = np.sqrt(ITERATIONS / ITERATIONS[-1])  # the sum of c / sqrt(k + 1), from 0 to 1
OF_THE_LEADER = ("e_omega", "policy_gap", RUNNING_MINIMUM, RUNNING_AVERAGE)


def leaders(probability, seeds=16, noise=1e-3, rng=0):
    """Logits (seeds, C, 1, 2) of policies that play their first action with a probability, up to noise."""
    shaken = probability + noise * np.random.default_rng(rng).standard_normal((seeds, len(ITERATIONS)))
    return np.stack([logit(np.clip(shaken, 1e-9, 1.0 - 1e-9)), 0.0 * shaken], axis=-1)[:, :, None, :]


def settling(times):
    """An exponential approach that lasts so many time constants of the leader's clock."""
    return 0.5 + 0.3 * (1.0 - np.exp(-times * CLOCK))


def validated(values, logits):
    iterates = random_iterates(np.random.default_rng(0), GAME, *values.shape) | {"leader_logits": logits}
    trace = dataclasses.replace(trace_of(GAME, iterates), iterations=ITERATIONS)
    return validate_bounds(GAME, trace, residuals=residuals_of(values))


def planned(values, logits=None, **options):
    way = None if logits is None else leader_way(logits, ITERATIONS)
    quick = {"seeds": (8,), "planned_iterations": (int(ITERATIONS[-1]),), "num_simulations": 100, "num_resamples": 100}
    return plan_power(values, ITERATIONS, way=way, **quick, **options)


def test_the_way_of_a_leader_is_its_closed_form():
    way = leader_way(leaders(0.5 + 0.2 * CLOCK, noise=1e-12), ITERATIONS)
    half = CLOCK[np.searchsorted(ITERATIONS, ITERATIONS[-1] / 4)]
    np.testing.assert_allclose([way.whole, way.late], [0.2, 0.2 * (1.0 - half)], rtol=1e-6)
    noise = leader_way(leaders(0.5, seeds=4000, noise=0.01), ITERATIONS)
    assert noise.error == pytest.approx(0.01 * np.sqrt(2.0 / 4000), rel=0.1)


@pytest.mark.parametrize(
    ("probability", "arrived"),
    [
        (0.5 + 0.3 * CLOCK, False),  # on its way at a steady pace
        (0.5 + 1e-4 * CLOCK, False),  # the same, hardly moved
        (settling(1.0), False),
        (settling(12.0), True),
        (0.5 + 0.0 * CLOCK, True),  # moves by noise alone
    ],
)
def test_a_leader_has_arrived_where_little_of_its_way_is_left(probability, arrived):
    noise = 1e-6 if np.ptp(probability) < 1e-3 else 1e-3
    assert leader_way(leaders(probability, noise=noise), ITERATIONS).arrived is arrived


@pytest.mark.parametrize("logits", [leaders(0.5 + 0.3 * CLOCK, seeds=1), np.full((8, len(ITERATIONS), 1, 2), np.nan)])
def test_what_cannot_be_told_is_no_transient(logits):
    assert leader_way(logits, ITERATIONS).arrived


@pytest.mark.parametrize("drift", [1e-4, 0.03, 0.3])
def test_a_leader_that_has_hardly_moved_is_not_called_slower(drift):
    """The residual is flat because nothing has happened yet: inconclusive, and the plan refuses it for that reason."""
    values = noisy_power_law(np.random.default_rng(0), -0.01, num_seeds=16, noise=0.1)
    logits = leaders(0.5 + drift * CLOCK, noise=1e-2 * drift)
    report, plan = validated(values, logits), planned(values, logits)
    for name in OF_THE_LEADER:
        assert report[name].verdict is RateVerdict.INCONCLUSIVE
    for reason in (report["e_omega"].reason, plan.reason):
        assert reason.startswith(IN_TRANSIENT)
    assert report["e_omega"].reason == plan.reason
    # The followers' residuals have a transient of their own.
    assert report["e_mu"].verdict is RateVerdict.SLOWER


def test_a_leader_that_has_arrived_where_the_gradient_is_not_zero_is_slower():
    values = 1.0 + noisy_power_law(np.random.default_rng(2), -0.5, num_seeds=40)
    assert validated(values, leaders(settling(12.0), seeds=40))["e_omega"].verdict is RateVerdict.SLOWER


@pytest.mark.parametrize("after", [-0.6, -0.8, -1.0])
def test_a_break_shortly_before_the_end_is_a_transient_for_both(after):
    """The curve is flat, then steepens: over two decades its slope is too flat, and says nothing of the later one."""
    values = with_break(30_000.0, 0.0, after, noise=0.1)
    report, plan = report_of(values), planned(values)
    for name in ("e_omega", "e_theta", "e_mu"):
        assert report[name].verdict is RateVerdict.INCONCLUSIVE
        assert report[name].reason.startswith(IN_TRANSIENT)
    assert plan.reason == report["e_omega"].reason


def test_the_slope_is_that_after_the_transient():
    """A transient inside the last two decades tilts their slope; both commands look at what follows it."""
    values = with_break(4_000.0, 0.0, -0.5, noise=0.1)
    row, plan = report_of(values)["e_omega"], planned(values)
    assert row.verdict is RateVerdict.CONSISTENT
    assert row.window == plan.window
    whole = report_of(values, window=(1_000, 100_000))["e_omega"]
    assert whole.verdict is RateVerdict.SLOWER  # as the window that was asked for is


def test_a_running_minimum_that_stands_still_tells_no_rate():
    row = report_of(noisy_power_law(np.random.default_rng(1), 0.5, num_seeds=60))[RUNNING_MINIMUM]
    assert row.verdict is RateVerdict.INCONCLUSIVE
    assert "undercut" in row.reason


TABLE = tables((4, 5, 3, 2), 30.0)


@given(TABLE, tables((4, 5, 3, 1), 30.0), st.permutations(range(4)), st.permutations(range(2)))
def test_the_way_is_of_policies_whatever_is_added_to_a_row_and_whatever_seeds_and_actions_are_called(
    logits, shift, seeds, actions
):
    iterations = np.array([0, 10, 30, 60, 100])
    way = leader_way(logits, iterations)
    assert 0.0 <= way.whole <= 1.0
    assert 0.0 <= way.late <= 1.0
    assert way.error >= 0.0
    same = leader_way((logits + shift)[seeds][..., actions], iterations)
    assert same[:2] == pytest.approx(way[:2], abs=1e-13)
    if np.ptp(logits[:, 2]) > 0.0:
        # Nothing before the last and the second half's first checkpoint and the very first counts.
        spoilt = logits.copy()
        spoilt[:, [1, 3]] = 7.0
        assert leader_way(spoilt, iterations) == way


@given(TABLE)
def test_a_leader_that_stands_still_late_has_arrived_and_one_that_moves_only_late_has_not(logits):
    iterations = np.array([0, 10, 25, 60, 100])
    still = np.where(np.arange(5)[:, None, None] < 2, logits, logits[:, -1:])
    way = leader_way(still, iterations)
    assert way.late == way.error == 0.0
    assert way.arrived
    together = np.broadcast_to(logits[:1, :1], logits.shape).copy()
    together[:, -1] = np.array([[3.0, -3.0], [0.0, 0.0], [0.0, 0.0]])
    together[:, :-1, 0] = np.array([-3.0, 3.0])
    way = leader_way(together, iterations)
    assert way.late == way.whole > 0.9
    assert not way.arrived
