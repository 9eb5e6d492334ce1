"""Slopes, intervals and envelopes on sequences whose rate is known."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.bounds.rates.bootstrap import IntervalMethod, resample_counts
from smfg_verify.bounds.rates.decay import (
    decay_rate,
    envelope,
    log_lengths,
    log_log_slope,
    rate_window,
    running_minimum,
)

ITERATIONS = np.unique(np.concatenate([[0], np.round(np.geomspace(1, 100_000, 40)).astype(int)]))


def noisy_power_law(rng, slope, num_seeds=60, iterations=ITERATIONS, noise=0.5):
    """Gamma-distributed residuals of mean (k + 1)^slope: one factor a seed times one a checkpoint, both of mean one."""
    shape = 1.0 / noise**2
    seed_factor = rng.gamma(shape, 1.0 / shape, (num_seeds, 1))
    point_factor = rng.gamma(shape, 1.0 / shape, (num_seeds, len(iterations)))
    return (iterations + 1.0) ** slope * seed_factor * point_factor


@pytest.mark.parametrize("slope", [-1.3, -0.5, 0.0, 0.4])
def test_exact_power_law_is_fitted_exactly(slope):
    values = 3.0 * np.ones((6, 1)) * (ITERATIONS + 1.0) ** slope
    mask = rate_window(ITERATIONS)
    rate = decay_rate(values, ITERATIONS, mask, resample_counts(6, 200, 0))
    np.testing.assert_allclose([rate.slope, rate.intercept], [slope, np.log(3.0)], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose([rate.lower, rate.upper], slope, rtol=1e-12, atol=1e-12)


def test_slope_is_invariant_to_scale_and_shifts_with_a_power():
    values = noisy_power_law(np.random.default_rng(0), -0.5)
    mask, counts = rate_window(ITERATIONS), resample_counts(60, 500, 0)
    plain = decay_rate(values, ITERATIONS, mask, counts)
    scaled = decay_rate(1e-9 * values, ITERATIONS, mask, counts)
    steeper = decay_rate(values / (ITERATIONS + 1.0), ITERATIONS, mask, counts)
    for field in ("slope", "lower", "upper"):
        assert getattr(scaled, field) == pytest.approx(getattr(plain, field), abs=1e-10)
        assert getattr(steeper, field) == pytest.approx(getattr(plain, field) - 1.0, abs=1e-10)


def test_fit_does_not_depend_on_how_densely_checkpoints_lie():
    # Weights stand for lengths of log k: many checkpoints crowded at one end must not pull the line over to them.
    curved = lambda k: np.exp(-0.05 * np.log(k + 1.0) ** 2)  # noqa: E731
    even = np.unique(np.round(np.geomspace(100, 100_000, 400)).astype(int))
    crowded = np.unique(np.concatenate([even, np.arange(50_000, 100_000, 10)]))
    slopes = []
    for iterations in (even, crowded):
        values = np.tile(curved(iterations), (5, 1))
        slopes.append(decay_rate(values, iterations, iterations >= 0, resample_counts(5, 100, 0)).slope)
    assert slopes[0] == pytest.approx(slopes[1], abs=2e-3)
    unweighted = np.polyfit(np.log(crowded + 1.0), np.log(curved(crowded)), 1)[0]
    assert abs(unweighted - slopes[0]) > 0.05


@pytest.mark.parametrize("minimum", [False, True])
def test_interval_agrees_with_scipy(minimum):
    # scipy draws its own resamples, so ends agree within the Monte Carlo error of a 2.5 percent quantile.
    # The package expands its levels for few seeds, scipy does not: it is asked for the expanded confidence.
    values = noisy_power_law(np.random.default_rng(1), -0.5, num_seeds=25)
    quantile = scipy.stats.norm.cdf(np.sqrt(25 / 24) * scipy.stats.t.ppf(0.975, 24))
    mask = rate_window(ITERATIONS)
    x, log_length = np.log1p(ITERATIONS[mask]), np.gradient(np.log1p(ITERATIONS[mask]))
    log_length[[0, -1]] *= 0.5

    def statistic(index, axis):
        means = values[index].mean(axis=axis if axis >= 0 else index.ndim + axis)
        means = np.minimum.accumulate(means, axis=-1) if minimum else means
        y = np.log(means[..., mask])
        centre = np.average(x, weights=log_length)
        return y @ (log_length * (x - centre)) / np.sum(log_length * (x - centre) ** 2)

    reference = scipy.stats.bootstrap(
        (np.arange(25),),
        statistic,
        n_resamples=20_000,
        batch=500,
        method="BCa",
        confidence_level=2.0 * quantile - 1.0,
        rng=np.random.default_rng(2),
    ).confidence_interval
    counts = resample_counts(25, 20_000, 3)
    rate = decay_rate(values, ITERATIONS, mask, counts, running_minimum=minimum)
    assert rate.method is IntervalMethod.BCA
    np.testing.assert_allclose([rate.lower, rate.upper], reference, atol=0.03 * (rate.upper - rate.lower))


def coverage(num_seeds, repetitions):
    """How many intervals of nominal 0.95 hold the true slope."""
    rng, mask = np.random.default_rng(4), rate_window(ITERATIONS)
    counts = resample_counts(num_seeds, 1000, 0)
    covered = 0
    for _ in range(repetitions):
        rate = decay_rate(noisy_power_law(rng, -0.5, num_seeds), ITERATIONS, mask, counts)
        covered += rate.lower <= -0.5 <= rate.upper
    return covered


@pytest.mark.parametrize("repetitions", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_interval_covers_the_slope_at_its_nominal_rate(repetitions):
    assert scipy.stats.binomtest(coverage(256, repetitions), repetitions, 0.95).pvalue > 0.01


def test_interval_of_few_seeds_loses_little_coverage():
    # 0.93 at the expanded levels and 0.86 without them, each over 400 repetitions.
    assert coverage(8, 400) >= 0.9 * 400


def test_lower_confidence_narrows_the_interval():
    values = noisy_power_law(np.random.default_rng(5), -0.5)
    mask, counts = rate_window(ITERATIONS), resample_counts(60, 2000, 0)
    wide, narrow = (decay_rate(values, ITERATIONS, mask, counts, confidence=level) for level in (0.95, 0.5))
    assert wide.lower < narrow.lower < narrow.slope < narrow.upper < wide.upper


@pytest.mark.parametrize("minimum", [False, True])
def test_order_of_seeds_changes_no_bit(minimum):
    rng = np.random.default_rng(6)
    values = noisy_power_law(rng, -0.5, num_seeds=30)
    mask, counts = rate_window(ITERATIONS), resample_counts(30, 500, 0)
    first = decay_rate(values, ITERATIONS, mask, counts, running_minimum=minimum)
    again = decay_rate(values[rng.permutation(30)], ITERATIONS, mask, counts, running_minimum=minimum)
    assert first == again


def test_minimum_is_taken_after_the_mean():
    # Seeds that dip at different times: the mean of minima falls, the minimum of the mean does not.
    size = len(ITERATIONS)
    values = np.ones((size, size))
    np.fill_diagonal(values, 1e-6)
    mask, counts = rate_window(ITERATIONS), resample_counts(size, 200, 0)
    rate = decay_rate(values, ITERATIONS, mask, counts, running_minimum=True)
    assert abs(rate.slope) < 1e-12
    assert np.all(np.diff(running_minimum(values.mean(axis=0))) <= 0.0)


def test_zero_mean_gives_no_interval():
    values = noisy_power_law(np.random.default_rng(7), -0.5, num_seeds=8)
    values[:, -1] = 0.0
    rate = decay_rate(values, ITERATIONS, rate_window(ITERATIONS), resample_counts(8, 200, 0))
    assert np.isnan([rate.slope, rate.lower, rate.upper]).all()


def test_window_holds_two_decades_and_at_least_eight_checkpoints():
    mask = rate_window(ITERATIONS)
    assert ITERATIONS[mask][0] + 1 >= 100_001 / 100 > ITERATIONS[~mask][-1] + 1
    sparse = np.array([0, 1, 10, 100, 1000, 10_000, 100_000, 10**6, 10**7, 10**8])
    assert list(sparse[rate_window(sparse)]) == list(sparse[-8:])
    assert list(ITERATIONS[rate_window(ITERATIONS, (100, 5000))]) == [k for k in ITERATIONS if 100 <= k <= 5000]


@pytest.mark.parametrize(
    ("iterations", "window", "message"),
    [([0, 5, 5], None, "increasing"), ([], None, "non-empty"), ([0, 1, 2], (2, 1), "no checkpoint")],
)
def test_bad_window_is_refused(iterations, window, message):
    with pytest.raises(ValueError, match=message):
        rate_window(np.array(iterations, dtype=int), window)


@pytest.mark.parametrize("logarithm", [False, True])
def test_envelope_of_a_sequence_on_it(logarithm):
    factor = np.log(ITERATIONS + 2.0) if logarithm else np.ones(len(ITERATIONS))
    on_it = 2.5 * factor / np.sqrt(ITERATIONS + 1.0)
    mask = rate_window(ITERATIONS)
    rate = decay_rate(np.tile(on_it, (5, 1)), ITERATIONS, mask, resample_counts(5, 100, 0))
    found = envelope(on_it, ITERATIONS, mask, rate, logarithm=logarithm)
    assert found.constant == pytest.approx(2.5, rel=1e-12)
    raised = on_it.copy()
    raised[7] *= 4.0
    found = envelope(raised, ITERATIONS, mask, rate, logarithm=logarithm)
    assert (found.constant, found.iteration) == (pytest.approx(10.0, rel=1e-12), ITERATIONS[7])


@pytest.mark.parametrize(
    ("slope", "grows", "grows_without_log"), [(-0.1, True, True), (-0.3, False, True), (-0.8, False, False)]
)
def test_envelope_grows_where_the_decay_is_slower_than_it(slope, grows, grows_without_log):
    # At -0.3 the logarithm still hides the growth: 1e5^0.2 / log(1e5) is below its value at the start.
    values = noisy_power_law(np.random.default_rng(8), slope, num_seeds=400, noise=0.1)
    mask, means = rate_window(ITERATIONS), values.mean(axis=0)
    rate = decay_rate(values, ITERATIONS, mask, resample_counts(400, 500, 0))
    assert envelope(means, ITERATIONS, mask, rate).growing is grows
    assert envelope(means, ITERATIONS, mask, rate, logarithm=False).growing is grows_without_log


def test_late_supremum_over_a_falling_ratio_is_not_growth():
    # At -0.45 the ratio falls like k^(0.05 - 0.1) with the logarithm and rises like k^0.05 without; one late outlier
    # holds the supremum either way.
    iterations = ITERATIONS[ITERATIONS >= 1000]
    values = noisy_power_law(np.random.default_rng(11), -0.45, num_seeds=400, iterations=iterations, noise=0.1)
    late = np.searchsorted(iterations, 20_000)
    values[:, late] *= 1.6
    mask, means = rate_window(iterations), values.mean(axis=0)
    rate = decay_rate(values, iterations, mask, resample_counts(400, 500, 0))
    for logarithm, grows in ((True, False), (False, True)):
        found = envelope(means, iterations, mask, rate, logarithm=logarithm)
        assert (found.iteration, found.growing) == (iterations[late], grows)


# None of these resamples has every seed once: whether such a one gives a number below that of all seeds, or the same,
# is a matter of roundings.
COUNTS = resample_counts(12, 200, 1)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(-3.0, 3.0), st.floats(-30.0, 30.0), st.permutations(range(12)))
def test_a_power_law_times_any_residual_moves_its_slope_and_a_factor_its_intercept(seed, power, height, order):
    """log(C (k + 1)^p e_k) = log C + p log(k + 1) + log e_k: the fit and every end of its interval are linear."""
    assert not np.any(np.all(COUNTS == 1, axis=1))
    noise = noisy_power_law(np.random.default_rng(seed), 0.0, num_seeds=12)
    noise = noise[np.argsort(noise[:, 0])]
    mask = rate_window(ITERATIONS)
    plain = decay_rate(noise, ITERATIONS, mask, COUNTS)
    tilted = noise[np.array(order)] * np.exp(height + power * np.log1p(ITERATIONS))
    moved = decay_rate(tilted, ITERATIONS, mask, COUNTS)
    assert moved.slope == pytest.approx(plain.slope + power, abs=1e-10)
    assert moved.intercept == pytest.approx(plain.intercept + height, abs=1e-9)
    assert moved.slope == pytest.approx(log_log_slope(tilted.mean(axis=0), ITERATIONS, mask), abs=1e-10)
    assert [moved.lower, moved.upper] == pytest.approx([plain.lower + power, plain.upper + power], abs=1e-9)
    assert plain.lower < plain.upper


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_no_checkpoint_exceeds_the_envelope_and_one_attains_it(seed, factor):
    noise = np.random.default_rng(seed).uniform(0.1, 10.0, (12, len(ITERATIONS)))
    means, mask = noise.mean(axis=0), rate_window(ITERATIONS)
    rate = decay_rate(noise, ITERATIONS, mask, COUNTS)
    for logarithm in (True, False):
        found = envelope(means, ITERATIONS, mask, rate, logarithm=logarithm)
        shape = (np.log(ITERATIONS + 2.0) if logarithm else 1.0) / np.sqrt(ITERATIONS + 1.0)
        assert np.all(means <= found.constant * shape * (1.0 + 1e-12))
        (place,) = np.flatnonzero(found.iteration == ITERATIONS)
        assert means[place] == pytest.approx((found.constant * shape * np.ones_like(means))[place], rel=1e-12)
        scaled = envelope(factor * means, ITERATIONS, mask, rate, logarithm=logarithm)
        assert scaled.constant == pytest.approx(factor * found.constant, rel=1e-12)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30, unique=True).map(sorted))
def test_the_window_is_the_end_of_the_run_and_the_shares_of_its_length_sum_to_one(iterations):
    iterations = np.array(iterations)
    mask = rate_window(iterations)
    assert mask.sum() >= min(8, len(iterations))
    first = int(np.argmax(mask))
    assert np.all(mask[first:])
    left_out = iterations[:first]
    assert np.all(100.0 * (left_out + 1) < iterations[-1] + 1)
    shares = log_lengths(iterations)
    assert np.all(shares > 0.0)
    assert shares.sum() == pytest.approx(1.0, abs=1e-14)
    # Trapezoids: a straight line against log(k + 1) has the mean of its ends.
    ends = np.log1p(iterations[[0, -1]])
    assert shares @ np.log1p(iterations) == pytest.approx(ends.mean(), rel=1e-12)
