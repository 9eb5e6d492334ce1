"""Continuity of formulas in the mean field: a derivative does not see a jump, and no proof may rest on one alone.

Proved part by part on the closed simplex of two states. What is not proved to be continuous is named; it may still be.
"""

import dataclasses
from collections.abc import Iterable

import sympy as sp

from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.proofs.claims import Gap
from smfg_verify.symbolic.proofs.signs import Domain, Sign, sign_on

_EVERYWHERE = (sp.Add, sp.Mul, sp.Max, sp.Min, sp.Abs, sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.atan)
_POSITIVE: frozenset[Sign] = frozenset({"positive"})


def jump_of(game: SymbolicGame, functions: Iterable[str], domain: Domain) -> Gap | None:
    """The first part of a game's functions that is not proved to be continuous in the mean field.

    Args:
        game: of two states, whose mean field is on states.
        functions: names out of `FUNCTIONS`.
        domain: of the claims; what it says of the mean field is not used.

    Returns:
        The gap that a proof by derivatives has; None where all is proved to be continuous.
    """
    fields = game.names.field_symbols
    for name in functions:
        for entry in game.tables[name].values():
            part = _first_jump(entry, fields, domain)
            if part is not None:
                return Gap("jump", name, part)
    return None


def signs_on_edge(expression: sp.Expr, fields: tuple[sp.Symbol, ...], domain: Domain) -> set[Sign | None]:
    """The signs on the mean fields of two states, corners included, each proved or None.

    Args:
        expression: in mean field and symbols of the domain.
        fields: m_0 and m_1.
        domain: of the other symbols.

    Returns:
        The sign for m_0 in [0, 1), and that at m_0 = 1.
    """
    first, second = fields
    simplices = [group for group in domain.simplices if not set(group) & set(fields)]
    rest = dataclasses.replace(domain, simplices=simplices)
    below = dataclasses.replace(rest, half_open={**rest.half_open, first: (sp.Integer(0), sp.Integer(1))})
    return {sign_on(expression.subs(second, 1 - first), below), sign_on(expression.subs({first: 1, second: 0}), rest)}


def _first_jump(expression: sp.Basic, fields: tuple[sp.Symbol, ...], domain: Domain) -> sp.Basic | None:
    """A part that is not proved to be continuous, or to have a value, at some mean field."""
    if expression.is_Symbol or not expression.free_symbols & set(fields):
        return None
    parts = expression.args
    if isinstance(expression, sp.Piecewise):
        if any(condition.free_symbols & set(fields) for _, condition in parts):
            return expression
        parts = tuple(value for value, _ in parts)
    elif isinstance(expression, sp.Pow | sp.log):
        if not _defined(expression, fields, domain):
            return expression
    elif not isinstance(expression, _EVERYWHERE):
        return expression
    return next((found for part in parts if (found := _first_jump(part, fields, domain)) is not None), None)


def _defined(expression: sp.Pow | sp.log, fields: tuple[sp.Symbol, ...], domain: Domain) -> bool:
    """Whether a power or logarithm is proved to have a value, and a continuous one, at every mean field."""
    if isinstance(expression, sp.log):
        return signs_on_edge(expression.args[0], fields, domain) == _POSITIVE
    base, exponent = expression.args
    if (exponent.is_Integer and exponent > 0) or base == sp.E:
        return True
    signs = signs_on_edge(base, fields, domain)
    if exponent.is_Integer:
        return signs in (_POSITIVE, {"negative"})
    if exponent.is_Rational and exponent > 0:
        return signs <= {"positive", "nonnegative", "zero"}
    return signs == _POSITIVE
