"""Hessians enclosed over cells of policies: against differences of the oracle's gradients at leaders of the cells."""

import itertools

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.domain import tightened
from smfg_verify.assumptions.enclosure.leader import curvature
from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.enclosure.leader.curvature import enclose_curvature
from smfg_verify.assumptions.enclosure.leader.forms import Form
from smfg_verify.assumptions.enclosure.leader.policies import coordinates_between
from smfg_verify.assumptions.enclosure.response.models import Model, Shape
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game

# States, follower's and leader's actions, rows: one free logit, three in three rows, two in one row.
SHAPES = {"one": (3, 2, 2, 1), "rows": (3, 2, 2, 3), "actions": (2, 3, 3, 1)}


def built(name, seed=3):
    *sizes, rows = SHAPES[name]
    arrays = random_array_game(np.random.default_rng(seed), *sizes, observations=rows, reward_coupling=0.3)
    return arrays, affine_game(checked(TabularGame.from_arrays(**arrays.from_arrays_arguments())))


def cells_of(lower, upper):
    """Ends of the smallest boxes around the same policies."""
    shape = lower.shape
    low, high, feasible = tightened(lower.reshape(-1, shape[2]), upper.reshape(-1, shape[2]))
    assert feasible.all()
    return low.reshape(shape), high.reshape(shape)


def bounds_over(tables, lower, upper):
    size, entries = len(tables.initial), tables.num_fields
    guess = np.full((len(lower), entries), 1.0 / entries), np.zeros((len(lower), size - 1))
    return enclose_curvature(tables, *cells_of(lower, upper), *guess)


def oracle_hessian(arrays, policy):
    """Hessian in logits at a leader, by differences of the oracle's gradients."""
    logits = np.log(policy)
    units = np.eye(logits.size).reshape(-1, *logits.shape)
    columns = [
        oracle.central_difference(lambda t, u=u: oracle.gradient(arrays, logits + t * u).total.ravel(), 1e-3)[0]
        for u in units
    ]
    return np.array(columns)


@pytest.mark.parametrize("name", ["actions", *(pytest.param(n, marks=pytest.mark.slow) for n in ("one", "rows"))])
def test_norm_of_every_leader_of_a_cell_is_bounded(name):
    arrays, tables = built(name)
    rng = np.random.default_rng(1)
    policies = rng.dirichlet(2.0 * np.ones(arrays.kernel.shape[2]), size=(2, tables.rows))
    exact = np.array([np.linalg.norm(oracle_hessian(arrays, policy), 2) for policy in policies])
    at_points = bounds_over(tables, policies, policies)
    np.testing.assert_allclose(at_points.upper, exact, rtol=0.06)
    np.testing.assert_allclose(at_points.lower, exact, rtol=1e-5)
    for width in (1e-3, 1e-2, 0.1):
        lower = policies - width * rng.uniform(0.0, 1.0, policies.shape)
        found = bounds_over(tables, lower, lower + width)
        assert found.verified.all()
        assert np.all(found.lower <= exact * (1 + 1e-6))
        assert np.all(exact <= found.upper * (1 + 1e-6))


def test_norms_are_bounded_where_the_mean_field_is_one_of_pairs():
    sizes = {"num_states": 2, "num_follower_actions": 2, "num_leader_actions": 2}
    game = checked(load("random-game", mean_field_support="state_actions", seed=4, **sizes))
    tables, rng, step = affine_game(game), np.random.default_rng(1), 1e-4
    policies = rng.dirichlet(2.0 * np.ones(2), size=(2, tables.rows))
    moves = step * np.concatenate([np.eye(4), -np.eye(4)]).reshape(8, 2, 2)
    leaders = (np.log(policies)[:, None] + moves).reshape(-1, 2, 2)
    points = evaluate_leaders(game, leaders)
    assert points.converged.all()
    ahead, behind = np.split(points.total.reshape(2, 8, 4), 2, axis=1)
    exact = np.linalg.norm((ahead - behind) / (2.0 * step), 2, axis=(1, 2))
    np.testing.assert_allclose(bounds_over(tables, policies, policies).lower, exact, rtol=1e-5)
    for width in (1e-3, 0.1):
        lower = policies - width * rng.uniform(0.0, 1.0, policies.shape)
        found = bounds_over(tables, lower, lower + width)
        assert found.verified.all()
        assert np.all(found.lower <= exact * (1 + 1e-6))
        assert np.all((exact <= found.upper * (1 + 1e-6)) & (found.upper <= 2.0 * exact))


@pytest.mark.parametrize("name", ["actions", pytest.param("rows", marks=pytest.mark.slow)])
def test_the_hessian_of_every_leader_of_a_cell_is_near_its_own_point_and_what_is_missed_is_of_third_order(
    name, monkeypatch
):
    arrays, tables = built(name)
    rng, told = np.random.default_rng(6), []
    monkeypatch.setattr(curvature, "_norms", lambda form: (told.append(form), np.zeros((2, len(form.mid))))[1])
    middle = rng.dirichlet(4.0 * np.ones(arrays.kernel.shape[2]), size=(2, tables.rows))
    for width in (0.01, 0.02):
        assert bounds_over(tables, middle - width, middle + width).verified.all()
    shift = rng.uniform(-0.02, 0.02, middle.shape)
    policies = middle + 0.5 * (shift - shift.mean(axis=2, keepdims=True))
    found = told[1].at(coordinates_between(*curvature.around(*cells_of(middle - 0.02, middle + 0.02)), policies))
    exact = np.array([oracle_hessian(arrays, policy) for policy in policies]).reshape(found.mid.shape)
    assert np.all(np.abs(exact - found.mid) <= found.rad + 1e-8)
    sizes = [np.median(form.model.radius) for form in told]
    assert sizes[0] < 0.15 * sizes[1]


def test_a_cell_knows_the_equilibrium_of_each_of_its_leaders():
    arrays, tables = built("actions")
    rng, width = np.random.default_rng(9), 0.05
    middle = np.repeat(rng.dirichlet(4.0 * np.ones(3), size=(4, tables.rows)), 3, axis=0)
    found = bounds_over(tables, middle - width, middle + width)
    ends, room = curvature.around(*cells_of(middle - width, middle + width)), []
    policies = middle + width * np.array([[1.0, -1.0, 0.0], [0.0, -1.0, 1.0], [0.3, 0.3, -0.6]] * 4)[:, None]
    known = found.branch.at(coordinates_between(*ends, policies))
    for policy, x, radius in zip(policies, known.mid, known.rad, strict=True):
        point = oracle.equilibrium(arrays, np.log(policy))
        exact = np.concatenate([point.mean_field, point.follower_value[:-1] - point.follower_value[-1:]])
        assert np.all(np.abs(exact - x) <= radius + 1e-11)
        room.append(np.max(radius))
    assert np.max(room) < 1e-3


def test_the_norm_of_a_form_is_bounded_at_every_leader():
    """Curved parts and radii as large as the slopes: none may be left out."""
    rng, shape = np.random.default_rng(8), Shape((2, 2))
    parts = [rng.normal(size=(many, 3, 3, 20)) for many in (1, shape.dimension, len(shape.first), 1)]
    centre, linear, quadratic, radius = (part + part.swapaxes(1, 2) for part in parts)
    for curved, room in ((1.0, 0.0), (0.0, 1.0), (0.1, 0.1), (0.0, 0.0)):
        form = Form(Model(centre[0], linear, curved * quadratic, room * np.abs(radius[0]), shape))
        lower, upper = curvature._norms(form)
        for _ in range(200):
            z = rng.choice([-0.5, 0.0, 0.5], (20, 2))
            signs = np.tril(rng.choice([-1.0, 1.0], (3, 3)))
            matrices = form.at(z)
            noise = 0.999 * (signs + np.tril(signs, -1).T) * matrices.rad
            norms = np.linalg.norm(matrices.mid + noise, 2, axis=(1, 2))
            assert np.all((lower <= norms) & (norms <= upper))
        if not curved and not room:
            corners = [form.at(np.full((20, 2), corner)).mid for corner in itertools.product((-0.5, 0.5), repeat=2)]
            np.testing.assert_allclose(upper, np.max(np.linalg.norm(corners, 2, axis=(2, 3)), axis=0), rtol=0.04)


def test_the_norm_is_known_to_second_order_of_the_cell():
    """At corners of the cell what is affine is exact: the bound is above the largest norm of them by a square."""
    _, tables = built("rows")
    policies = np.random.default_rng(0).dirichlet(2.0 * np.ones(2), size=(1, tables.rows))
    gaps = []
    for width in (2e-2, 1e-2):
        whole = bounds_over(tables, policies - width, policies + width)
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=tables.rows)))[:, :, None] * np.array([1.0, -1.0])
        corners = policies + width * signs
        gaps.append(whole.upper[0] - np.max(bounds_over(tables, corners, corners).lower))
    assert 0.0 < gaps[1] < 0.3 * gaps[0]


def test_deterministic_leaders_have_no_curvature_in_logits():
    _, tables = built("rows")
    pure = np.eye(2)[[[0, 1, 0], [1, 1, 0]]]
    found = bounds_over(tables, pure, pure)
    assert found.verified.all()
    assert np.all(found.upper < 1e-9)


def test_a_guess_that_leads_to_what_is_no_mean_field_is_left():
    """Where fewer than none are infected the residual of epidemic has zeros, too, and some guesses lead there."""
    tables = affine_game(checked(load("epidemic")))
    policy, guesses = np.full((2, 1, 2), 0.5), np.array([[0.9, 0.1], [0.5, 0.5]])
    found = enclose_curvature(tables, policy, policy, guesses, np.zeros((2, 1)))
    assert found.verified.all()
    np.testing.assert_allclose(found.field[0], found.field[1], atol=1e-9)


def test_nothing_is_said_where_no_equilibrium_is_verified():
    _, tables = built("rows")
    whole = np.zeros((1, tables.rows, 2))
    found = bounds_over(tables, whole, whole + 1.0)
    assert not found.verified.any()
    assert found.lower[0] == 0.0
    assert np.isinf(found.upper[0])
