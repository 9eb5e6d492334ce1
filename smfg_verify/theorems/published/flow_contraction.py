"""Contraction of flows at a large temperature: Theorem 3 of Jeloka et al. for one population, read with its proof."""

from smfg_verify.theorems.deciding import has_horizon, is_uncoupled, nothing
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

register_theorem(
    Theorem(
        name="flow-contraction",
        title="Beyond Nominal Equilibria: Risk-Averse Multi-Population Mean-Field Games, Theorem 3",
        source="Jeloka, Ganguly, Tsiotras, 2026, a preprint",
        wording=Wording.READ,
        about="the undamped iteration of the followers' regularised best response, one population, the leader at rest",
        conclusion="the iteration contracts flows by the factor L / tau, and converges to the one regularised "
        "equilibrium's",
        hypotheses=(
            Hypothesis("finite horizon", "times t = 0, ..., T, without discount", Wording.READ, has_horizon),
            Hypothesis("dynamics", "the transition depends on no mean field", Wording.READ, is_uncoupled),
            Hypothesis(
                "rewards", "of state and laws alone, without the action; the first law is fixed", Wording.READ, nothing
            ),
            Hypothesis(
                "temperature",
                "tau > L = sum over t = 1, ..., T of the rewards' Lipschitz constants in l1",
                Wording.READ,
                nothing,
            ),
        ),
    ),
    maker=__name__,
)
