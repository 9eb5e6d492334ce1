"""What the cases predict by formula, held against brute force that shares nothing with it."""

import numpy as np
import pytest

from smfg_verify.cases.shared.statistics import envelope_slope, mean_interval, ratio_interval, slope_interval


def test_intervals_cover_what_they_are_about():
    generator, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(400):
        above, below = generator.exponential(3.0, 60), generator.exponential(1.0, 60)
        covered += [
            mean_interval(above).lower <= 3.0 <= mean_interval(above).upper,
            ratio_interval(above, below).lower <= 3.0 <= ratio_interval(above, below).upper,
        ]
    # Nominal 0.99; exponential means of 60 are a little skewed.
    assert np.all(covered / 400 > 0.96)


def test_slopes_of_known_curves():
    counts = np.unique(np.round(np.geomspace(10, 10_000, 15)).astype(int))
    values = counts**-0.7 * np.random.default_rng(0).lognormal(0.0, 0.1, (30, 1))
    slope = slope_interval(values, counts)
    assert slope.estimate == pytest.approx(-0.7, abs=1e-12)
    # d log(log(k + 2)) / d log k at the geometric middle, k = 316.
    assert envelope_slope(counts) == pytest.approx(-0.5 + 1.0 / np.log(317.0), abs=0.02)
