"""Fixed-point iteration between flow and regularised policy: known by its abstract."""

from smfg_verify.theorems.deciding import has_horizon, nearest, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="regularised-fixed-point",
        title="Approximately Solving Mean Field Games via Entropy-Regularized Deep Reinforcement Learning",
        source="Cui, Koeppl, arXiv 2102.01585",
        wording=Wording.ABSTRACT,
        about="exact iteration between the followers' regularised policy and the flow of mean fields, the leader at "
        "rest",
        conclusion="convergence to approximate fixed points, hence to approximate equilibria",
        hypotheses=(
            Hypothesis("finite horizon", "states, actions and times are finitely many", Wording.ABSTRACT, has_horizon),
            Hypothesis(
                "temperature",
                "the temperature is above a threshold, of which the formula was not read",
                Wording.UNREAD,
                nearest("contraction"),
            ),
            unread(),
        ),
    ),
    maker=__name__,
)
