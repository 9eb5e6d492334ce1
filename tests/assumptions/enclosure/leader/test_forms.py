"""Arithmetic of forms over boxes: what the formulas give at points of the boxes is within, to forty digits too."""

import dataclasses

import mpmath
import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.forms import (
    Form,
    contract,
    joined,
    logarithm,
    of_all_boxes,
    over_boxes,
    softmax_of_gaps,
    solved,
)
from smfg_verify.assumptions.enclosure.response.models import Model, Shape

BOXES, FREE = 4, 3
SHAPE = Shape((2,) * FREE)


def drawn(rng, *entries, spread=0.1, radius=0.0):
    """Forms with numbers of their own in each box."""
    lead = (*entries, BOXES)
    centre, linear = rng.normal(size=lead), spread * rng.normal(size=(FREE, *lead))
    quadratic = spread**2 * rng.normal(size=(len(SHAPE.first), *lead))
    return Form(Model(centre, linear, quadratic, radius * rng.random(lead), SHAPE))


def leaders(rng, number):
    """Coordinates of leaders of a box, corners in the first half."""
    z = rng.uniform(-0.5, 0.5, (number, FREE))
    z[: number // 2] = 0.5 * np.sign(z[: number // 2])
    return z


def at(form, z, sign=0.0):
    """What a form says of one leader, boxes first, at the middle of its radius or at an edge."""
    model = form.model
    products = z[model.shape.first] * z[model.shape.second]
    value = model.centre + np.tensordot(z, model.linear, 1) + np.tensordot(products, model.quadratic, 1)
    return np.moveaxis(value + sign * model.radius, -1, 0)


def holds(form, z, value):
    """Whether a value of one leader is within the form there, and within the interval around the form."""
    room = np.moveaxis(form.model.radius, -1, 0) * (1.0 + 1e-12) + 1e-15  # this test rounds, too
    inside = (form.lower <= value) & (value <= form.upper) & (np.abs(value - form.mid) <= form.rad)
    return np.all(np.abs(value - at(form, z)) <= room) and np.all(inside)


def test_sums_products_and_moves_hold_what_they_are_of_every_leader():
    rng = np.random.default_rng(0)
    x, y = drawn(rng, 2, 3, radius=0.01), drawn(rng, 3, 2, radius=0.01)
    table, many = Ball(rng.normal(size=(3, 2)), np.full((3, 2), 0.02)), rng.normal(size=(BOXES, 3, 2))
    other = drawn(rng, 2, 1, radius=0.01)
    told = {
        "sum": (x + other - 2.0, lambda a, b, c, d: a + c - 2.0),
        "of a table": (-(0.5 * (x - table.moved(np.transpose)[None])), lambda a, b, c, d: -0.5 * (a - d.T)),
        "product": (x * other, lambda a, b, c, d: a * c),
        "with numbers": (x * many.swapaxes(1, 2), lambda a, b, c, d: a * many.swapaxes(1, 2)),
        "contraction": (contract("kyz,kzy->ky", x, y), lambda a, b, c, d: np.einsum("kyz,kzy->ky", a, b)),
        "with a table": (contract("zs,kyz->kys", table, x), lambda a, b, c, d: np.einsum("zs,kyz->kys", d, a)),
        "with batches": (contract("kyz,kzs->kys", x, many), lambda a, b, c, d: np.einsum("kyz,kzs->kys", a, many)),
        "joined": (
            joined((x, other, Ball.exact(many[:, :2, :1])), 2),
            lambda a, b, c, d: np.dstack([a, c, many[:, :2, :1]]),
        ),
        "moved": (x.moved(lambda v: v.swapaxes(1, 2))[:, 1:], lambda a, b, c, d: a.swapaxes(1, 2)[:, 1:]),
    }
    for z in leaders(rng, 40):
        signs = rng.choice([-1.0, 1.0], 4)
        parts = (
            *(at(form, z, sign) for form, sign in zip((x, y, other), signs, strict=False)),
            table.mid + signs[3] * table.rad,
        )
        for name, (form, value) in told.items():
            assert holds(form, z, value(*parts)), name


def test_numbers_at_leaders_of_boxes_are_within_what_is_told():
    rng = np.random.default_rng(5)
    x, y = (drawn(rng, 2, 3, radius=0.01) for _ in range(2))
    every = of_all_boxes([x, y])
    z = rng.uniform(-0.5, 0.5, (2 * BOXES, FREE))
    found = every.at(z)
    for k in range(2 * BOXES):
        one = at((x, y)[k // BOXES], z[k])[k % BOXES]
        np.testing.assert_allclose(found.mid[k], one, rtol=0.0, atol=1e-14)
        radius = (x, y)[k // BOXES].model.radius[..., k % BOXES]
        assert np.all((found.rad[k] >= radius) & (found.rad[k] <= radius + 1e-12))


def test_what_numbers_share_is_kept():
    """x - x is nothing, and x^2 of a straight x is exact, however wide the box."""
    x = over_boxes(np.full((BOXES, FREE), -1.0), np.linspace(0.5, 3.0, BOXES * FREE).reshape(BOXES, FREE))
    assert np.max((x - x).rad) < 1e-12
    assert np.max((x * x).model.radius) < 1e-12
    assert np.min(x.rad) > 0.7


def test_solutions_of_every_leaders_system_are_held():
    rng = np.random.default_rng(1)
    matrix, right = drawn(rng, 3, 3, radius=1e-4) * 0.2 + np.eye(3), drawn(rng, 3, radius=1e-4)
    for b in (right, Ball.exact(right.mid)):
        found = solved(matrix, b)
        assert np.max(found.model.radius) < 0.02
        for z in leaders(rng, 30):
            signs = rng.choice([-1.0, 1.0], 2)
            vector = at(b, z, signs[1]) if isinstance(b, Form) else b.mid
            assert holds(found, z, np.linalg.solve(at(matrix, z, signs[0]), vector[..., None])[..., 0])
    with np.errstate(all="ignore"):
        assert np.all(np.isinf(solved(matrix * 0.0, right).model.radius))


def test_what_a_solution_misses_is_of_third_order():
    found = [
        solved(
            0.2 * drawn(np.random.default_rng(2), 3, 3, spread=s) + np.eye(3),
            drawn(np.random.default_rng(3), 3, spread=s),
        )
        for s in (1e-1, 1e-2)
    ]
    assert np.max(found[1].model.radius) < 3e-3 * np.max(found[0].model.radius)


def at_digits(form, z, k, entry):
    """One entry of a form without a radius, at a leader, in the digits of the context."""
    model = form.model
    value = mpmath.mpf(float(model.centre[(*entry, k)]))
    for i in range(FREE):
        value += mpmath.mpf(float(z[i])) * mpmath.mpf(float(model.linear[(i, *entry, k)]))
    for p, (i, j) in enumerate(zip(SHAPE.first, SHAPE.second, strict=True)):
        value += mpmath.mpf(float(z[i])) * mpmath.mpf(float(z[j])) * mpmath.mpf(float(model.quadratic[(p, *entry, k)]))
    return value


@pytest.mark.parametrize("spread", [0.0, 1e-7, 0.3])
def test_logarithms_softmax_and_solutions_hold_those_of_forty_digits(spread):
    rng = np.random.default_rng(4)
    one = drawn(rng, 2, spread=0.1 * spread)
    positive = (one * one + 0.5).model
    positive = Form(dataclasses.replace(positive, radius=np.zeros_like(positive.radius)))
    values = drawn(rng, 1, 3, spread=spread)
    gaps = values.moved(lambda v: v[..., None]) - values.moved(lambda v: v[..., None, :])
    logs, policies = logarithm(positive), softmax_of_gaps(gaps, 0.7)
    with mpmath.workdps(40):
        for z in leaders(rng, 6):
            for k in range(BOXES):
                exact = mpmath.log(at_digits(positive, z, k, (1,)))
                assert abs(exact - at_digits(logs, z, k, (1,))) <= logs.model.radius[1, k]
                powers = [mpmath.exp(at_digits(values, z, k, (0, a)) / mpmath.mpf(0.7)) for a in range(3)]
                for a in range(3):
                    miss = powers[a] / sum(powers) - at_digits(policies, z, k, (0, a))
                    assert abs(miss) <= policies.model.radius[0, a, k]
    if spread == 0.0:
        assert np.max(policies.model.radius) < 1e-12
        assert np.max(logs.model.radius) < 1e-13


def test_logarithms_of_what_may_be_negative_are_unbounded():
    wide = over_boxes(np.full((1, 1), -0.5), np.full((1, 1), 2.0))
    with np.errstate(all="ignore"):
        assert np.isinf(logarithm(wide).model.radius).all()


@pytest.mark.parametrize("far", [1e-3, 0.1, 0.5, 0.8])
def test_what_the_logarithms_polynomial_misses_at_the_ends_is_told_and_little_more(far):
    """log(1 - X) misses -X - X^2 / 2 by X^3 / 3 and more, up to X^3 / (3 (1 - X))."""
    form = logarithm(over_boxes(np.full((1, 1), 1.0 - far), np.full((1, 1), 1.0 + far)))
    missed = abs(np.log1p(-far) + far + far**2 / 2.0)
    assert missed <= form.model.radius[0, 0] <= missed * 1.5 / (1.0 - far) + 1e-14
    for z, value in ((-0.5, np.log1p(-far)), (0.5, np.log1p(far))):
        assert holds(form, np.array([z]), np.array([[value]]))
