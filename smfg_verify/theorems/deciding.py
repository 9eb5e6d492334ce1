"""How hypotheses of several theorems are decided: by a property's verdict, by one finding, by a fact, by the steps."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.game_class import COUPLING
from smfg_verify.assumptions.outlook import could_change
from smfg_verify.learners import LEARNERS
from smfg_verify.theorems.answers import Answer, Decision, by_fact
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Wording

Decide = Callable[[Facts], Decision]
_ANSWERS = {Verdict.CERTIFIED: Answer.HOLDS, Verdict.REFUTED: Answer.FAILS}


def by_property(name: str) -> Decide:
    """By the verdict of a property, certified or refuted, where the property is what the hypothesis says."""

    def decide(facts: Facts) -> Decision:
        found = facts.verdict(name)
        return unchecked(name) if found is None else _by_verdict("property", *found)

    return decide


def by_stronger(name: str, contrary: str) -> Decide:
    """By a property that implies the hypothesis; it fails where another one is refuted, which it implies."""

    def decide(facts: Facts) -> Decision:
        against, found = facts.verdict(contrary), facts.verdict(name)
        if against is not None and against[0] is Verdict.REFUTED:
            return by_property(contrary)(facts)
        if found is not None and found[0] is Verdict.REFUTED:
            return Decision(Answer.UNKNOWN, _words("stronger", *found), found[1], Reason("proof"))
        return by_property(name)(facts)

    return decide


def by_statement(name: str, statement: str) -> Decide:
    """By the verdict of one statement of a property."""

    def decide(facts: Facts) -> Decision:
        finding = facts.finding(name, statement)
        return unchecked(name) if finding is None else _by_verdict("finding", finding.verdict, finding)

    return decide


def nearest(name: str) -> Decide:
    """Nothing, since the paper's form was not read, but what a property of ours near it says."""

    def decide(facts: Facts) -> Decision:
        found = facts.verdict(name)
        if found is None:
            return unchecked(name)
        return Decision(Answer.UNKNOWN, _words("nearest", *found), found[1], Reason("paper"))

    return decide


def nearest_statement(name: str, statement: str) -> Decide:
    """The same, of one statement of a property."""

    def decide(facts: Facts) -> Decision:
        finding = facts.finding(name, statement)
        if finding is None:
            return unchecked(name)
        return Decision(Answer.UNKNOWN, _words("nearest-statement", finding.verdict, finding), finding, Reason("paper"))

    return decide


def nothing(facts: Facts) -> Decision:
    """Nothing of ours is of its kind."""
    return Decision(Answer.UNKNOWN, Reason("nothing"), would=Reason("proof"))


def unread(name: str = "the rest", formula: str = "its list of assumptions and their constants") -> Hypothesis:
    """What a statement asks besides, of which not even the form was read."""
    return Hypothesis(name, formula, Wording.UNREAD, nothing)


def unchecked(name: str) -> Decision:
    """A property that the report has not."""
    return Decision(Answer.UNKNOWN, Reason("unchecked", {"property": name}), would=Reason("check", {"property": name}))


def refutation(finding: Finding) -> Decision:
    """A refuted finding, where it refutes the hypothesis."""
    return _by_verdict("finding", finding.verdict, finding)


def has_horizon(facts: Facts) -> Decision:
    """A finite horizon, which no game of the package has: each is stationary."""
    return Decision(Answer.FAILS, Reason("stationary"))


def averages(facts: Facts) -> Decision:
    """The average reward as criterion, which no game of the package has."""
    return Decision(Answer.FAILS, _discounted(facts))


def is_discounted(facts: Facts) -> Decision:
    """A discounted sum as criterion, as in every game of the package."""
    return Decision(Answer.HOLDS, _discounted(facts))


def is_finite(facts: Facts) -> Decision:
    """Finitely many states and actions, as in every game of the package."""
    return Decision(Answer.HOLDS, Reason("finite"))


def is_warm(facts: Facts) -> Decision:
    """A positive temperature."""
    value = float(facts.game.temperature)
    reason = Reason("temperature", {"value": value})
    return by_fact(value > 0.0, reason, reason)


def is_uncoupled(facts: Facts) -> Decision:
    """A transition that is the same at every mean field."""
    finding, coupled = facts.finding(*COUPLING), facts.coupled
    if finding is None:
        return unchecked(COUPLING[0])
    found = by_fact(None if coupled is None else not coupled, Reason("uncoupled"), Reason("coupled"))
    return Decision(found.answer, found.because, finding, found.would)


def by_steps(holds: bool, facts: Facts, *learners: str) -> Decision:
    """By a condition on steps, told by the steps of those it is about."""
    said = ", ".join(f"{learner} {facts.steps.text(learner)}" for learner in learners)
    reason = Reason("steps", {"steps": said})
    return by_fact(holds, reason, reason)


def ordered_roots(facts: Facts) -> Decision:
    r"""Steps $c/(k+1)^{1/2}$ on all lines, leader <= mean field <= follower <= critics."""
    steps = facts.steps
    shape = all(steps.exponents[learner] == Fraction(1, 2) for learner in LEARNERS)
    order = all(steps.not_above(slow, fast) for slow, fast in pairwise(LEARNERS))
    return by_steps(shape and order, facts, *LEARNERS)


def robbins_monro(learner: str) -> Decide:
    """Steps of a learner that sum to infinity and are square summable."""

    def decide(facts: Facts) -> Decision:
        return by_steps(facts.steps.sums_to_infinity(learner) and facts.steps.square_summable(learner), facts, learner)

    return decide


def _by_verdict(case: str, verdict: Verdict, finding: Finding) -> Decision:
    answer = _ANSWERS.get(verdict, Answer.UNKNOWN)
    would = (
        Reason()
        if answer is not Answer.UNKNOWN
        else Reason("change", {"words": could_change(finding.property, verdict)})
    )
    return Decision(answer, _words(case, verdict, finding), finding, would)


def _words(case: str, verdict: Verdict, finding: Finding) -> Reason:
    facts = {"property": finding.property, "statement": finding.statement, "verdict": verdict.value}
    return Reason(case, facts)


def _discounted(facts: Facts) -> Reason:
    return Reason("discounted", {"value": float(facts.game.discount)})
