"""AC-SMFG, the single loop with a leader: known by its abstract and by summaries."""

import numpy as np

from smfg_verify.theorems.answers import Decision, by_fact
from smfg_verify.theorems.deciding import is_warm, nearest, ordered_roots, unread
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem


def _sees_states(facts: Facts) -> Decision:
    states, rows = facts.game.num_states, len(np.unique(np.asarray(facts.game.leader_observation)))
    less = Reason("leader-sees-less", {"rows": rows, "states": states})
    return by_fact(rows == states, Reason("leader-sees-states"), less)


def _reward_apart(facts: Facts) -> Decision:
    follows = facts.leader_reward_follows
    return by_fact(None if follows is None else not follows, Reason("reward-apart"), Reason("reward-follows"))


register_theorem(
    Theorem(
        name="ac-smfg",
        title="Learning in Stackelberg Mean Field Games: A Non-Asymptotic Analysis",
        source="Zeng, Evans, Bhatt, Ardon, Ganesh, Koppel, arXiv 2509.15392",
        wording=Wording.ABSTRACT,
        about="AC-SMFG: leader, mean field, follower and critics in one loop of Markov samples",
        conclusion="convergence to a stationary point of the leader's objective at O~(k^-1/2) after k iterations, as "
        "abstract and summaries have it; of which quantity was not read",
        hypotheses=(
            Hypothesis(
                "gradient alignment",
                "the full policy gradient is approximated by a partial component; inequality and constants not read",
                Wording.UNREAD,
                nearest("gradient-alignment"),
            ),
            Hypothesis(
                "response of the mean field",
                "the mean field's response contracts, as a summary has it; of which map, in which norm and for which "
                "leaders not read",
                Wording.UNREAD,
                nearest("contraction"),
            ),
            Hypothesis(
                "gradient domination",
                "an inequality of Polyak and Lojasiewicz for the follower, as a summary has it; its constant along a "
                "run not read",
                Wording.UNREAD,
                nearest("gradient-domination"),
            ),
            Hypothesis("temperature", "the follower's entropy has a weight tau > 0", Wording.SUMMARY, is_warm),
            Hypothesis("leader's policy", "phi(b given s), a row of logits a state", Wording.SUMMARY, _sees_states),
            Hypothesis(
                "leader's reward", "r_l(s, b, mu), without the follower's action", Wording.SUMMARY, _reward_apart
            ),
            Hypothesis(
                "step sizes",
                "c/(k+1)^(1/2) on every line, leader <= mean field <= follower <= critics; size of the constants not "
                "read",
                Wording.SUMMARY,
                ordered_roots,
            ),
            unread(formula="its list of assumptions, their constants, and those of the step sizes"),
        ),
    ),
    maker=__name__,
)
