"""Interval arithmetic on batches of small matrices: every choice within the intervals is held."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure import balls
from smfg_verify.assumptions.enclosure.balls import (
    Ball,
    approximate_inverse,
    contract,
    missed_by,
    softmax_of_differences,
    softmax_range,
    solved,
)


def random_ball(rng, shape, radius=0.1):
    return Ball(rng.normal(size=shape), radius * rng.uniform(size=shape))


def member(rng, ball, corners):
    """A choice within the intervals, at their ends if `corners`."""
    shift = rng.choice([-1.0, 1.0], ball.mid.shape) if corners else rng.uniform(-1, 1, ball.mid.shape)
    return ball.mid + shift * ball.rad


def holds(ball, values):
    return np.all((ball.lower <= values) & (values <= ball.upper))


@pytest.mark.parametrize("corners", [True, False])
def test_arithmetic_holds_all_choices(corners):
    rng = np.random.default_rng(0)
    first, second = random_ball(rng, (4, 3, 3)), random_ball(rng, (4, 3, 3))
    for _ in range(200):
        x, y = member(rng, first, corners), member(rng, second, corners)
        assert holds(first + second, x + y)
        assert holds(first - second, x - y)
        assert holds(first * second, x * y)
        assert holds(2.5 * -first, -2.5 * x)
        assert holds(contract("kij,kjl->kil", first, second), x @ y)
        assert holds(contract("kij,kij->ki", first, second), np.sum(x * y, axis=2))


def test_arithmetic_is_rounded_outward():
    """The exact sum of decimals, in extended precision, lies within a ball of zero radius after rounding."""
    total, exact = Ball.exact(np.zeros(1)), np.zeros(1, np.longdouble)
    for k in range(1, 2000):
        total, exact = total + np.array([1.0 / k]), exact + np.longdouble(1.0 / k)
    assert total.lower[0] <= exact[0] <= total.upper[0]
    assert 0.0 < total.rad[0] < 1e-8


def test_what_is_too_small_for_a_float_is_held_and_what_is_zero_stays_zero():
    small, none = Ball.exact(np.array([[1e-200]])), Ball.exact(np.zeros((1, 1)))
    for product in (small * small, contract("ij,jk->ik", small, small), Ball.of_ends(small.mid**2, 2e-308 + small.mid)):
        assert product.lower[0, 0] < 1e-307 < product.upper[0, 0]  # 1e-400 is no float: what lies about it is held
    for product in (small * none, contract("ij,jk->ik", small, none), Ball.of_ends(none.mid, none.mid)):
        assert product.mid == product.rad == 0.0


def test_a_probability_too_small_for_a_float_is_held():
    ball = softmax_range(np.array([0.0, -1000.0]), np.array([0.0, -1000.0]))
    assert ball.lower[1] <= 0.0 < ball.upper[1]  # exp(-1000)


@pytest.mark.parametrize("radius", [0.0, 1e-6, 1e-2])
def test_solutions_of_all_systems_are_held(radius):
    rng = np.random.default_rng(1)
    matrix = Ball(np.eye(4) + 0.3 * rng.normal(size=(6, 4, 4)), radius * rng.uniform(size=(6, 4, 4)))
    right = Ball(rng.normal(size=(6, 4)), radius * rng.uniform(size=(6, 4)))
    found = solved(matrix, right)
    assert np.isfinite(found.rad).any()
    for corners in (True, False):
        for _ in range(200):
            x = np.linalg.solve(member(rng, matrix, corners), member(rng, right, corners)[..., None])[..., 0]
            assert holds(found, x)
    if radius == 0.0:
        assert np.max(found.rad) < 1e-11


def test_unknowns_in_other_units_are_known_as_well():
    """Rows of $I - C A$ that sum to more than one are no obstacle where its spectral radius is below one."""
    rng = np.random.default_rng(3)
    units = np.array([1.0, 300.0, 0.01])
    one = Ball(np.eye(3)[None], np.full((1, 3, 3), 0.2))
    other = one.moved(lambda x: units[:, None] * x / units)
    right = np.array([[1.0, -2.0, 0.5]])
    found = [solved(one, Ball.exact(right)), solved(other, Ball.exact(units * right))]
    np.testing.assert_allclose(found[1].rad, units * found[0].rad, rtol=0.02)
    for _ in range(200):
        x = np.linalg.solve(member(rng, other, True), (units * right)[..., None])[..., 0]
        assert holds(found[1], x)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_solutions_are_bounded_where_the_spectral_radius_is_below_one_and_as_well_as_can_be(size):
    rng = np.random.default_rng(size)
    excess = rng.uniform(size=(60, size, size)) * 10.0 ** rng.uniform(-2.0, 0.5, (60, size, 1))
    excess[:5] = 0.0
    excess[5:10] = np.triu(excess[5:10], 1)
    defect = rng.uniform(size=(60, size, 2))
    found, small = missed_by(defect, excess), np.max(np.abs(np.linalg.eigvals(excess)), axis=1) < 1.0
    assert 5 < np.sum(small) < 60
    best = np.linalg.solve(np.eye(size) - excess[small], defect[small])
    assert np.all(best <= found[small])
    np.testing.assert_allclose(found[small], best, rtol=1e-6)
    assert np.isinf(found[~small]).all()
    broken = np.array([[[np.nan, 0.0], [0.0, 0.5]], [[np.inf, 0.0], [0.0, 0.5]]])
    assert np.isinf(missed_by(np.ones((2, 2)), broken)).all()


def test_a_poor_inverse_bounds_no_solution_too_well(monkeypatch):
    rng = np.random.default_rng(7)
    excess, defect = 0.15 * rng.uniform(size=(200, 4, 4)), rng.uniform(size=(200, 4, 2))
    best = np.linalg.solve(np.eye(4) - excess, defect)
    noise = rng.uniform(0.5, 1.5, (200, 4, 4))
    monkeypatch.setattr(balls, "approximate_inverse", lambda matrices: noise * np.linalg.inv(matrices))
    found = missed_by(defect, excess)
    assert 0.02 < np.mean(np.isfinite(found)) < 0.98
    assert np.all(best <= found)


def test_systems_that_may_be_singular_have_unbounded_solutions():
    matrix = Ball(np.array([[[1.0, 0.0], [0.0, 0.05]], [[0.0, 0.0], [0.0, 1.0]]]), np.full((2, 2, 2), 0.1))
    assert np.all(np.isinf(solved(matrix, Ball.exact(np.ones((2, 2)))).rad))
    assert np.all(approximate_inverse(np.zeros((1, 2, 2))) == 0.0)


def test_softmax_range_is_held_and_attained():
    rng = np.random.default_rng(2)
    lower = rng.normal(size=(5, 3))
    upper = lower + rng.uniform(size=(5, 3))
    found = softmax_range(lower, upper)
    for _ in range(500):
        logits = np.exp(rng.uniform(lower, upper))
        assert holds(found, logits / logits.sum(axis=1, keepdims=True))
    for own in range(3):
        at_top = np.where(np.arange(3) == own, upper, lower)
        weights = np.exp(at_top) / np.exp(at_top).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found.upper[:, own], weights[:, own], rtol=1e-12)


def test_softmax_of_huge_differences_is_finite():
    gaps = np.array([[[0.0, 2e3], [-2e3, 0.0]]])
    found = softmax_of_differences(gaps, gaps)
    np.testing.assert_allclose(found.mid, [[1.0, 0.0]], atol=1e-15)
