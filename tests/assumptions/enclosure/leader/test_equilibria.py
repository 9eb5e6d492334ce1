"""Equilibria as forms of the leader: each leader's is within the radius of its own polynomial."""

import numpy as np

from smfg_verify.assumptions.enclosure.balls import Ball
from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.enclosure.leader.boxes import equilibria_near
from smfg_verify.assumptions.enclosure.leader.equilibria import equilibria_of, equilibria_over
from smfg_verify.assumptions.enclosure.leader.policies import policies_between, policies_over
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.game import TabularGame
from smfg_verify.games import load
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


def coordination():
    """Two places, moves wherever others are; the leader's first action pays for the first place."""
    shape = (2, 2, 2)
    kernel, attraction, paid = np.zeros((*shape, 2)), np.zeros((2, *shape)), np.zeros(shape)
    kernel[:, 0], kernel[:, 1] = [0.95, 0.05], [0.05, 0.95]
    attraction[0, :, 0], attraction[1, :, 1], paid[:, 0, 0] = 3.0, 3.0, 2.0
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=paid,
        leader_rewards=np.zeros(shape),
        follower_rewards_mean_field=attraction,
        discount=0.5,
        temperature=1.0,
        leader_observation=[0, 0],
    )


def test_whatever_the_guess_where_an_equilibrium_is_proved_there_is_one():
    """m_0 is in equilibrium where m_0 = 0.05 + 0.9 sigma(6 m_0 - 3 + 2 phi_0): the two differ in sign at both ends."""
    tables, guess = affine_game(checked(coordination())), np.linspace(0.001, 0.999, 300)
    for omega, width in ((-3.0, 0.0), (-3.0, 0.05), (-0.5, 0.05)):
        middle = np.full((300, 1), omega)
        with np.errstate(all="ignore"):
            found = equilibria_over(
                tables, middle - width, middle + width, np.column_stack([guess, 1.0 - guess]), np.zeros((300, 1))
            )
        for leader in (omega - width, omega, omega + width):
            paid = 2.0 / (1.0 + np.exp(-leader))
            low, high = (
                m - 0.05 - 0.9 / (1.0 + np.exp(3.0 - 6.0 * m - paid))
                for m in (end[found.verified, 0] for end in (found.field.lower - 1e-9, found.field.upper + 1e-9))
            )
            assert np.all(low * high <= 0.0)
        assert 30 < found.verified.sum() < 200


def test_a_zero_of_the_residual_that_is_no_mean_field_is_not_verified():
    """Where fewer than none are infected epidemic has zeros, too: Newton's method from the first guess ends there."""
    tables = affine_game(checked(load("epidemic")))
    middle = np.full((2, 1, 2), 0.5)
    phi = policies_between(middle - 1e-6, middle + 1e-6)[:, tables.observation]
    field, value = equilibria_near(tables, Ball.exact(phi.mid), np.array([[0.9, 0.1], [0.5, 0.5]]), np.zeros((2, 1)))
    assert np.min(field[0]) < -0.01
    assert np.min(field[1]) > 0.01
    np.testing.assert_array_equal(equilibria_of(tables, phi, field, value).verified, [False, True])
