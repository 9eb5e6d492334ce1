"""What constants as expressions say, in plain text and in LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import sympy

from smfg_verify.numerals import at_least, at_most
from smfg_verify.records.coded_text import Sentence
from smfg_verify.records.entries import Entries

if TYPE_CHECKING:
    from smfg_verify.symbolic.constants.records import ConstantExpression, GameExpressions

# Terms that are written out.
_SHOWN = 6
_ROUNDED: Mapping[str, Callable[[float], float]] = {"upper": at_most, "lower": at_least, "exact": float}
MEANINGS: Mapping[str, str] = {
    "transition_lipschitz": "Lipschitz constant of the transition in the mean field, l1",
    "follower_lipschitz": "Lipschitz constant of the follower's reward in the mean field, l1",
    "reward_span": "span of the follower's reward",
    "reward_high": "largest follower's reward",
    "reward_low": "least follower's reward",
    "action_reward_span": "span of the follower's reward over its actions at one state",
    "one_step": "largest total variation between the next-state laws of two states",
    "action_spread": "largest total variation between the next-state laws of two follower actions at one state",
    "mixing_factor": "mixing factor m / (1 - delta_m)",
    "mixing_steps": "steps of the best certified mixing",
    "mixing_coefficient": "Dobrushin coefficient of so many steps, under any policies",
    "num_actions": "number of follower actions",
    "num_states": "number of states",
    "discount": "discount",
    "temperature": "temperature (entropy weight), in units of reward",
    "coverage": "least initial probability",
    "box": "half-width of the box of logits",
    "step-leader": "step constant of the leader",
    "step-mean_field": "step constant of the mean field",
    "step-follower": "step constant of the follower",
    "step-critic": "step constant of the critics",
    "contraction-at-witness": "l1 norm of the derivative of the mean field's map at the witness",
    "feedback-at-witness": "l1 norm of the equilibrium's derivative times the leader's update's, at the witness",
    "leader-over-mean-field": "ratio of the leader's step constant to the mean field's",
}


def _infinite(facts: Entries) -> str:
    return f"No finite value: {', '.join(facts['symbols'])} is not proved to be finite."


REMARKS: Mapping[str, Sentence] = {
    "infinite": _infinite,
    "rough": "The expression is {value:.4g}, which is not reported: with the roundings of the game's functions it is "
    "no proved bound.",
    "differs": "The expression ({value!r}) is not the number reported ({reported!r}): a fault of this package.",
    "bisected": "The number reported is found by bisection, up to 1e-5 of it, and keeps a margin of {margin:g}.",
    "coldest": "Temperatures below {coldest:g} are not looked at: the number reported is that or above.",
    "hottest": "No temperature up to {hottest:g} is admitted.",
    "no-temperature": "What does not fall with the temperature, {rest:.4g}, is at least one: no temperature is hot "
    "enough.",
    "exponent": "A product that a probability decides; told are the terms of the exponent, span_a Q / tau.",
}


def constant_text(constant: ConstantExpression) -> str:
    """A constant in plain text: expression, number, terms by share, symbols, remarks."""
    reported = f", the constant of {' and '.join(constant.statements)}" if constant.statements else ""
    lines = [f"{constant.name}: {constant.symbol} = {constant.expression}", f"  = {_number(constant)}{reported}"]
    if len(constant.terms) > 1:
        head = "Terms of the exponent" if constant.summed != constant.expression else "Terms"
        lines += [f"  {head}:"]
        lines += [f"    {term.share:6.1%}  {term.expression} = {term.value:.4g}" for term in constant.terms[:_SHOWN]]
        more = len(constant.terms) - _SHOWN
        lines += [f"    and {more} smaller ones"] if more > 0 else []
    lines += [f"  {entry.symbol} = {entry.value:.6g}: {entry.text}" for entry in constant.values]
    return "\n".join([*lines, *(f"  {remark.sentence}" for remark in constant.remarks)])


def _number(constant: ConstantExpression) -> str:
    rounded = _ROUNDED[constant.side]
    if math.isinf(constant.reported):
        return "inf: no finite bound is reported"
    sign = {"upper": " (an upper bound)", "lower": " (a lower bound)", "exact": ""}[constant.side]
    return f"{rounded(constant.reported):.6g}{sign}"


def constant_latex(constant: ConstantExpression) -> str:
    """A constant in LaTeX: the equation, and a table (booktabs) of its terms by share."""
    equation = rf"\[ {sympy.latex(constant.symbol)} = {sympy.latex(constant.expression)} = {_latex_number(constant)} \]"
    if len(constant.terms) < 2:
        return equation
    rows = [
        rf"${sympy.latex(term.expression)}$ & ${_power_of_ten(f'{term.value:.4g}')}$ & {100.0 * term.share:.1f}\,\% \\"
        for term in constant.terms[:_SHOWN]
    ]
    head = r"term of the exponent & value & share \\" if constant.summed != constant.expression else None
    return "\n".join(
        [
            equation,
            r"\begin{tabular}{lrr}",
            r"\toprule",
            head or r"term & value & share \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _latex_number(constant: ConstantExpression) -> str:
    rounded = _ROUNDED[constant.side]
    return _power_of_ten(f"{rounded(constant.reported):.6g}")


def _power_of_ten(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    if "inf" in mantissa:
        return r"\infty"
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def all_text(found: GameExpressions) -> str:
    """All constants of a game in plain text, and what is no formula of others."""
    parts = [f"Constants of {found.game_name} as expressions", *(constant.text for constant in found.expressions)]
    if found.searched:
        parts.append(
            "No formula of other constants (a search, an enclosure or a program gives them): "
            f"{', '.join(found.searched)}."
        )
    return "\n".join(parts)


def all_latex(found: GameExpressions) -> str:
    """All constants of a game in LaTeX."""
    return "\n\n".join(constant.latex for constant in found.expressions)
