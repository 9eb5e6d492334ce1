"""Mirror descent in monotone mean field games: known by its abstract."""

from smfg_verify.theorems.deciding import nearest_statement, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="online-mirror-descent",
        title="Scaling up Mean Field Games with Online Mirror Descent",
        source="Perolat, Perrin, Elie, Lauriere, Piliouras, Geist, Tuyls, Pietquin, arXiv 2103.00623",
        wording=Wording.ABSTRACT,
        about="mirror descent of the followers in continuous time, the leader at rest",
        conclusion="convergence to an equilibrium",
        hypotheses=(
            Hypothesis(
                "monotonicity",
                "the rewards are monotone; over which laws and how strictly not read",
                Wording.UNREAD,
                nearest_statement("uniqueness", "occupation-monotonicity"),
            ),
            unread("horizon and dynamics", "whether time ends, and whether the mean field moves the transition"),
            unread(),
        ),
    ),
    maker=__name__,
)
