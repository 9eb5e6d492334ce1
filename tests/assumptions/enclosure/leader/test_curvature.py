"""Hessians enclosed over cells of policies: against differences of the oracle's gradients at leaders of the cells."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.domain import tightened
from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.enclosure.leader.curvature import enclose_curvature
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game

# States, follower's and leader's actions, rows: one free logit, three in three rows, two in one row.
SHAPES = {"one": (3, 2, 2, 1), "rows": (3, 2, 2, 3), "actions": (2, 3, 3, 1)}


def built(name, seed=3):
    *sizes, rows = SHAPES[name]
    arrays = random_array_game(np.random.default_rng(seed), *sizes, observations=rows, reward_coupling=0.3)
    return arrays, affine_game(checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())))


def bounds_over(tables, lower, upper):
    shape = lower.shape
    low, high, feasible = tightened(lower.reshape(-1, shape[2]), upper.reshape(-1, shape[2]))
    assert feasible.all()
    size = len(tables.initial)
    guess = np.full((shape[0], size), 1.0 / size), np.zeros((shape[0], size - 1))
    return enclose_curvature(tables, low.reshape(shape), high.reshape(shape), *guess)


def oracle_norm(arrays, policy):
    """Spectral norm of the Hessian in logits at a leader, by differences of the oracle's gradients."""
    logits = np.log(policy)
    units = np.eye(logits.size).reshape(-1, *logits.shape)
    columns = [
        oracle.central_difference(lambda t, u=u: oracle.gradient(arrays, logits + t * u).total.ravel(), 1e-3)[0]
        for u in units
    ]
    return np.linalg.norm(np.array(columns), 2)


@pytest.mark.parametrize("name", ["actions", *(pytest.param(n, marks=pytest.mark.slow) for n in ("one", "rows"))])
def test_norm_of_every_leader_of_a_cell_is_bounded(name):
    arrays, tables = built(name)
    rng = np.random.default_rng(1)
    policies = rng.dirichlet(2.0 * np.ones(arrays.kernel.shape[2]), size=(2, tables.rows))
    exact = np.array([oracle_norm(arrays, policy) for policy in policies])
    at_points = bounds_over(tables, policies, policies)
    np.testing.assert_allclose(at_points.upper, exact, rtol=0.06)
    np.testing.assert_allclose(at_points.lower, exact, rtol=1e-5)
    for width in (1e-3, 1e-2):
        lower = policies - width * rng.uniform(0.0, 1.0, policies.shape)
        found = bounds_over(tables, lower, lower + width)
        assert found.verified.all()
        assert np.all(found.lower <= exact * (1 + 1e-6))
        assert np.all(exact <= found.upper * (1 + 1e-6))


def test_the_width_of_the_bounds_is_of_first_order_in_the_cell():
    _, tables = built("rows")
    policies = np.random.default_rng(0).dirichlet(2.0 * np.ones(2), size=(16, tables.rows))
    gaps = [
        np.median(found.upper - found.lower)
        for found in (bounds_over(tables, policies - width, policies + width) for width in (1e-3, 1e-4))
    ]
    assert gaps[1] < 0.15 * gaps[0]


def test_deterministic_leaders_have_no_curvature_in_logits():
    _, tables = built("rows")
    pure = np.eye(2)[[[0, 1, 0], [1, 1, 0]]]
    found = bounds_over(tables, pure, pure)
    assert found.verified.all()
    assert np.all(found.upper < 1e-9)


def test_nothing_is_said_where_no_equilibrium_is_verified():
    _, tables = built("rows")
    whole = np.zeros((1, tables.rows, 2))
    found = bounds_over(tables, whole, whole + 1.0)
    assert not found.verified.any()
    assert found.lower[0] == 0.0
    assert np.isinf(found.upper[0])
