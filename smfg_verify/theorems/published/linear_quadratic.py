"""Policy gradient for linear-quadratic mean field games in continuous time: known by its abstract."""

from smfg_verify.theorems.answers import Answer, Decision
from smfg_verify.theorems.deciding import unread
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem


def _is_continuous(facts: Facts) -> Decision:
    return Decision(Answer.FAILS, Reason("finite"))


register_theorem(
    Theorem(
        name="linear-quadratic",
        title="Global Convergence of Policy Gradient for Linear-Quadratic Mean-Field Control/Game in Continuous Time",
        source="Wang, Han, Yang, Wang, arXiv 2008.06845",
        wording=Wording.ABSTRACT,
        about="policy gradient of infinitely many identical agents, without a leader",
        conclusion="convergence at a linear rate",
        hypotheses=(
            Hypothesis(
                "linear-quadratic, continuous",
                "linear dynamics, quadratic costs, continuous states, actions and time",
                Wording.ABSTRACT,
                _is_continuous,
            ),
            unread(formula="the conditions under which the equilibrium exists and is unique, and the steps"),
        ),
    ),
    maker=__name__,
)
