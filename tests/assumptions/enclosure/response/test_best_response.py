"""Softmax policies over cells hold those of all gaps that the models allow, with a radius near what one attains."""

import itertools

import numpy as np
import pytest
from scipy.special import softmax

from smfg_verify.assumptions.enclosure.response.best_response import policy_of
from smfg_verify.assumptions.enclosure.response.models import Model, Shape, nothing
from tests.assumptions.enclosure.response.test_models import CELLS, drawn, form, points

TAU = 0.3


def gaps_of(values):
    """First action less second of every pair, as `policy_of` takes them."""
    first, second = np.triu_indices(values.centre.shape[-2], 1)
    return values.taken(first, -1) - values.taken(second, -1)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_policies_hold_the_softmax_of_all_values(number):
    shape, rng = Shape((3, 2)), np.random.default_rng(number)
    for scale in (1e-3, 0.05, 0.3, 3.0):
        values = drawn(shape, (2, number), number, radius=0.0)
        # Some values far apart, so that small probabilities are met too.
        spread = 0.4 * rng.normal(size=values.centre.shape)
        values = Model(spread, scale * values.linear, scale * values.quadratic, values.radius, shape)
        found = policy_of(gaps_of(values), TAU, number)
        for z in points(shape, 100, number):
            exact = softmax(form(values, z) / TAU, axis=1)
            assert np.all(np.abs(exact - form(found, z)) <= found.radius)


def test_the_radius_is_little_more_than_what_two_actions_attain():
    r"""At equal values the third derivative of the logistic function is -1/8, so that a gap of x misses by x^3 / 48."""
    shape, far = Shape((2,)), 0.1
    linear = np.full((1, 1, 1, CELLS), 2.0 * far * TAU)
    centre = np.zeros((1, 1, CELLS))
    gaps = Model(centre, linear, nothing(shape, centre), np.zeros_like(centre), shape)
    found = policy_of(gaps, TAU, 2)
    missed = [abs(softmax([far, 0.0])[0] - form(found, np.array([0.5]))[0, 0, 0])]
    np.testing.assert_allclose(missed, far**3 / 48.0, rtol=0.02)
    assert np.all(found.radius[0] <= far**3 / 48.0 * 1.01)


def test_third_derivatives_of_three_actions_are_bounded_for_all_values_on_a_grid():
    shape = Shape((2,))
    grid, half = np.linspace(-1.0, 1.0, 3), 0.02
    for centre, move in itertools.product(
        itertools.product(grid, grid, [0.0]), itertools.product([-1, 0, 1], repeat=3)
    ):
        middle = np.broadcast_to(TAU * np.array(centre)[None, :, None], (1, 3, 1))
        linear = 2.0 * half * TAU * np.array(move, dtype=float)[None, None, :, None]
        values = Model(middle, linear, nothing(shape, middle), np.zeros((1, 3, 1)), shape)
        found = policy_of(gaps_of(values), TAU, 3)
        for end in (-0.5, 0.5):
            exact = softmax(form(values, np.array([end])) / TAU, axis=1)
            assert np.all(np.abs(exact - form(found, np.array([end]))) <= found.radius)
