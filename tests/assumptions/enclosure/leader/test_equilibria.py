"""Equilibria as forms of the leader: each leader's is within the radius of its own polynomial."""

import numpy as np

from smfg_verify.assumptions.enclosure.leader.equilibria import equilibria_over
from smfg_verify.assumptions.enclosure.leader.policies import policies_over
from smfg_verify.assumptions.enclosure.leader.world import affine_game
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from tests.assumptions.enclosure.leader.test_boxes import random_game


def found_over(tables, points, middle, width):
    value = points.follower_value[:, :-1] - points.follower_value[:, -1:]
    return equilibria_over(tables, middle - width, middle + width, points.mean_field, value)


def test_each_leaders_equilibrium_is_near_its_own_point_and_what_is_missed_is_of_third_order():
    game = random_game(1, observations=3, tau_l=0.4)
    tables, rng = affine_game(game), np.random.default_rng(2)
    middle = rng.uniform(-2.0, 2.0, (32, tables.num_free))
    points, radii = evaluate_leaders(game, tables.full_logits(middle)), []
    for width in (0.3, 0.03, 0.003):
        found = found_over(tables, points, middle, width)
        assert found.verified.all()
        radii.append(np.median(found.field.model.radius))
        for shift in (rng.uniform(-1.0, 1.0, middle.shape), rng.choice([-1.0, 1.0], middle.shape)):
            leader = evaluate_leaders(game, tables.full_logits(middle + width * shift))
            z = coordinates(policies_over(tables, middle - width, middle + width), tables, middle + width * shift)
            for form, value in (
                (found.field, leader.mean_field),
                (found.value, leader.follower_value[:, :-1] - leader.follower_value[:, -1:]),
            ):
                model = form.model
                at = model.centre + np.einsum("zk,zsk->sk", z, model.linear)
                at += np.einsum("pk,psk->sk", z[model.shape.first] * z[model.shape.second], model.quadratic)
                assert np.all(np.abs(value.T - at) <= model.radius + 1e-11)
    assert radii[1] < 3e-3 * radii[0]


def coordinates(phi, tables, logits):
    """Where leaders of two actions lie in the cells, (k, K): a row moves along one coordinate."""
    rows = np.exp(tables.full_logits(logits))
    policy = (rows / rows.sum(axis=2, keepdims=True))[:, tables.observation, 0].T
    model, at = phi.model, np.arange(phi.model.shape.dimension)
    state = np.array([np.flatnonzero(tables.observation == row)[0] for row in at])
    return (policy[state] - model.centre[state, 0]) / model.linear[at, state, 0]


def test_a_box_too_wide_is_not_verified_and_a_guess_that_is_no_equilibrium_proves_nothing():
    game = random_game(1, observations=3, tau_l=0.4)
    tables = affine_game(game)
    points = evaluate_leaders(game, tables.full_logits(np.zeros((32, tables.num_free))))
    with np.errstate(all="ignore"):
        wide = found_over(tables, points, np.zeros((32, tables.num_free)), 30.0)
        off = equilibria_over(
            tables, *np.zeros((2, 32, tables.num_free)), np.full((32, 3), 1 / 3), np.full((32, 2), 5.0)
        )
    assert not wide.verified.any()
    assert not off.verified.any() or np.all(np.abs(points.mean_field - off.field.mid) <= off.field.rad)
