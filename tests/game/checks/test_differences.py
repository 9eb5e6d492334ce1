"""One-sided differences beside a derivative: curvature is let pass, a kink and a wrong rule never, at any size."""

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smfg_verify.game.checks.differences import judge, may_miss
from tests.support.strategies import tables

LENGTHS = jnp.asarray([2.0**-24, 2.0**-18, 2.0**-12])
COEFFICIENTS = tables((3, 4), 10.0).map(lambda entries: np.round(entries, 6))
SIZES = st.sampled_from([1e-6, 1.0, 1e9])
JUDGE = jax.jit(judge, static_argnums=(5, 6))


def judged(function, slope):
    """Of a function of one number, entry by entry, at zero."""
    rows = [np.stack([function(sign * h) for h in np.asarray(LENGTHS)]) for sign in (1.0, -1.0)]
    return JUDGE(function(0.0), np.asarray(slope, dtype=float), *rows, LENGTHS, (4,), 1e-5)


def polynomial(coefficients, t):
    """Constants, slopes and curvatures of four entries, one row each."""
    return coefficients[0] + coefficients[1] * t + coefficients[2] * t**2


@given(COEFFICIENTS, SIZES)
def test_a_smooth_function_beside_its_derivative_misses_nothing_and_its_slopes_are_seen(coefficients, size):
    scaled = size * coefficients
    found = judged(lambda t: polynomial(scaled, t), scaled[1])
    assert bool(found.finite)
    assert float(jnp.max(found.miss)) == 0.0
    granted = size * (1e-2 + 1e-6 * np.max(np.abs(coefficients)))
    np.testing.assert_allclose(found.forward, scaled[1], rtol=0.0, atol=granted)
    np.testing.assert_allclose(found.backward, scaled[1], rtol=0.0, atol=granted)


@given(COEFFICIENTS, SIZES, st.integers(0, 3), st.floats(0.05, 10.0), st.sampled_from([1.0, -1.0]))
def test_a_kink_is_seen_whichever_of_its_slopes_the_rule_takes(coefficients, size, place, kink, side):
    """|t| times a number, added to one entry: the derivative used is that of one side, or the mean of both."""
    bend = size * kink * (np.arange(4) == place)
    scaled = size * coefficients
    for rule in (scaled[1] + side * bend, scaled[1]):
        found = judged(lambda t: polynomial(scaled, t) + bend * abs(t), rule)
        assert float(found.miss[place]) > 0.0
        assert not bool(found.wrong_rule[place])
        assert np.flatnonzero(np.asarray(found.miss)).tolist() == [place]


@given(COEFFICIENTS, SIZES, st.integers(0, 3), st.floats(0.05, 10.0), st.sampled_from([1.0, -1.0]))
def test_a_wrong_rule_is_told_from_a_kink(coefficients, size, place, miss, sign):
    scaled = size * coefficients
    wrong = size * sign * miss * (np.arange(4) == place)
    found = judged(lambda t: polynomial(scaled, t), scaled[1] + wrong)
    assert bool(found.wrong_rule[place])
    assert np.flatnonzero(np.asarray(found.miss)).tolist() == [place]
    steepest = max(np.max(np.abs(scaled[1] + wrong)), np.max(np.abs(scaled[1])), 1e-300)
    assert float(found.miss[place]) >= 0.5 * abs(wrong[place]) / (steepest + 0.01 * size)


@given(COEFFICIENTS, st.integers(0, 3), st.sampled_from([np.inf, -np.inf, np.nan]))
def test_an_infinite_slope_and_a_number_that_is_none_are_no_derivative(coefficients, place, slope):
    here = np.arange(4) == place
    rule = np.where(here, slope, coefficients[1])
    found = judged(lambda t: polynomial(coefficients, t) + here * np.sign(t) * 10.0 * np.sqrt(abs(t)), rule)
    assert float(found.miss[place]) > 0.0
    lost = judged(lambda t: polynomial(coefficients, t) + np.where(here & (t > 0.0), np.nan, 0.0), coefficients[1])
    assert not bool(lost.finite)


@given(
    COEFFICIENTS, SIZES, st.sampled_from(["kink", "jump", "steep", "curved", "noise", "infinite"]), st.floats(-9.0, 0.0)
)
def test_where_the_quick_look_sees_nothing_the_judge_finds_nothing(coefficients, size, form, exponent):
    """It may only err by asking for the judge; of a smooth function it does not."""
    shapes = {
        "kink": lambda t: abs(t),
        "jump": lambda t: float(t > 0.0),
        "steep": lambda t: np.sign(t) * np.sqrt(abs(t)),
        "curved": lambda t: t**2,
        "noise": lambda t: np.sin(1e12 * t) * 1e-9,
        "infinite": lambda t: np.inf if t > 1e-5 else 0.0,
    }

    def function(t):
        return size * (polynomial(coefficients, t) + 10.0**exponent * shapes[form](t) * np.array([0.0, 1.0, 0.0, 0.0]))

    slope = size * coefficients[1]
    rows = [np.stack([function(sign * h) for h in np.asarray(LENGTHS)]) for sign in (1.0, -1.0)]
    seen = bool(may_miss(function(0.0), slope, *rows, np.asarray(LENGTHS), 1e-5))
    found = judged(function, slope)
    assert seen or (bool(found.finite) and float(jnp.max(found.miss)) == 0.0)
    if form == "infinite":
        assert seen
    if form == "curved" and np.max(np.abs(slope)) >= size:
        assert not seen
