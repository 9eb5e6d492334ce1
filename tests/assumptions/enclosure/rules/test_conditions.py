"""Conditions that may be open: every outcome of every choice of numbers within the ranges is foreseen."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.assumptions.enclosure.affine_forms import Scope, between, variables
from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.rules import conditions
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth
from tests.support.strategies import tables

COMPARISONS = {name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")}
# Few values, so that ranges touch and meet in a point.
ENDS = st.lists(st.integers(-3, 3).map(float), min_size=2, max_size=2).map(sorted)
SHARES = tables((2, 5), 1.0, 0.0)


@jax.jit
def compared(first, second):
    """Two unknown numbers, each known up to its own interval."""
    scope = Scope(Domain(jnp.zeros(1), jnp.ones(1), False))
    operands = [Enclosed(between(scope, (ends[0], ends[1])), None) for ends in (first, second)]
    return {name: _sides(conditions.compare(name, *operands)) for name in COMPARISONS}


@jax.jit
def chosen(first, second):
    """The larger of two numbers, chosen by a comparison; 0 or 1 of it; the integer part of the first."""
    scope = Scope(Domain(jnp.zeros(1), jnp.ones(1), False))
    operands = [Enclosed(between(scope, (ends[0], ends[1])), None) for ends in (first, second)]
    above = conditions.compare("gt", *operands)
    larger, stairs = conditions.choose(above, operands[1], operands[0]), conditions.apply_stairs(jnp.floor, operands[0])
    return larger.value.range, conditions.number_of(above).value.range, stairs.value.range


def _sides(truth):
    return truth.can_hold, truth.can_fail


def members(ends, shares):
    return np.concatenate([ends, ends[0] + shares * (ends[1] - ends[0])])


@given(ENDS, ENDS, SHARES)
def test_every_outcome_of_a_comparison_is_foreseen_and_ranges_that_do_not_meet_decide(first, second, shares):
    found = compared(np.array(first), np.array(second))
    pairs = [(x, y) for x in members(first, shares[0]) for y in members(second, shares[1])]
    for name, function in COMPARISONS.items():
        can_hold, can_fail = (bool(side) for side in found[name])
        outcomes = {bool(function(x, y)) for x, y in pairs}
        assert can_hold or True not in outcomes
        assert can_fail or False not in outcomes
    if first[1] < second[0] - 0.5:
        assert not found["ge"][0]
        assert not found["lt"][1]
        assert not found["eq"][0]


@given(ENDS, ENDS, SHARES)
def test_what_is_chosen_counted_and_rounded_down_lies_in_its_range(first, second, shares):
    larger, number, floor = (np.asarray(ends) for ends in chosen(np.array(first), np.array(second)))
    for x in members(first, shares[0]):
        assert floor[0] <= np.floor(x) <= floor[1]
        for y in members(second, shares[1]):
            assert larger[0] <= max(x, y) <= larger[1]
            assert number[0] <= float(x > y) <= number[1]


OUTCOMES = {"true": {True}, "false": {False}, "open": {True, False}}
LOGIC = {"conjunction": operator.and_, "disjunction": operator.or_}


def truth(outcomes):
    return Truth(jnp.asarray(True in outcomes), jnp.asarray(False in outcomes))


@pytest.mark.parametrize("first", OUTCOMES)
@pytest.mark.parametrize("second", OUTCOMES)
def test_logic_is_that_of_all_possible_outcomes(first, second):
    one, other = OUTCOMES[first], OUTCOMES[second]
    known = {name: function for name, function in LOGIC.items()}
    results = {name: getattr(conditions, name)(truth(one), truth(other)) for name in known}
    results |= {name: conditions.compare(name, truth(one), truth(other)) for name in COMPARISONS}
    for name, result in results.items():
        possible = {(known | COMPARISONS)[name](x, y) for x in one for y in other}
        # Two open sides of one comparison may be one condition or two: no outcome may be missing, and none is made up.
        assert {bool(result.can_hold), not bool(result.can_fail)} - {True, False} == set()
        assert bool(result.can_hold) == (True in possible)
        assert bool(result.can_fail) == (False in possible)
    assert bool(conditions.opposite(truth(one)).can_hold) == (False in one)


def test_one_number_against_itself_knows_what_both_sides_share():
    scope = Scope(Domain(jnp.array([0.0]), jnp.array([1.0]), False))
    value = Enclosed(variables(scope, (1,)), None)
    shifted = Enclosed(variables(scope, (1,)), None)
    found = conditions.compare("lt", value, conditions.add(shifted, jnp.array([0.5])))
    assert bool(found.can_hold[0])
    assert not bool(found.can_fail[0])
