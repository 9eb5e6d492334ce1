"""What a derivation says: claims with their proofs, and numbers that are only computed."""

import dataclasses
from collections.abc import Mapping

import sympy as sp

from smfg_verify.symbolic.proofs.signs import Domain, Sign, ranges_of, sign_on

_RELATIONS = {
    "positive": sp.StrictGreaterThan,
    "nonnegative": sp.GreaterThan,
    "zero": sp.Equality,
    "nonpositive": sp.LessThan,
    "negative": sp.StrictLessThan,
}
_ENOUGH: Mapping[Sign, tuple[Sign, ...]] = {
    "positive": ("positive",),
    "nonnegative": ("positive", "nonnegative", "zero"),
    "zero": ("zero",),
    "nonpositive": ("negative", "nonpositive", "zero"),
    "negative": ("negative",),
}


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim about formulas.

    Attributes:
        name: what it is about, the key of its sentence.
        relation: what is claimed.
        proved: whether sympy has proved it; if not, it is neither proved nor refuted.
        conditions: where it holds.
    """

    name: str
    relation: sp.Basic
    proved: bool
    conditions: tuple[sp.Basic, ...]


def claim_sign(name: str, expression: sp.Expr, sign: Sign, domain: Domain, *, shown: sp.Expr | None = None) -> Claim:
    """Try to prove that an expression has a sign on a domain.

    Args:
        name: of the claim.
        expression: in the symbols of the domain.
        sign: claimed.
        domain: where.
        shown: the same expression as it is printed, where that reads better.

    Returns:
        The claim, proved or not.
    """
    relation = _RELATIONS[sign](expression if shown is None else shown, 0, evaluate=False)
    proved = sign_on(expression, domain) in _ENOUGH[sign]
    return Claim(name, relation, proved, ranges_of(domain, expression.free_symbols))


@dataclasses.dataclass(frozen=True)
class Computed:
    """Numbers at the game's present parameters: computed in floating point, not proved.

    Attributes:
        name: what they are, the key of their sentence.
        values: by name.
    """

    name: str
    values: Mapping[str, float]
