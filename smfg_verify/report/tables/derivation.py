"""What is derived of a game, as plain text and as LaTeX."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import sympy as sp

from smfg_verify.records.latex_text import escaped
from smfg_verify.report.tables import derivation_words as words
from smfg_verify.symbolic.constants import GameExpressions
from smfg_verify.symbolic.derivation import Part, Refusal
from smfg_verify.symbolic.game import FUNCTIONS, SymbolicGame
from smfg_verify.symbolic.gradient import PARTS, GradientFormula
from smfg_verify.symbolic.latex import aligned, latex, symbol_latex
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula
from smfg_verify.symbolic.proofs.claims import Claim, Computed, Gap, NotDerived
from smfg_verify.symbolic.proofs.contraction import ContractionFormula
from smfg_verify.symbolic.rates import BestExponents, RateDerivation

# Records of constants and of rates, which have texts of their own.
Record = GameExpressions | RateDerivation | BestExponents


class Heading(NamedTuple):
    """A section."""

    text: str


class Words(NamedTuple):
    """A sentence."""

    text: str


class Equation(NamedTuple):
    """A name and what it is: the name as text, and as LaTeX."""

    left: str
    left_latex: str
    right: sp.Basic


class Stated(NamedTuple):
    """A claim with its sentence."""

    claim: Claim
    sentence: str


Block = Heading | Words | Equation | Stated


def text_lines(part: Part | Record) -> Iterator[str]:
    """A part of a derivation as plain text, line by line.

    Args:
        part: what was derived.

    Returns:
        The lines.
    """
    if isinstance(part, Record):
        yield from ("", *part.text.splitlines())
        return
    after: Block | None = None
    for block in blocks(part):
        match block:
            case Heading(text):
                yield from ("", text, "-" * len(text))
            case Words(text):
                yield from (text,) if isinstance(after, Words | Heading) else ("", text)
            case Equation(left, _, right):
                yield f"  {left} = {right}"
            case Stated(claim, sentence):
                yield from ("", f"{_mark(claim)}: {sentence}", f"  {_relation_text(claim.relation)}")
                if claim.conditions:
                    yield f"  where {', '.join(map(_relation_text, claim.conditions))}"
                if claim.gap is not None:
                    yield f"  Not proved since {_gap_text(claim.gap)}: {claim.gap.part}"
        after = block


def latex_lines(part: Part | Record) -> Iterator[str]:
    """A part of a derivation as LaTeX for a document with amsmath and booktabs, line by line.

    Args:
        part: what was derived.

    Returns:
        The lines.
    """
    if isinstance(part, Record):
        yield f"\n{part.latex}\n"
        return
    for kind, group in itertools.groupby(blocks(part), type):
        if kind is Equation:
            yield aligned((block.left_latex, block.right) for block in group if isinstance(block, Equation))
            continue
        for block in group:
            match block:
                case Heading(text):
                    yield rf"\section*{{{escaped(text)}}}"
                case Words(text):
                    yield f"\n{escaped(text)}\n"
                case Stated(claim, sentence):
                    where = ", ".join(f"${_condition_latex(condition)}$" for condition in claim.conditions)
                    yield rf"\paragraph{{{_mark(claim)}.}} {escaped(sentence)}"
                    yield rf"\[ {latex(claim.relation)} \]" + (f" where {where}." if where else "")
                    if claim.gap is not None:
                        yield f"Not proved since {escaped(_gap_text(claim.gap))}: ${latex(claim.gap.part)}$."


def blocks(part: Part) -> Iterator[Block]:
    """What there is to say, in order."""
    match part:
        case SymbolicGame():
            yield from _game(part)
        case GradientFormula():
            yield from _gradient(part)
        case ContractionFormula():
            yield from _contraction(part)
        case AlignmentFormula():
            yield from _alignment(part)
        case NotDerived(what, missing):
            yield Heading(words.HEADINGS[what])
            yield Words(f"Not derived for this game. It needs {'; '.join(words.NEEDS[code] for code in missing)}.")
        case Refusal(what, why):
            yield Heading(words.HEADINGS[what])
            yield Words(f"Not derived. {why}")


def _gap_text(gap: Gap) -> str:
    return words.GAPS[gap.kind].format(where=gap.where)


def _mark(claim: Claim) -> str:
    return "Proved" if claim.proved else "NOT proved"


def _game(game: SymbolicGame) -> Iterator[Block]:
    yield Heading(f"Game {game.name} as formulas")
    for kind, labels in (("s", game.states), ("a", game.follower_actions), ("b", game.leader_actions)):
        yield Words(f"{kind}: {', '.join(f'{index} {label}' for index, label in enumerate(labels))}")
    for name in FUNCTIONS:
        yield Equation(*words.FUNCTION_NAMES[name], getattr(game, name))
    numbers = {name: np.array2string(values, separator=", ") for name, values in game.numbers.items()}
    numbers |= {"gamma": f"{float(game.discount):g}", "tau": f"{float(game.temperature):g}"}
    yield Words(f"At {', '.join(f'{name} = {value}' for name, value in numbers.items())}.")


def _gradient(gradient: GradientFormula) -> Iterator[Block]:
    yield Heading("The Stackelberg gradient in closed form")
    yield Words(
        "m, V, pi and phi stand for the equilibrium: mean field m_s, follower's value V_s and policy pi_s_a, leader's "
        "policy phi_o_b; rho is the initial law. The implicit function theorem, each step by those before it:"
    )
    for key, group in itertools.groupby(gradient.definitions, lambda symbol: _step(str(symbol))):
        yield Words(words.STEPS.get(key) or key)
        for symbol in group:
            yield Equation(str(symbol), symbol_latex(str(symbol)), gradient.definitions[symbol])
    if any(entry.has(*_BROKEN) for name in FUNCTIONS for entry in gradient.game.tables[name].values()):
        yield Words(words.BETWEEN)
    yield Words("Derivatives of Phi in the leader's policy; the gradient is the sum of the three parts:")
    rows, columns = gradient.leader_policy.shape
    for (o, b), part in itertools.product(np.ndindex(rows, columns), PARTS):
        place = (
            rf"\left.\frac{{\partial \Phi}}{{\partial \phi_{{{o}{b}}}}}\right|_{{\text{{{words.PART_NAMES[part]}}}}}"
        )
        yield Equation(f"dPhi/dphi_{o}_{b}, {words.PART_NAMES[part]}", place, getattr(gradient, part)[o, b])
    yield Words("In logits: dPhi/domega_o_b = phi_o_b (dPhi/dphi_o_b - sum over c of phi_o_c dPhi/dphi_o_c).")


# Formulas that may jump, or whose slope may.
_BROKEN = (sp.Piecewise, sp.Heaviside, sp.sign, sp.floor, sp.ceiling, sp.Abs, sp.Max, sp.Min)


def _step(name: str) -> str:
    if directed := re.match(r"(?:q|dV|dQ|dpi|g|dm)(?:m(\d)|phi(\d)(\d+))", name):
        state, row, action = directed.groups()
        moved = f"As mass moves from the last state to state {state}" if state else f"As phi_{row}_{action} grows"
        last = "" if state else ", change dm of the mean field"
        return f"{moved}: q is the change of Q with V held, then dV = N q, dQ, dpi, flow of mass g{last}:"
    stem = name.split("_")[0].removeprefix("det")
    return {"Pbar": "Pbar", "P": "P", "N": "N", "Ainv": "A", "S": "A"}.get(stem, "leader")


def _contraction(contraction: ContractionFormula) -> Iterator[Block]:
    yield Heading(words.HEADINGS["contraction"])
    yield Words("Its slope along moves of mass, p = pi(0 | s) where one choice serves both states:")
    yield Equation("slope", r"D\Gamma", contraction.slope)
    if contraction.temperature is not None:
        yield Words("Critical temperature of contraction:")
        yield Equation("tau_c", r"\tau_c", contraction.temperature)
    yield from (Stated(claim, words.CLAIMS[claim.name]) for claim in contraction.claims)
    yield from (Words(_computed(found)) for found in contraction.computed)


def _alignment(alignment: AlignmentFormula) -> Iterator[Block]:
    yield Heading(words.HEADINGS["alignment"])
    if alignment.zeros_put_in:
        yield Words(f"With {' = '.join(map(str, alignment.zeros_put_in))} = 0, as in this game.")
    yield Words("Choice p = pi(0 | s) and mass m_0 under the leader's second action with probability x:")
    yield Equation("m_0", "m_{0}", alignment.share)
    yield Equation("tau*log(p/(1 - p))", r"\tau \log \frac{p}{1 - p}", alignment.advantage)
    yield Equation("Phi", r"\Phi", alignment.objective)
    yield Equation("direct dPhi/dx", r"\left.\frac{d\Phi}{dx}\right|_{\text{direct}}", alignment.direct)
    yield Words("With p the equilibrium's choice at x, the total gradient vanishes where x is X:")
    yield Equation("X", "X", alignment.peak)
    if alignment.peak_temperature is not None:
        yield Words("The temperature at which that occurs with the choice p:")
        yield Equation("tau", r"\tau", alignment.peak_temperature)
    if alignment.plain_peak:
        calm = " = ".join(map(str, alignment.calm))
        yield Words(
            f"With {calm} = 0 that is at these p and x, if 0 < x < 1, with Lambert's function W(z) exp(W(z)) = z:"
        )
        yield from (Equation(name, name, value) for name, value in alignment.plain_peak.items())
    if not alignment.claims:
        yield Words(
            "No sign is derived: the alignment is not one minus x over X, as where both actions of the leader take "
            "something."
        )
    yield from (Stated(claim, words.CLAIMS[claim.name]) for claim in alignment.claims)
    yield Words(words.TURNS[alignment.turn])
    yield from (Words(_computed(found)) for found in alignment.computed)


def _computed(found: Computed) -> str:
    values = found.values
    if found.name == "contraction-lost":
        return f"Computed, not proved: {_lost(values)}"
    if found.name in ("peak", "trough", "inflection"):
        numbers = ", ".join(f"{name} = {value:.10g}" for name, value in values.items())
        return f"Computed, not proved: at these numbers the gradient vanishes, at a {found.name} of Phi, at {numbers}."
    if found.name == "no-values":
        return "Computed: nothing, since at these numbers some of the formulas have no finite value."
    ends = ", ".join(f"{value:.6g} {name}" for name, value in values.items())
    return f"Computed, not proved: the alignment <g, p> / ||p||^2 is {ends or 'not known'}."


def _lost(values: Mapping[str, float]) -> str:
    critical, tau = values["critical temperature"], values["temperature"]
    low, high = values["least advantage"], values["largest advantage"]
    where = f"the critical temperature is {critical:.6g} and tau is {tau:g}"
    if tau > critical:
        return f"{where}, above it: the best response contracts under every leader."
    if low < 0.0 < high:
        return (
            f"{where}, not above it, and the advantage of action 0 ranges from {low:.6g} to {high:.6g} over mean "
            "fields and leaders, so it is zero at some: contraction is lost there."
        )
    return (
        f"{where}, not above it, but the advantage of action 0 lies between {low:.6g} and {high:.6g} at all corners of "
        "the mean fields and leaders: whether contraction is lost is not derived."
    )


def _condition_latex(condition: sp.Basic) -> str:
    if isinstance(condition, sp.And):
        first, second = _bounds(condition)
        return f"{latex(first)} {latex(second).removeprefix(latex(second.lhs))}"
    return latex(condition)


def _bounds(condition: sp.Basic) -> list[sp.Rel]:
    """Lower and upper bound of one symbol: low < x, then x < high."""
    return sorted(condition.args, key=lambda part: part.rhs.is_Symbol, reverse=True)


def _relation_text(relation: sp.Basic) -> str:
    if isinstance(relation, sp.And):
        first, second = _bounds(relation)
        return f"{first.lhs} {first.rel_op} {first.rhs} {second.rel_op} {second.rhs}"
    if isinstance(relation, sp.Contains):
        return f"{relation.args[0]} is an integer"
    if isinstance(relation, sp.Rel):
        return f"{relation.lhs} {relation.rel_op.replace('==', '=')} {relation.rhs}"
    return str(relation)
