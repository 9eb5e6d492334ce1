"""The measures themselves: against the oracle, known distributions, relations between games, and the frontier."""

import numpy as np
import pytest

from smfg_verify.assumptions.checking import checked
from smfg_verify.assumptions.gradient_alignment.measures import (
    alignment_measures,
    alignment_slopes,
    frontier,
    quantiles,
)
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.assumptions.gradient_alignment.test_readings import answering_leader
from tests.exact.cases import found_by_newton
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game

SIZES = (2, 2, 2)  # the shape of the games of test_readings.py
RATIOS = ("cosine", "inner_product_constant", "direct_constant", "relative_error", "norm_ratio")


@pytest.fixture(scope="module")
def arrays():
    return random_array_game(np.random.default_rng(3), *SIZES, kernel_coupling=0.0)


@pytest.fixture(scope="module")
def leaders():
    return 1.5 * np.random.default_rng(4).normal(size=(40, 2, 2))


def measured(fields, leaders):
    return alignment_measures(evaluate_leaders(checked(TabularGame.from_arrays(**fields)), leaders))


@pytest.fixture(scope="module")
def reference(arrays, leaders):
    return measured(arrays.from_arrays_arguments(), leaders)


def test_ratios_against_the_oracle(arrays, leaders, reference):
    for index in range(3):
        gradient = oracle.gradient(arrays, leaders[index])
        total, direct = gradient.total.ravel(), gradient.direct.ravel()
        inner = total @ direct
        expected = {
            "cosine": inner / np.linalg.norm(total) / np.linalg.norm(direct),
            "inner_product_constant": inner / (total @ total),
            "direct_constant": inner / (direct @ direct),
            "relative_error": np.linalg.norm(total - direct) / np.linalg.norm(total),
            "norm_ratio": np.linalg.norm(direct) / np.linalg.norm(total),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(reference, name)[index], value, rtol=1e-8)


def test_scaling_the_leaders_rewards_changes_no_ratio(arrays, leaders, reference):
    fields = arrays.from_arrays_arguments()
    for name in ("leader_rewards", "leader_rewards_mean_field"):
        fields[name] = 3.7 * fields[name]
    scaled = measured(fields, leaders)
    for name in RATIOS:
        np.testing.assert_allclose(getattr(scaled, name), getattr(reference, name), rtol=1e-8)
    np.testing.assert_allclose(scaled.inner, 3.7**2 * reference.inner, rtol=1e-8)


def test_relabelling_states_and_actions_changes_no_ratio(arrays, leaders, reference):
    fields = arrays.from_arrays_arguments()
    states, actions, choices = np.array([1, 0]), np.array([1, 0]), np.array([1, 0])
    table = np.ix_(states, actions, choices)
    for name in ("follower_rewards", "leader_rewards"):
        fields[name] = fields[name][table]
        fields[f"{name}_mean_field"] = fields[f"{name}_mean_field"][np.ix_(states, states, actions, choices)]
    fields["kernel"] = fields["kernel"][np.ix_(states, actions, choices, states)]
    fields["initial_distribution"] = fields["initial_distribution"][states]
    # State i is the old states[i]; the partition stays, so each state's row takes the logits of its old state.
    rows = np.empty_like(leaders)
    rows[:, arrays.observation] = leaders[:, arrays.observation[states]]
    relabelled = measured(fields, rows[:, :, choices])
    for name in RATIOS:
        np.testing.assert_allclose(getattr(relabelled, name), getattr(reference, name), rtol=1e-8)


@pytest.mark.parametrize(
    "reading", [pytest.param(one, marks=[pytest.mark.slow] * (k > 0)) for k, one in enumerate(Reading)]
)
def test_slopes_of_the_search_against_differences(arrays, leaders, reading):
    game = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    slopes = alignment_slopes(game, reading, 1, 2)
    points = leaders[:2].reshape(2, 4)
    _, gradients = slopes(points)
    step = 1e-5
    for axis in range(4):
        move = step * np.eye(4)[axis]
        difference = (slopes(points + move)[0] - slopes(points - move)[0]) / (2 * step)
        np.testing.assert_allclose(gradients[:, axis], difference, rtol=1e-5, atol=1e-8)


def test_frontier_holds_at_every_point_and_is_tight():
    """On a game with negative inner products: monotone, satisfied by each point, with equality at one."""
    game = checked(answering_leader())
    measures = alignment_measures(evaluate_leaders(game, random_leaders(game, SearchSettings(num_leaders=200))))
    found = frontier(measures)
    assert np.all(np.diff(found.slack) > 0.0)
    assert np.all(np.diff(found.constant) > 0.0)
    margins = measures.inner[:, None] + found.slack - found.constant * measures.squared_norm[:, None]
    assert np.all(margins >= -1e-12)
    np.testing.assert_allclose(np.min(margins, axis=0), 0.0, atol=1e-12)
    index = np.searchsorted(found.slack, found.smallest_slack)
    assert found.smallest_slack > 0.0
    np.testing.assert_allclose(found.constant[index], 0.0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "parameters", "median", "minimum"),
    [
        pytest.param("market-entrance", {}, 0.97, 0.77, marks=pytest.mark.slow),
        pytest.param("market-entrance", {"scarcity": "quadratic"}, 0.05, -0.92, marks=pytest.mark.slow),
        pytest.param("shop-positioning", {}, 0.92, 0.53, marks=pytest.mark.slow),
        pytest.param("equilibrium-pricing", {}, 0.986, 0.85, marks=pytest.mark.slow),
    ],
)
def test_known_cosines(name, parameters, median, minimum):
    """Median and minimum of 64 leaders, found by other code, are what 64 draws from this distribution can give.

    The median of 64 lies within the 30% and 70% quantiles with probability 0.999, the minimum below the 10% quantile
    with probability 0.999 and above the minimum of 4096 with probability 0.98.
    """
    game = checked(load(name, **parameters))
    settings = SearchSettings(num_leaders=4096 if game.num_states == 2 else 1024)
    points = evaluate_leaders(game, random_leaders(game, settings))
    assert points.converged.all()
    values = alignment_measures(points).cosine
    low, high, tenth = np.quantile(values, [0.3, 0.7, 0.1])
    assert low - 0.005 <= median <= high + 0.005
    assert values.min() <= minimum <= tenth


def test_masked_where_a_gradient_is_within_its_error(arrays, leaders):
    """A saturated leader's gradient is rounding noise: no ratio is taken there."""
    fields = arrays.from_arrays_arguments()
    saturated = np.zeros((1, 2, 2))
    saturated[..., 0] = 80.0
    measures = measured(fields, np.concatenate([leaders[:1], saturated]))
    np.testing.assert_array_equal(measures.total_resolved, [True, False])
    for name in RATIOS:
        np.testing.assert_array_equal(np.isfinite(getattr(measures, name)), [True, False])
    assert not measures.misaligned[1]


def test_quantiles_leave_out_what_is_masked():
    values = np.array([3.0, np.nan, 1.0, 2.0])
    assert quantiles(values) == {"min": 1.0, "q05": 1.1, "median": 2.0, "q95": 2.9, "max": 3.0}
    assert np.isnan(list(quantiles(np.full(2, np.nan)).values())).all()


def test_leaders_that_fail_are_solved_again_or_counted(arrays, leaders, monkeypatch):
    """Only the points Newton misses go to the rescue; what that misses too is NaN and not converged."""
    from smfg_verify.exact.gradient import at_leaders as module

    real, sizes = module._evaluate, []

    def unreliable(game, logits, mean_fields, rescue):
        sizes.append((rescue, len(logits)))
        points = found_by_newton(real, sizes[0][1], game, logits, mean_fields)
        first = np.asarray(logits)[:, 0, 0]
        bad = first < -1.0 if rescue else first < 0.0
        blank = [np.where(bad.reshape(-1, *[1] * (leaf.ndim - 1)), np.nan, leaf) for leaf in points[:-2]]
        return module.LeaderPoints(*blank, ~bad, np.zeros_like(bad))

    expected = measured(arrays.from_arrays_arguments(), leaders)
    monkeypatch.setattr(module, "_evaluate", unreliable)
    game = checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))
    points = evaluate_leaders(game, leaders)
    first = leaders[:, 0, 0]
    np.testing.assert_array_equal(points.converged, first >= -1.0)
    np.testing.assert_array_equal(points.rescued, (first >= -1.0) & (first < 0.0))
    assert [rescue for rescue, _ in sizes] == sorted(rescue for rescue, _ in sizes)
    assert sum(size for rescue, size in sizes if rescue) < sum(size for rescue, size in sizes if not rescue)
    found = alignment_measures(points).cosine
    np.testing.assert_allclose(found[first >= -1.0], expected.cosine[first >= -1.0])
    assert np.isnan(found[first < -1.0]).all()
