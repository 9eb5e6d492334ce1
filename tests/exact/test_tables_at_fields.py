"""Tables at many mean fields are those of the arrays, slopes are their coefficients, fields are distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.exact.tables_at_fields import FUNCTIONS, field_size, random_fields, slopes_at, tables_at
from tests.exact.cases import pair

GAME, ARRAYS, _ = pair(1)
SLOPES = dict(zip(FUNCTIONS, ("kernel", "follower_rewards", "leader_rewards"), strict=True))


@settings(max_examples=10)
@given(st.integers(1, 100), st.integers(0, 10**6))
def test_tables_and_slopes_of_an_affine_game_are_its_arrays(number, seed):
    """Any number of fields, also of more than one batch."""
    fields = random_fields(field_size(GAME), number, seed)
    found = tables_at(GAME, fields)
    for k in (0, len(fields) // 2, len(fields) - 1):
        for name, expected in zip(FUNCTIONS, ARRAYS.tables(fields[k]), strict=True):
            assert len(found[name]) == len(fields)
            np.testing.assert_allclose(found[name][k], expected, rtol=0.0, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_are_the_coefficients_of_the_mean_field(name):
    """Up to what is the same in every column, which is an extension off the simplex."""
    slopes = slopes_at(GAME, name, random_fields(field_size(GAME), 3, 0))
    expected = getattr(ARRAYS, f"{SLOPES[name]}_mean_field")
    for each in slopes:
        np.testing.assert_allclose(each - each[:1], expected - expected[:1], rtol=0.0, atol=1e-13)


@given(st.integers(1, 20), st.integers(1, 60), st.integers(0, 10**6))
def test_fields_are_distributions_as_many_as_asked_for_and_a_function_of_the_seed(size, number, seed):
    fields = random_fields(size, number, seed)
    assert number <= len(fields) < number + 3
    assert np.all(fields >= 0.0)
    np.testing.assert_allclose(fields.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_array_equal(fields, random_fields(size, number, seed))
