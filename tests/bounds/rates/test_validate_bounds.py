"""Verdicts on synthetic residuals whose rate is known, and the record of a validation."""

import dataclasses
import json

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds import (
    RESIDUAL_NAMES,
    RUNNING_AVERAGE,
    RUNNING_MINIMUM,
    BoundReport,
    PointStatus,
    RateVerdict,
    Residuals,
    validate_bounds,
)
from smfg_verify.stochastic import ac_smfg
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of

GAME = games.load("two-road-toll")


def residuals_of(values, iterations=ITERATIONS, rounding=1e-25):
    """Residuals that all take the given values, (seeds, C)."""
    shape = values.shape
    arrays = {name: values for name in (*RESIDUAL_NAMES, "objective", "direct_norm_squared", "alignment")}
    return Residuals(
        iterations=iterations,
        seeds=np.arange(shape[0]),
        rounding={name: np.full(shape, rounding) for name in RESIDUAL_NAMES},
        status=np.where(np.isfinite(values), PointStatus.EVALUATED, PointStatus.NOT_CONVERGED),
        **arrays,
    )


def report_of(values, iterations=ITERATIONS, rounding=1e-25, **options):
    residuals = residuals_of(values, iterations, rounding)
    iterates = random_iterates(np.random.default_rng(0), GAME, *values.shape)
    trace = dataclasses.replace(trace_of(GAME, iterates), iterations=iterations)
    return validate_bounds(GAME, trace, residuals=residuals, **options)


@pytest.mark.parametrize(
    ("slope", "verdict"),
    [
        (-0.5, RateVerdict.CONSISTENT),
        (-1.0, RateVerdict.FASTER),
        (-0.25, RateVerdict.SLOWER),
        (0.0, RateVerdict.SLOWER),
        (0.5, RateVerdict.SLOWER),
    ],
)
def test_verdict_of_a_known_rate(slope, verdict):
    report = report_of(noisy_power_law(np.random.default_rng(0), slope, num_seeds=100))
    assert {row.name for row in report.rows} == {*RESIDUAL_NAMES, RUNNING_MINIMUM, RUNNING_AVERAGE}
    assert set(report.changes) == set(RESIDUAL_NAMES)
    for name in RESIDUAL_NAMES:
        assert (report[name].verdict, report[name].reason) == (verdict, "")
        assert report[name].lower < report[name].slope < report[name].upper


def test_running_minimum_follows_a_decay_and_not_a_growth():
    decaying = report_of(noisy_power_law(np.random.default_rng(1), -0.5, num_seeds=100))[RUNNING_MINIMUM]
    growing = report_of(noisy_power_law(np.random.default_rng(1), 0.5, num_seeds=100))[RUNNING_MINIMUM]
    assert decaying.verdict is RateVerdict.CONSISTENT
    assert growing.slope == pytest.approx(0.0, abs=1e-12)
    for row in (decaying, growing):
        assert np.all(np.diff(row.means) <= 0.0)


def test_positive_limit_is_slower():
    values = 1.0 + noisy_power_law(np.random.default_rng(2), -0.5, num_seeds=100)
    assert report_of(values)["e_omega"].verdict is RateVerdict.SLOWER


def with_entry(values, index, value):
    values[index] = value
    return values


@pytest.mark.parametrize(
    ("values", "rounding", "reason"),
    [
        (noisy_power_law(np.random.default_rng(3), -0.5, num_seeds=4), 1e-25, "too few seeds: 4"),
        (with_entry(noisy_power_law(np.random.default_rng(3), -0.5), (3, -2), np.nan), 1e-25, "1 of"),
        (0.0 * noisy_power_law(np.random.default_rng(3), -0.5), 1e-25, "rounding"),
        (1e-20 * noisy_power_law(np.random.default_rng(3), -0.5), 1e-22, "rounding"),
        (np.tile((ITERATIONS + 1.0) ** -0.5, (9, 1)), 1e-25, "do not vary"),
    ],
)
def test_what_cannot_be_told_is_inconclusive_with_its_reason(values, rounding, reason):
    row = report_of(values, rounding=rounding)["e_theta"]
    assert row.verdict is RateVerdict.INCONCLUSIVE
    assert reason in row.reason


def test_noisy_rate_from_few_seeds_over_a_short_window_is_not_told():
    # Six seeds, one decade, noise of 1.5 times the mean: few intervals may exclude what they should not.
    rng, verdicts = np.random.default_rng(10), []
    for _ in range(30):
        values = noisy_power_law(rng, -0.5, num_seeds=6, noise=1.5)
        row = report_of(values, window=(12_000, 100_000), num_resamples=500)["e_theta"]
        verdicts.append(row.verdict)
        assert row.verdict is not RateVerdict.INCONCLUSIVE or "too wide" in row.reason
    assert verdicts.count(RateVerdict.INCONCLUSIVE) >= 18
    assert verdicts.count(RateVerdict.FASTER) + verdicts.count(RateVerdict.SLOWER) <= 6


def test_too_few_checkpoints_and_a_bad_point_before_the_window():
    values = noisy_power_law(np.random.default_rng(4), -0.5)
    assert "too few checkpoints" in report_of(values, window=(50_000, 100_000))["e_mu"].reason
    values[0, 1] = np.nan
    report = report_of(values)
    assert report["e_omega"].verdict is RateVerdict.CONSISTENT
    assert "not finite" in report[RUNNING_MINIMUM].reason
    assert (report.num_not_converged, report["e_omega"].num_not_finite) == (1, 1)


def test_report_is_the_same_for_seeds_in_another_order():
    values = noisy_power_law(np.random.default_rng(5), -0.5)
    assert report_of(values) == report_of(values[::-1])


def test_resampling_seed_is_the_only_chance():
    values = noisy_power_law(np.random.default_rng(6), -0.5)
    first, second, other = (report_of(values, seed=seed)["e_mu"] for seed in (0, 0, 1))
    assert first == second
    assert first.slope == other.slope
    assert first.lower != other.lower


def test_record_survives_json_and_files(tmp_path):
    values = with_entry(noisy_power_law(np.random.default_rng(7), -0.5), (3, -2), np.nan)
    report = report_of(values)
    path = tmp_path / "bounds.json"
    report.save(path)
    read = BoundReport.load(path)
    assert read.to_json() == report.to_json()
    assert np.isnan(read["e_mu"].slope)
    assert read["e_mu"].envelope.growing is None
    assert [file.name for file in tmp_path.iterdir()] == ["bounds.json"]
    assert [row.reason for row in read.rows] == [row.reason for row in report.rows]
    assert read["e_mu"].obstacle == report["e_mu"].obstacle
    assert json.loads(report.to_json())["rows"][0]["reason"] == report.rows[0].reason
    clean = report_of(noisy_power_law(np.random.default_rng(7), -0.5))
    assert BoundReport.from_json(clean.to_json()) == clean


def test_a_report_of_schema_version_4_says_of_its_breaks_what_it_said():
    """They had their words alone, no case with its numbers."""
    report = report_of(noisy_power_law(np.random.default_rng(8), -0.5))
    record = json.loads(report.to_json())
    assert {change.reason for change in report.changes.values()} != {""}
    for name, change in record["changes"].items():
        assert change["reason"] == report.changes[name].reason
        del change["obstacle"]
    read = BoundReport.from_json(json.dumps({**record, "schema_version": 4}))
    assert {name: change.reason for name, change in read.changes.items()} == {
        name: change.reason for name, change in report.changes.items()
    }
    assert read.rows == report.rows
    again = BoundReport.from_json(read.to_json())
    assert again.to_json() == read.to_json()
    assert json.loads(again.to_json())["schema_version"] == 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:-200], "not JSON"),
        (lambda text: text.replace('"case": "one-line"', '"case": "two-lines"'), "unknown or malformed"),
        (lambda text: "[1, 2]", "schema"),
        (lambda text: json.dumps({**json.loads(text), "schema_version": 99}), "schema"),
        (lambda text: json.dumps({**json.loads(text), "surplus": 1}), "unknown or malformed"),
        (lambda text: text.replace("consistent with -1/2", "perhaps"), "unknown or malformed"),
        (lambda text: text.replace('"case": ""', '"case": "unheard-of"'), "unknown or malformed"),
    ],
)
def test_foreign_record_is_refused(spoil, message):
    text = report_of(noisy_power_law(np.random.default_rng(8), -0.5)).to_json()
    with pytest.raises(ValueError, match=message):
        BoundReport.from_json(spoil(text))


def test_options_out_of_range_are_refused():
    values = noisy_power_law(np.random.default_rng(9), -0.5)
    for options in ({"confidence": 1.0}, {"num_resamples": 10}, {"window": (7, 7)}):
        with pytest.raises(ValueError, match=next(iter(options))):
            report_of(values, **options)
    residuals = residuals_of(values)
    trace = trace_of(GAME, random_iterates(np.random.default_rng(0), GAME, 60, 3))
    with pytest.raises(ValueError, match="residuals"):
        validate_bounds(GAME, trace, residuals=residuals)


@pytest.mark.slow
def test_whole_path_from_a_run_to_the_report():
    trace = ac_smfg(GAME, num_iterations=2000, seeds=range(8), checkpoints=16)
    report = validate_bounds(GAME, trace)
    assert (report.num_seeds, report.num_points, report.num_diverged, report.num_not_converged) == (8, 8 * 16, 0, 0)
    assert report.game == "TwoRoadToll"
    for row in report.rows:
        assert np.all(np.isfinite(row.means))
        assert row.verdict is not RateVerdict.INCONCLUSIVE or row.reason
