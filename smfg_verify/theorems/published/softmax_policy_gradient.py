r"""Softmax policy gradient with entropy: Theorem 6 of Mei et al., read; in our units.

Theirs has rewards in [0, 1], the temperature $\tau$ and the constant step $(1-\gamma)^3 / (8 + \tau (4 + 8 \log A))$.
Rewards within an interval of width R come there by subtracting its lower end and dividing by R; the temperature is then
$\tau / R$, and the stated step, on the gradient of our value, $(1-\gamma)^3 / (8 R + \tau (4 + 8 \log A))$. R may be
any number at least as large as the range of the rewards, so that a constant step is the stated one of some R exactly
where it is at most that of the range. A constant step c of AC-SMFG's follower moves the logits by
$(1-\gamma) c \nabla J$ in the mean, since its samples of states have the law $(1-\gamma) d$: that is the step here.
"""

import math

from smfg_verify.theorems.answers import Answer, Decision, by_fact
from smfg_verify.theorems.deciding import by_statement, is_discounted, is_warm
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

_LEARNER = "follower"
# Some ten roundings of half a unit in the last place each, none of them of a difference that cancels.
_ROUNDING = 1e-12


def stated_step(discount: float, temperature: float, num_actions: int, width: float) -> float:
    r"""$(1-\gamma)^3 / (8 R + \tau (4 + 8 \log A))$, up to a relative rounding below 1e-12.

    Args:
        discount: gamma.
        temperature: tau, in units of reward.
        num_actions: A, of the follower.
        width: R, in units of reward.

    Returns:
        The step on the gradient of the follower's value, which is not normalised by 1 - gamma.

    Source: Theorem 6 of arXiv 2005.06392 at R = 1; the change of units is ours.
    """
    return (1.0 - discount) ** 3 / (8.0 * width + temperature * (4.0 + 8.0 * math.log(num_actions)))


def decide_step(discount: float, temperature: float, num_actions: int, width: float, facts: Facts) -> Decision:
    """Whether the follower's steps are constant and the stated ones for some R of at least the rewards' range."""
    steps, patience = facts.steps, 1.0 - discount
    step = patience * steps.constants[_LEARNER]
    said = {"learner": _LEARNER, "step": steps.text(_LEARNER)}
    if steps.rests(_LEARNER):
        return Decision(Answer.FAILS, Reason("steps-rest", said))
    if not steps.is_constant(_LEARNER):
        return Decision(Answer.FAILS, Reason("not-constant", said))
    most, limit = (stated_step(discount, temperature, num_actions, each) for each in (width, 0.0))
    if step <= most * (1.0 - _ROUNDING):
        scale = ((1.0 - discount) ** 3 / step - temperature * (4.0 + 8.0 * math.log(num_actions))) / 8.0
        return Decision(Answer.HOLDS, Reason("below-stated", {**said, "most": most / patience, "scale": scale}))
    if step >= limit * (1.0 + _ROUNDING):
        return Decision(Answer.FAILS, Reason("above-stated", {**said, "most": limit / patience}))
    return Decision(
        Answer.UNKNOWN, Reason("not-below-stated", {**said, "most": most / patience}), would=Reason("proof")
    )


def _step(facts: Facts) -> Decision:
    game = facts.game
    numbers = float(game.discount), float(game.temperature), game.num_follower_actions
    return decide_step(*numbers, facts.reward_width, facts)


def _bounded(facts: Facts) -> Decision:
    width = facts.reward_width
    known = True if math.isfinite(width) else None
    return by_fact(known, Reason("reward-range", {"width": width}), Reason(), Reason("no-range"))


def _has_tables(facts: Facts) -> Decision:
    return Decision(Answer.HOLDS, Reason("tables"))


register_theorem(
    Theorem(
        name="softmax-policy-gradient",
        title="On the Global Convergence Rates of Softmax Policy Gradient Methods, Theorem 6",
        source="Mei, Xiao, Szepesvari, Schuurmans, arXiv 2005.06392",
        wording=Wording.QUOTED,
        about="gradient ascent of the follower by exact gradients, leader and mean field at rest (any of them)",
        conclusion="the follower's optimality gap falls as exp(-C t) after t steps, for some C > 0 of which no value "
        "is given",
        hypotheses=(
            Hypothesis("rewards", "r in [0, 1], after scaling", Wording.OURS, _bounded),
            Hypothesis("discount", "gamma in [0, 1)", Wording.READ, is_discounted),
            Hypothesis("temperature", "tau > 0", Wording.READ, is_warm),
            Hypothesis("tables", "a logit for every state and action", Wording.READ, _has_tables),
            Hypothesis(
                "initial law",
                "the law of the first state has mass everywhere",
                Wording.READ,
                by_statement("coverage", "initial"),
            ),
            Hypothesis(
                "step size",
                "constant, (1-gamma)^3 / (8 + tau (4 + 8 log A)) at rewards in [0, 1]",
                Wording.QUOTED,
                _step,
            ),
        ),
    ),
    maker=__name__,
)
