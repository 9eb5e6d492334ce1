"""Certified constants of the follower's gradient domination as expressions."""

from collections.abc import Iterator, Mapping

import sympy

from smfg_verify.assumptions.gradient_domination.certified_constants import (
    DominationInputs,
    Functions,
    action_value_span,
    box_formula,
    mei_formula,
    optimal_probability,
    probability_in_box,
)
from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.symbolic.constants.evaluation import Symbols, constant_expression
from smfg_verify.symbolic.constants.records import ConstantExpression, Remark

_SYMBOLS = {
    "reward_span": "R_f",
    "action_reward_span": "R_A",
    "one_step": "delta_1",
    "action_spread": "delta_A",
    "coverage": "rho_min",
    "num_states": "n",
    "num_actions": "A",
    "discount": "gamma",
    "temperature": "tau",
}
FUNCTIONS = Functions(sympy.log, lambda x: 1 / (1 + sympy.exp(-x)))


def domination_expressions(inputs: DominationInputs, reported: Mapping[str, float]) -> Iterator[ConstantExpression]:
    r"""Mei et al.'s constant at the optimum, and in the box of logits.

    They are products, which a probability decides that is exponentially small; the terms told are those of the
    exponent, $span_a Q / \tau$.

    Args:
        inputs: what the constants are made of; where its bounds are not known, NaN, only the constant in the box.
        reported: "mei-constant" and "in-box" -> the number.

    Yields:
        The expressions of those that are reported.
    """
    if "mei-constant" in reported:
        symbols, named = _named(inputs)
        yield constant_expression(
            "gradient-domination/mei-constant",
            "C",
            mei_formula(named, optimal_probability(named, FUNCTIONS)),
            symbols,
            reported["mei-constant"],
            side="lower",
            statements=("gradient-domination/mei-constant",),
            summed=action_value_span(named, sympy.log) / named.temperature,
            remarks=[Remark("exponent")],
        )
    if "in-box" in reported:
        symbols, named = _named(inputs)
        box = symbols("L", LOGIT_BOX, "box")
        yield constant_expression(
            "gradient-domination/constant-in-box",
            "C_L",
            box_formula(named, probability_in_box(named, box, FUNCTIONS)),
            symbols,
            reported["in-box"],
            side="lower",
        )


def _named(inputs: DominationInputs) -> tuple[Symbols, DominationInputs]:
    symbols = Symbols()
    named = {field: symbols(text, getattr(inputs, field), field) for field, text in _SYMBOLS.items()}
    return symbols, DominationInputs(**named)
