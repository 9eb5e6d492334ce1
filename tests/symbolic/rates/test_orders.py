"""Orders of sums and means against sums that are carried out."""

import math

import numpy as np
import pytest
import sympy

from smfg_verify.symbolic.rates.orders import Order, damped, mean_of_power, partial_sum

K = np.arange(1.0, 2_000_001.0)
ENDS = [20_000, 2_000_000]


def growth(values):
    """Exponent between the two ends, with one power of a logarithm divided out where there is one."""
    first, last = values
    return (math.log(last) - math.log(first)) / (math.log(ENDS[1]) - math.log(ENDS[0]))


def logarithm(order):
    return np.log(ENDS) ** order.logs


@pytest.mark.parametrize("exponent", ["0", "1/2", "9/10", "1", "3/2", "-1/2"])
def test_a_partial_sum_grows_as_its_order_says(exponent):
    order = partial_sum(sympy.Rational(exponent))
    sums = np.cumsum(K ** -float(sympy.Rational(exponent)))[np.array(ENDS) - 1]
    assert growth(sums / logarithm(order)) == pytest.approx(-float(order.decay), abs=0.05)


@pytest.mark.parametrize("weight", ["0", "1/2", "4/5"])
@pytest.mark.parametrize("exponent", ["1/5", "1/2", "4/5"])
def test_a_mean_decays_as_its_order_says(exponent, weight):
    order = mean_of_power(sympy.Rational(exponent), sympy.Rational(weight))
    weights = K ** -float(sympy.Rational(weight))
    means = (np.cumsum(weights * K ** -float(sympy.Rational(exponent))) / np.cumsum(weights))[np.array(ENDS) - 1]
    # A sum of k^(-u) with u near 1 has forgotten its beginning late.
    assert growth(means / logarithm(order)) == pytest.approx(-float(order.decay), abs=0.1)


@pytest.mark.parametrize(
    ("damping", "decay", "logs"), [("0", "1/2", 0), ("1/4", "3/4", 0), ("1/2", "1", 1), ("1", "1", 0)]
)
def test_a_damped_mean_by_summation_in_parts(damping, decay, logs):
    """A uniform mean of order k^(-1/2), damped: the residual may be k^(-1/2), or all of it at single iterations."""
    order = damped(Order(sympy.Rational(1, 2)), sympy.Rational(damping), sympy.S.Zero)
    assert (order.decay, order.logs) == (sympy.Rational(decay), logs)
    damped_ = np.cumsum(K ** -(0.5 + float(sympy.Rational(damping)))) / K
    assert growth(damped_[np.array(ENDS) - 1] / logarithm(order)) == pytest.approx(-float(order.decay), abs=0.05)


def test_slowness_orders_exponents_before_logarithms():
    orders = [Order(sympy.Rational(1, 2), 3), Order(sympy.Rational(1, 2)), Order(sympy.Rational(2, 5))]
    assert max(orders, key=lambda order: order.slowness) == orders[2]
    assert sorted(orders, key=lambda order: order.slowness) == [orders[1], orders[0], orders[2]]
