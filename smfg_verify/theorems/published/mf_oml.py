"""Online learning of occupation measures in monotone games of many players: known by its abstract."""

from smfg_verify.theorems.deciding import has_horizon, nearest_statement, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="mf-oml",
        title="MF-OML: Online Mean-Field Reinforcement Learning with Occupation Measures for Large Population Games",
        source="Hu, Zhang, arXiv 2405.00282",
        wording=Wording.ABSTRACT,
        about="MF-OML of N symmetric followers over M episodes, the leader at rest",
        conclusion="with high probability regret O~(M^(3/4) + N^(-1/2) M) under strong Lasry-Lions monotonicity, "
        "O~(M^(11/12) + N^(-1/6) M) under plain",
        hypotheses=(
            Hypothesis("episodes", "the game is played in episodes, that is, it ends", Wording.OURS, has_horizon),
            Hypothesis(
                "monotonicity",
                "Lasry-Lions monotonicity, or strong; norm and sign not read",
                Wording.UNREAD,
                nearest_statement("uniqueness", "occupation-monotonicity"),
            ),
            unread(),
        ),
    ),
    maker=__name__,
)
