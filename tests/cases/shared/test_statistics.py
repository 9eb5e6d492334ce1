"""Intervals of the cases: Student's as scipy has it, ratios that are reciprocal, slopes that a power law moves."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.cases.shared.statistics import (
    CONFIDENCE,
    envelope_slope,
    mean_interval,
    ratio_interval,
    slope_interval,
)
from tests.support.strategies import tables

POSITIVE = tables((6,), 10.0, 0.1)


@given(POSITIVE, st.floats(-5.0, 5.0), st.floats(0.1, 10.0))
def test_the_interval_of_a_mean_is_students_and_moves_with_its_data(values, shift, factor):
    found = mean_interval(values)
    assert found.lower <= found.estimate <= found.upper
    if np.ptp(values) > 1e-6:
        expected = scipy.stats.t.interval(CONFIDENCE, 5, values.mean(), scipy.stats.sem(values))
        np.testing.assert_allclose(found, [values.mean(), *expected], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mean_interval(factor * values + shift), factor * np.array(found) + shift, atol=1e-10)


@given(POSITIVE, POSITIVE, st.floats(0.1, 10.0))
def test_the_interval_of_a_ratio_is_that_of_its_reciprocal_turned_over(above, below, factor):
    found, other = ratio_interval(above, below), ratio_interval(below, above)
    np.testing.assert_allclose(1.0 / np.array(other), [found.estimate, found.upper, found.lower], rtol=1e-12)
    assert found.lower <= found.estimate <= found.upper
    np.testing.assert_allclose(ratio_interval(factor * above, below), factor * np.array(found), rtol=1e-12)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(-2.0, 2.0))
def test_the_slope_of_a_decay_is_against_its_counts(seed, power):
    counts = np.array([1, 3, 10, 30, 100])
    noise = np.exp(0.1 * np.random.default_rng(seed).standard_normal((16, 5)))
    noise = noise[np.argsort(noise[:, 0])]
    plain, tilted = slope_interval(noise, counts), slope_interval(noise * counts**power, counts)
    np.testing.assert_allclose(tilted, np.array(plain) + power, atol=1e-9)
    assert plain.lower <= plain.estimate <= plain.upper


def test_the_slope_of_the_envelope_nears_minus_one_half_from_above():
    early, late = (envelope_slope(np.geomspace(first, 100 * first, 9).astype(int)) for first in (10.0, 1e8))
    assert -0.5 < late < early
    assert late == pytest.approx(-0.5 + 1.0 / np.log(1e9), abs=2e-3)
