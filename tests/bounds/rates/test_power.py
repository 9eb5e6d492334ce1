"""The power that is planned for is the power that fresh runs of the same law have."""

import json

import numpy as np
import pytest

from smfg_verify.bounds import ChangeStatus, PlanStatus, PowerCell, plan_power
from smfg_verify.bounds.rates.bootstrap import resample_counts
from smfg_verify.bounds.rates.decay import decay_rate, rate_window
from tests.bounds.rates.test_change_point import with_break
from tests.bounds.rates.test_decay import ITERATIONS, noisy_power_law

LAST = int(ITERATIONS[-1])
QUICK = {"num_simulations": 100, "num_resamples": 200}


def plan(values, seeds=(8, 32), planned=(LAST,), **options):
    return plan_power(values, ITERATIONS, seeds=seeds, planned_iterations=planned, **{**QUICK, **options})


def test_planned_power_and_error_rate_are_those_of_fresh_runs():
    """The whole test, from the law itself: runs of slope -1/2 and of -2/5, and how often -2/5 is excluded."""
    rng, mask, counts = np.random.default_rng(0), rate_window(ITERATIONS), resample_counts(12, 200, 0)
    excluded = {}
    for slope in (-0.5, -0.4):
        rates = [
            decay_rate(noisy_power_law(rng, slope, num_seeds=12, noise=0.7), ITERATIONS, mask, counts)
            for _ in range(300)
        ]
        excluded[slope] = np.mean([not rate.lower <= -0.4 <= rate.upper for rate in rates])
    pilot = noisy_power_law(np.random.default_rng(1), -0.5, num_seeds=3000, noise=0.7)
    cell = plan(pilot, seeds=(12,), num_simulations=300).cells[0]
    assert 0.3 < excluded[-0.5] < 0.9
    # Both are shares of 300: three of their standard errors, 0.029 and 0.015 or less.
    assert cell.power == pytest.approx(excluded[-0.5], abs=0.12)
    assert cell.error_rate == pytest.approx(excluded[-0.4], abs=0.06)


def test_power_grows_with_seeds_and_with_iterations_and_falls_with_noise():
    pilot = noisy_power_law(np.random.default_rng(2), -0.5, num_seeds=40, noise=0.7)
    cells = {(cell.seeds, cell.iterations): cell.power for cell in plan(pilot, planned=(LAST, 30 * LAST)).cells}
    assert cells[8, LAST] < cells[32, LAST]
    assert cells[8, LAST] < cells[8, 30 * LAST]
    louder = noisy_power_law(np.random.default_rng(2), -0.5, num_seeds=40, noise=1.5)
    assert plan(louder, seeds=(8,)).cells[0].power < cells[8, LAST]


def test_the_slope_of_the_pilot_does_not_matter():
    """Only its noise does: the mean is divided out."""
    pilot = noisy_power_law(np.random.default_rng(3), -0.5, num_seeds=40)
    other = pilot * (ITERATIONS + 1.0) ** 0.3
    powers = [[cell.power for cell in plan(values).cells] for values in (pilot, other)]
    assert powers[0] == powers[1]


def test_recommended_is_the_cheapest_that_is_surely_enough():
    found = plan(noisy_power_law(np.random.default_rng(4), -0.5, num_seeds=40), seeds=(8, 16, 64, 128))
    assert found.status is PlanStatus.PLANNED
    assert found.recommended.power - 2.0 * found.recommended.standard_error >= 0.8
    cheaper = [cell for cell in found.cells if cell.samples < found.recommended.samples]
    assert all(cell.power - 2.0 * cell.standard_error < 0.8 for cell in cheaper)


def test_out_of_reach_says_how_near_it_came():
    found = plan(noisy_power_law(np.random.default_rng(5), -0.5, num_seeds=40, noise=2.0), seeds=(6,))
    assert found.status is PlanStatus.OUT_OF_REACH
    assert found.recommended is None
    assert f"{found.cells[0].power:.2f}" in found.reason


def test_noise_is_taken_from_after_the_transient():
    found = plan(with_break(3000.0, -1.5, -0.5, noise=0.3))
    assert found.change.status is ChangeStatus.FOUND
    assert found.window[0] >= found.change.iteration > 1000.0
    assert found.window[1] == LAST


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (noisy_power_law(np.random.default_rng(6), -0.5, num_seeds=4), "too few seeds: 4"),
        (0.0 * noisy_power_law(np.random.default_rng(6), -0.5), "not positive"),
        (with_break(30_000.0, 0.0, -0.8, noise=0.1), "still in its transient"),
    ],
)
def test_a_pilot_that_tells_nothing_is_inconclusive(values, reason):
    found = plan(values)
    assert (found.status, found.cells, found.recommended) == (PlanStatus.INCONCLUSIVE, (), None)
    assert reason in found.reason


def test_the_plan_is_a_function_of_its_arguments():
    pilot = noisy_power_law(np.random.default_rng(7), -0.5, num_seeds=20)
    first = plan(pilot, seeds=(8,))
    assert plan(pilot, seeds=(8,)).cells == first.cells
    # A cell does not depend on its company.
    assert plan(pilot, seeds=(16, 8)).cells[1] == first.cells[0]


def test_record_holds_the_assumption_and_names_what_is_not_finite():
    record = json.loads(plan(noisy_power_law(np.random.default_rng(8), -0.5), seeds=(8,)).to_json(game="a game"))
    assert (record["format"], record["schema_version"], record["game"]) == ("smfg-verify/power-plan", 2, "a game")
    assert "independent" in record["assumption"]
    assert record["change"]["iteration"] == "NaN"
    assert set(record["cells"][0]) == {field for field in PowerCell.__dataclass_fields__}


@pytest.mark.parametrize(
    "options",
    [
        {"seeds": (4,)},
        {"seeds": ()},
        {"planned": (LAST // 2,)},
        {"alternative": -0.5},
        {"target": 1.0},
        {"confidence": 0.0},
        {"num_simulations": 10},
        {"num_resamples": 10},
    ],
)
def test_options_out_of_range_are_refused(options):
    name = {"planned": "planned_iterations"}.get(next(iter(options)), next(iter(options)))
    with pytest.raises(ValueError, match=name):
        plan(noisy_power_law(np.random.default_rng(9), -0.5), **options)
