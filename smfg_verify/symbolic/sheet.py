"""A derivation step by step: quantities defined one after the other, each by those before it."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import sympy as sp

from smfg_verify.symbolic.programs import NUMPY, compile_program, run_program
from smfg_verify.symbolic.symbols import element


class Sheet:
    """Definitions in order. What is a number or a symbol already gets no name of its own."""

    def __init__(self) -> None:
        self.definitions: dict[sp.Symbol, sp.Expr] = {}

    def define(self, name: str, index: tuple[int, ...], value: sp.Expr) -> sp.Expr:
        """Name a value, unless it is as short as a name.

        Args:
            name: of the quantity.
            index: which of them.
            value: in symbols known so far.

        Returns:
            The symbol; the value itself where it is a number or, but for its sign, a symbol.
        """
        value = sp.sympify(value)
        if value.is_number or value.is_Symbol or (-value).is_Symbol:
            return value
        symbol = element(name, index, real=True)
        if symbol in self.definitions:
            raise AssertionError(f"{symbol} is defined twice")
        self.definitions[symbol] = value
        return symbol

    def define_matrix(self, name: str, matrix: sp.Matrix) -> sp.Matrix:
        """Name each entry of a matrix."""
        entries = [self.define(name, (int(i), int(j)), matrix[i, j]) for i, j in np.ndindex(matrix.shape)]
        return sp.Matrix(*matrix.shape, entries)

    def inverse(self, name: str, matrix: sp.Matrix) -> sp.Matrix:
        """The inverse of a matrix of at most three rows by its cofactors, each entry named."""
        det = self.define(f"det{name}", (), matrix.det(method="berkowitz"))
        return self.define_matrix(name, matrix.adjugate() / det)


def substituted(expression: sp.Expr, definitions: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    """An expression with every definition put in, from the last to the first."""
    for symbol in reversed(definitions):
        if symbol in expression.free_symbols:
            expression = expression.xreplace({symbol: definitions[symbol]})
    return expression


def simplified(
    expressions: Iterable[sp.Expr],
    definitions: Mapping[sp.Symbol, sp.Expr],
    replace: Callable[[sp.Expr], sp.Expr],
) -> list[sp.Expr]:
    """Expressions with every definition put in, factored at each step, so that nothing grows that cancels.

    Args:
        expressions: rational in the symbols of the definitions.
        definitions: in order.
        replace: what else is put in, first: values of symbols that are not defined.

    Returns:
        Each as a product of factors.
    """
    known: dict[sp.Symbol, sp.Expr] = {}

    def put_in(expression: sp.Expr) -> sp.Expr:
        return sp.factor(replace(expression).xreplace(known))

    needed = _needed(expressions := list(expressions), definitions)
    for symbol in definitions:
        if symbol in needed:
            known[symbol] = put_in(definitions[symbol])
    return [put_in(expression) for expression in expressions]


def _needed(expressions: Iterable[sp.Expr], definitions: Mapping[sp.Symbol, sp.Expr]) -> set[sp.Symbol]:
    needed = set().union(*(expression.free_symbols for expression in expressions))
    for symbol in reversed(definitions):
        if symbol in needed:
            needed |= definitions[symbol].free_symbols
    return needed


def values_of(
    expressions: Iterable[sp.Expr], definitions: Mapping[sp.Symbol, sp.Expr], at: Mapping[sp.Symbol, np.ndarray | float]
) -> np.ndarray:
    """Numbers of expressions, at one point or at each of a batch.

    Args:
        expressions: in symbols that are defined or given.
        definitions: in order.
        at: a number, or an array of one shape, for each symbol.

    Returns:
        (number of expressions, *batch).
    """
    inputs = sorted(at, key=str)
    program = compile_program(expressions, inputs, "a derived formula", definitions)
    shape = np.broadcast_shapes(*(np.shape(at[symbol]) for symbol in inputs))
    arrays = [np.broadcast_to(np.asarray(at[symbol], dtype=float), shape) for symbol in inputs]
    return np.stack([np.broadcast_to(value, shape) for value in run_program(program, arrays, NUMPY)])
