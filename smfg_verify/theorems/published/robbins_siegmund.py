r"""Robbins and Monro, Robbins and Siegmund, for the line of the mean field.

With $e_k = |\hat\mu_k - \mu^*(\phi)|_W^2$ and one-sided contraction at the rate c in the norm of W,
$E[e_{k+1} | k] \le (1 - 2 c \xi_k) e_k + \xi_k^2 D^2$, D the width of the simplex in that norm. Their theorem: where
$\sum \xi_k^2 < \infty$ the $e_k$ converge and $\sum_k \xi_k e_k < \infty$, hence $e_k \to 0$ where besides
$\sum \xi_k = \infty$.
"""

from smfg_verify.theorems.deciding import by_property, robbins_monro
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="robbins-siegmund",
        title="Robbins and Monro's step sizes, by the almost supermartingales of Robbins and Siegmund",
        source="Robbins, Monro, 1951; Robbins, Siegmund, 1971; as later sources state them",
        wording=Wording.QUOTED,
        about="the line of the mean field alone, by independent samples of the stationary law, a follower who answers "
        "exactly, any leader at rest",
        conclusion="the mean field converges to the equilibrium almost surely; where the steps fail nothing is said "
        "against convergence, as in mean square",
        hypotheses=(
            Hypothesis(
                "drift",
                "E[e(k+1) given k] <= (1 - 2 c xi(k)) e(k) + xi(k)^2 D^2 with c > 0, the squared error e in a weighted "
                "norm",
                Wording.OURS,
                by_property("one-sided-contraction"),
            ),
            Hypothesis(
                "step sizes",
                "sum xi(k) = infinity, sum xi(k)^2 < infinity",
                Wording.QUOTED,
                robbins_monro("mean_field"),
            ),
        ),
    ),
    maker=__name__,
)
