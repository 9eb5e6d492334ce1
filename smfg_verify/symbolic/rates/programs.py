"""Linear programs over exponents: solved in floating point, then made exact and proved in rationals."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import scipy.optimize
import sympy
from sympy.polys.domains import QQ
from sympy.polys.matrices import DomainMatrix

# A float from the solver that is zero up to its tolerance.
_ZERO = 1e-9
# Slopes of an affine form, one a symbol, and its constant.
_Affine = tuple[Fraction, ...]
_ONE = sympy.S.One


class Optimum(NamedTuple):
    r"""The largest r with $r \le f_j(x)$ for all j, $g_i(x) \ge 0$ and x >= 0.

    Attributes:
        value: r.
        point: symbol -> value.
        multipliers: $y_j \ge 0$ of the forms, summing to one, and then $z_i \ge 0$ of the constraints, such that
            $\sum_j y_j f_j + \sum_i z_i g_i \le r$ at every x >= 0: no x does better.
    """

    value: sympy.Rational
    point: dict[sympy.Symbol, sympy.Rational]
    multipliers: tuple[sympy.Rational, ...]


def largest_minimum(
    forms: Sequence[sympy.Expr], constraints: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]
) -> Optimum:
    """Maximise the smallest of affine forms over symbols >= 0 that keep constraints >= 0.

    Args:
        forms: affine in the symbols; their smallest is bounded above.
        constraints: affine, and possible to keep: see `possible`.
        symbols: the unknowns.

    Returns:
        The optimum, proved.

    Raises:
        RuntimeError: the solver's answer could not be made exact, a fault of this package.
    """
    found = _solve(_affine(forms, symbols), _affine(constraints, symbols))
    rationals = [tuple(sympy.Rational(x.numerator, x.denominator) for x in values) for values in found]
    return Optimum(rationals[0][-1], dict(zip(symbols, rationals[0], strict=False)), rationals[1])


def possible(constraints: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> bool:
    """Whether affine constraints can all be kept at once, over symbols >= 0; proved either way."""
    return not constraints or bool(largest_minimum([*constraints, _ONE], (), symbols).value >= 0)


def essential(
    forms: Sequence[sympy.Expr], constraints: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]
) -> tuple[sympy.Expr, ...]:
    """Those of affine forms whose minimum is that of all, wherever symbols and constraints are >= 0.

    Args:
        forms: affine in the symbols.
        constraints: affine, and possible to keep.
        symbols: the unknowns.

    Returns:
        The forms that are the smallest somewhere, none of them twice.
    """
    # From the longest down, so that of two that say the same the shorter one stays.
    named = {_affine([form], symbols)[0]: form for form in sorted(forms, key=_length, reverse=True)}
    limits, one = _affine(constraints, symbols), _affine([_ONE], symbols)
    kept = list(named)
    for form in named:
        above = [tuple(x - y for x, y in zip(other, form, strict=True)) for other in kept if other != form]
        if above and (any(max(gap) <= 0 for gap in above) or _solve([*above, *one], limits)[0][-1] <= 0):
            kept.remove(form)
    return tuple(named[form] for form in kept)


def independent(constraints: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> tuple[sympy.Expr, ...]:
    r"""Constraints $g \ge 0$ none of which follows from the others, over symbols >= 0.

    Args:
        constraints: affine, none of them a number, and possible to keep.
        symbols: the unknowns.

    Returns:
        Those that are left.
    """
    kept = list(dict.fromkeys(constraints))
    for form in sorted(kept, key=_length, reverse=True):
        others = [other for other in kept if other != form]
        if largest_minimum([-form, _ONE], others, symbols).value <= 0:
            kept.remove(form)
    return tuple(kept)


def _solve(forms: Sequence[_Affine], constraints: Sequence[_Affine]) -> tuple[list[Fraction], list[Fraction]]:
    """The optimal point with r at its end, and the multipliers; exact, and proved by each other.

    The float solver only says which rows are tight and which bind.
    """
    # Rows: slopes . x + constant - (r for a form) >= 0, those of x >= 0 last.
    size = len(forms[0]) - 1
    rows = [[*form[:-1], Fraction(-1)] for form in forms] + [[*form[:-1], Fraction(0)] for form in constraints]
    rows += [[Fraction(row == column) for column in range(size + 1)] for row in range(size)]
    constants = [form[-1] for form in (*forms, *constraints)] + [Fraction(0)] * size
    tight, binding = _tight_and_binding(rows, constants)
    point = _solution([[*rows[k], -constants[k]] for k in tight])
    # Minus r is the combination of the rows that bind.
    target = [0] * size + [-1]
    weights = _solution([[*(rows[k][column] for k in binding), target[column]] for column in range(size + 1)])
    multipliers = dict(zip(binding, weights, strict=True))
    inside = all(
        sum(a * x for a, x in zip(row, point, strict=True)) + b >= 0 for row, b in zip(rows, constants, strict=True)
    )
    bound = sum(weight * constants[k] for k, weight in multipliers.items())
    if not inside or min(weights) < 0 or bound != point[-1]:
        raise RuntimeError(f"exponents: the optimum of {forms} under {constraints} is not proved.")
    return point, [multipliers.get(k, Fraction(0)) for k in range(len(forms) + len(constraints))]


def _tight_and_binding(rows: Sequence[Sequence[Fraction]], constants: Sequence[Fraction]) -> list[list[int]]:
    """The rows without slack, and those with a multiplier, at a vertex with the largest last unknown."""
    table, right = np.array(rows, dtype=float), np.array(constants, dtype=float)
    cost = np.zeros(table.shape[1])
    cost[-1] = -1.0
    # The simplex method, since an interior point is no vertex and its multipliers are many.
    found = scipy.optimize.linprog(cost, A_ub=-table, b_ub=right, bounds=(None, None), method="highs-ds")
    if found.status != 0:
        raise RuntimeError(f"exponents: the linear program was not solved ({found.message}).")
    tight, binding = found.ineqlin.residual < _ZERO, found.ineqlin.marginals < -_ZERO
    return [[int(k) for k in np.flatnonzero(chosen)] for chosen in (tight, binding)]


def _solution(system: Sequence[Sequence[Fraction | int]]) -> list[Fraction]:
    """The one solution of a linear system, given with its right side as the last column."""
    entries = [[QQ(*Fraction(entry).as_integer_ratio()) for entry in row] for row in system]
    reduced, pivots = DomainMatrix(entries, (len(entries), len(entries[0])), QQ).rref()
    unknowns = len(entries[0]) - 1
    if pivots != tuple(range(unknowns)):
        raise RuntimeError("exponents: the rows that the solver calls tight do not meet in one point.")
    last = [row[-1] for row in reduced.to_dense().rep.to_list()[:unknowns]]
    return [Fraction(int(entry.numerator), int(entry.denominator)) for entry in last]


def _affine(forms: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> list[_Affine]:
    expanded = [sympy.expand(form) for form in forms]
    return [
        tuple(Fraction(int(x.p), int(x.q)) for x in (*(form.coeff(s) for s in symbols), form.as_coeff_Add()[0]))
        for form in expanded
    ]


def _length(form: sympy.Expr) -> tuple[int, str]:
    return len(sympy.Add.make_args(form)), str(form)
