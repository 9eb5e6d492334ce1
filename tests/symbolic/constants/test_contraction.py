"""The bounds of the modulus as expressions, for inputs of all kinds: zeros, infinities, roundings."""

import math

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.assumptions.contraction.proved_bounds import BOUNDS, FORMULAS, BoundInputs
from smfg_verify.symbolic.constants.contraction import by_temperature, contraction_expressions, modulus
from smfg_verify.symbolic.constants.evaluation import Symbols, rational

SIZE = st.one_of(st.just(0.0), st.floats(1e-3, 10.0))
SHARE = st.one_of(st.just(0.0), st.floats(0.01, 0.99), st.just(1.0))
INPUTS = st.builds(
    BoundInputs,
    transition_lipschitz=SIZE,
    follower_lipschitz=SIZE,
    reward_span=SIZE,
    one_step=SHARE,
    action_spread=SHARE,
    mixing_factor=st.one_of(st.floats(1.0, 50.0), st.just(math.inf)),
    single_class=st.sampled_from([0.0, 1.0]),
    num_actions=st.integers(1, 5),
    discount=st.floats(0.05, 0.95),
    on_pairs=st.booleans(),
    transition_rounding=st.sampled_from([0.0, 0.0, 1e-3]),
    follower_rounding=st.just(0.0),
)
TEMPERATURE = st.floats(0.05, 20.0)
MADE = BoundInputs(0.2, 0.3, 1.5, 0.8, 0.6, 2.5, 1.0, 3, 0.9, False)


@settings(max_examples=30)
@given(INPUTS, TEMPERATURE)
def test_the_expression_with_its_numbers_is_the_bound(inputs, temperature):
    for constant in contraction_expressions(inputs, temperature):
        name = constant.name.rsplit("/", 1)[1]
        if "certified-bound" not in constant.name:
            continue
        bound = BOUNDS[name](inputs, temperature)
        assert constant.reported == bound
        if math.isfinite(bound):
            assert constant.value == pytest.approx(bound, rel=1e-12, abs=0.0)
        else:
            assert {remark.case for remark in constant.remarks} & {"infinite", "rough"} or math.isinf(constant.value)


@settings(max_examples=20)
@given(INPUTS, TEMPERATURE)
def test_at_the_temperature_admitted_the_bound_is_one(inputs, temperature):
    found = next(c for c in contraction_expressions(inputs, temperature) if "smallest" in c.name)
    cases = {remark.case for remark in found.remarks}
    assert "differs" not in cases
    if "bisected" in cases:
        name = found.name.rsplit("/", 1)[1]
        assert FORMULAS[name](inputs, found.value) == pytest.approx(1.0, rel=1e-9)
    if "no-temperature" in cases:
        assert math.isinf(found.reported)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(
    ("field", "symbol"), [("follower_lipschitz", "L_f"), ("reward_span", "R_f"), ("mixing_factor", "M")]
)
def test_a_constant_twice_as_large_adds_the_terms_it_stands_in(name, field, symbol):
    """The bounds are linear in each of these, so that the share of the terms tells what halving it would save."""
    bound = BOUNDS[name](MADE, 0.5)
    found = {c.name.rsplit("/", 1)[1]: c for c in contraction_expressions(MADE, 0.5) if "certified" in c.name}[name]
    held = sympy.Symbol(symbol, positive=True)
    share = sum(term.share for term in found.terms if term.expression.has(held))
    doubled = BOUNDS[name](MADE._replace(**{field: 2.0 * getattr(MADE, field)}), 0.5)
    assert doubled - bound == pytest.approx(share * bound, rel=1e-9)


def test_the_smaller_bound_is_the_constant_of_the_findings():
    found = {c.name: c for c in contraction_expressions(MADE, 0.5)}
    told = [c for c in found.values() if "contraction/certified-bound" in c.statements]
    assert [c.reported for c in told] == [min(bound(MADE, 0.5) for bound in BOUNDS.values())]


def test_a_bound_that_roundings_forbid_is_not_the_expression():
    rough = MADE._replace(transition_rounding=1e-3, follower_rounding=1e-3)
    found = next(contraction_expressions(rough, 0.5))
    assert math.isinf(found.reported)
    assert [remark.case for remark in found.remarks] == ["rough"]
    assert not found.terms


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_affine_in_the_inverse_temperature(name):
    symbols = Symbols()
    form = rational(modulus(MADE, 0.5, name, symbols))
    rest, falling = by_temperature(form, {entry.symbol: entry.value for entry in symbols.values})
    tau = sympy.Symbol("tau", positive=True)
    assert not rest.has(tau)
    assert not falling.has(tau)
    assert sympy.simplify(form.subs(tau, falling / (1 - rest)) - 1) == 0


def test_other_forms_are_refused():
    tau = sympy.Symbol("tau", positive=True)
    with pytest.raises(RuntimeError, match="not of the form"):
        by_temperature(tau**2, {tau: 0.5})
