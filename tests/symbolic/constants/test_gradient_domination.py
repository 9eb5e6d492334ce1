"""The constants of gradient domination as expressions, against floats and in closed form."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.assumptions.gradient_domination.certified_constants import (
    DominationInputs,
    mei_formula,
    optimal_probability,
)
from smfg_verify.symbolic.constants.gradient_domination import domination_expressions

SIZE = st.one_of(st.just(0.0), st.floats(0.01, 5.0))
INPUTS = st.builds(
    DominationInputs,
    reward_span=SIZE,
    action_reward_span=SIZE,
    one_step=st.floats(0.0, 1.0),
    action_spread=st.one_of(st.just(0.0), st.floats(0.01, 1.0)),
    coverage=st.floats(0.01, 0.5),
    num_states=st.integers(2, 5),
    num_actions=st.integers(2, 5),
    discount=st.floats(0.05, 0.95),
    temperature=st.floats(0.1, 5.0),
)


@settings(max_examples=60)
@given(INPUTS)
def test_the_expression_with_its_numbers_is_the_constant(inputs):
    reported = mei_formula(inputs, optimal_probability(inputs))
    found = next(domination_expressions(inputs, {"mei-constant": reported}))
    # The exponent may be a thousand: its rounding is the constant's, a thousand times larger.
    assert found.value == pytest.approx(reported, rel=1e-11, abs=1e-300)
    assert "differs" not in {remark.case for remark in found.remarks}


def test_without_rewards_and_entropy_of_the_future_the_optimum_is_uniform():
    """Nothing to gain: every action has probability 1 / A, and C = 2 tau min rho / (n A^2)."""
    inputs = DominationInputs(0.0, 0.0, 0.5, 0.0, 0.25, 4, 3, 0.9, 0.7)
    found = next(domination_expressions(inputs, {"mei-constant": 2 * 0.7 / 4 * 0.25 / 9}))
    tau, rho, n, number = sympy.symbols("tau rho_min n A", positive=True)
    assert sympy.simplify(found.expression - 2 * tau * rho / (n * number**2)) == 0
    assert not found.remarks[1:]


def test_a_constant_too_small_for_a_float_is_zero_in_both():
    inputs = DominationInputs(500.0, 50.0, 1.0, 1.0, 0.25, 4, 3, 0.99, 0.01)
    reported = mei_formula(inputs, optimal_probability(inputs))
    found = next(domination_expressions(inputs, {"mei-constant": reported}))
    assert found.value == reported == 0.0


def test_the_exponent_tells_what_makes_the_constant_small():
    inputs = DominationInputs(1.0, 0.3, 0.9, 0.9, 0.5, 2, 2, 0.9, 0.05)
    found = next(domination_expressions(inputs, {"mei-constant": mei_formula(inputs, optimal_probability(inputs))}))
    exponent = math.fsum(term.value for term in found.terms)
    # p^2 = e^(-2 exponent) (A - 1)^-2 but for a part e^(-exponent) of it.
    np.testing.assert_allclose(np.log(found.reported), np.log(2 * 0.05 / 2 * 0.5) - 2 * exponent, rtol=1e-9)
    assert found.dominating.share > 0.9


def test_only_what_is_reported_is_told():
    inputs = DominationInputs(math.nan, math.nan, math.nan, math.nan, 0.25, 4, 3, 0.9, 0.7)
    assert list(domination_expressions(inputs, {})) == []
    assert [c.name for c in domination_expressions(inputs, {"in-box": 1.0})] == ["gradient-domination/constant-in-box"]
