"""Formulas as programs for JAX: a straight line of named operations, which is data and nothing else.

A program is a tuple of numbers and words. It is pickled, compared and taken into a game's digest as such, where a
function that sympy's printers generate would be a piece of text compiled anew in every process.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import sympy as sp
from sympy.functions.elementary.piecewise import ExprCondPair

from smfg_verify.errors import InputError
from smfg_verify.game.base import AnyArray, as_parameter

# A number stands for itself; all other arguments are places of earlier values.
Step = tuple[str, tuple[int | float, ...]]

_UNARY: dict[type[sp.Basic], str] = {
    sp.exp: "exp",
    sp.log: "log",
    sp.Abs: "abs",
    sp.sign: "sign",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.tan: "tan",
    sp.sinh: "sinh",
    sp.cosh: "cosh",
    sp.tanh: "tanh",
    sp.atan: "arctan",
    sp.floor: "floor",
    sp.ceiling: "ceil",
    sp.Not: "logical_not",
}
_FOLDED: dict[type[sp.Basic], str] = {
    sp.Add: "add",
    sp.Max: "maximum",
    sp.Min: "minimum",
    sp.And: "logical_and",
    sp.Or: "logical_or",
}
_COMPARED: dict[type[sp.Basic], str] = {
    sp.StrictLessThan: "less",
    sp.LessThan: "less_equal",
    sp.StrictGreaterThan: "greater",
    sp.GreaterThan: "greater_equal",
    sp.Equality: "equal",
    sp.Unequality: "not_equal",
}
# One vocabulary, two libraries: JAX within games, NumPy for the numbers of derived formulas.
Operations = Mapping[str, Callable[..., AnyArray]]
_JAX: Operations = {
    "number": as_parameter,
    "add": jnp.add,
    "multiply": jnp.multiply,
    "divide": jnp.divide,
    "negative": jnp.negative,
    "power": jnp.power,
    "sqrt": jnp.sqrt,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "exp": jnp.exp,
    "log": jnp.log,
    "abs": jnp.abs,
    "sign": jnp.sign,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "arctan": jnp.arctan,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "where": jnp.where,
    "less": jnp.less,
    "less_equal": jnp.less_equal,
    "greater": jnp.greater,
    "greater_equal": jnp.greater_equal,
    "equal": jnp.equal,
    "not_equal": jnp.not_equal,
    "logical_and": jnp.logical_and,
    "logical_or": jnp.logical_or,
    "logical_not": jnp.logical_not,
}
NUMPY: Operations = {**{name: getattr(np, name) for name in _JAX if name != "number"}, "number": np.asarray}
SUPPORTED = ("+ - * /", "powers", "sqrt", *sorted(kind.__name__ for kind in (*_UNARY, *_FOLDED)), "Piecewise", "Sum")


class Program(NamedTuple):
    """Expressions as one line of operations.

    Attributes:
        num_inputs: number of values it begins with.
        steps: operations, each on values before it.
        outputs: places of the results.
    """

    num_inputs: int
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


def compile_program(
    expressions: Iterable[sp.Expr],
    inputs: Sequence[sp.Symbol],
    what: str,
    definitions: Mapping[sp.Symbol, sp.Expr] | None = None,
) -> Program:
    """Print expressions to a program; what they share is computed once.

    Args:
        expressions: scalars.
        inputs: the symbols that they are functions of, in the order of the inputs.
        what: they are, for a refusal.
        definitions: further symbols, each in terms of the inputs and of those before it.

    Returns:
        The program.

    Raises:
        ValueError: a function that has no counterpart, or a symbol that is no input.
    """
    writer = _Writer(inputs, what)
    for symbol, value in (definitions or {}).items():
        writer.places[symbol] = writer.place(value)
    outputs = tuple(writer.place(sp.sympify(expression)) for expression in expressions)
    return Program(len(inputs), tuple(writer.steps), outputs)


def run_program(program: Program, inputs: Iterable[AnyArray], operations: Operations = _JAX) -> Iterable[AnyArray]:
    """Evaluate a program; traceable.

    Args:
        program: of `compile_program`.
        inputs: scalars, or arrays of one shape.
        operations: of the library that the inputs are arrays of.

    Returns:
        The results, floats.
    """
    values = list(inputs)
    for name, arguments in program.steps:
        if name == "number":
            values.append(operations[name](arguments[0]))
        elif name == "integer_power":  # a power by a traced exponent would have no derivative at zero
            values.append(values[int(arguments[0])] ** int(arguments[1]))
        else:
            values.append(operations[name](*(values[int(place)] for place in arguments)))
    return [values[place] for place in program.outputs]


class _Writer:
    """One program in the making."""

    def __init__(self, inputs: Sequence[sp.Symbol], what: str):
        self.places: dict[sp.Basic, int] = {symbol: place for place, symbol in enumerate(inputs)}
        self.num_inputs, self.what = len(inputs), what
        self.steps: list[Step] = []

    def add(self, name: str, *arguments: int | float) -> int:
        self.steps.append((name, arguments))
        return self.num_inputs + len(self.steps) - 1

    def place(self, expression: sp.Basic) -> int:
        """Where the value of an expression stands."""
        if expression not in self.places:
            self.places[expression] = self.write(expression)
        return self.places[expression]

    def write(self, expression: sp.Basic) -> int:
        kind = type(expression)
        if expression.is_number and not expression.has(sp.zoo, sp.nan, sp.I):
            return self.add("number", float(expression))
        if expression in (sp.true, sp.false):
            return self.add("equal", *[self.place(sp.Integer(n)) for n in (0, 0 if expression == sp.true else 1)])
        if kind in _UNARY:
            return self.add(_UNARY[kind], self.place(expression.args[0]))
        if kind in _COMPARED:
            return self.add(_COMPARED[kind], *map(self.place, expression.args))
        if kind in _FOLDED:
            return self.fold(_FOLDED[kind], [self.place(part) for part in sp.ordered(expression.args)])
        if isinstance(expression, sp.Mul):
            return self.product(expression)
        if isinstance(expression, sp.Pow):
            return self.power(*expression.as_base_exp())
        if isinstance(expression, sp.Piecewise):
            return self.pieces(expression)
        if isinstance(expression, sp.Heaviside):  # the slope of a maximum; at the kink itself the mean of both slopes
            step = expression.args[0]
            return self.pieces(sp.Piecewise((0, step < 0), (1, step > 0), (sp.Rational(1, 2), True), evaluate=False))
        raise self.refusal(expression)

    def fold(self, name: str, places: list[int]) -> int:
        first, *rest = places
        for place in rest:
            first = self.add(name, first, place)
        return first

    def product(self, expression: sp.Mul) -> int:
        above, below = sp.fraction(expression, exact=True)  # exp(-x) is not 1 / exp(x), which may overflow
        if below != 1:
            return self.add("divide", self.place(above), self.place(below))
        factor, rest = expression.as_coeff_Mul()
        if factor == -1:
            return self.add("negative", self.place(rest))
        return self.fold("multiply", [self.place(part) for part in sp.ordered(expression.args)])

    def power(self, base: sp.Expr, exponent: sp.Expr) -> int:
        if exponent.could_extract_minus_sign():
            return self.add("divide", self.place(sp.Integer(1)), self.place(base**-exponent))
        if exponent.is_Integer:
            return self.add("integer_power", self.place(base), int(exponent))
        if exponent == sp.Rational(1, 2):
            return self.add("sqrt", self.place(base))
        return self.add("power", self.place(base), self.place(exponent))

    def pieces(self, expression: sp.Expr) -> int:
        pairs: list[ExprCondPair] = list(expression.args)
        if pairs[-1].cond != sp.true:
            raise InputError(
                f"{self.what}: got {expression}, which has no value where none of its conditions holds; expected "
                "a last piece (value, True)."
            )
        result = self.place(pairs[-1].expr)
        for value, condition in reversed(pairs[:-1]):
            result = self.add("where", self.place(condition), self.place(value), result)
        return result

    def refusal(self, expression: sp.Basic) -> InputError:
        if isinstance(expression, sp.Symbol):
            return InputError(f"{self.what}: got the symbol {expression}, which is none of those it may contain.")
        return InputError(
            f"{self.what}: got {type(expression).__name__} in {expression}, a function without a counterpart; expected "
            f"one of {', '.join(SUPPORTED)}."
        )
