"""When the slower of two lines keeps the rate of its own step: known by its abstract."""

from smfg_verify.theorems.answers import Decision
from smfg_verify.theorems.deciding import by_steps, nothing, unread
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

_SLOW, _FAST = "leader", "mean_field"


def _steps(facts: Facts) -> Decision:
    steps = facts.steps
    slow = not steps.rests(_SLOW) and steps.exponents[_SLOW] == 1
    fast = not steps.rests(_FAST) and steps.square_summable(_FAST)
    return by_steps(slow and fast and steps.ratio_vanishes(_SLOW, _FAST), facts, _SLOW, _FAST)


register_theorem(
    Theorem(
        name="sharp-decoupling",
        title="A Sharp Phase Transition and How to Beat It",
        source="arXiv 2606.14488",
        wording=Wording.ABSTRACT,
        about="two noisy lines, as our reading has it the slower the leader's and the faster the mean field's, critics "
        "and follower at their targets",
        conclusion="the slow error's mean square is at most C (k^-1 + k^(-a (1 + rho))), a the fast exponent, "
        "1 + rho the order of the slow drift's remainder",
        hypotheses=(
            Hypothesis("step sizes", "slow c/k, fast c/k^a with 1/2 < a < 1, the lines as above", Wording.OURS, _steps),
            Hypothesis("remainder", "a remainder of some order, in a norm not read", Wording.UNREAD, nothing),
            unread(),
        ),
    ),
    maker=__name__,
)
