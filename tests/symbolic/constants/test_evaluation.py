"""Numbers put into expressions, and sums taken apart."""

import math
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.symbolic.constants.evaluation import Symbols, number_of, rational, summands, terms_of

X, Y, G = sympy.symbols("x y g", positive=True)


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(0.01, 0.99))
def test_a_number_is_the_exact_one_rounded(x, y, g):
    exact = Fraction(x) * (Fraction(y) + 3) / (1 - Fraction(g))
    assert number_of(X * (Y + 3) / (1 - G), {X: x, Y: y, G: g}) == float(exact)


@given(st.floats(0.1, 10.0), st.floats(0.1, 10.0), st.floats(0.01, 0.99))
def test_summands_are_positive_and_factors_that_differ_stay_whole(x, y, g):
    values = {X: x, Y: y, G: g}
    form = (1 - G) * X * (Y + X * (Y + 2)) / (1 - G * Y / 20)
    parts = summands(form, values)
    assert sympy.simplify(sympy.Add(*parts) - form) == 0
    assert len(parts) == 3
    assert all(part.has(1 - G) for part in parts)
    assert math.fsum(term.share for term in terms_of(form, values)) == pytest.approx(1.0)


def test_a_product_of_numbers_beyond_floats_is_put_together_exactly():
    assert number_of(sympy.exp(X) / sympy.exp(Y), {X: 1000.0, Y: 999.0}) == pytest.approx(math.e)
    assert number_of(1 / (1 + sympy.exp(X)), {X: 1e4}) == 0.0


def test_infinities():
    assert math.isnan(number_of(X * Y, {X: math.inf, Y: 1.0}))
    assert math.isinf(number_of(X / (1 - G), {X: 1.0, G: 1.0}))
    assert terms_of(X + Y, {X: math.inf, Y: 1.0}) == ()


def test_a_zero_stands_for_itself():
    symbols = Symbols()
    assert symbols("z", 0.0, "box") == 0.0
    assert symbols("x", 2.0, "box") == X
    assert [entry.value for entry in symbols.values] == [0.0, 2.0]


def test_floats_become_the_rationals_they_are():
    assert rational(0.5 * X) == X / 2
    assert rational(0.0) == 0
    assert rational(0.1 * X) == sympy.Rational(0.1) * X
