"""What is derived of a game, as plain text and as LaTeX."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import sympy as sp

from smfg_verify.symbolic.derivation import Derivation
from smfg_verify.symbolic.game import FUNCTIONS, SymbolicGame
from smfg_verify.symbolic.gradient import PARTS, GradientFormula
from smfg_verify.symbolic.latex import aligned, latex, symbol_latex
from smfg_verify.symbolic.proofs.alignment import AlignmentFormula
from smfg_verify.symbolic.proofs.claims import Claim, Computed, Gap
from smfg_verify.symbolic.proofs.contraction import ContractionFormula


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

_FUNCTION_NAMES = {
    "transition": ("P(s_next | s, a, b, m)", r"P(s' \mid s, a, b, m)"),
    "follower_reward": ("r_f(s, a, b, m)", "r_f(s, a, b, m)"),
    "leader_reward": ("r_l(s, a, b, m)", "r_l(s, a, b, m)"),
}
_PART_NAMES = {
    "direct": "direct part",
    "policy_response": "policy response",
    "mean_field_response": "mean field response",
}
_STEPS = {
    "Pbar": "Moves under the leader's policy, Pbar_s_a_t:",
    "P": "The chain of the follower's policy, P_s_t:",
    "N": "Discounted visits, N = (I - gamma P)^-1 by cofactors:",
    "A": "A is I - P^T on moves of mass from the last state, C the slopes g of the flow; A^-1 and S = (A - C)^-1:",
    "leader": "The leader: mean reward lbar, visits D from rho, value W, worth L of an action, slope dJ as mass moves:",
}
_WRITTEN = {
    "\\": r"\textbackslash ",
    "_": r"\_",
    "^": r"\^{}",
    "|": "$|$",
    "<": "$<$",
    ">": "$>$",
    "&": r"\&",
    "%": r"\%",
}
_CLAIMS = {
    "one-sided": "the slope of the best response is never positive, for every leader, mean field and policy: "
    "one-sided contraction holds with c >= 1 at every temperature, so there is one "
    "equilibrium and congestion never loses it.",
    "steepest": "the size of the slope is at most the critical temperature over tau: above the critical temperature "
    "the best response contracts under every leader.",
    "attained": "the size of the slope is the critical temperature over tau where both actions are chosen alike "
    "(p = 1/2): at or below the critical temperature contraction is lost if that occurs.",
    "ratio": "the alignment <g, p> / ||p||^2 along x, the probability of the leader's second action, is one minus x "
    "over the peak's expression: negative exactly where x exceeds it.",
    "direct-positive": "the direct part always asks for a larger x.",
    "peak-positive": "the peak's expression is positive: the alignment is positive at small x.",
    "choice-falls": "the equilibrium's x falls as p grows: a larger x drives p down.",
    "one-peak": "the gap between the peak's expression and the equilibrium's x grows with p: over this range of p the "
    "alignment changes its sign at most once, from positive to negative as x grows.",
}

_GAPS = {
    "jump": "{where} is not proved to be continuous in the mean field, and a derivative does not see a jump",
    "laws": "the chain of the {where} is not proved to have one stationary law, which needs this to be positive",
    "rests": "it rests on the claim {where}, which is not proved",
}


def text_lines(derivation: Derivation) -> Iterator[str]:
    """A derivation as plain text, line by line.

    Args:
        derivation: what was derived.

    Returns:
        The lines.
    """
    after: Block | None = None
    for block in blocks(derivation):
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


def latex_lines(derivation: Derivation) -> Iterator[str]:
    """A derivation as LaTeX for a document with amsmath and booktabs, line by line.

    Args:
        derivation: what was derived.

    Returns:
        The lines.
    """
    for kind, group in itertools.groupby(blocks(derivation), type):
        if kind is Equation:
            yield aligned((block.left_latex, block.right) for block in group if isinstance(block, Equation))
            continue
        for block in group:
            match block:
                case Heading(text):
                    yield rf"\section*{{{_escaped(text)}}}"
                case Words(text):
                    yield f"\n{_escaped(text)}\n"
                case Stated(claim, sentence):
                    where = ", ".join(f"${_condition_latex(condition)}$" for condition in claim.conditions)
                    yield rf"\paragraph{{{_mark(claim)}.}} {_escaped(sentence)}"
                    yield rf"\[ {latex(claim.relation)} \]" + (f" where {where}." if where else "")
                    if claim.gap is not None:
                        yield f"Not proved since {_escaped(_gap_text(claim.gap))}: ${latex(claim.gap.part)}$."


def blocks(derivation: Derivation) -> Iterator[Block]:
    """What there is to say, in order."""
    yield from _game(derivation.game)
    if derivation.contraction is not None:
        yield from _contraction(derivation.contraction)
    yield from _alignment(derivation.alignment)
    yield from _gradient(derivation.gradient)


def _gap_text(gap: Gap) -> str:
    return _GAPS[gap.kind].format(where=gap.where)


def _mark(claim: Claim) -> str:
    return "Proved" if claim.proved else "NOT proved"


def _game(game: SymbolicGame) -> Iterator[Block]:
    yield Heading(f"Game {game.name} as formulas")
    for kind, labels in (("s", game.states), ("a", game.follower_actions), ("b", game.leader_actions)):
        yield Words(f"{kind}: {', '.join(f'{index} {label}' for index, label in enumerate(labels))}")
    for name in FUNCTIONS:
        yield Equation(*_FUNCTION_NAMES[name], getattr(game, name))
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
        yield Words(_STEPS.get(key) or key)
        for symbol in group:
            yield Equation(str(symbol), symbol_latex(str(symbol)), gradient.definitions[symbol])
    yield Words("Derivatives of Phi in the leader's policy; the gradient is the sum of the three parts:")
    rows, columns = gradient.leader_policy.shape
    for (o, b), part in itertools.product(np.ndindex(rows, columns), PARTS):
        place = rf"\left.\frac{{\partial \Phi}}{{\partial \phi_{{{o}{b}}}}}\right|_{{\text{{{_PART_NAMES[part]}}}}}"
        yield Equation(f"dPhi/dphi_{o}_{b}, {_PART_NAMES[part]}", place, getattr(gradient, part)[o, b])
    yield Words("In logits: dPhi/domega_o_b = phi_o_b (dPhi/dphi_o_b - sum over c of phi_o_c dPhi/dphi_o_c).")


def _step(name: str) -> str:
    if directed := re.match(r"(?:q|dV|dQ|dpi|g|dm)(?:m(\d)|phi(\d)(\d+))", name):
        state, row, action = directed.groups()
        moved = f"As mass moves from the last state to state {state}" if state else f"As phi_{row}_{action} grows"
        last = "" if state else ", change dm of the mean field"
        return f"{moved}: q is the change of Q with V held, then dV = N q, dQ, dpi, flow of mass g{last}:"
    stem = name.split("_")[0].removeprefix("det")
    return {"Pbar": "Pbar", "P": "P", "N": "N", "Ainv": "A", "S": "A"}.get(stem, "leader")


def _contraction(contraction: ContractionFormula) -> Iterator[Block]:
    yield Heading("The best response")
    yield Words("Its slope along moves of mass, p = pi(0 | s) where one choice serves both states:")
    yield Equation("slope", r"D\Gamma", contraction.slope)
    if contraction.temperature is not None:
        yield Words("Critical temperature of contraction:")
        yield Equation("tau_c", r"\tau_c", contraction.temperature)
    yield from (Stated(claim, _CLAIMS[claim.name]) for claim in contraction.claims)
    yield from (Words(_computed(found)) for found in contraction.computed)


def _alignment(alignment: AlignmentFormula | None) -> Iterator[Block]:
    yield Heading("Gradient alignment along the leader's one parameter")
    if alignment is None:
        yield Words(
            "Not derived: this needs two states, a leader with one observation, two actions and no entropy weight, and "
            "a follower whose choice does not depend on the state."
        )
        return
    if alignment.zeros_put_in:
        yield Words(f"With {' = '.join(map(str, alignment.zeros_put_in))} = 0, as in this game.")
    yield Words("Choice p = pi(0 | s) and mass m_0 under the leader's second action with probability x:")
    yield Equation("m_0", "m_{0}", alignment.share)
    yield Equation("tau*log(p/(1 - p))", r"\tau \log \frac{p}{1 - p}", alignment.advantage)
    yield Equation("Phi", r"\Phi", alignment.objective)
    yield Equation("direct dPhi/dx", r"\left.\frac{d\Phi}{dx}\right|_{\text{direct}}", alignment.direct)
    yield Words("The peak, where the total gradient vanishes:")
    yield Equation("x", "x", alignment.peak)
    if alignment.peak_temperature is not None:
        yield Words("The temperature at which the peak has the choice p:")
        yield Equation("tau", r"\tau", alignment.peak_temperature)
    if alignment.plain_peak:
        calm = " = ".join(map(str, alignment.calm))
        yield Words(f"With {calm} = 0 the peak is, with Lambert's function W(z) exp(W(z)) = z:")
        yield from (Equation(name, name, value) for name, value in alignment.plain_peak.items())
    if not alignment.claims:
        yield Words(
            "No sign is derived: the alignment is not one minus x over the peak's expression, as where both actions "
            "of the leader take something."
        )
    yield from (Stated(claim, _CLAIMS[claim.name]) for claim in alignment.claims)
    yield from (Words(_computed(found)) for found in alignment.computed)


def _computed(found: Computed) -> str:
    values = found.values
    if found.name == "contraction-lost":
        return f"Computed, not proved: {_lost(values)}"
    if found.name == "alignment-zero":
        numbers = ", ".join(f"{name} = {value:.10g}" for name, value in values.items())
        return f"Computed, not proved: at these numbers the gradient vanishes at {numbers}."
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


def _escaped(text: str) -> str:
    return "".join(_WRITTEN.get(letter, letter) for letter in text)
