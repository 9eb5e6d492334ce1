"""The best exponents: what the literature chose, what no grid beats, and proofs that hold by themselves."""

import itertools
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, best_exponents, derive_rates

EXPONENT = st.integers(0, 24).map(lambda n: Fraction(n, 24))
SCHEMES = [
    (AC_SMFG, "1/2"),
    (AC_SMFG.with_motion("lipschitz", "leader"), "2/5"),
    (AC_SMFG.with_motion("lipschitz"), "2/7"),
    (AC_SMFG.with_contracting_leader(), "1"),
    (BILEVEL, "2/5"),
    (BILEVEL.with_motion("smooth", "outer"), "1/2"),
    (BILEVEL.with_contracting_leader(), "2/3"),
]
BEST = [best_exponents(recursion) for recursion, _ in SCHEMES]


@pytest.mark.parametrize(("index", "rate"), [(index, rate) for index, (_, rate) in enumerate(SCHEMES)])
def test_the_best_rate_is_reached_at_the_exponents_given(index, rate):
    best = BEST[index]
    assert best.rate == sympy.Rational(rate)
    assert best.derivation.measure.exponent == best.rate
    for name, chosen in best.exponents.items():
        low, high = best.ranges[name]
        assert low <= chosen <= high


def test_the_scheme_of_the_comparison_has_the_exponents_of_its_paper():
    assert best_exponents(BILEVEL).exponents == {"outer": sympy.Rational(3, 5), "inner": sympy.Rational(2, 5)}
    assert set(BEST[0].exponents.values()) == {sympy.Rational(1, 2)}
    assert all(low == high for low, high in (*BEST[0].ranges.values(), *BEST[4].ranges.values()))


@settings(max_examples=60)
@given(st.integers(0, len(SCHEMES) - 1), st.lists(EXPONENT, min_size=4, max_size=4))
def test_no_exponents_do_better(index, exponents):
    recursion = SCHEMES[index][0]
    found = derive_rates(dict(zip(recursion.learners, exponents, strict=False)), recursion=recursion).measure
    assert not found.found or found.exponent <= BEST[index].rate


def test_nor_does_any_of_a_grid():
    twentieths = [Fraction(n, 20) for n in range(21)]
    rates = {
        (outer, inner): derive_rates({"outer": outer, "inner": inner}, recursion=BILEVEL).measure
        for outer, inner in itertools.product(twentieths, twentieths)
    }
    found = {pair: rate.exponent for pair, rate in rates.items() if rate.found}
    assert max(found.values()) == sympy.Rational(2, 5)
    assert [pair for pair, rate in found.items() if rate == sympy.Rational(2, 5)] == [(Fraction(3, 5), Fraction(2, 5))]


@pytest.mark.parametrize("best", BEST, ids=lambda best: f"{best.derivation.scheme} {best.rate}")
def test_the_proof_holds_by_itself(best):
    """Nonnegative multipliers; where the exponents are nonnegative their sum of forms is at most the rate."""
    total = sympy.expand(sum(y * form for y, form in (*best.proof, *best.uses)))
    constant, slopes = total.as_coeff_Add()
    assert all(y > 0 for y, _ in (*best.proof, *best.uses))
    assert sum(y for y, _ in best.proof) == 1
    for y, form in (*best.proof, *best.uses):
        assert f"{y} ({form})" in best.text
    assert constant == best.rate
    assert all(slope <= 0 for slope in sympy.Poly(slopes, *slopes.free_symbols or {sympy.Symbol("x")}).coeffs())


@pytest.mark.parametrize("leader", ["1/2", "3/5", "4/5"])
def test_what_is_held_fixed_never_improves_the_rate(leader):
    best = best_exponents(AC_SMFG, {"leader": leader})
    assert best.exponents["leader"] == sympy.Rational(leader)
    assert best.rate == 1 - sympy.Rational(leader)
    assert best.rate <= BEST[0].rate


def test_fixed_exponents_without_a_rate_are_told():
    assert best_exponents(BILEVEL, {"outer": 0}).rate <= 0
    assert "No exponents" in best_exponents(BILEVEL, {"outer": 0}).text


@pytest.mark.parametrize(
    ("fixed", "said"),
    [
        ({"leader": "1/5", "critic": "1/2"}, "errors grow whatever"),
        (dict.fromkeys(AC_SMFG.learners, "1/2"), "at least one that is free"),
        ({"leader": "s"}, "expected a rational"),
        ({"leadr": 1}, "expected one of"),
    ],
)
def test_what_cannot_be_fixed_is_refused(fixed, said):
    with pytest.raises(ValueError, match=said):
        best_exponents(AC_SMFG, fixed)
