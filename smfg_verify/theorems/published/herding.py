"""Herding mean field games, a single loop without a leader: known by its abstracts."""

from smfg_verify.theorems.deciding import averages, nothing, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="herding",
        title="Learning in Herding Mean Field Games: Single-Loop Algorithm with Finite-Time Convergence Analysis",
        source="Zeng, Bhatt, Koppel, Ganesh, arXiv 2408.04780",
        wording=Wording.ABSTRACT,
        about="an accelerated single loop of the followers on one path of Markov samples, the leader at rest",
        conclusion="convergence to an equilibrium of fully herding games; the rate is known from a summary only",
        hypotheses=(
            Hypothesis(
                "average reward",
                "the criterion is the average reward, as the abstract's special case of average-reward decision "
                "processes has it",
                Wording.OURS,
                averages,
            ),
            Hypothesis("herding", "the game is fully herding; the inequality not read", Wording.UNREAD, nothing),
            Hypothesis(
                "step sizes",
                "three time scales, as a summary has it; exponents and constants not read",
                Wording.UNREAD,
                nothing,
            ),
            unread(),
        ),
    ),
    maker=__name__,
)
