"""The bootstrap interval: scipy's at plain levels, Student's of a mean at expanded ones, and what it covers."""

import numpy as np
import pytest
import scipy.stats

from smfg_verify.bounds.rates.bootstrap import (
    IntervalMethod,
    bca_levels,
    bootstrap_interval,
    expanded_tail,
    resample_counts,
)
from smfg_verify.comparison import paired_difference


def left_out(values):
    return (values.sum() - values) / (len(values) - 1)


@pytest.mark.parametrize("draw", ["standard_exponential", "standard_normal", "standard_cauchy"])
@pytest.mark.parametrize("size", [5, 16, 60])
def test_plain_levels_give_scipys_interval_of_the_same_resamples(draw, size):
    values = getattr(np.random.default_rng(size), draw)(size)
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
