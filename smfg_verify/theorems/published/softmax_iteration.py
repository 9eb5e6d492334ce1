"""Iterated softmax policies in a finite horizon: Lemma 1 of Corecco et al., read."""

from smfg_verify.theorems.deciding import has_horizon, nothing
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="softmax-iteration",
        title="Scalable Neural Incentive Design with Parameterized Mean-Field Approximation, Lemma 1",
        source="Corecco, Yardim, Thoma, Shen, He, arXiv 2510.21442",
        wording=Wording.READ,
        about="mirror descent of the followers in log policies by exact values, a designer's parameters at rest",
        conclusion="the limit is a regularised equilibrium, differentiable in the designer's parameters, and the "
        "iterates' derivatives converge to its",
        hypotheses=(
            Hypothesis("finite horizon", "times h = 1, ..., H", Wording.READ, has_horizon),
            Hypothesis("step", "its step's condition, of which not all was legible", Wording.OURS, nothing),
            Hypothesis("limit", "the iteration converges, for parameters near the present ones", Wording.READ, nothing),
            Hypothesis(
                "local stability",
                "q^tau is continuously differentiable near the limit, and the spectral radius of its derivative in "
                "log policies is below tau there",
                Wording.READ,
                nothing,
            ),
        ),
    ),
    maker=__name__,
)
