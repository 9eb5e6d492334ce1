"""Worst-case search on objectives with known minima, and its account of failures."""

import numpy as np

from smfg_verify.assumptions.search import LOGIT_BOX, into_box, minimise, mixed_starts, out_of_box


def rosenbrock(points):
    x, y = points.T
    values = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    slopes = np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=1)
    return values, slopes


def starts(seed=0, number=6):
    return np.random.default_rng(seed).normal(size=(number, 2))


def test_finds_the_minimum_of_a_curved_valley():
    found = minimise(rosenbrock, starts(), num_steps=2000)
    np.testing.assert_allclose(found.points, 1.0, atol=1e-4)


def test_never_worse_than_the_start_and_deterministic():
    first, second = (minimise(rosenbrock, starts(), num_steps=40) for _ in range(2))
    assert np.all(np.diff(first.curve, axis=0) <= 0.0)
    np.testing.assert_array_equal(first.curve[0], rosenbrock(starts())[0])
    np.testing.assert_array_equal(first.curve[-1], first.values)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(rosenbrock(first.points)[0], first.values)


def test_failures_are_counted_and_never_replace_a_number():
    """The objective is -inf beyond x = 0.5: the walk stops at the border, and a start beyond it has no value."""
    calls = []

    def bounded(points):
        values, slopes = rosenbrock(points)
        bad = points[:, 0] > 0.5
        calls.append((len(points), bad))
        return np.where(bad, -np.inf, values), slopes

    begin = np.array([[0.0, 0.0], [2.0, 2.0], [0.3, 0.4]])
    found = minimise(bounded, begin, num_steps=60)
    assert np.isnan(found.values[1])
    assert np.all(found.values[[0, 2]] < rosenbrock(begin[[0, 2]])[0])
    assert np.all(found.points[[0, 2], 0] <= 0.5)
    assert found.num_failed >= 2
    assert found.num_failed <= sum(int(bad.sum()) for _, bad in calls)
    assert found.num_evaluations <= sum(number for number, _ in calls)


def test_stops_when_nothing_moves():
    found = minimise(lambda x: (np.zeros(len(x)), np.zeros_like(x)), starts(), num_steps=100)
    assert len(found.curve) <= 3


def test_box_is_its_own_inverse_inside_and_never_left():
    logits = np.linspace(-5.5, 5.5, 23)
    np.testing.assert_allclose(into_box(out_of_box(logits)), logits, atol=1e-12)
    assert np.all(np.abs(np.asarray(into_box(np.array([-1e9, 1e9])))) <= LOGIT_BOX)
    assert np.all(np.abs(np.asarray(into_box(out_of_box(np.array([-1e9, 1e9]))))) < LOGIT_BOX)


def test_starts_are_the_worst_and_others_without_nan():
    scores = np.array([0.5, np.nan, -2.0, 3.0, -1.0, 0.0])
    np.testing.assert_array_equal(mixed_starts(scores, 4), [2, 4, 0, 3])
    np.testing.assert_array_equal(np.sort(mixed_starts(scores, 100)), [0, 2, 3, 4, 5])
    assert mixed_starts(np.full(3, np.nan), 4).size == 0


def test_the_best_of_no_start_is_no_number_and_of_all_starts_the_best():
    found = minimise(rosenbrock, starts(), num_steps=5)
    assert np.isnan(found.best_curve_of(slice(0))).all()
    assert found.best_curve_of(slice(0)).shape == found.best_curve.shape
    np.testing.assert_array_equal(found.best_curve_of(slice(2)), found.curve[:, :2].min(axis=1))
    apart = np.minimum(found.best_curve_of(slice(2)), found.best_curve_of(slice(2, None)))
    np.testing.assert_array_equal(apart, found.best_curve)


def test_a_search_in_which_no_start_has_a_number_has_a_curve_of_none():
    nowhere = minimise(lambda points: (np.full(len(points), np.nan), 0.0 * points), starts(), num_steps=3)
    assert nowhere.best is None
    assert np.isnan(nowhere.best_curve).all()
