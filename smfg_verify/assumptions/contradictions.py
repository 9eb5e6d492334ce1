"""Findings that cannot both be true: a proof against a witness. One of them is a fault of the package.

Two rules say most of it. A sufficient statement that is certified excludes the refutation of any statement that decides
the same property. And a proved bound of a constant excludes a measurement beyond it. What holds between statements of
different properties, or inside one finding, stands in the tables below; a new statement is added there.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.properties import find_property

# A total variation is a sum of many differences of probabilities; the quotient of a game's slopes is taken over a
# stretch, where rounding is magnified more.
_VARIATION, _QUOTIENT = 1e-8, 1e-3
Findings = Mapping[tuple[str, str], Finding]
# Relative distance that rounding in a measurement can explain.
_MEASURED = 1e-6


@dataclasses.dataclass(frozen=True)
class Conflict:
    """Two findings that exclude each other, or one that excludes itself, and why."""

    first: Finding
    second: Finding
    why: str

    def __str__(self) -> str:
        names = dict.fromkeys(f"{each.property}/{each.statement}" for each in (self.first, self.second))
        told = " and ".join(names)
        return f"{told}: {self.why}"


class Contradiction(RuntimeError):
    """A proof and a witness about the same game exclude each other: a fault of smfg-verify, never bad input.

    Attributes:
        conflicts: which findings, and why.
        findings: everything that was found, so that it can be looked at and reported.

    Examples:
        >>> from smfg_verify.assumptions import Contradiction
        >>> issubclass(Contradiction, RuntimeError), issubclass(Contradiction, ValueError)
        (True, False)
    """

    def __init__(self, conflicts: Sequence[Conflict], findings: Sequence[Finding]):
        self.conflicts, self.findings = tuple(conflicts), tuple(findings)
        told = "; ".join(map(str, self.conflicts))
        super().__init__(
            f"internal fault: a proof and a witness contradict each other ({told}). Neither can be relied on; please "
            "report it with the game."
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.conflicts, self.findings)


def require_consistent(findings: Iterable[Finding]) -> None:
    """Refuse findings about one game of which two exclude each other.

    Args:
        findings: of one check.

    Raises:
        Contradiction: some do.
    """
    findings = tuple(findings)
    found = conflicts(findings)
    if found:
        raise Contradiction(found, findings)


def conflicts(findings: Sequence[Finding]) -> list[Conflict]:
    """All pairs of findings about one game that exclude each other."""
    named = {(finding.property, finding.statement): finding for finding in findings}
    found = [*_within_properties(findings), *_across_properties(named), *_measured(named), *_leaders(named)]
    return list({str(conflict): conflict for conflict in found}.values())


# What certifies and what refutes one claim


def _within_properties(findings: Sequence[Finding]) -> list[Conflict]:
    """A certified sufficient statement beside a refuted one that the property stands or falls with."""
    found = []
    for proof in findings:
        entry = find_property(proof.property)
        if proof.verdict is Verdict.CERTIFIED and proof.statement in entry.sufficient:
            refuted = (other for other in findings if other.property == proof.property and _is_refuted(other))
            found += [_excluded(proof, other) for other in refuted if entry.decides(other.statement)]
    return found


def _is_refuted(finding: Finding | None) -> bool:
    return finding is not None and finding.verdict is Verdict.REFUTED


def _excluded(proof: Finding, refutation: Finding) -> Conflict:
    return Conflict(proof, refutation, "the first is certified, the second refutes what it proves")


_CONTRACTS = (
    ("contraction", "certified-bound"),
    ("uniqueness", "contraction"),
    ("step-sizes", "ratios"),
    ("contraction", "cell-bound"),
)
_SEVERAL = tuple(("uniqueness", name) for name in ("multi-start", "negative-index", "temperature-path"))
# A positive rate in any norm leaves one fixed point, and pairs that leave no norm a rate leave none to it.
_HAS_RATE = (("one-sided-contraction", "certified-rate"), ("uniqueness", "one-sided"))
# Indices that are +1 wherever a fixed point is possible, and contraction there, leave one.
_HAS_INDEX = (("uniqueness", "index"), ("uniqueness", "contraction-on-laws"))
_NO_RATE = (
    ("one-sided-contraction", "rate"),
    *_SEVERAL,
)
# One l1 contraction for every leader has one fixed point, no slope of 1 or more and no eigenvalue on the circle.
_NO_CONTRACTION = (
    ("contraction", "modulus"),
    ("contraction", "spectral-radius"),
    *_SEVERAL,
)
_MIXES = (*(("ergodicity", name) for name in ("dobrushin", "doeblin", "common-state")), ("coverage", "stationary"))
_NEVER_MIXES = (("ergodicity", "mixing"),)
# Where nothing the leader cares about depends on the followers, both gradients are equal.
_EQUAL_GRADIENTS = (("gradient-alignment", "independence"),)
_OPPOSED_GRADIENTS = tuple(
    ("gradient-alignment", name)
    for name in (
        "cosine",
        "inner-product-constant",
        "direct-constant",
        "frontier",
        "zeros-of-total",
        "zeros-of-direct",
        "certified-box",
    )
)
_EXCLUDES = (
    (_CONTRACTS, _NO_CONTRACTION),
    (_HAS_RATE, _NO_RATE),
    (_HAS_INDEX, _SEVERAL),
    (_MIXES, _NEVER_MIXES),
    (_EQUAL_GRADIENTS, _OPPOSED_GRADIENTS),
)


def _across_properties(named: Findings) -> list[Conflict]:
    found = []
    for proofs, refutations in _EXCLUDES:
        certified = [named[name] for name in proofs if name in named and named[name].verdict is Verdict.CERTIFIED]
        refuted = [named[name] for name in refutations if _is_refuted(named.get(name))]
        found += [_excluded(proof, other) for proof in certified for other in refuted]
    contraction, mixing = named.get(_CONTRACTS[0]), named.get(_NEVER_MIXES[0])
    # A bound that is made of a mixing factor rests on uniform mixing.
    if contraction is not None and mixing is not None and _is_refuted(mixing) and _rests_on_mixing(contraction):
        found.append(_excluded(contraction, mixing))
    return found


def _rests_on_mixing(finding: Finding) -> bool:
    factor = float(np.asarray(finding.witness.get("mixing_factor", np.inf)))
    return finding.verdict is Verdict.CERTIFIED and bool(np.isfinite(factor))


# What is proved and what is measured of one constant


def _above(finding: Finding, measured: float, *, what: str, error: float = 0.0) -> Conflict | None:
    """A measurement above a proved upper bound."""
    proved = finding.evidence is Evidence.PROOF and finding.side in (Side.UPPER, Side.EXACT)
    if not proved or not np.isfinite(measured) or not np.isfinite(finding.constant):
        return None
    if not measured - error > finding.constant + _MEASURED * abs(finding.constant):
        return None
    return Conflict(finding, finding, f"proved at most {finding.constant:.8g}, but {what} is {measured:.8g}")


def _below(finding: Finding, measured: float, lower: float, what: str) -> Conflict | None:
    """A measurement below a proved lower bound."""
    if not (np.isfinite(measured) and np.isfinite(lower)) or measured >= lower - _MEASURED * abs(lower):
        return None
    return Conflict(finding, finding, f"proved at least {lower:.8g}, but {what} is {measured:.8g}")


def _number(finding: Finding, name: str, default: float = float("nan")) -> float:
    return float(finding.details.get(name, default))


def _modulus_above_bound(named: Findings, name: tuple[str, str]) -> Conflict | None:
    bound, modulus = named.get(name), named.get(("contraction", "modulus"))
    if bound is None or modulus is None:
        return None
    # The slope and the secant beside it; a kink may have a slope that no two points show.
    measured = min(modulus.constant, _number(modulus, "secant", modulus.constant))
    found = _above(bound, measured, what="the modulus between two mean fields", error=_MEASURED)
    return None if found is None else dataclasses.replace(found, second=modulus)


def _rate_below_bound(named: Findings) -> Conflict | None:
    bound, rate = named.get(_HAS_RATE[0]), named.get(("one-sided-contraction", "euclidean"))
    if bound is None or rate is None or not bound.facts.get("euclidean", False):
        return None
    # The slope and the secant beside it, as for the modulus.
    measured = max(rate.constant, _number(rate, "secant", rate.constant))
    found = _below(bound, measured + _MEASURED, bound.constant, "the rate between two mean fields")
    return None if found is None else dataclasses.replace(found, second=rate)


def _curvature_above_bound(named: Findings) -> Conflict | None:
    bound, largest = named.get(("smoothness", "cell-bound")), named.get(("smoothness", "hessian"))
    # Certified where each leader has one equilibrium alone.
    if bound is None or largest is None or bound.verdict is not Verdict.CERTIFIED:
        return None
    found = _above(bound, largest.constant, what="the curvature at one leader")
    return None if found is None else dataclasses.replace(found, second=largest)


def _lipschitz_above_bound(finding: Finding) -> Conflict | None:
    error = _number(finding, "measured_error", 0.0)
    return _above(finding, _number(finding, "measured"), what="the ratio between two mean fields", error=error)


def _variation_above_bound(finding: Finding) -> Conflict | None:
    what = "the total variation at one mean field"
    return _above(finding, _number(finding, "measured"), what=what, error=_VARIATION)


def _constant_below_bound(finding: Finding) -> Conflict | None:
    certified = finding.constant if finding.verdict is Verdict.CERTIFIED else float("nan")
    return _below(finding, _number(finding, "measured"), certified, "the one at an optimum looked at")


def _domination_below_bound(finding: Finding) -> Conflict | None:
    return _below(finding, finding.constant, _number(finding, "certified_in_box"), "the ratio at one policy")


def _monotone_and_not(finding: Finding) -> Conflict | None:
    upper = _number(finding, "certified_upper")
    size = abs(upper) + abs(finding.constant)
    if finding.verdict is not Verdict.REFUTED or not finding.constant > upper + _QUOTIENT * size:
        return None
    return Conflict(finding, finding, f"proved at most {upper:.8g}, but a quotient is {finding.constant:.8g}")


def _proved_and_not(finding: Finding) -> Conflict | None:
    """A statement about all laws of state and action that is proved, and refuted by some of them."""
    if finding.verdict is not Verdict.REFUTED or not finding.details.get("proved", False):
        return None
    return Conflict(finding, finding, f"proved, but some laws refute it with {finding.constant:.8g}")


_OWN: tuple[tuple[tuple[str, str], Callable[[Finding], Conflict | None]], ...] = (
    (("lipschitz", "transition"), _lipschitz_above_bound),
    (("lipschitz", "follower-reward"), _lipschitz_above_bound),
    (("lipschitz", "leader-reward"), _lipschitz_above_bound),
    (("ergodicity", "dobrushin"), _variation_above_bound),
    (("gradient-domination", "mei-constant"), _constant_below_bound),
    (("gradient-domination", "domination"), _domination_below_bound),
    (("uniqueness", "monotonicity"), _monotone_and_not),
    (("uniqueness", "occupation-monotonicity"), _proved_and_not),
    (("uniqueness", "potential"), _proved_and_not),
)


def _measured(named: Findings) -> list[Conflict]:
    found = [check(named[name]) for name, check in _OWN if name in named]
    found += [_modulus_above_bound(named, name) for name in (_CONTRACTS[0], _CONTRACTS[3])]
    found += [_rate_below_bound(named), _curvature_above_bound(named)]
    return [conflict for conflict in found if conflict is not None]


# A covered box of leaders against one leader in it


def _leaders(named: Findings) -> list[Conflict]:
    """A box of leaders proved aligned at their only equilibrium, and a leader in it that is not."""
    box = named.get(("gradient-alignment", "certified-box"))
    # The box speaks of one equilibrium of each leader; it is the one of the witness only where there is no other.
    if box is None or box.verdict is not Verdict.CERTIFIED or not _is_unique(named):
        return []
    signed = (
        named.get(("gradient-alignment", name)) for name in ("cosine", "inner-product-constant", "direct-constant")
    )
    why = "<g, p> > 0 is proved for all leaders of a box, and negative at one of them"
    return [
        Conflict(box, other, why)
        for other in signed
        if other is not None and _is_refuted(other) and _in_positive_box(box, other)
    ]


def _is_unique(named: Findings) -> bool:
    """Whether no leader has a second equilibrium, by contraction."""
    return any(named[name].verdict is Verdict.CERTIFIED for name in _CONTRACTS[:2] if name in named)


def _in_positive_box(box: Finding, other: Finding) -> bool:
    logits = np.asarray(other.witness["logits"], dtype=float)
    free = (logits[:, :-1] - logits[:, -1:]).ravel()
    lower, upper = np.asarray(box.details["box_lower"]), np.asarray(box.details["box_upper"])
    if lower.ndim != 2 or lower.shape[1] != free.size:
        return False
    inside = np.all((lower <= free) & (free <= upper), axis=1)
    return bool(np.any(inside & (np.asarray(box.details["sign"]) > 0)))
