"""Branch and bound over the simplex: against dense grids, and valid however little it may do."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure import supremum
from smfg_verify.assumptions.enclosure.domain import bisected, inner_points, tightened


def quadratic(size, seed=0):
    """A concave-convex function of the simplex with a bound over boxes by its own interval arithmetic."""
    rng = np.random.default_rng(seed)
    weight, centre = rng.normal(size=size), rng.dirichlet(np.ones(size))

    def sample(fields):
        return np.sum(weight * (fields - centre) ** 2, axis=1)

    def bound(lower, upper):
        low, high = lower - centre, upper - centre
        smallest = np.where((low < 0) & (high > 0), 0.0, np.minimum(low**2, high**2))
        largest = np.maximum(low**2, high**2)
        return np.sum(np.where(weight > 0, weight * largest, weight * smallest), axis=1)

    return bound, sample


def grid(size, number):
    axes = np.meshgrid(*[np.linspace(0, 1, number)] * (size - 1), indexing="ij")
    points = np.stack(axes, -1).reshape(-1, size - 1)
    points = points[points.sum(axis=1) <= 1 + 1e-12]
    return np.column_stack([points, 1 - points.sum(axis=1)])


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_supremum_meets_a_dense_grid(size, seed):
    bound, sample = quadratic(size, seed)
    best = sample(grid(size, 2001 if size == 2 else 201)).max()
    found = supremum(bound, sample, size, num_boxes=5000)
    # A supremum of zero, met inside, can be approached only as fast as boxes shrink.
    assert found.finished or abs(best) < 1e-6
    assert found.lower <= found.upper
    assert found.upper >= best
    assert found.upper <= best + 2e-3 * abs(best) + 1e-4
    np.testing.assert_allclose(sample(found.field[None])[0], found.lower)
    np.testing.assert_allclose(found.field.sum(), 1.0)


@pytest.mark.parametrize("boxes", [1, 2, 3, 7, 20])
def test_out_of_budget_the_bound_still_holds(boxes):
    bound, sample = quadratic(3, 1)
    best = sample(grid(3, 201)).max()
    found = supremum(bound, sample, 3, num_boxes=boxes, tolerance=1e-9)
    assert not found.finished
    assert found.boxes <= boxes
    assert found.upper >= best
    assert np.all(np.diff(found.curve) <= 0.0)
    assert found.curve[-1] == found.upper


def test_a_time_limit_that_cuts_says_so_and_one_that_does_not_changes_nothing():
    bound, sample = quadratic(3, 1)
    found = supremum(bound, sample, 3, num_boxes=10**6, time_limit=1e-9, tolerance=1e-9)
    assert found.boxes == 1
    assert found.cut
    assert not found.finished
    free, limited = (supremum(bound, sample, 3, num_boxes=65, time_limit=limit) for limit in (None, 1e6))
    assert not limited.cut
    assert (free.upper, free.lower, free.boxes) == (limited.upper, limited.lower, limited.boxes)


def test_nan_is_neither_bound_nor_value():
    found = supremum(lambda low, high: np.full(len(low), np.nan), lambda m: np.full(len(m), np.nan), 2, num_boxes=9)
    assert found.upper == np.inf
    assert found.lower == -np.inf
    assert not found.finished


def test_halves_cover_the_part_of_the_simplex_in_a_box():
    rng = np.random.default_rng(0)
    points = rng.dirichlet(np.ones(4), 5000)
    lower, upper, feasible = tightened(np.zeros((1, 4)), np.ones((1, 4)))
    assert feasible.all()
    for _ in range(5):
        inner = inner_points(lower, upper)
        assert np.all((inner >= lower - 1e-12) & (inner <= upper + 1e-12))
        np.testing.assert_allclose(inner.sum(axis=1), 1.0)
        lower, upper = bisected(lower, upper)
        held = np.all((points[:, None] >= lower) & (points[:, None] <= upper), axis=2)
        assert held.any(axis=1).all()


def test_tightening_drops_only_boxes_without_a_point_of_the_simplex():
    lower = np.array([[0.5, 0.6, 0.0], [0.0, 0.0, 0.0], [0.2, 0.0, 0.0]])
    upper = np.array([[1.0, 1.0, 1.0], [0.3, 0.3, 0.3], [0.3, 0.4, 0.5]])
    new_lower, new_upper, feasible = tightened(lower, upper)
    np.testing.assert_array_equal(feasible, [False, False, True])
    np.testing.assert_allclose(new_lower[2], [0.2, 0.2, 0.3], atol=1e-12)
    np.testing.assert_allclose(new_upper[2], [0.3, 0.4, 0.5], atol=1e-12)
