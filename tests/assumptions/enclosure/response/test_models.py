"""Models of functions over products of simplices: sums, products and ranges hold at points drawn from the cell."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.models import Model, Shape, apply, multiply, total

SHAPES = [(2,), (3,), (2, 4), (3, 2, 2)]
CELLS = 5


def drawn(shape, entries, seed, radius=0.1):
    """A model with numbers of its own for each cell."""
    rng = np.random.default_rng(seed)
    lead = (*entries, CELLS)
    centre, linear = rng.normal(size=lead), rng.normal(size=(shape.dimension, *lead))
    quadratic = rng.normal(size=(len(shape.first), *lead))
    return Model(centre, linear, quadratic, radius * rng.random(lead), shape)


def points(shape, number, seed):
    """Coordinates of points, many of them at corners, (number, d)."""
    rng = np.random.default_rng(seed)
    weights = [rng.dirichlet(np.full(size, rng.choice([0.05, 1.0])), number) for size in shape.sizes]
    return np.concatenate([part[:, 1:] - 1.0 / part.shape[1] for part in weights], axis=1)


def form(model, z):
    """The polynomial at a point."""
    products = z[model.shape.first] * z[model.shape.second]
    return model.centre + np.tensordot(z, model.linear, 1) + np.tensordot(products, model.quadratic, 1)


def within(model, z, seed):
    """Numbers that the model allows at a point, at the edge of its radius."""
    return form(model, z) + model.radius * np.sign(np.random.default_rng(seed).normal(size=model.centre.shape))


@pytest.mark.parametrize("sizes", SHAPES)
def test_ranges_hold_every_value_and_linear_ones_are_attained(sizes):
    shape = Shape(sizes)
    model = drawn(shape, (3,), 0)
    for k, z in enumerate(points(shape, 200, 1)):
        value = within(model, z, k)
        assert np.all(model.lower <= value)
        assert np.all(value <= model.upper)
        assert np.all(np.abs(value) <= model.largest)
        assert np.all(np.abs(value) <= model.size * (1.0 + 1e-12))
        assert np.all(np.abs(value - model.centre) <= model.deviation)
    low, high = shape.linear_ends(model.linear)
    corners = np.array(np.meshgrid(*(range(size) for size in sizes))).reshape(len(sizes), -1).T
    values = []
    for corner in corners:
        weights = [np.eye(size)[k] for size, k in zip(sizes, corner, strict=True)]
        z = np.concatenate([part[1:] - 1.0 / len(part) for part in weights])
        values.append(np.tensordot(z, model.linear, 1))
    np.testing.assert_allclose(low, np.min(values, axis=0), atol=1e-12)
    np.testing.assert_allclose(high, np.max(values, axis=0), atol=1e-12)


@pytest.mark.parametrize("sizes", SHAPES)
def test_sums_and_products_hold_those_of_all_that_their_parts_allow(sizes):
    shape = Shape(sizes)
    first, second = drawn(shape, (2, 3), 2), drawn(shape, (3, 2), 3, radius=0.01)
    matrix = np.random.default_rng(4).normal(size=(3, 4, CELLS))
    times, plus = multiply("ab,bc->ac", first, second), first.taken(np.arange(2), -1) - second.taken(np.arange(2), -2)
    turned, summed = apply("ab,bc->ac", first, matrix, np.full_like(matrix, 1e-3)), total(first)
    relative = first.relative(-1)
    for k, z in enumerate(points(shape, 200, 5)):
        a, b = within(first, z, k), within(second, z, k + 1000)
        off = matrix + 1e-3 * np.sign(np.random.default_rng(k).normal(size=matrix.shape))
        for model, value in (
            (times, np.einsum("abk,bck->ack", a, b)),
            (plus, a[:, :2] - b[:2]),
            (turned, np.einsum("abk,bck->ack", a, off)),
            (summed, a.sum(axis=1)),
            (relative, a[:, :-1] - a[:, -1:]),
            (first.scaled(-2.5), -2.5 * a),
        ):
            assert np.all(np.abs(value - form(model, z)) <= model.radius)


def test_a_product_of_linear_forms_is_exact_but_for_roundings():
    shape = Shape((3, 2))
    parts = [drawn(shape, (2,), seed, radius=0.0) for seed in (6, 7)]
    flat = [Model(part.centre, part.linear, 0.0 * part.quadratic, part.radius, shape) for part in parts]
    assert np.max(multiply("a,a->a", *flat).radius) < 1e-12


def test_what_cancels_keeps_the_roundings_of_what_was_there():
    shape = Shape((2,))
    model = drawn(shape, (1,), 8)
    large = Model(1e8 + model.centre, model.linear, model.quadratic, model.radius, shape)
    assert np.all((large - large).radius >= 2.0 * model.radius + 1e-9)
