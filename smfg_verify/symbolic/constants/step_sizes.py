"""What the step sizes are asked for, as expressions of their constants."""

import itertools
from collections.abc import Mapping

import sympy

from smfg_verify.assumptions.step_sizes.findings import quotient, tracking_factor
from smfg_verify.learners import LEARNERS
from smfg_verify.symbolic.constants.evaluation import Symbols, constant_expression
from smfg_verify.symbolic.constants.records import ConstantExpression

_SYMBOLS = {"leader": "c_zeta", "mean_field": "c_xi", "follower": "c_alpha", "critic": "c_beta"}


def order_expression(step_sizes: Mapping[str, float], reported: float) -> ConstantExpression:
    """The largest ratio of neighbours in the order of the steps.

    Args:
        step_sizes: constant by learner.
        reported: the finding's number.

    Returns:
        The expression: the ratio that is the largest.
    """
    pairs = list(itertools.pairwise(LEARNERS))
    slow, fast = max(pairs, key=lambda pair: quotient(step_sizes[pair[0]], step_sizes[pair[1]]))
    symbols = Symbols()
    named = [symbols(_SYMBOLS[name], step_sizes[name], f"step-{name}") for name in (slow, fast)]
    form = quotient(named[0], named[1])
    return constant_expression(
        "step-sizes/order", "q_1", form, symbols, reported, side="exact", statements=("step-sizes/order",)
    )


def tracking_expression(contraction: float, feedback: float, ratio: float, reported: float) -> ConstantExpression:
    r"""$q = \|G\| + \frac{\zeta}{\xi} \|D K\|$ at the witness of "step-sizes/ratios".

    Args:
        contraction: norm of G there.
        feedback: norm of D K there.
        ratio: leader's over mean field's constant.
        reported: the finding's number.

    Returns:
        The expression.
    """
    symbols = Symbols()
    norm = symbols("g", contraction, "contraction-at-witness")
    back = symbols("h", feedback, "feedback-at-witness")
    slow = symbols("r", ratio, "leader-over-mean-field")
    form: sympy.Expr = tracking_factor(norm, back, slow)
    return constant_expression(
        "step-sizes/ratios", "q", form, symbols, reported, side="lower", statements=("step-sizes/ratios",)
    )
