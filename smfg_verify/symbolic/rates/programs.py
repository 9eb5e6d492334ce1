"""Linear programs over exponents, solved and proved in rationals."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import sympy

# No form of exponents is as large where the program is bounded.
_BEYOND = Fraction(10**6)
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
        RuntimeError: an unbounded program, or constraints that exclude each other, a fault of the caller's.
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

    The dual simplex method in rationals by Bland's rule, from the bound r <= `_BEYOND` and x = 0 on: each pivot brings
    in a row that the point violates. (The exact solver of sympy 1.14 is wrong on some degenerate programs.)
    """
    size = len(forms[0]) - 1
    # Rows: slopes . x + constant - (r for a form) >= 0; those of x >= 0, then that of the bound, make the first basis.
    table = [[*form[:-1], Fraction(1)] for form in forms] + [[*form[:-1], Fraction(0)] for form in constraints]
    values = [form[-1] - _BEYOND for form in forms] + [form[-1] for form in constraints]
    basis = list(range(len(table), len(table) + size + 1))
    table += [[Fraction(row == column) for column in range(size + 1)] for row in range(size + 1)]
    values += [Fraction(0)] * (size + 1)
    weights = [Fraction(0)] * size + [Fraction(1)]
    while (entering := next((k for k, value in enumerate(values) if value < 0), None)) is not None:
        _pivot(table, values, basis, weights, entering)
    first = len(forms) + len(constraints)
    multipliers = dict(zip(basis, weights, strict=True))
    point, optimum = values[first : first + size], _BEYOND - values[-1]
    constants = [form[-1] for form in (*forms, *constraints)]
    bound = sum(weight * constants[k] for k, weight in multipliers.items() if k < first)
    if multipliers.get(first + size, 0) != 0 or bound != optimum:
        raise RuntimeError(f"exponents: the smallest of {forms} under {constraints} has no largest value.")
    return [*point, optimum], [multipliers.get(k, Fraction(0)) for k in range(first)]


def _pivot(
    table: list[list[Fraction]], values: list[Fraction], basis: list[int], weights: list[Fraction], entering: int
) -> None:
    """Bring a violated row into the basis, in place.

    Args:
        table: every row as a combination of the basis.
        values: of every row at the point where the basis is zero.
        basis: indices of its rows.
        weights: multipliers of its rows, >= 0, which stay so.
        entering: index of the row.
    """
    row = table[entering].copy()
    ratios = [(weights[p] / row[p], basis[p], p) for p in range(len(basis)) if row[p] > 0]
    if not ratios:
        raise RuntimeError("exponents: the constraints exclude each other.")
    step, _, leaving = min(ratios)
    moved = -values[entering] / row[leaving]
    for k, others in enumerate(table):
        share = others[leaving] / row[leaving]
        values[k] += others[leaving] * moved
        if share:
            table[k] = [x - share * y for x, y in zip(others, row, strict=True)]
            table[k][leaving] = share
    for p in range(len(weights)):
        weights[p] = step if p == leaving else weights[p] - step * row[p]
    basis[leaving] = entering


def _affine(forms: Sequence[sympy.Expr], symbols: Sequence[sympy.Symbol]) -> list[_Affine]:
    expanded = [sympy.expand(form) for form in forms]
    return [
        tuple(Fraction(int(x.p), int(x.q)) for x in (*(form.coeff(s) for s in symbols), form.as_coeff_Add()[0]))
        for form in expanded
    ]


def _length(form: sympy.Expr) -> tuple[int, str]:
    return len(sympy.Add.make_args(form)), str(form)
