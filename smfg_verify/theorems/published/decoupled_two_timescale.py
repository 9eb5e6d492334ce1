"""Two-timescale stochastic approximation whose two errors have the rates of their own steps: known by its abstracts."""

from smfg_verify.theorems.deciding import nearest, nothing, unread
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="decoupled-two-timescale",
        title="Finite-Time Decoupled Convergence in Nonlinear Two-Time-Scale Stochastic Approximation",
        source="Han, Li, Zhang, arXiv 2401.03893",
        wording=Wording.ABSTRACT,
        about="two noisy lines near their common root, a slower and a faster one",
        conclusion="each error's mean square at the rate of its own step",
        hypotheses=(
            Hypothesis(
                "nested local linearity",
                "near the root both updates are linear up to a remainder of higher order; orders and norms not read",
                Wording.UNREAD,
                nothing,
            ),
            Hypothesis(
                "contracting maps",
                "the slow and the fast map contract, in a sense not read",
                Wording.UNREAD,
                nearest("one-sided-contraction"),
            ),
            unread("step sizes", "a suitable choice of step sizes; their exponents not read"),
            unread(),
        ),
    ),
    maker=__name__,
)
