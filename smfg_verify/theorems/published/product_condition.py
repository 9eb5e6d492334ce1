"""Learning mean field games under a product of Lipschitz constants below one: known by its abstract."""

from smfg_verify.theorems.deciding import nearest, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="product-condition",
        title="Learning Mean-Field Games",
        source="Guo, Hu, Xu, Zhang, arXiv 1901.09585",
        wording=Wording.ABSTRACT,
        about="Q-learning of the followers with Boltzmann policies (GMF-Q), the leader at rest",
        conclusion="one equilibrium, and convergence of GMF-Q to it",
        hypotheses=(
            Hypothesis(
                "feedback regularity",
                "Lipschitz constants of mean field to policy and of policy to mean field have a product below one, as "
                "others quote it; the paper's own constants and norm not read",
                Wording.UNREAD,
                nearest("contraction"),
            ),
            unread(),
        ),
    ),
    maker=__name__,
)
