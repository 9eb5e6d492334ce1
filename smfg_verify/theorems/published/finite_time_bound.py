"""The theorem of docs/theorem.md, ours and proved there: its four lines, and that of the leader."""

from collections.abc import Callable

from smfg_verify.assumptions import Verdict
from smfg_verify.bounds.theorem.sentences import MissingConstant
from smfg_verify.learners import LEARNERS
from smfg_verify.theorems.answers import Answer, Decision
from smfg_verify.theorems.deciding import by_steps, refutation
from smfg_verify.theorems.facts import Facts
from smfg_verify.theorems.sentences import Reason
from smfg_verify.theorems.statement import Hypothesis, Theorem, Wording, register_theorem

_OUTSIDE = ("pairs", "leader-entropy", "one-action", "one-state")
_SOURCE = "docs/theorem.md, proved there"
_ABOUT = (
    "AC-SMFG with independent samples and a floor under the follower's policy, begun on the floor and in the critics' "
    "boxes"
)


def _about(facts: Facts) -> Decision:
    """Whether the theorem is about such games."""
    found = facts.theorem_constants
    if found is None:
        return _too_large()
    outside = [reason for reason in found.missing if reason.case in _OUTSIDE]
    if outside:
        return Decision(Answer.FAILS, _told(outside))
    return Decision(
        Answer.HOLDS, Reason("about-it", {"states": facts.game.num_states, "actions": facts.game.num_follower_actions})
    )


def _constants(
    symbols: str, belongs: Callable[[MissingConstant], bool], refuting: tuple[str, str] | None = None
) -> Callable[[Facts], Decision]:
    """Whether constants are certified; where not, whether a finding refutes that there are any."""

    def decide(facts: Facts) -> Decision:
        found = facts.theorem_constants
        if found is None:
            return _too_large()
        if any(reason.case in _OUTSIDE for reason in found.missing):
            return Decision(Answer.UNKNOWN, _told(found.missing), would=Reason("proof"))
        lacking = [reason for reason in found.missing if belongs(reason)]
        if not lacking:
            return Decision(Answer.HOLDS, Reason("constants", {"symbols": symbols}))
        statements = {reason.facts.get("statement") for reason in lacking}
        findings = [finding for finding in found.findings if finding.statement in statements]
        findings += [] if refuting is None else filter(None, [facts.finding(*refuting)])
        refuted = next((finding for finding in findings if finding.verdict is Verdict.REFUTED), None)
        if refuted is not None:
            return refutation(refuted)
        return Decision(Answer.UNKNOWN, _told(lacking), would=Reason("certificates"))

    return decide


def _finding_of(symbols: str) -> Callable[[Facts], Decision]:
    return _constants(symbols, lambda reason: reason.facts.get("symbol") in symbols.split(", "))


def _case_of(symbols: str, *cases: str, refuting: tuple[str, str] | None = None) -> Callable[[Facts], Decision]:
    return _constants(symbols, lambda reason: reason.case in cases, refuting)


def _floor(facts: Facts) -> Decision:
    """Whether a floor is allowed, which needs every constant."""
    found = facts.theorem_constants
    if found is None:
        return _too_large()
    if found.inputs is None:
        return Decision(Answer.UNKNOWN, _told(found.missing), would=Reason("certificates"))
    return Decision(Answer.HOLDS, Reason("floor", {"value": found.inputs.largest_floor}))


def _leader(facts: Facts) -> Decision:
    """Alignment and smoothness for all leaders."""
    found = facts.theorem_constants
    if found is None:
        return _too_large()
    if found.missing_for_leader or found.inputs is None:
        return Decision(Answer.UNKNOWN, _told(found.missing_for_leader or found.missing), would=Reason("certificates"))
    return Decision(Answer.HOLDS, Reason("constants", {"symbols": "c_a, e_a, L_Phi"}))


def _moving(*learners: str) -> Callable[[Facts], Decision]:
    return lambda facts: by_steps(not any(map(facts.steps.rests, learners)), facts, *learners)


def _told(reasons: tuple[MissingConstant, ...] | list[MissingConstant]) -> Reason:
    return Reason("missing", {"reasons": "; ".join(map(str, reasons))})


def _too_large() -> Decision:
    return Decision(Answer.UNKNOWN, Reason("too-large"), would=Reason("proof"))


_FOUR_LINES = (
    Hypothesis(
        "the games it is about",
        "mean fields of two or more states, followers of two or more actions, a leader without entropy",
        Wording.READ,
        _about,
    ),
    Hypothesis(
        "Lipschitz constants", "of transition and rewards in the mean field", Wording.READ, _finding_of("L_P, L_f, L_l")
    ),
    Hypothesis("coverage", "rho(s) >= rho_0 > 0, d(s) >= d_0 > 0", Wording.READ, _finding_of("rho_0, d_0")),
    Hypothesis(
        "mixing",
        "every chain mixes at one rate",
        Wording.READ,
        _case_of("M", "mixing", refuting=("ergodicity", "mixing")),
    ),
    Hypothesis(
        "one-sided contraction",
        "<v, D Gamma v> <= (1 - c) |v|^2 in the Euclidean norm, c > 0",
        Wording.READ,
        _case_of("c", "one-sided", refuting=("one-sided-contraction", "euclidean")),
    ),
    Hypothesis(
        "rewards and critics",
        "rewards lie in known ranges, and the critics' boxes hold all values",
        Wording.READ,
        _case_of("ranges and boxes", "reward", "box"),
    ),
    Hypothesis("floor", "0 < p_0 <= 1 / (1 + (A-1) exp(S_Q / tau))", Wording.READ, _floor),
    Hypothesis(
        "step sizes",
        "positive, the leader's or zero; those of mean field and critics at most one, which a run clips",
        Wording.READ,
        _moving(*LEARNERS[1:]),
    ),
)

register_theorem(
    Theorem(
        name="finite-time-bound",
        title="A finite-time bound with explicit constants: critics, follower, mean field",
        source=_SOURCE,
        wording=Wording.READ,
        about=_ABOUT,
        conclusion="bounds, every constant written out, of the expected errors of critics, follower and mean field "
        "after any number of iterations; `smfg-verify bound` unrolls them and says where they are the trivial ones",
        hypotheses=_FOUR_LINES,
    ),
    maker=__name__,
)
register_theorem(
    Theorem(
        name="finite-time-bound-leader",
        title="A finite-time bound with explicit constants: the leader's gradient",
        source=_SOURCE,
        wording=Wording.READ,
        about=_ABOUT,
        conclusion="a bound, every constant written out, of the leader's mean squared gradient before iteration K, "
        "weighted by the leader's steps",
        hypotheses=(
            *_FOUR_LINES,
            Hypothesis("leader's steps", "positive", Wording.READ, _moving(LEARNERS[0])),
            Hypothesis(
                "leader",
                "alignment and smoothness for all leaders, by a leader whose world is its own",
                Wording.READ,
                _leader,
            ),
        ),
    ),
    maker=__name__,
)
