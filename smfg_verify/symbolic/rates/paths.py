r"""How errors get into a recursion and are handed on: every way in is one affine form of the exponents.

A recursion bounds each error by the sum of what enters its line and of what other errors hand on to it. Where no loop
gains (`loops`), an error is of the order of its slowest term, and every term is a way in followed along a path that
meets no learner twice: its exponent is that of the way in plus the damping of each step of the path.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sympy

from smfg_verify.symbolic.rates.recursion import Line, Motion, Recursion

Exponents = Mapping[str, sympy.Expr]


class Entrance(NamedTuple):
    r"""A term of a line that is no other error, of order $k^{-t}$ relative to the contraction.

    Attributes:
        kind: "noise"; "chain", the noise of a sampled chain that moves; "lag", of a target that runs away;
            "bounded", that of a leader of whose single steps no more than a bound is known; "start", what is left of
            the beginning.
        learner: in whose line.
        mover: whose noise or motion.
        exponent: t, affine.
    """

    kind: str
    learner: str
    mover: str
    exponent: sympy.Expr


class Edge(NamedTuple):
    r"""One error handed on to another line, times $k^{-d}$.

    Attributes:
        source: whose error.
        target: in whose line.
        mover: who hands it on by moving the target; empty where the error enters the update.
        damping: d, affine.
    """

    source: str
    target: str
    mover: str
    damping: sympy.Expr


class Term(NamedTuple):
    """A way in and the path from there to the error that is bounded."""

    entrance: Entrance
    path: tuple[Edge, ...] = ()

    @property
    def exponent(self) -> sympy.Expr:
        """Its exponent, affine in the exponents of the steps."""
        return sympy.expand(self.entrance.exponent + sum(edge.damping for edge in self.path))


class Graph(NamedTuple):
    """Ways in and edges of a recursion at given exponents."""

    entrances: tuple[Entrance, ...]
    edges: tuple[Edge, ...]

    def terms(self, learner: str, avoided: frozenset[str] = frozenset()) -> Iterator[Term]:
        """Every term of one learner's error whose path meets none of the learners to avoid, nor one twice."""
        yield from (Term(entrance) for entrance in self.entrances if entrance.learner == learner)
        met = avoided | {learner}
        for edge in self.edges:
            if edge.target == learner and edge.source not in met:
                for term in self.terms(edge.source, met):
                    yield Term(term.entrance, (*term.path, edge))

    def sources(self, learner: str) -> frozenset[str]:
        """The learner and all whose errors reach its line."""
        reached = {learner}
        while more := {edge.source for edge in self.edges if edge.target in reached} - reached:
            reached |= more
        return frozenset(reached)

    def loops(self) -> tuple[tuple[Edge, ...], ...]:
        """Every loop that meets no learner twice, once each."""
        learners = sorted({edge.target for edge in self.edges})
        found = []
        for index, first in enumerate(learners):
            # Loops through the first learner and none before it in the alphabet.
            found += list(self._back_to(first, first, frozenset(learners[:index])))
        return tuple(found)

    def _back_to(self, first: str, here: str, met: frozenset[str]) -> Iterator[tuple[Edge, ...]]:
        for edge in self.edges:
            if edge.source == here and edge.target == first:
                yield (edge,)
            elif edge.source == here and edge.target not in met | {first, here}:
                for rest in self._back_to(first, edge.target, met | {here}):
                    yield (edge, *rest)


def loop_damping(loop: tuple[Edge, ...]) -> sympy.Expr:
    """By how much errors are damped once round a loop, as an exponent: below zero they grow."""
    return sympy.expand(sum(edge.damping for edge in loop))


def mean_graph(recursion: Recursion, steps: Exponents, weight: sympy.Expr, *, chain: bool) -> Graph:
    r"""The recursion of the means $\sum k^{-w} e_k / \sum k^{-w}$, by telescoping each line times $k^{-w}/\epsilon_i$.

    The beginning leaves $K^{-(1 - \max(w, s_i))}$, written as two ways in.

    Args:
        recursion: the scheme.
        steps: learner -> exponent of its steps.
        weight: w.
        chain: whether samples come from chains that the iterates move.

    Returns:
        Ways in and edges.
    """
    entrances: list[Entrance] = []
    for line in recursion.lines:
        own = steps[line.learner]
        entrances += [Entrance("start", line.learner, line.learner, form) for form in {1 - weight, 1 - own}]
        entrances += _entrances(recursion, line, steps, chain=chain)
    return Graph(tuple(entrances), tuple(edge for line in recursion.lines for edge in _edges(recursion, line, steps)))


def last_graph(recursion: Recursion, steps: Exponents, *, chain: bool) -> Graph:
    """The recursion of the errors themselves, for the lines that contract.

    A leader that does not contract is a mover whose error is bounded and no more.

    Args:
        recursion: the scheme.
        steps: learner -> exponent of its steps.
        chain: as in `mean_graph`.

    Returns:
        Ways in and edges.
    """
    contracting = {line.learner for line in recursion.contracting}
    entrances: list[Entrance] = []
    edges: list[Edge] = []
    for line in recursion.contracting:
        entrances += _entrances(recursion, line, steps, chain=chain)
        for edge in _edges(recursion, line, steps):
            if edge.source in contracting:
                edges.append(edge)
            else:
                entrances.append(Entrance("bounded", line.learner, edge.mover or edge.source, edge.damping))
    return Graph(tuple(entrances), tuple(edges))


def _entrances(recursion: Recursion, line: Line, steps: Exponents, *, chain: bool) -> Iterator[Entrance]:
    own, movers = steps[line.learner], [recursion[name] for name in line.moved_by]
    yield Entrance("noise", line.learner, line.learner, own)
    for mover in movers:
        yield Entrance("noise", line.learner, mover.learner, 2 * steps[mover.learner] - own)
        if mover.motion is Motion.LIPSCHITZ:
            yield Entrance("lag", line.learner, mover.learner, 2 * (steps[mover.learner] - own))
    if chain:
        for driver in recursion.lines:
            if driver.drives_chain:
                yield Entrance("chain", line.learner, driver.learner, steps[driver.learner])


def _edges(recursion: Recursion, line: Line, steps: Exponents) -> Iterator[Edge]:
    for name in line.enters:
        yield Edge(name, line.learner, "", sympy.S.Zero)
    for name in line.moved_by:
        mover = recursion[name]
        if mover.motion is Motion.SMOOTH:
            damping = 2 * (steps[name] - steps[line.learner])
            for source in (name, *mover.enters):
                yield Edge(source, line.learner, name, damping)
