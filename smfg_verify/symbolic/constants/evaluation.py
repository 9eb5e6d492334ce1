"""Expressions of symbols with values: their numbers, and the summands of a sum by size."""

import math
from collections.abc import Iterable, Mapping

import sympy

from smfg_verify.records.entries import Algebraic
from smfg_verify.symbolic.constants.records import ConstantExpression, Remark, SymbolValue, Term

# Digits of the arithmetic that numbers are put in with, twice those of a float and more.
_DIGITS = 40
# Two numbers that agree so far are the same but for rounding.
_ROUNDING = 1e-11


class Symbols:
    """Symbols made as they are asked for, with their numbers.

    A constant that is zero stands for itself: what it multiplies drops out, as it does in floats, where zero times an
    infinite bound is zero.
    """

    def __init__(self) -> None:
        self.values: list[SymbolValue] = []

    def __call__(self, name: str, value: float, meaning: str) -> Algebraic:
        """The symbol of a constant, positive; plain zero where the constant is zero."""
        symbol = sympy.Symbol(name, positive=True)
        self.values.append(SymbolValue(symbol=symbol, value=float(value), meaning=meaning))
        return symbol if value != 0.0 else 0.0


def rational(expression: sympy.Expr | float) -> sympy.Expr:
    """The expression with exact rationals for the floats that plain arithmetic has left in it."""
    form = sympy.sympify(expression)
    return form.xreplace({x: sympy.Rational(float(x)) for x in form.atoms(sympy.Float)})


def number_of(expression: sympy.Expr, values: Mapping[sympy.Symbol, float]) -> float:
    """The expression with numbers put in, rounded once; NaN where one is not finite, infinite where zero divides."""
    if not all(math.isfinite(values[symbol]) for symbol in expression.free_symbols):
        return math.nan
    exact = {symbol: sympy.Float(values[symbol], _DIGITS) for symbol in expression.free_symbols}
    number = sympy.N(expression.subs(exact), _DIGITS)
    return math.inf if number.is_infinite else float(number)


def constant_expression(
    name: str,
    symbol: str,
    expression: sympy.Expr | float,
    symbols: Symbols,
    reported: float,
    *,
    side: str,
    statements: Iterable[str] = (),
    summed: sympy.Expr | float | None = None,
    remarks: Iterable[Remark] = (),
    tolerance: float = _ROUNDING,
) -> ConstantExpression:
    """The record of a constant: number and terms computed, and held against the number reported.

    Args:
        name, symbol, side, statements: as the record has them.
        expression: of symbols that `symbols` has made.
        symbols: with their numbers.
        reported: computed in floats.
        summed: the sum whose terms are told; the expression itself if None.
        remarks: known before.
        tolerance: how near the two numbers are, relative; infinite where no more is known of the number reported.

    Returns:
        The record; a remark where the number is not the one reported.
    """
    form, total = rational(expression), rational(expression if summed is None else summed)
    values = {entry.symbol: entry.value for entry in symbols.values}
    known = form.free_symbols | total.free_symbols
    listed = tuple(entry for entry in symbols.values if entry.symbol in known or entry.value == 0.0)
    value = number_of(form, values)
    return ConstantExpression(
        name=name,
        statements=tuple(statements),
        symbol=sympy.Symbol(symbol),
        expression=form,
        side=side,
        values=listed,
        value=value,
        reported=float(reported),
        terms=terms_of(total, values) if math.isfinite(reported) else (),
        summed=total,
        remarks=(*remarks, *_beside(form, values, value, float(reported), tolerance)),
    )


def terms_of(total: sympy.Expr, values: Mapping[sympy.Symbol, float]) -> tuple[Term, ...]:
    """The summands of a sum, the largest first; none of zero or infinity."""
    whole = number_of(total, values)
    if not math.isfinite(whole) or whole == 0.0:
        return ()
    terms = (
        Term(expression=summand, value=number, share=number / whole)
        for summand, number in ((summand, number_of(summand, values)) for summand in summands(total, values))
    )
    return tuple(sorted(terms, key=lambda term: (-abs(term.value), str(term.expression))))


def summands(form: sympy.Expr, values: Mapping[sympy.Symbol, float]) -> list[sympy.Expr]:
    """The parts of a form that add up to it: products are multiplied out over sums without negative parts only.

    A factor such as 1 - gamma stays one, so that no part is larger than the whole.
    """
    if form.is_Add and _no_negative_part(form, values):
        return [part for summand in form.args for part in summands(summand, values)]
    sums = [factor for factor in sympy.Mul.make_args(form) if factor.is_Add and _no_negative_part(factor, values)]
    if not sums:
        return [form]
    rest = form / sums[0]
    return [part for summand in sums[0].args for part in summands(summand * rest, values)]


def _no_negative_part(form: sympy.Expr, values: Mapping[sympy.Symbol, float]) -> bool:
    # A sign does not change with the size of a symbol that is not known to be finite.
    finite = {symbol: value if math.isfinite(value) else 1.0 for symbol, value in values.items()}
    return all(part.evalf(subs=finite) >= 0 for part in form.args)


def _beside(
    form: sympy.Expr, values: Mapping[sympy.Symbol, float], value: float, reported: float, tolerance: float
) -> list[Remark]:
    infinite = sorted(str(symbol) for symbol in form.free_symbols if not math.isfinite(values[symbol]))
    if infinite:
        return [Remark("infinite", {"symbols": tuple(infinite)})]
    if value == reported or math.isinf(tolerance) or abs(value - reported) <= tolerance * abs(reported) < math.inf:
        return []
    if math.isinf(reported):
        return [Remark("rough", {"value": value})]
    return [Remark("differs", {"value": value, "reported": reported})]
