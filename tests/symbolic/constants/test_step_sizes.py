"""Conditions on step sizes as expressions."""

import math

import pytest
import sympy

from smfg_verify.symbolic.constants.step_sizes import order_expression, tracking_expression

STEPS = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 1.25}


def test_the_order_is_the_largest_ratio():
    found = order_expression(STEPS, 0.8)
    assert str(found.expression) == "c_alpha/c_beta"
    assert found.value == pytest.approx(0.8)
    assert not found.remarks


@pytest.mark.parametrize(("change", "value"), [({"mean_field": 0.0}, math.inf), (dict.fromkeys(STEPS, 0.0), 0.0)])
def test_learners_that_rest(change, value):
    found = order_expression({**STEPS, **change}, value)
    assert found.value == value
    assert not found.remarks


@pytest.mark.parametrize(("ratio", "number"), [(0.0, 0.6), (0.5, 0.75)])
def test_a_leader_at_rest_feeds_nothing_back(ratio, number):
    found = tracking_expression(0.6, 0.3, ratio, number)
    assert found.value == pytest.approx(number, rel=1e-15)
    assert found.expression.has(sympy.Symbol("h", positive=True)) is (ratio > 0.0)
    assert not found.remarks


def test_a_number_that_is_not_the_expressions_is_told():
    assert [remark.case for remark in tracking_expression(0.6, 0.3, 0.5, 0.8).remarks] == ["differs"]
