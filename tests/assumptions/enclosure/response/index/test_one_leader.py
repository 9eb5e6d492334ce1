"""A fixed point of index -1 proved by a cell around it: the middle one of three, and no other."""

import numpy as np
import pytest

from smfg_verify.assumptions.enclosure.response.cells import centre_of
from smfg_verify.assumptions.enclosure.response.index.one_leader import leader_corners, negative_at
from smfg_verify.assumptions.enclosure.response.tables.affine import vertex_tables
from tests.assumptions.crowds import crowd
from tests.assumptions.uniqueness.test_findings import roots


def proved(tables, mass):
    return negative_at(tables, leader_corners(tables, np.full((2, 2), 0.5)), np.array([mass, 1.0 - mass]))


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_middle_one_of_three_lies_in_the_cell_and_the_others_have_none(bias):
    tables = vertex_tables(crowd(1.0, 0.2, inertia=0.1, bias=bias))
    expected = roots(1.0, 0.2, inertia=0.1, bias=bias)
    found = [proved(tables, mass) for mass in expected]
    assert [cell is not None for cell in found] == [False, True, False]
    assert found[1][:2, 0].min() <= expected[1] <= found[1][:2, 0].max()
    policy, field = centre_of(tables, found[1])
    np.testing.assert_array_equal(policy.sum(axis=1), 1.0)
    assert field.sum() == 1.0


@pytest.mark.parametrize("slope", [0.999, 1.0])
def test_none_before_the_fold_and_at_it(slope):
    assert proved(vertex_tables(crowd(0.6 * slope, 0.3)), 0.5) is None


def test_newton_goes_to_it_from_nearby_and_a_corner_proves_nothing():
    tables = vertex_tables(crowd(1.0, 0.2, inertia=0.1))
    cell = proved(tables, 0.55)
    assert cell[:2, 0].min() <= 0.5 <= cell[:2, 0].max()
    assert proved(tables, 1.0) is None


def test_a_policy_that_takes_an_action_left_out_has_no_corners():
    tables = vertex_tables(crowd(1.0, 0.2))
    object.__setattr__(tables, "row_actions", ((0, 1), (0,)))
    assert len(leader_corners(tables, np.full((2, 2), 0.5))) == 1
    object.__setattr__(tables, "num_leader_actions", 3)
    assert leader_corners(tables, np.full((2, 3), 1.0 / 3.0)) is None
