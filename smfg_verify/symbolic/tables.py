"""Formulas in indices as tables: one expression for each state and pair of actions, every symbol known."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import sympy as sp

from smfg_verify.errors import InputError
from smfg_verify.game.base import Dependence, Numerical
from smfg_verify.suggestions import closest
from smfg_verify.symbolic.symbols import DIRECTED, INDICES, TAKEN, element, mean_field

Place = tuple[int, ...]
Table = Mapping[Place, sp.Expr]
# What is assumed of a parameter, and what its numbers have to be for that.
_ASSUMED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "positive": lambda x: x > 0.0,
    "nonnegative": lambda x: x >= 0.0,
    "negative": lambda x: x < 0.0,
    "nonpositive": lambda x: x <= 0.0,
    "nonzero": lambda x: x != 0.0,
    "integer": lambda x: x == np.round(x),
}
# Sympy simplifies by these as soon as a formula is written, and no number is held against them later.
_REFUSED = ("even", "odd", "prime", "composite", "zero", "irrational", "transcendental", "noninteger")


class Parameter(NamedTuple):
    """A parameter of a game: a symbol, or an array whose entries have symbols of their own.

    Attributes:
        name: of its symbol.
        shape: () of a symbol.
        symbols: of its entries, in the order of a flattened array.
    """

    name: str
    shape: tuple[int, ...]
    symbols: tuple[sp.Symbol, ...]


def declared_parameters(
    given: Mapping[sp.Symbol | sp.IndexedBase, Numerical],
) -> tuple[dict[sp.Basic, Parameter], dict[str, np.ndarray]]:
    """Parameters with the symbols of their entries, and their numbers by name.

    Args:
        given: a number for each symbol, an array of numbers for each `IndexedBase`.

    Returns:
        The parameters by what they are written as, and the numbers by name.

    Raises:
        ValueError: names that clash or are taken, numbers that are none or contradict what is assumed of the symbol.
    """
    parameters: dict[sp.Basic, Parameter] = {}
    numbers: dict[str, np.ndarray] = {}
    owners: dict[str, str] = {}
    for written, value in sorted(given.items(), key=lambda item: str(item[0])):  # as JAX orders the leaves of a mapping
        name, array = _checked_name(written), _numbers(written, value)
        assumptions = _assumptions(written, array)
        indices = list(np.ndindex(array.shape))
        symbols = tuple(element(name, index, **assumptions) for index in indices)
        for taken in {name, *map(str, symbols)}:
            if taken in owners:
                raise InputError(
                    f"parameters: got {name!r} and {owners[taken]!r}, which both have a symbol {taken!r}; expected "
                    "names that do not clash."
                )
            owners[taken] = name
        parameters[written] = Parameter(name, array.shape, symbols)
        numbers[name] = array
    return parameters, numbers


def _checked_name(written: object) -> str:
    if not isinstance(written, sp.Symbol | sp.IndexedBase):
        raise InputError(
            f"parameters: got {written!r} ({type(written).__name__}), expected symbols (sympy.Symbol) of numbers and "
            "sympy.IndexedBase of arrays."
        )
    name = str(written)
    stem = re.sub(r"(_\d+)+$", "", name)
    if stem in TAKEN or DIRECTED.fullmatch(name):
        why = TAKEN.get(stem, "a symbol of derived formulas")
        raise InputError(f"parameters: got the name {name!r}, which is taken by {why}; expected another name.")
    if not name.isidentifier():
        raise InputError(f"parameters: got the name {name!r}, expected letters, digits and underscores.")
    return name


def _numbers(written: sp.Symbol | sp.IndexedBase, value: Numerical) -> np.ndarray:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or not np.all(np.isfinite(array)):
        raise InputError(f"{written}: got {value!r}, expected finite numbers.")
    if isinstance(written, sp.Symbol) != (array.ndim == 0):
        expected = (
            "one number: an array is written as sympy.IndexedBase" if array.ndim else "an array: a number is a Symbol"
        )
        raise InputError(f"{written}: got numbers of shape {array.shape}, expected {expected}.")
    return array.astype(float)


def _assumptions(written: sp.Symbol | sp.IndexedBase, numbers: np.ndarray) -> dict[str, bool | None]:
    source = written if isinstance(written, sp.Symbol) else written.label
    known = {**source.assumptions0, **written.assumptions0}
    if known.get("real") is False:
        raise InputError(f"{written}: got a symbol that is not real, expected a real one.")
    if refused := [word for word in _REFUSED if known.get(word)]:
        raise InputError(
            f"{written}: got a symbol declared {' and '.join(refused)}, expected no more than {', '.join(_ASSUMED)}."
        )
    for word, holds in _ASSUMED.items():
        if known.get(word) and not np.all(holds(numbers)):
            raise InputError(f"{written}: got {numbers.tolist()}, expected {word} numbers, as the symbol is declared.")
    return {**{word: True for word in _ASSUMED if known.get(word)}, "real": True}


class Names(NamedTuple):
    """What a formula may speak of.

    Attributes:
        sizes: n, A, B.
        field_shape: of the mean field.
        parameters: by what they are written as.
    """

    sizes: tuple[int, int, int]
    field_shape: tuple[int, ...]
    parameters: Mapping[sp.Basic, Parameter]

    @property
    def field_symbols(self) -> tuple[sp.Symbol, ...]:
        """m_s or m_s_a, in the order of the flattened mean field."""
        return tuple(element("m", index, nonnegative=True) for index in np.ndindex(self.field_shape))

    @property
    def parameter_symbols(self) -> tuple[sp.Symbol, ...]:
        """Of all entries of all parameters."""
        return tuple(symbol for parameter in self.parameters.values() for symbol in parameter.symbols)


def tabulated(what: str, formula: sp.Expr, names: Names, *, next_states: bool = False) -> dict[Place, sp.Expr]:
    """A formula at every state and pair of actions; a transition at every next state too.

    Args:
        what: it is, for refusals.
        formula: in the symbols of `smfg_verify.symbolic.symbols` and of the parameters.
        names: what it may speak of.
        next_states: whether it speaks of the next state.

    Returns:
        Expressions in the symbols of parameters and mean field alone, by (s, a, b) or (s, a, b, s').

    Raises:
        ValueError: an index out of range, an array that is unknown, or a symbol that is no parameter; named.
    """
    try:
        formula = sp.sympify(formula)
    except (sp.SympifyError, TypeError) as error:
        raise InputError(f"{what}: got {formula!r}, expected a formula of sympy's.") from error
    if not isinstance(formula, sp.Expr):
        raise InputError(f"{what}: got {formula!r} ({type(formula).__name__}), expected one formula of sympy's.")
    formula = _exact(formula)
    sizes = (*names.sizes, names.sizes[0])[: 4 if next_states else 3]
    places = itertools.product(*map(range, sizes))
    return {place: _at(what, formula, place, names) for place in places}


def _exact(formula: sp.Expr) -> sp.Expr:
    """A formula with its decimals as fractions: 0.1 is 1/10, and prints to the same float.

    Proofs in floats would be proofs up to rounding; rows that sum to one would do so no longer.
    """
    decimals = formula.atoms(sp.Float)
    return formula.xreplace({x: sp.Rational(str(float(x)) if x == float(x) else x) for x in decimals})


def _at(what: str, formula: sp.Expr, place: Place, names: Names) -> sp.Expr:
    indices = dict(zip(INDICES, map(sp.Integer, place), strict=False))
    found = formula.subs(indices).doit()
    found = found.xreplace({symbol: _entry(what, symbol, names) for symbol in found.atoms(sp.Indexed)})
    found = found.xreplace({key: p.symbols[0] for key, p in names.parameters.items() if isinstance(key, sp.Symbol)})
    known = {*names.field_symbols, *names.parameter_symbols}
    if unknown := sorted(found.free_symbols - known, key=str):
        raise InputError(f"{what}: got {_stranger(unknown[0], names)}")
    if found.has(sp.nan, sp.zoo, sp.oo, sp.I):
        raise InputError(f"{what}: got {found} at {place_text(place)}, expected a finite real value.")
    return found


def _entry(what: str, indexed: sp.Indexed, names: Names) -> sp.Symbol:
    if indexed.base == mean_field or indexed.base.label.name == "m":
        shape, symbols = names.field_shape, names.field_symbols
    elif indexed.base in names.parameters:
        _, shape, symbols = names.parameters[indexed.base]
    else:
        known = [str(key) for key in names.parameters]
        hint = closest(str(indexed.base), known)
        raise InputError(f"{what}: got {indexed}, whose array is no parameter of the game{hint}; give it numbers.")
    if len(indexed.indices) != len(shape):
        raise InputError(f"{what}: got {indexed} with {len(indexed.indices)} indices, expected {len(shape)}.")
    if not all(index.is_Integer for index in indexed.indices):
        raise InputError(
            f"{what}: got {indexed}, whose indices do not come down to numbers; expected indices in s, a, b and s_next."
        )
    index = tuple(int(index) for index in indexed.indices)
    if not all(0 <= i < size for i, size in zip(index, shape, strict=True)):
        raise InputError(f"{what}: got {indexed}, expected indices within the shape {shape}, counted from 0.")
    return symbols[int(np.ravel_multi_index(index, shape))]


def _stranger(symbol: sp.Symbol, names: Names) -> str:
    name = str(symbol)
    known = {*map(str, names.parameters), *map(str, names.parameter_symbols)}
    if name in known:
        return f"a symbol {name} that is declared otherwise than the parameter of that name; use the same object."
    if name in {str(index) for index in INDICES}:
        return f"a symbol {name} that is not smfg_verify.symbolic's, or that this formula has no use for."
    if name in TAKEN:
        return f"the symbol {name}, which is {TAKEN[name]} and cannot stand in a formula of the game."
    return f"the free symbol {name}, which is no parameter of the game{closest(name, known)}; give it a number."


def place_text(place: Place) -> str:
    """Where an entry of a table is, for refusals."""
    return ", ".join(f"{symbol} = {value}" for symbol, value in zip(INDICES, place, strict=False))


def dependence_of(table: Table, field_symbols: tuple[sp.Symbol, ...]) -> Dependence:
    """How a table depends on the mean field, as the formulas stand: a polynomial of what degree."""
    degrees = set(_degrees(table, field_symbols))
    if degrees <= {0}:
        return "none"
    return "affine" if degrees <= {0, 1} else "general"


def _degrees(table: Table, field_symbols: tuple[sp.Symbol, ...]) -> Iterator[int]:
    for expression in table.values():
        if not expression.free_symbols & set(field_symbols):
            yield 0
        elif expression.is_polynomial(*field_symbols):
            yield sp.Poly(expression, *field_symbols).total_degree()
        else:
            yield 2
