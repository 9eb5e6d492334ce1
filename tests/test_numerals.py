"""Printed bounds are bounds: rounded to the safe side, by less than one unit of the last digit shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.numerals import at_least, at_most

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300).filter(
    lambda number: number == 0.0 or abs(number) > 1e-300
)


@given(NUMBERS, st.integers(1, 9))
def test_the_text_is_on_the_safe_side_and_near(number, digits):
    spec = f".{digits}g"
    low, high = float(format(at_least(number), spec)), float(format(at_most(number), spec))
    assert low <= number <= high
    if number:
        unit = 10.0 ** (math.floor(math.log10(abs(number))) - digits + 1)
        assert high - low <= 2.1 * unit


@given(st.integers(-9999, 9999), st.integers(-12, 12))
def test_a_number_that_the_digits_hold_is_printed_as_it_is(mantissa, exponent):
    number = float(f"{mantissa}e{exponent}")
    assert f"{at_least(number):.4g}" == f"{at_most(number):.4g}" == f"{number:.4g}"


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 0.0])
def test_what_has_no_digits_is_printed_as_ever(number):
    assert f"{at_least(number):.4g}" == f"{at_most(number):.4g}" == f"{number:.4g}"


def test_half_minus_a_little_is_not_at_least_a_half():
    assert f"{0.499999999918:.4g}" == "0.5"
    assert f"{at_least(0.499999999918):.4g}" == "0.4999"
    assert f"{at_most(0.500000000001):.4g}" == "0.5001"
