"""The running average from checkpoints: exact where nothing is interpolated, and honest where something is."""

import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.bounds import RUNNING_AVERAGE, RateVerdict, running_average
from smfg_verify.bounds.rates.averages import interpolation_change
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law
from tests.bounds.rates.test_validate_bounds import report_of
from tests.support.strategies import tables


def test_consecutive_checkpoints_give_the_mean():
    values = np.random.default_rng(0).exponential(size=(3, 50))
    expected = np.cumsum(values, axis=1) / np.arange(1, 51)
    np.testing.assert_allclose(running_average(values, np.arange(50)), expected, rtol=1e-13)
    np.testing.assert_allclose(running_average(values, np.arange(7, 57)), expected, rtol=1e-13)


def test_between_checkpoints_the_residual_is_interpolated_linearly():
    generator = np.random.default_rng(1)
    iterations = np.array([0, 1, 4, 11, 40])
    values = generator.exponential(size=5)
    filled = np.interp(np.arange(41), iterations, values)
    expected = (np.cumsum(filled) / np.arange(1, 42))[iterations]
    np.testing.assert_allclose(running_average(values, iterations), expected, rtol=1e-13)


def test_average_of_a_power_law_is_overestimated_a_little_and_the_change_tells():
    every = np.arange(ITERATIONS[-1] + 1)
    truth = (np.cumsum((every + 1.0) ** -0.5) / (every + 1.0))[ITERATIONS]
    found = running_average((ITERATIONS + 1.0) ** -0.5, ITERATIONS)
    assert np.all(found >= truth * (1.0 - 1e-12))
    relative = np.max(found[-20:] / truth[-20:] - 1.0)
    exact = (ITERATIONS + 1.0) ** -0.5 * np.linspace(0.5, 1.5, 9)[:, None]
    change = report_of(exact).interpolation_change
    # Halving the density multiplies the error of the trapezoid rule by four, so the change is three of the errors; a
    # little more, since every checkpoint is kept where they are consecutive.
    assert 0.001 < relative < change < 5.0 * relative


@pytest.mark.wrong_types  # a namespace stands for residuals
def test_a_window_without_a_checkpoint_that_is_left_has_no_change():
    """Every other checkpoint is left out, the last one never: a window of the one before it holds none."""
    residuals = types.SimpleNamespace(e_omega=np.ones((6, 5)), iterations=np.array([0, 10, 20, 30, 40]))
    for place, known in ((3, False), (4, True)):
        change = interpolation_change(residuals, np.arange(5) == place)
        assert np.isfinite(change) == known


def test_seed_mean_and_average_commute_and_a_nan_spoils_all_that_follows():
    values = noisy_power_law(np.random.default_rng(3), -0.5)
    averages = running_average(values, ITERATIONS)
    np.testing.assert_allclose(averages.mean(axis=0), running_average(values.mean(axis=0), ITERATIONS), rtol=1e-12)
    values[4, 10] = np.nan
    finite = np.isfinite(running_average(values, ITERATIONS))
    assert finite[4].tolist() == [position < 10 for position in range(len(ITERATIONS))]
    assert np.all(np.delete(finite, 4, axis=0))


@pytest.mark.parametrize(
    ("slope", "verdict"), [(-0.5, RateVerdict.CONSISTENT), (-0.2, RateVerdict.SLOWER), (-0.8, RateVerdict.FASTER)]
)
def test_rate_of_the_average(slope, verdict):
    values = noisy_power_law(np.random.default_rng(4), slope, num_seeds=200, noise=0.3)
    assert report_of(values)[RUNNING_AVERAGE].verdict is verdict


def test_an_average_never_forgets_its_transient():
    """The residual falls like 1/k after a high start; its average cannot fall faster than 1/k."""
    values = np.where(ITERATIONS < 100, 1.0, (np.maximum(ITERATIONS, 1) / 100.0) ** -3.0) * np.ones((6, 1))
    values = values * np.random.default_rng(5).gamma(100.0, 0.01, (6, 1))
    assert report_of(values, rounding=1e-40)[RUNNING_AVERAGE].slope == pytest.approx(-1.0, abs=0.02)


@pytest.mark.parametrize(("seeds", "spoil", "reason"), [(4, False, "too few seeds: 4"), (9, True, "not finite")])
def test_what_cannot_be_told_is_inconclusive(seeds, spoil, reason):
    values = noisy_power_law(np.random.default_rng(6), -0.5, num_seeds=seeds)
    if spoil:
        values[2, 0] = np.nan
    finding = report_of(values)[RUNNING_AVERAGE]
    assert finding.verdict is RateVerdict.INCONCLUSIVE
    assert reason in finding.reason


def test_interval_is_about_the_average_and_not_about_the_residual():
    values = noisy_power_law(np.random.default_rng(7), -0.9, num_seeds=100)
    by_hand = running_average(values, ITERATIONS).mean(axis=0)
    assert report_of(values)[RUNNING_AVERAGE].means == pytest.approx(tuple(by_hand), rel=1e-12)


GRID = np.array([0, 1, 2, 5, 11, 30, 100, 101])


@given(tables((3, 8), 1e6, 0.0), tables((3, 8), 1e6, 0.0), st.floats(0.0, 10.0))
def test_an_average_is_linear_between_the_extremes_so_far_and_monotone(values, more, factor):
    found = running_average(values, GRID)
    slack = 1e-9
    assert np.all(found >= np.minimum.accumulate(values, axis=1) - slack)
    assert np.all(found <= np.maximum.accumulate(values, axis=1) + slack)
    both = running_average(factor * values + more, GRID)
    np.testing.assert_allclose(both, factor * found + running_average(more, GRID), rtol=1e-12, atol=1e-9)
    assert np.all(running_average(values + more, GRID) >= found - slack)


@given(tables((8,), 1e3, 0.0), st.integers(0, 10**6))
def test_an_average_does_not_depend_on_where_the_count_of_iterations_begins(values, start):
    np.testing.assert_array_equal(running_average(values, GRID + start), running_average(values, GRID))
