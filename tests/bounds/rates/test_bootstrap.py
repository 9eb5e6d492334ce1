"""The bootstrap interval: scipy's at plain levels, Student's of a mean at expanded ones, and what it covers."""

from functools import partial

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.bounds.rates.bootstrap import (
    MIN_SEEDS,
    IntervalMethod,
    bca_levels,
    bootstrap_interval,
    expanded_tail,
    resample_counts,
)
from smfg_verify.comparison import paired_difference

# Resamples of so many seeds, and numbers of which every sum and product with these counts is exact.
COUNTS = {number: resample_counts(number, 500, 0) for number in (5, 9)}
POWERS = st.integers(-20, 20)


def seeds_of(number):
    return st.lists(st.integers(-512, 512), min_size=number, max_size=number).map(lambda n: np.array(n) / 2.0**4)


def interval_of(values, confidence):
    size = len(values)
    return bootstrap_interval(values.mean(), COUNTS[size] @ values / size, left_out(values), confidence)


def left_out(values):
    return (values.sum() - values) / (len(values) - 1)


@pytest.mark.parametrize("draw", ["standard_exponential", "standard_normal", "standard_cauchy"])
@pytest.mark.parametrize("size", [5, 16, 60])
def test_plain_levels_give_scipys_interval_of_the_same_resamples(draw, size):
    # Of few bits, so that sums are exact: scipy's ties are those of floats, ours those of numbers.
    values = np.round(2.0**20 * getattr(np.random.default_rng(size), draw)(size)) / 2.0**20
    theirs = scipy.stats.bootstrap((values,), np.mean, n_resamples=999, confidence_level=0.9, method="BCa", rng=1)
    replicates = theirs.bootstrap_distribution
    levels = bca_levels(values.mean(), replicates, left_out(values), 0.05)
    np.testing.assert_allclose(np.quantile(replicates, levels), theirs.confidence_interval, rtol=1e-12)


@pytest.mark.parametrize(("size", "confidence"), [(5, 0.95), (16, 0.9917), (400, 0.95)])
def test_expanded_levels_of_a_normal_bootstrap_are_students_interval(size, confidence):
    """The bootstrap of a mean has variance s^2 (S - 1) / S^2; Student's interval is mean +- t s / sqrt(S)."""
    spread = np.sqrt((size - 1.0) / size**2)
    end = scipy.stats.norm.ppf(expanded_tail(size, confidence), scale=spread)
    student = scipy.stats.t.ppf(0.5 - 0.5 * confidence, size - 1) / np.sqrt(size)
    assert end == pytest.approx(student, rel=1e-9)


def test_a_shift_moves_the_interval_and_a_scale_stretches_it():
    # Dyadic numbers, so that sums are exact and ties stay ties.
    values = np.round(2.0**10 * np.random.default_rng(0).gamma(2.0, size=9)) / 2.0**10
    counts = resample_counts(9, 500, 0)

    def interval(values):
        return np.array(bootstrap_interval(values.mean(), counts @ values / 9, left_out(values), 0.9)[:2])

    np.testing.assert_allclose(interval(4.0 * values - 2.0), 4.0 * interval(values) - 2.0, rtol=1e-9)
    np.testing.assert_allclose(interval(-values), -interval(values)[::-1], rtol=1e-9)


@given(seeds_of(5), st.sampled_from([3.0, 0.1, 1e5 / 7.0]))
def test_a_resample_that_holds_every_seed_once_is_a_tie_whatever_the_unit(values, unit):
    """Of five seeds one resample in 26 is such: in other units its sum rounds to another side of the estimate."""
    lower, upper, method = interval_of(values, 0.9)
    found = interval_of(unit * values, 0.9)
    size = unit * np.max(np.abs(values))
    np.testing.assert_allclose(found[:2], [unit * lower, unit * upper], rtol=1e-9, atol=1e-9 * size)
    assert found[2] is method


def test_an_interval_without_an_acceleration_is_percentile():
    same = np.full(7, 2.0)
    found = bootstrap_interval(2.0, np.full(50, 2.0), left_out(same), 0.95)
    assert found == (2.0, 2.0, IntervalMethod.PERCENTILE)


def test_an_interval_of_a_paired_difference_holds_it_as_often_with_few_seeds():
    # scipy's BCa at plain levels holds it in 0.84 of the cases.
    random, hits = np.random.default_rng(0), 0
    for trial in range(300):
        base = random.standard_normal(6)
        entry = paired_difference(base + 0.5 + random.standard_normal(6), base, seed=trial)
        hits += entry.lower <= 0.5 <= entry.upper
    assert hits >= 0.9 * 300


def test_the_order_of_seeds_changes_no_bit_of_a_paired_difference():
    random = np.random.default_rng(3)
    values, reference, order = random.standard_normal(12), random.standard_normal(12), random.permutation(12)
    first, second = paired_difference(values, reference), paired_difference(values[order], reference[order])
    assert (first.lower, first.upper) == (second.lower, second.upper)


@given(seeds_of(9), st.sampled_from([0.5, 0.9, 0.99]), POWERS, st.integers(-64, 64))
def test_any_interval_moves_with_its_data_and_turns_with_their_sign(values, confidence, power, shift):
    """Scales by powers of two and shifts by integers of numbers of few bits round nothing."""
    interval = partial(interval_of, confidence=confidence)
    lower, upper, method = interval(values)
    assert lower <= upper
    moved = interval(values * 2.0**power + shift)
    np.testing.assert_allclose(moved[:2], np.array([lower, upper]) * 2.0**power + shift, rtol=1e-9, atol=1e-9)
    turned = interval(-values)
    np.testing.assert_allclose(turned[:2], [-upper, -lower], rtol=1e-9, atol=1e-9)
    assert moved[2] is turned[2] is method


@given(seeds_of(9), st.sampled_from([0.5, 0.9, 0.99]))
def test_any_interval_lies_among_the_values_and_grows_with_its_level(values, confidence):
    lower, upper, _ = interval_of(values, confidence)
    assert values.min() <= lower <= upper <= values.max()
    if np.ptp(values) > 0.0:
        inner = interval_of(values, 0.4 * confidence)
        assert lower <= inner[0] <= inner[1] <= upper


@given(st.integers(MIN_SEEDS, 200), st.floats(0.01, 0.99))
def test_the_expanded_level_is_students_and_nears_the_plain_one_from_below(number, confidence):
    plain = 0.5 * (1.0 - confidence)
    tail = expanded_tail(number, confidence)
    assert 0.0 < tail < plain
    assert tail < expanded_tail(number + 1, confidence)
    quantile = scipy.stats.t.ppf(plain, number - 1) * np.sqrt(number / (number - 1))
    assert scipy.stats.norm.ppf(tail) == pytest.approx(quantile, rel=1e-9)


@given(st.integers(1, 40), st.integers(0, 10**6))
def test_every_resample_is_of_as_many_seeds_as_there_are(number, seed):
    counts = resample_counts(number, 100, seed)
    assert counts.shape == (100, number)
    assert np.all(counts >= 0)
    np.testing.assert_array_equal(counts.sum(axis=1), number)
    np.testing.assert_array_equal(counts, resample_counts(number, 100, seed))
