"""Ranges of affine forms against exact fractions: never inside the truth, and wider by roundings alone."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.assumptions.enclosure.affine_forms import (
    Form,
    Scope,
    between,
    middle_of,
    unless_unbounded,
    variables,
    with_noise,
)
from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.rules.functions import UNBOUNDED
from tests.support.strategies import tables

NUMBER = st.floats(-1e6, 1e6, allow_subnormal=False)
BOXES = tables((2, 3), 1e3).map(lambda ends: np.sort(ends, axis=0))
SIZES = tables((2,), 1e3, 0.0)


@jax.jit
def ranges(lower, upper, centre, columns, remainder, error):
    form = Form(Scope(Domain(lower, upper, False), symbols=2), centre, columns, remainder, error)
    return form.range, form.middle


def exactly(lower, upper, centre, columns, remainder, error):
    """Ends of c + A x + E noise + [-r, r] + [-e, e] in fractions."""
    box = list(zip(map(Fraction, lower), map(Fraction, upper), strict=True)) + [(Fraction(-1), Fraction(1))] * 2
    spread = Fraction(float(remainder)) + Fraction(float(error))
    low = high = Fraction(float(centre))
    for column, ends in zip(columns, box, strict=True):
        products = [Fraction(float(column)) * end for end in ends]
        low, high = low + min(products), high + max(products)
    return low - spread, high + spread


@given(BOXES, NUMBER, tables((5,), 1e4), SIZES)
def test_the_range_of_a_form_holds_the_exact_one_and_little_more(box, centre, columns, sizes):
    exact = exactly(*box, centre, columns, *sizes)
    (low, high), (middle, radius) = ranges(*box, centre, columns, *sizes)
    assert Fraction(float(low)) <= exact[0] <= exact[1] <= Fraction(float(high))
    assert Fraction(float(middle)) - Fraction(float(radius)) <= exact[0]
    assert Fraction(float(middle)) + Fraction(float(radius)) >= exact[1]
    size = abs(centre) + np.abs(columns) @ np.append(np.max(np.abs(box), axis=0), [1.0, 1.0]) + sizes.sum()
    assert float(high - low) <= float(exact[1] - exact[0]) + 1e-12 * size


# Denormal numbers are zero to the machine; of the smallest others a half and a rounding are denormal.
SPREAD = st.sampled_from([0.0, 1.0, -1.0, 1e-270, -1e-270, 2.3e-308, -2.3e-308, 1e300, -1e300]) | st.floats(
    -1e9, 1e9, allow_subnormal=False
)


@given(st.lists(SPREAD, min_size=2, max_size=2).map(sorted).map(np.array))
def test_the_middle_and_its_radius_hold_the_interval(ends):
    middle, radius = (Fraction(float(part)) for part in middle_of(tuple(jnp.asarray(ends))))
    assert middle - radius <= Fraction(float(ends[0]))
    assert Fraction(float(ends[1])) <= middle + radius


@pytest.mark.parametrize("scale", [1e-290, 1e-300, 3e-308])
def test_the_range_of_numbers_that_are_nearly_too_small_holds_them(scale):
    exact = exactly(np.full(3, 0.1), np.full(3, 0.7), scale, np.full((5,), scale), scale, scale)
    (low, high), _ = ranges(np.full(3, 0.1), np.full(3, 0.7), scale, np.full((5,), scale), scale, scale)
    assert Fraction(float(low)) <= exact[0] <= exact[1] <= Fraction(float(high))


def test_what_is_zero_has_the_range_zero():
    scope = Scope(Domain(np.zeros(2), np.ones(2), False))
    nothing = jnp.zeros(1)
    for form in (Form(scope, nothing, jnp.zeros((2, 1)), error=nothing), between(scope, (nothing, nothing))):
        assert np.all(np.asarray(form.range) == 0.0)
        assert np.all(np.asarray(form.middle) == 0.0)


@given(BOXES, SIZES)
def test_noise_widens_by_its_size_and_ends_what_is_affine(box, sizes):
    scope = Scope(Domain(*box, False))
    known = variables(scope, (3,))
    assert known.is_affine
    np.testing.assert_array_equal(known.range, box)
    noisy = with_noise(Form(scope, known.centre, known.columns), jnp.full(3, sizes[0]))
    assert not noisy.is_affine
    slack = 1e-12 * (1.0 + np.max(np.abs(box)) + sizes[0])
    np.testing.assert_allclose(noisy.range, [box[0] - sizes[0], box[1] + sizes[0]], rtol=0.0, atol=slack)
    assert np.all(noisy.range[0] <= box[0] - sizes[0])
    assert np.all(noisy.range[1] >= box[1] + sizes[0])


def test_symbols_run_out_and_the_remainder_takes_over():
    scope = Scope(Domain(np.zeros(3), np.ones(3), False))
    forms = [with_noise(variables(scope, (3,)), jnp.ones(3)) for _ in range(7)]
    kept = [form.remainder is None for form in forms]
    assert kept == sorted(kept, reverse=True)
    assert 0 < sum(kept) < 7
    for form in forms:
        np.testing.assert_allclose([form.middle[0], form.middle[1]], [np.full(3, 0.5), np.full(3, 1.5)], atol=1.0)


@pytest.mark.parametrize("end", [np.inf, UNBOUNDED])
def test_a_computation_that_met_anything_unbounded_knows_nothing_but_what_is_affine(end):
    scope = Scope(Domain(np.zeros(2), np.ones(2), False))
    bounded = between(scope, (jnp.zeros(2), jnp.ones(2)))
    assert float(unless_unbounded(bounded).range[1].max()) < 2.0
    scope.noted((jnp.array([0.0]), jnp.array([end])))
    assert np.all(unless_unbounded(bounded).range[1] >= UNBOUNDED)
    assert unless_unbounded(variables(scope, (2,))).range[1].max() == 1.0
