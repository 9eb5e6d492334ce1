"""Breaks of known place are found, and correlated noise is not taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.bounds import ChangeStatus, change_point, last_change_point
from smfg_verify.bounds.rates.bootstrap import bootstrap_interval, resample_counts
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law

K = ITERATIONS + 1.0


def with_break(place, before, after, *, rng=0, **options):
    """Residuals of slope `before` up to k + 1 = place, and `after` from there on."""
    curve = np.where(place > K, (K / place) ** before, (K / place) ** after)
    return curve * noisy_power_law(np.random.default_rng(rng), 0.0, **options)


def wandering(rng, num_seeds, correlation):
    """Power laws of slope -1/2 whose noise is an autoregression over the checkpoints."""
    steps = rng.standard_normal((num_seeds, len(ITERATIONS)))
    noise = [steps[:, 0]]
    for step in steps.T[1:]:
        noise.append(correlation * noise[-1] + np.sqrt(1.0 - correlation**2) * step)
    return K**-0.5 * np.exp(0.8 * np.stack(noise, axis=1))


@pytest.mark.parametrize(("place", "before", "after"), [(300.0, 0.0, -0.5), (3000.0, -1.0, -0.5), (50.0, 0.3, -0.5)])
def test_a_break_is_found_where_it_is(place, before, after):
    found = change_point(with_break(place, before, after, noise=0.3), ITERATIONS)
    assert (found.status, found.reason) == (ChangeStatus.FOUND, "")
    assert found.lower <= place <= found.upper
    assert found.lower <= found.iteration <= found.upper < 3.0 * found.lower
    assert found.slope_before == pytest.approx(before, abs=0.07)
    assert found.slope_after == pytest.approx(after, abs=0.07)
    assert found.gain > found.critical_gain


def test_an_exact_break_at_a_grid_point_is_exact():
    x = np.log(K)
    place = np.linspace(x[3], x[-4], 120)[70]
    values = np.exp(-0.1 * x - 0.4 * np.maximum(x - place, 0.0)) * np.linspace(0.5, 1.5, 7)[:, None]
    found = change_point(values, ITERATIONS)
    assert np.log1p(found.iteration) == pytest.approx(place, abs=1e-12)
    np.testing.assert_allclose([found.slope_before, found.slope_after], [-0.1, -0.5], atol=1e-10)


def test_the_interval_is_the_packages_one_of_breaks_fitted_line_by_line():
    """Every resample and every mean of all seeds but one fitted anew, two lines for each place of the grid."""
    values = with_break(300.0, 0.0, -0.5, noise=0.5)[:6]
    x = np.log(K)
    gaps = np.diff(x)
    root = np.sqrt(np.r_[gaps, 0.0] + np.r_[0.0, gaps])
    grid = np.linspace(x[3], x[-4], 120)

    def place(means):
        def squares(at):
            design = root[:, None] * np.stack([np.ones_like(x), np.minimum(x, at), np.maximum(x, at)], axis=1)
            return np.sum((root * np.log(means) - design @ np.linalg.lstsq(design, root * np.log(means))[0]) ** 2)

        return grid[np.argmin([squares(at) for at in grid])]

    # The order of the seeds in which a resample counts them.
    ordered = values[np.argsort(values[:, -1])]
    resamples = [place(counts @ ordered / 6) for counts in resample_counts(6, 100, 0)]
    left_out = [place(np.delete(ordered, k, axis=0).mean(axis=0)) for k in range(6)]
    found = change_point(values, ITERATIONS, num_resamples=100, confidence=0.9)
    lower, upper, _ = bootstrap_interval(place(values.mean(axis=0)), np.array(resamples), np.array(left_out), 0.9)
    np.testing.assert_allclose(np.log1p([found.lower, found.upper]), [lower, upper], rtol=1e-9)


def test_an_interval_of_a_few_seeds_holds_the_break():
    """0.89 of those of five seeds do; a percentile interval at plain levels held it in 0.80."""
    rng, hits = np.random.default_rng(0), []
    for _ in range(60):
        spread = np.exp(0.25 * rng.standard_normal((5, 1)) + 0.5 * rng.standard_normal((5, len(ITERATIONS))))
        found = change_point(np.minimum(1.0, (K / 300.0) ** -0.5) * spread, ITERATIONS, num_resamples=200)
        hits += [found.lower <= 299.0 <= found.upper] if found.status is ChangeStatus.FOUND else []
    assert len(hits) > 50
    assert np.mean(hits) > 0.85


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_one_power_law_has_no_break_more_often_than_its_level_says(correlation):
    rng, statuses = np.random.default_rng(1), []
    for _ in range(60):
        statuses.append(change_point(wandering(rng, 24, correlation), ITERATIONS, num_resamples=200).status)
    # At most 5% by chance; BIC alone takes two lines in most of the correlated ones, see the next test.
    assert statuses.count(ChangeStatus.FOUND) <= 8
    assert ChangeStatus.INCONCLUSIVE not in statuses


def test_bic_alone_is_misled_by_correlated_noise():
    rng = np.random.default_rng(1)
    gains = [change_point(wandering(rng, 24, 0.9), ITERATIONS, num_resamples=100).gain for _ in range(40)]
    assert np.mean(np.array(gains) > 0.0) > 0.5


def test_the_last_of_several_breaks_begins_the_lasting_regime():
    curve = np.interp(np.log(K), np.log([1.0, 30.0, 1000.0, 1e5]), [0.0, 0.5, -4.0, -6.3])
    values = np.exp(curve) * noisy_power_law(np.random.default_rng(2), 0.0, noise=0.2)
    last = last_change_point(values, ITERATIONS)
    assert last.status is ChangeStatus.FOUND
    assert 700.0 < last.iteration < 1400.0
    assert last.slope_after == pytest.approx(-0.5, abs=0.05)
    assert last.iteration > change_point(values, ITERATIONS).iteration


def test_no_break_is_the_last_of_none():
    values = noisy_power_law(np.random.default_rng(3), -0.5)
    found = last_change_point(values, ITERATIONS)
    assert found.status is ChangeStatus.NONE
    assert found.reason
    assert np.isnan(found.iteration)
    assert found.one_line_slope == pytest.approx(-0.5, abs=0.03)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda values: values[:4], "too few seeds: 4"),
        (lambda values: np.where(values == values[0, 0], np.nan, values), "not positive and finite"),
        (lambda values: 0.0 * values, "not positive"),
        (lambda values: values[:1].repeat(9, axis=0), "do not vary"),
    ],
)
def test_what_cannot_be_told_is_inconclusive(spoil, reason):
    found = change_point(spoil(with_break(300.0, 0.0, -0.5)), ITERATIONS)
    assert found.status is ChangeStatus.INCONCLUSIVE
    assert reason in found.reason
    assert np.isnan(found.slope_after)


def test_too_few_checkpoints():
    values = with_break(300.0, 0.0, -0.5)[:, :8]
    assert "too few checkpoints: 8" in change_point(values, ITERATIONS[:8]).reason


def test_the_result_is_a_function_of_its_arguments_and_not_of_the_order_of_seeds():
    values = with_break(300.0, 0.0, -0.5)
    first = change_point(values, ITERATIONS)
    assert change_point(values[::-1], ITERATIONS) == first
    assert change_point(values, ITERATIONS, seed=1).critical_gain != first.critical_gain


@pytest.mark.parametrize("options", [{"confidence": 1.0}, {"num_resamples": 10}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="change_point"):
        change_point(with_break(300.0, 0.0, -0.5), ITERATIONS, **options)


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(-20.0, 20.0), st.floats(-2.0, 2.0), st.sampled_from([0.0, 1.0]))
def test_a_factor_moves_nothing_and_a_power_law_only_the_slopes(seed, height, power, turn):
    """A common line in log-log, added to one line or to two that meet, leaves what is over and the break."""
    values = with_break(300.0, -0.2 - turn, -0.2, rng=seed, num_seeds=16)
    plain = change_point(values, ITERATIONS, num_resamples=100)
    moved = change_point(values * np.exp(height + power * np.log(K)), ITERATIONS, num_resamples=100)
    # Only the floor of an exact fit is not linear, and noise is above it: none of these resamples has every seed once.
    assert (moved.status, moved.reason) == (plain.status, plain.reason)
    for name in ("iteration", "lower", "upper", "gain", "critical_gain"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name), rel=1e-6, nan_ok=True)
    for name in ("slope_before", "slope_after", "one_line_slope"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name) + power, abs=1e-8, nan_ok=True)
