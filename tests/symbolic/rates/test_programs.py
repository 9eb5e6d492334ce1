"""Linear programs in exact arithmetic, against a solver in floats and by their own multipliers."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.optimize
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.symbolic.rates.programs import essential, independent, largest_minimum, possible

X, Y = sympy.symbols("x y")
SMALL = st.integers(-4, 4)
FORMS = st.lists(st.tuples(SMALL, SMALL, SMALL), min_size=1, max_size=5)


def affine(entries):
    return [p * X + q * Y + r for p, q, r in entries]


@settings(max_examples=60)
@given(FORMS, FORMS)
def test_value_and_multipliers_meet(forms, constraints):
    bounded = [*affine(forms), sympy.Integer(5)]
    kept = [form for form in affine(constraints) if form.free_symbols]
    if not possible(kept, (X, Y)):
        table = -np.array([[float(f.coeff(X)), float(f.coeff(Y))] for f in kept])
        right = np.array([float(f.subs({X: 0, Y: 0})) for f in kept])
        assert scipy.optimize.linprog([0.0, 0.0], A_ub=table, b_ub=right).status == 2
        return
    found = largest_minimum(bounded, kept, (X, Y))
    at = [form.subs(found.point) for form in bounded]
    assert min(at) == found.value
    assert all(form.subs(found.point) >= 0 for form in (*kept, X, Y))
    total = sympy.expand(sum(y * form for y, form in zip(found.multipliers, (*bounded, *kept), strict=True)))
    assert min(found.multipliers) >= 0
    assert sum(found.multipliers[: len(bounded)]) == 1
    assert total.coeff(X) <= 0
    assert total.coeff(Y) <= 0
    assert total.as_coeff_Add()[0] == found.value


@settings(max_examples=30)
@given(FORMS, st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=8))
def test_what_is_left_out_is_never_the_smallest(forms, points):
    kept = essential(affine(forms), (), (X, Y))
    assert set(kept) <= set(affine(forms))
    for x, y in points:
        at = {X: Fraction(x, 4), Y: Fraction(y, 4)}
        assert min(f.subs(at) for f in kept) == min(f.subs(at) for f in affine(forms))


def test_a_constraint_that_follows_is_left_out():
    z = sympy.Symbol("z")
    assert set(independent([X - Y, Y - z, X - z], (X, Y, z))) == {X - Y, Y - z}
    assert independent([X + Y], (X, Y)) == ()


def test_essential_forms_use_the_constraints():
    assert set(essential([X, Y, 1 - X], [X - Y], (X, Y))) == {Y, 1 - X}


@pytest.mark.parametrize(("constraints", "can"), [([X - 1, 2 - X], True), ([X - 2, 1 - X], False), ([-1 - X], False)])
def test_constraints_that_exclude_each_other(constraints, can):
    assert possible(constraints, (X, Y)) is can
