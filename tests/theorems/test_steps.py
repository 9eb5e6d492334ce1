"""Conditions on steps c/(k+1)^s: exact, and the same as sums and comparisons term by term say."""

from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.errors import InputError
from smfg_verify.stochastic import Schedule
from smfg_verify.theorems import PowerSteps, power_steps

EXPONENTS = ["0", "1/4", "1/2", "3/5", "1", "11/10", "2"]


def dyadic_sums(exponent, power, level):
    """The sum of the powers of 1/j^s over 2^level <= j < 2^(level + 1)."""
    j = np.arange(2.0**level, 2.0 ** (level + 1))
    return np.sum(j ** (-float(Fraction(exponent)) * power))


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_sums_are_finite_where_blocks_of_them_shrink(exponent):
    """By condensation: a decreasing sequence is summable exactly where its dyadic sums fall by a factor."""
    steps = power_steps(exponents={"mean_field": exponent})
    for power, finite in ((1, not steps.sums_to_infinity("mean_field")), (2, steps.square_summable("mean_field"))):
        shrink = dyadic_sums(exponent, power, 16) / dyadic_sums(exponent, power, 15)
        # At the boundary the blocks are equal in the limit, and differ by 1/2^16 here.
        assert finite == (shrink < 1.0 - 1e-3), (exponent, power, shrink)


def test_the_boundary_is_met_exactly():
    def squares(exponent):
        return power_steps(exponents={"leader": exponent}).square_summable("leader")

    assert not squares("0.5")
    assert squares("0.500000000000000000001")
    assert power_steps(exponents={"leader": "1"}).sums_to_infinity("leader")
    assert not power_steps(exponents={"leader": "1.000000000000000000001"}).sums_to_infinity("leader")


@pytest.mark.parametrize("slow", EXPONENTS[:5])
@pytest.mark.parametrize("fast", EXPONENTS[:5])
def test_order_and_ratio_are_those_of_all_terms(slow, fast):
    times = np.concatenate([np.arange(1.0, 50.0), 10.0 ** np.arange(2, 40)])
    for constant in (0.25, 0.5, 1.0):
        steps = power_steps({"leader": constant, "mean_field": 0.5}, {"leader": slow, "mean_field": fast})
        ratios = constant / 0.5 * times ** float(Fraction(fast) - Fraction(slow))
        assert steps.not_above("leader", "mean_field") == np.all(ratios <= 1.0)
        assert steps.ratio_vanishes("leader", "mean_field") == (ratios[-1] < 1e-3)


def test_a_learner_that_rests_is_slower_than_any():
    steps = power_steps({"leader": 0.0}, {"leader": "0", "mean_field": "2"})
    assert steps.rests("leader")
    assert steps.not_above("leader", "mean_field")
    assert steps.ratio_vanishes("leader", "mean_field")
    assert steps.square_summable("leader")
    assert not steps.sums_to_infinity("leader")


def test_defaults_are_those_of_a_run():
    steps = power_steps()
    assert steps.constants == Schedule().constants()
    assert set(steps.exponents.values()) == {Fraction(1, 2)}
    assert steps.texts["leader"] == "0.2/(k+1)^(1/2)"


@pytest.mark.parametrize(
    ("constants", "exponents", "words"),
    [
        ({"leder": 1.0}, {}, "leader"),
        ({}, {"folower": "1/2"}, "follower"),
        ({}, {"follower": "fast"}, "3/5"),
        ({}, {"follower": "1/0"}, "3/5"),
        ({}, {"follower": "-1/2"}, ">= 0"),
        ({"follower": float("nan")}, {}, "finite"),
        ({"follower": -1.0}, {}, "finite"),
    ],
)
def test_bad_steps_are_refused(constants, exponents, words):
    with pytest.raises(InputError, match=words):
        power_steps(constants, exponents)


def test_steps_of_three_learners_are_refused():
    with pytest.raises(InputError, match="critic"):
        PowerSteps({"leader": 1.0}, {"leader": Fraction(1)})
