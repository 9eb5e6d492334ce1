"""Leaders' policies over boxes of logits: every leader's is the affine map's value at a point of its cell."""

from types import SimpleNamespace

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.policies import (
    coordinates_between,
    policies_between,
    policies_over,
)
from tests.helpers.numerics import softmax

BOXES, ROWS = 6, 2


def with_actions(number):
    """As much of a game as leaders' policies depend on."""
    game = SimpleNamespace(rows=ROWS, observation=np.arange(ROWS))
    game.full_logits = lambda free: AffineGame.full_logits(game, free)
    return game, ROWS * (number - 1)


@pytest.mark.parametrize("actions", [2, 3, 4])
@pytest.mark.parametrize("width", [0.0, 1e-9, 1e-3, 0.3, 2.0, 12.0])
def test_every_policy_of_a_box_is_a_point_of_the_cell(actions, width):
    rng = np.random.default_rng(7)
    game, free = with_actions(actions)
    middle = rng.uniform(-9.0, 9.0, (BOXES, free))
    found = policies_over(game, middle - width, middle + width)
    model, size = found.model, actions - 1
    assert np.max(model.radius) < 1e-11
    for shift in (*rng.uniform(-1.0, 1.0, (20, BOXES, free)), *rng.choice([-1.0, 1.0], (20, BOXES, free))):
        policy = softmax(game.full_logits(middle + width * shift))
        assert np.all((found.lower <= policy) & (policy <= found.upper))
        for k in range(BOXES):
            for row in range(ROWS):
                own = slice(row * size, row * size + size)
                linear = model.linear[own, row, :, k]
                z = np.linalg.lstsq(linear.T, policy[k, row] - model.centre[row, :, k], rcond=1e-14)[0]
                told = model.centre[row, :, k] + np.clip(z, -0.5, 0.5) @ linear
                assert np.all(np.abs(told - policy[k, row]) <= model.radius[row, :, k] + 1e-14)
                # Only a row's own coordinates move it.
                assert np.all(np.delete(model.linear[:, row, :, k], np.r_[own], axis=0) == 0.0)


@pytest.mark.parametrize("actions", [2, 4])
@pytest.mark.parametrize("width", [0.0, 1e-9, 0.2])
def test_policies_between_ends_are_found_by_their_coordinates(actions, width):
    rng = np.random.default_rng(3)
    policies = rng.dirichlet(np.ones(actions), (BOXES, ROWS))
    lower = policies - width * rng.uniform(0.0, 1.0, policies.shape)
    found = policies_between(lower, lower + width)
    z = coordinates_between(lower, lower + width, policies)
    told = found.at(z)
    assert np.all(np.abs(policies - told.mid) <= told.rad)
    assert np.max(told.rad) < 1e-13
    assert np.all(np.isnan(coordinates_between(lower, lower + width, policies - 1.001 * width - 1e-6)))


def test_of_two_actions_the_cell_is_the_image():
    game, free = with_actions(2)
    middle = np.random.default_rng(0).uniform(-6.0, 6.0, (BOXES, free))
    found = policies_over(game, middle - 3.0, middle + 3.0)
    ends = [softmax(game.full_logits(middle + shift)) for shift in (-3.0, 3.0)]
    np.testing.assert_allclose(found.lower, np.minimum(*ends), atol=1e-12)
    np.testing.assert_allclose(found.upper, np.maximum(*ends), atol=1e-12)


def test_a_cell_of_a_narrow_box_is_little_larger_than_its_image():
    game, free = with_actions(3)
    middle = np.random.default_rng(1).uniform(-2.0, 2.0, (BOXES, free))
    for width, more in ((0.2, 0.35), (0.02, 0.035)):
        found = policies_over(game, middle - width, middle + width)
        slope = np.abs(np.einsum("kob,bc->kobc", softmax(game.full_logits(middle)), np.eye(3)))
        phi = softmax(game.full_logits(middle))
        slope = np.abs(slope - phi[..., :, None] * phi[..., None, :])[..., :2].sum(axis=3) * width
        assert np.all(found.model.reach.transpose(2, 0, 1) <= (1.0 + more) * slope)
