"""The tangent norm that a search climbs, against secants of the oracle's map; coordinates that a search moves in."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.contraction.measured_modulus import (
    as_points,
    from_points,
    moduli,
    negative_size,
    random_points,
    secant_modulus,
)
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from tests.exact.cases import pair
from tests.helpers import oracle


def secant(arrays, phi, field, i, j, half=1e-5):
    """Of the oracle's map between two mean fields that differ in two entries."""
    move = half * (np.eye(len(field))[i] - np.eye(len(field))[j])
    images = []
    for there in (field + move, field - move):
        _, policy = oracle.best_response(arrays, phi, there)
        images.append(oracle.population(arrays, phi, policy, there))
    return np.sum(np.abs(images[0] - images[1])) / (4.0 * half)


def test_the_norm_is_that_of_the_steepest_secant():
    game, arrays, logits = pair(0)
    field = np.random.default_rng(1).dirichlet(np.ones(4))
    phi = oracle.leader_rows(arrays, logits)
    expected = max(secant(arrays, phi, field, i, j) for i, j in itertools.combinations(range(4), 2))
    game = checked(game)
    point = jnp.asarray(as_points(logits[None], field[None])[0])
    sought = jax.tree.map(lambda leaf: leaf[0], moduli(game, np.full(1, float(game.temperature))))
    found = -jax.jit(negative_size)(game, point, sought)
    assert float(found) == pytest.approx(expected, rel=1e-7)
    assert secant_modulus(game, logits, field) == pytest.approx(expected, rel=1e-3)


def test_coordinates_of_a_search_lead_back_to_leader_and_mean_field():
    game, _, _ = pair(0)
    rng = np.random.default_rng(0)
    logits, fields = rng.normal(size=(5, 4, 2)), rng.dirichlet(np.ones(4), 5)
    there = from_points(game, as_points(logits, fields))
    np.testing.assert_allclose(there[0], logits, atol=1e-12)
    np.testing.assert_allclose(there[1], fields, atol=1e-12)


def test_every_third_random_mean_field_is_a_vertex_and_all_are_mean_fields():
    game, _, _ = pair(0)
    _, fields = random_points(game, 30, SearchSettings(num_leaders=30, num_starts=1, num_steps=1))
    np.testing.assert_allclose(fields.sum(axis=1), 1.0, atol=1e-14)
    assert np.min(fields) >= 0.0
    np.testing.assert_array_equal(np.max(fields, axis=1) == 1.0, np.arange(30) % 3 == 2)
