"""Signs that are proved hold wherever they are looked at; what changes its sign, or may, is never proved."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.symbolic.proofs.signs import Domain, ranges_of, sign_on, vanishes

p, q, r = sp.symbols("p q r", real=True)
kappa, tau = sp.Symbol("kappa", nonnegative=True), sp.Symbol("tau", positive=True)
UNIT = (sp.Integer(0), sp.Integer(1))
DOMAIN = Domain(open={p: UNIT}, half_open={q: UNIT})
HOLDS = {
    "positive": lambda v: v > 0,
    "nonnegative": lambda v: v >= 0,
    "zero": lambda v: v == 0,
    "nonpositive": lambda v: v <= 0,
    "negative": lambda v: v < 0,
}


@pytest.mark.parametrize(
    ("expression", "sign"),
    [
        (p * (1 - p) / tau, "positive"),
        (-kappa * p * (1 - p) * (1 - q) ** 2 / tau, "nonpositive"),
        (q * (1 - q), "nonnegative"),
        (sp.Rational(1, 4) - p * (1 - p), "nonnegative"),
        ((p - 1) / (1 + kappa), "negative"),
        ((p + 1) ** 2 - p**2 - 2 * p - 1, "zero"),
        ((q - 2) ** 3, "negative"),
        (1 / (q - 1) ** 3, "negative"),
    ],
    ids=str,
)
def test_a_sign_that_polynomials_show_is_proved(expression, sign):
    assert sign_on(expression, DOMAIN) == sign


@pytest.mark.parametrize(
    "expression",
    [
        p - sp.Rational(1, 2),
        p - q,
        1 - kappa,
        r,
        p / (p - q),
        1 / (kappa - 1),
        sp.log(p / (1 - p)),
        tau - kappa,
        1 / kappa,
    ],
    ids=str,
)
def test_what_changes_its_sign_or_has_none_is_not_proved(expression):
    assert sign_on(expression, DOMAIN) is None


def test_probabilities_are_positive_and_sum_to_one():
    domain = Domain(simplices=[[p, q, r]])
    assert sign_on(1 - p - q, domain) == "positive"
    assert sign_on(1 - p - q - r, domain) == "zero"
    assert vanishes(p + q + r - 1, domain)
    assert not vanishes(p + q + r - 1)


def test_bounds_may_speak_of_other_symbols():
    domain = Domain(open={p: (q / 2, sp.Integer(1))}, half_open={q: UNIT})
    assert sign_on(2 * p - q, domain) == "positive"
    assert sign_on(2 * p - q, DOMAIN) is None


def test_conditions_are_those_of_the_symbols_met():
    texts = {str(condition) for condition in ranges_of(DOMAIN, (p, q, tau, r))}
    assert texts == {"(0 < p) & (p < 1)", "(0 <= q) & (q < 1)", "tau > 0"}


def test_conditions_tell_every_sign_that_is_declared():
    """A proof may rest on each of them: without it the claim would be one about all numbers."""
    words = {"negative": "v < 0", "nonpositive": "v <= 0", "nonnegative": "v >= 0", "positive": "v > 0"}
    for word, told in words.items():
        assert [str(found) for found in ranges_of(DOMAIN, [sp.Symbol("v", **{word: True})])] == [told]
    assert [str(found) for found in ranges_of(DOMAIN, [sp.Symbol("v", real=True, nonzero=True)])] == ["Ne(v, 0)"]
    counted = ranges_of(DOMAIN, [sp.Symbol("v", integer=True, positive=True)])
    assert [str(found) for found in counted] == ["v > 0", "Contains(v, Integers)"]
    assert [str(found) for found in ranges_of(Domain(negative=[r]), [r])] == ["r < 0"]
    assert sign_on(-r, Domain(negative=[r])) == "positive"


@settings(max_examples=40)
@given(
    coefficients=st.lists(st.integers(-3, 3), min_size=6, max_size=6),
    degrees=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1)), min_size=6, max_size=6),
)
def test_no_sample_contradicts_a_proved_sign(coefficients, degrees):
    above, below = (
        sum(c * p**i * (1 - q) ** j * kappa**k for c, (i, j, k) in zip(coefficients[cut], degrees[cut], strict=True))
        for cut in (slice(0, 4), slice(4, 6))
    )
    sign = sign_on(above / (1 + below**2) - sp.Rational(1, 7) * p, DOMAIN)
    if sign is None:
        return
    rng = np.random.default_rng(0)
    for point in rng.uniform(size=(20, 3)):
        numbers = {p: sp.Rational(point[0]), q: sp.Rational(point[1]), kappa: sp.Rational(3 * point[2])}
        assert HOLDS[sign]((above / (1 + below**2) - sp.Rational(1, 7) * p).subs(numbers))
