r"""Robbins and Monro, Robbins and Siegmund, for the line of the mean field.

With $e_k = |\hat\mu_k - \mu^*(\phi)|_W^2$ and one-sided contraction at the rate c in the norm of W,
$E[e_{k+1} | k] \le (1 - 2 c \xi_k) e_k + \xi_k^2 D^2$, D the width of the simplex in that norm. Their theorem: where
$\sum \xi_k^2 < \infty$ the $e_k$ converge and $\sum_k \xi_k e_k < \infty$, hence $e_k \to 0$ where besides
$\sum \xi_k = \infty$. Asked is a drift towards the one point $\mu^*(\phi)$, in a norm of that leader; one-sided
contraction is more, so that its refutation refutes nothing here. Two equilibria of one leader do: no drift pulls one to
the other.
"""

from smfg_verify.theorems.deciding import by_stronger, robbins_monro
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="robbins-siegmund",
        title="Robbins and Monro's step sizes, by the almost supermartingales of Robbins and Siegmund",
        source="Robbins, Monro, 1951; Robbins, Siegmund, 1971; as later sources state them",
        wording=Wording.QUOTED,
        about="the line of the mean field alone, any leader at rest: independent samples, drawn anew at each step, of "
        "the stationary law of the exact answer to the present mean field",
        conclusion="the mean field converges to the equilibrium almost surely; where the steps fail nothing is said "
        "against convergence, as in mean square",
        hypotheses=(
            Hypothesis(
                "drift",
                "E[e(k+1) given k] <= (1 - 2 c xi(k)) e(k) + xi(k)^2 D^2 with c > 0, e the squared distance from the "
                "leader's equilibrium in a weighted norm",
                Wording.OURS,
                by_stronger("one-sided-contraction", contrary="uniqueness"),
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
