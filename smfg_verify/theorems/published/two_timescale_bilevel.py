"""A two-timescale loop for bilevel optimisation: known by its abstracts."""

from smfg_verify.theorems.answers import Answer, Decision
from smfg_verify.theorems.deciding import nearest, unread
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem


def _strongly_convex(facts: Facts) -> Decision:
    return Decision(Answer.FAILS, Reason("softmax"))


register_theorem(
    Theorem(
        name="two-timescale-bilevel",
        title="A Two-Timescale Framework for Bilevel Optimization: Complexity Analysis and Application to Actor-Critic",
        source="Hong, Wai, Wang, Yang, arXiv 2007.05170",
        wording=Wording.ABSTRACT,
        about="a single loop, the follower's logits as the inner variable and the leader's as the outer one",
        conclusion="after K iterations O(K^(-2/3))-optimal for a strongly convex outer problem, O(K^(-2/5))-stationary "
        "for a weakly convex one",
        hypotheses=(
            Hypothesis(
                "inner problem",
                "g(x, .) is strongly convex, without constraints, in the logits as above",
                Wording.OURS,
                _strongly_convex,
            ),
            Hypothesis(
                "outer problem",
                "smooth, and strongly or weakly convex; in which sense not read",
                Wording.UNREAD,
                nearest("smoothness"),
            ),
            unread("step sizes", "a larger step for the inner problem; exponents not read in the paper"),
            unread(),
        ),
    ),
    maker=__name__,
)
