"""Cells that cover all leaders: nothing is left out, closed forms, and branches of equilibria that are not mixed."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.leader.affine import affine_game
from smfg_verify.assumptions.enclosure.leader.forms import Form
from smfg_verify.assumptions.enclosure.leader.policies import policies_between
from smfg_verify.assumptions.enclosure.response.models import Model, Shape
from smfg_verify.assumptions.smoothness import curvature_cells
from smfg_verify.assumptions.smoothness.curvature_cells import CLOSE, Cells, cover_policies
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from smfg_verify.games import load

SHAPE = (2, 2, 2)
# Largest p (1 - p) |1 - 2p|, at p = 1/2 - sqrt(3)/6.
STEEPEST = np.sqrt(3.0) / 18.0


def crowd_game(rewards=(0.0, 1.0), attraction=0.0, discount=0.5, push=0.0):
    """Followers attracted by the crowd, and pushed either way by a leader who earns by its own action alone."""
    kernel = np.zeros((*SHAPE, 2))
    kernel[:, 0, :, :], kernel[:, 1, :, :] = [0.95, 0.05], [0.05, 0.95]
    slope = np.zeros((2, *SHAPE))
    for action in range(2):
        slope[action, :, action, :] = attraction
    follower = np.zeros(SHAPE)
    follower[:, 1] = -push, push
    arrays = dict(kernel=kernel, follower_rewards=follower, follower_rewards_mean_field=slope)
    arrays |= dict(leader_rewards=np.broadcast_to(np.array(rewards), SHAPE), discount=discount, temperature=0.3)
    return checked(TabularGame.from_arrays(**arrays, leader_observation=[0, 0]))


def tables_of(*arguments, **options):
    return affine_game(crowd_game(*arguments, **options))


def inside_any(cells, policies):
    """Whether each policy (N, O, B) lies in a cell, up to what its probabilities are rounded by."""
    above = cells.lower[None] <= policies[:, None] + 1e-15
    below = policies[:, None] <= cells.upper[None] + 1e-15
    return np.all(above & below, axis=(2, 3)).any(axis=1).all()


@pytest.fixture(scope="module")
def toll():
    return cover_policies(affine_game(checked(load("two-road-toll"))), num_boxes=400)


@pytest.mark.parametrize(("gain", "discount"), [(1.0, 0.5), (-30.0, 0.9), (1e-6, 0.0)])
def test_the_bound_of_a_leader_who_is_alone_is_known_in_closed_form(gain, discount):
    r"""$\Phi = \sum_b \phi_b r_b / (1 - \gamma)$, whose Hessian has the norm 2 |r_1 - r_0| p (1-p) |1-2p| over that."""
    cover = cover_policies(tables_of((0.0, gain), discount=discount), num_boxes=400)
    exact = 2.0 * abs(gain) * STEEPEST / (1.0 - discount)
    assert cover.one_branch
    assert cover.attained <= exact * (1 + 1e-12)
    assert exact <= cover.upper <= CLOSE * CLOSE * exact
    assert cover.number < 400


def test_every_policy_lies_in_a_cell(toll):
    policies = np.random.default_rng(0).dirichlet([0.3, 0.3], 1000)[:, None]
    policies = np.concatenate([policies, np.eye(2)[:, None]])
    inside = np.all(
        (toll.cells.lower[None] <= policies[:, None]) & (policies[:, None] <= toll.cells.upper[None]), (2, 3)
    )
    assert inside.any(axis=1).all()


def test_more_cells_bound_no_worse(toll):
    fewer = cover_policies(affine_game(checked(load("two-road-toll"))), num_boxes=10)
    assert toll.upper < fewer.upper
    assert np.all(toll.curve[1:] <= toll.curve[:-1])
    assert toll.attained <= toll.upper


def test_rewards_in_other_units_scale_the_bound():
    one, other = (cover_policies(tables_of((0.0, gain)), num_boxes=100) for gain in (1.0, 1024.0))
    np.testing.assert_allclose(other.upper, 1024.0 * one.upper, rtol=1e-9)


def test_cells_on_different_branches_of_equilibria_are_no_cover_of_one_branch():
    """A crowd with two stable equilibria at every leader: neighbours that hold different ones are found out."""
    tables = tables_of(attraction=3.0)
    lower, upper = np.array([[[0.0, 0.5]], [[0.5, 0.0]]]), np.array([[[0.5, 1.0]], [[1.0, 0.5]]])

    def one_branch(fields):
        cells = curvature_cells._bounded(tables, lower, upper, np.array(fields), np.zeros((2, 1)))
        assert cells.verified.all()
        return curvature_cells._is_one_branch(tables, cells)

    assert one_branch([[0.9, 0.1], [0.9, 0.1]])
    assert one_branch([[0.1, 0.9], [0.1, 0.9]])
    assert not one_branch([[0.9, 0.1], [0.1, 0.9]])


def test_an_equilibrium_that_moves_fast_in_a_narrow_cell_is_known_with_what_policies_are_rounded_by():
    """A hundred thousand times how far the leader is from the middle, and its square in widths: exact in fractions."""
    rng, number, speed = np.random.default_rng(0), 200, Fraction(10**5)
    begin, width = rng.uniform(0.1, 0.9, number), 10.0 ** rng.uniform(-9.0, -7.0, number)
    lower, upper = (np.stack([p, 1.0 - p], axis=1)[:, None] for p in (begin, begin + width))
    low, high = (end[:, 0, 0] for end in curvature_cells.around(lower, upper))
    linear = (float(speed) * (high - low))[None, None]
    zero = np.zeros((1, number))
    branch = Form(Model(zero, linear, linear, zero, Shape((2,))))
    nothing = np.zeros((number, 1))
    cells = Cells(lower, upper, nothing[:, 0], nothing[:, 0], nothing, nothing, nothing[:, 0] > 0.0, branch)
    policies = lower + rng.uniform(size=(number, 1, 1)) * (upper - lower)
    known = cells.equilibria(policies)
    for k, (a, b, p) in enumerate(zip(low, high, policies[:, 0, 0], strict=True)):
        side = Fraction(b) - Fraction(a)
        at = (Fraction(p) - (Fraction(a) + Fraction(b)) / 2) / side
        exact = Fraction(linear[0, 0, k]) * (at + at**2)
        assert abs(exact - Fraction(known.mid[k, 0])) <= Fraction(known.rad[k, 0])
    assert np.max(known.rad) < 1e-8


def test_pairs_that_share_a_face_are_all_found():
    """A grid of 3 x 3 cells of two rows: twelve faces, and no pair that shares a corner alone."""
    ends = np.linspace(0.0, 1.0, 4)
    corners = np.array([[low, other] for low in range(3) for other in range(3)])
    lower, upper = ends[corners], ends[corners + 1]
    boxes = np.stack([lower, 1.0 - upper], axis=2), np.stack([upper, 1.0 - lower], axis=2)
    nothing = np.zeros((9, 1))
    cells = Cells(*boxes, nothing[:, 0], nothing[:, 0], nothing, nothing, nothing[:, 0] > 0.0, policies_between(*boxes))
    first, second = curvature_cells._touching(cells, np.arange(9))
    assert len(first) == 12
    assert np.all(np.sum(np.abs(corners[first] - corners[second]), axis=1) == 1)


def test_a_halved_simplex_of_three_actions_is_covered():
    tables = affine_game(checked(load("two-road-toll", tolls=((0.0, 0.0), (0.5, 0.0), (0.1, 0.3)))))
    cover = cover_policies(tables, num_boxes=60)
    policies = np.random.default_rng(0).dirichlet([0.5, 0.5, 0.5], 500)[:, None]
    assert inside_any(cover.cells, policies)


def test_a_time_limit_is_told():
    tables = tables_of()
    assert cover_policies(tables, num_boxes=100, time_limit=1e-9).cut
    assert not cover_policies(tables, num_boxes=100, time_limit=1e9).cut
