"""Loops of a recursion: errors that feed each other, which exponents damp, or leave to the constants, or let grow."""

from typing import NamedTuple

import sympy

from smfg_verify.symbolic.rates.paths import Edge, Exponents, Graph, loop_damping
from smfg_verify.symbolic.rates.programs import independent, possible
from smfg_verify.symbolic.rates.records import Condition, NoRate
from smfg_verify.symbolic.rates.recursion import Recursion


class Loops(NamedTuple):
    """What the loops of a graph ask for.

    Attributes:
        constraints: affine forms that have to be at least zero, where exponents are symbols.
        conditions: the same in records, and ratios of constants that have to be small where steps decay alike.
        growing: learners on a loop that grows -> why.
    """

    constraints: tuple[sympy.Expr, ...]
    conditions: tuple[Condition, ...]
    growing: dict[str, NoRate]

    def obstacle(self, sources: frozenset[str]) -> NoRate:
        """Why no rate follows for an error that these reach; the empty one where nothing stands against it."""
        return next((why for learner, why in self.growing.items() if learner in sources), NoRate())


def judge_loops(recursion: Recursion, graph: Graph, steps: Exponents) -> Loops:
    """What the loops of a graph ask for.

    Args:
        recursion: the scheme.
        graph: of the means or of the errors themselves.
        steps: learner -> exponent of its steps.

    Returns:
        Constraints and conditions, none of which follows from the others, and the learners that have no rate.
    """
    loops = graph.loops()
    symbolic: dict[sympy.Expr, tuple[Edge, ...]] = {}
    ratios: dict[tuple[str, str], None] = {}
    growing: dict[str, NoRate] = {}
    for loop in sorted(loops, key=len):
        damping = loop_damping(loop)
        if not damping.is_number:
            symbolic.setdefault(damping, loop)
        elif damping < 0:
            growing |= {edge.target: _wrong_order(steps, loop) for edge in loop if edge.target not in growing}
        elif damping == 0:
            ratios |= {(edge.mover, edge.target): None for edge in loop if edge.mover}
    signs = {form: name for name, form in steps.items() if _may_be_negative(form)}
    asked = (*symbolic, *(form for form in signs if form not in symbolic))
    symbols = tuple(sorted(set[sympy.Symbol]().union(*(form.free_symbols for form in asked)), key=str))
    if not possible(asked, symbols):
        told = ", ".join(f"{form} >= 0" for form in asked)
        growing |= {name: NoRate("impossible", {"asked": told}) for name in steps} | growing
        asked = ()
    constraints = independent(asked, symbols)
    conditions = [
        _order(recursion, form, symbolic[form])
        if form in symbolic
        else Condition("steps-decay", {"left": str(form), "learner": signs[form]})
        for form in constraints
    ]
    conditions += [_small_ratio(recursion, mover, target) for mover, target in ratios]
    return Loops(constraints, tuple(conditions), growing)


def _may_be_negative(form: sympy.Expr) -> bool:
    """Whether an affine form of symbols >= 0 has a part that is not."""
    return not form.is_number and any(part.could_extract_minus_sign() for part in sympy.Add.make_args(form))


def _movement(loop: tuple[Edge, ...]) -> Edge:
    """The step of the loop at which a target moves; of several, that where errors are known to be damped least."""
    moves = [edge for edge in loop if edge.mover]
    known = [edge for edge in moves if edge.damping.is_number]
    return min(known, key=lambda edge: edge.damping) if known else moves[0]


def _wrong_order(steps: Exponents, loop: tuple[Edge, ...]) -> NoRate:
    edge = _movement(loop)
    names = {"learner": edge.target, "mover": edge.mover}
    return NoRate("wrong-order", {**names, "step": str(steps[edge.target]), "mover_step": str(steps[edge.mover])})


def _order(recursion: Recursion, form: sympy.Expr, loop: tuple[Edge, ...]) -> Condition:
    _, form = sympy.expand(form).primitive()
    positive = sum(term for term in sympy.Add.make_args(form) if not term.could_extract_minus_sign())
    edge = _movement(loop)
    facts = {"left": str(positive), "right": str(positive - form), "mover": edge.mover, "learner": edge.target}
    return Condition("order" if sum(1 for e in loop if e.mover) == 1 else "loop", facts)


def _small_ratio(recursion: Recursion, mover: str, target: str) -> Condition:
    steps = {"slow": recursion[mover].step, "fast": recursion[target].step}
    return Condition("small-ratio", {"mover": mover, "learner": target, **steps})
