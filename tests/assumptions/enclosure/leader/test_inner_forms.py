"""Inner products over rectangles of two gradients: sampled pairs are inside, and closed forms are met."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.inner_forms import (
    inner_range,
    largest_constant,
    least_form,
    with_last_entries,
)

ROWS, ACTIONS = 2, 3


def rectangles(rng, number, spread):
    """Middles and radii in the free logits, whose sizes differ by orders of magnitude."""
    shape = (number, ROWS * (ACTIONS - 1))
    middle = rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 1, shape)
    return Ball(middle, spread * np.abs(middle) * rng.uniform(0, 1, shape))


def points_of(rng, ball, number):
    """Numbers inside, corners in the first half, (number, K, k)."""
    shift = rng.uniform(-1, 1, (number, *ball.mid.shape))
    shift[: number // 2] = np.sign(shift[: number // 2])
    return ball.mid + shift * ball.rad


def products(direct, rest):
    """<g, p> and |g|^2 at all logits, a row's last entry being minus the sum of its others."""
    p, g = (part.reshape(*part.shape[:-1], ROWS, ACTIONS - 1) for part in (direct, direct + rest))
    inner = np.sum(g * p, axis=(-2, -1)) + np.sum(g.sum(axis=-1) * p.sum(axis=-1), axis=-1)
    square = np.sum(g * g, axis=(-2, -1)) + np.sum(g.sum(axis=-1) ** 2, axis=-1)
    return inner, square


@pytest.mark.parametrize("spread", [0.0, 1e-3, 0.3, 2.0])
def test_no_pair_of_gradients_is_below_the_bounds_or_above(spread):
    rng = np.random.default_rng(int(1e3 * spread))
    direct, rest = rectangles(rng, 40, spread), rectangles(rng, 40, spread)
    parts = with_last_entries(direct, ROWS), with_last_entries(rest, ROWS)
    inner, square = products(points_of(rng, direct, 400), points_of(rng, rest, 400))
    found = inner_range(*parts)
    assert np.all(found.lower <= inner)
    assert np.all(inner <= found.upper)
    for c in (0.0, 0.2, 0.5, 0.9, 1.0, 1.7):
        # The roundings of this test's own two sums, which cancel where c is near one.
        rounding = 1e-14 * (1.0 + c) * (np.abs(inner) + square)
        assert np.all(least_form(*parts, np.full(40, c)) <= inner - c * square + rounding)
    constant = largest_constant(*parts)
    assert np.all(inner >= np.where(constant > 0.0, constant, -1e300) * square)
    if spread <= 1e-3:
        # Bounds of points are the products themselves.
        np.testing.assert_allclose(found.mid, inner[0], rtol=20 * spread + 1e-12, atol=(20 * spread + 1e-12) * 1e2)
        assert np.array_equal(constant > 0.0, np.all(inner > 0.0, axis=0))


def test_one_entry_is_bounded_by_what_is_attained():
    """Of one logit the least value over a fine grid of the rectangle is the bound, at every c."""
    rng = np.random.default_rng(3)
    for p0, r0, w, v in rng.normal(size=(30, 4)):
        direct, rest = (
            Ball(np.full((1, 1, 1), p0), np.full((1, 1, 1), abs(w))),
            Ball(np.full((1, 1, 1), r0), np.full((1, 1, 1), abs(v))),
        )
        p, r = np.meshgrid(p0 + w * np.linspace(-1, 1, 401), r0 + v * np.linspace(-1, 1, 401))
        for c in (0.0, 0.4, 1.0, 1.5):
            values = (p + r) * (p - c * (p + r))
            bound = least_form(direct, rest, np.array([c]))[0]
            assert bound <= values.min() + 1e-12
            assert bound >= values.min() - 1e-3 * (1.0 + np.ptp(values))


def test_a_small_rest_asks_for_little_of_the_direct_part():
    """With |r| <= s and p in [x - w, x + w] the constant 1/2 is proved while x - w > s: (p + r)(p - r) >= 0."""
    for width, proved in ((0.85, True), (0.95, False)):
        direct = Ball(np.ones((1, 1, 1)), np.full((1, 1, 1), width))
        rest = Ball(np.zeros((1, 1, 1)), np.full((1, 1, 1), 0.1))
        assert (least_form(direct, rest, np.array([0.5]))[0] >= 0.0) == proved
        assert (largest_constant(direct, rest)[0] >= 0.5) == proved
    # Without a rest g = p, however wide.
    assert largest_constant(direct, Ball.exact(np.zeros((1, 1, 1))))[0] > 0.99


def test_roundings_are_counted():
    """The bound of points lies below the form in rational arithmetic, where terms cancel too."""
    rng = np.random.default_rng(8)
    direct, rest = (rng.normal(size=(50, 1, 1)) for _ in range(2))
    for c in (0.0, 0.5, 1.0, 1.0 + 2.0**-40):
        found = least_form(Ball.exact(direct), Ball.exact(rest), np.full(50, c))
        for bound, p, r in zip(found, direct.ravel(), rest.ravel(), strict=True):
            p, r = Fraction(float(p)), Fraction(float(r))
            assert Fraction(float(bound)) <= (p + r) * (p - Fraction(c) * (p + r))


def test_what_is_unbounded_proves_nothing():
    direct, rest = Ball.exact(np.ones((1, 1, 1))), Ball(np.zeros((1, 1, 1)), np.full((1, 1, 1), np.inf))
    with np.errstate(all="ignore"):
        assert largest_constant(direct, rest)[0] == -np.inf
        assert not np.isfinite(inner_range(direct, rest).rad[0])
