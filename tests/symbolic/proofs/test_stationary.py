"""Zeros of the alignment at numbers where floats of the choice itself say nothing."""

import dataclasses

import mpmath
import numpy as np
import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.symbolic.proofs.memoryless import choice
from smfg_verify.symbolic.proofs.stationary import stationary_points

x = sp.Symbol("x", positive=True)


def formulas(zero: float, centre: float, scale: float) -> dict[str, sp.Expr]:
    """A ratio 1 - x / X with log-odds of x falling through a known zero of X - x."""
    logit = sp.log(choice / (1 - choice))
    at = sp.Rational(zero) - sp.Rational(scale) * (logit - sp.Integer(centre))
    peak = sp.Rational(zero)
    return {
        "peak_x": peak + 0 * choice,
        "equilibrium_x": at,
        "share": choice,
        "direct": sp.Integer(1),
        "objective": choice * x,
        "ratio": 1 - x / peak,
    }


@pytest.mark.parametrize("centre", [-70, -37, 0, 3, 40, 120])
def test_a_zero_is_found_wherever_its_choice_lies(centre):
    (found, ends) = stationary_points(formulas(0.25, centre, 0.01), symbolic.load("laffer-tax"))
    assert found.name == "peak"
    assert found.values["x"] == pytest.approx(0.25, abs=1e-12)
    assert found.values["p"] == pytest.approx(float(1 / (1 + mpmath.exp(-centre))), rel=1e-12)
    assert ends.values["at x = 0"] == 1.0
    assert ends.values["at x = 1"] == pytest.approx(-3.0)


def test_cold_games_keep_their_digits():
    """At tau = 1/500 the choice at the peak is within 1e-2 of one; every printed digit is that of 50 digits."""
    game = symbolic.load("laffer-tax", temperature=0.002)
    found = symbolic.alignment_formula(symbolic.stackelberg_formula(game))
    peak = next(point for point in found.computed if point.name == "peak")
    known = {**game.substitution, "gamma": game.discount, "tau": game.temperature}
    symbols = (found.peak_x - found.equilibrium_x).free_symbols - {choice}
    numbers = {s: sp.Rational(known[s] if s in known else known[str(s)]) for s in symbols}
    at, top = found.equilibrium_x.subs(numbers), found.peak_x.subs(numbers)
    root = sp.re(sp.nsolve(at - top, choice, peak.values["p"], prec=50))
    assert peak.values["x"] == pytest.approx(float(sp.re(at.subs(choice, root).evalf(40))), rel=1e-12)
    assert np.isfinite(peak.values["Phi"])


def test_a_double_zero_is_an_inflection_of_neither_kind():
    """Where the ratio touches zero it does not change its sign: no bracket, and no zero is made up."""
    given = formulas(0.25, 0, 0.01)
    given["peak_x"] = given["equilibrium_x"] + (choice - sp.Rational(1, 2)) ** 2
    found = stationary_points(given, symbolic.load("laffer-tax"))
    assert [point.name for point in found] == ["ratio-at-ends"]


@pytest.mark.parametrize("start", [None, (0.25, 0.75)])
def test_where_the_followers_start_is_one_of_the_numbers(start):
    """Formulas may speak of the law of the first state: the leader's reward then depends on the state."""
    given = formulas(0.25, 0, 0.01)
    given["ratio"] = given["ratio"] * 4 * sp.Symbol("rho_0", positive=True)
    game = dataclasses.replace(symbolic.load("laffer-tax"), initial_distribution=start)
    ends = stationary_points(given, game)[-1]
    assert ends.values["at x = 0"] == pytest.approx(2.0 if start is None else 1.0)
