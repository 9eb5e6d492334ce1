"""What a derivation says: claims with their proofs, and numbers that are only computed."""

import dataclasses
from collections.abc import Mapping
from typing import Literal, NamedTuple

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


class Gap(NamedTuple):
    """Why a sign alone proves nothing.

    Attributes:
        kind: "jump", a part that is not proved to be continuous in the mean field; "laws", the determinant that is not
            proved to be positive, so that the chain may have several stationary laws; "rests", another claim that
            is not proved.
        where: function of the game, or the other claim.
        part: the expression.
    """

    kind: Literal["jump", "laws", "rests"]
    where: str
    part: sp.Basic


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim about formulas.

    Attributes:
        name: what it is about, the key of its sentence.
        relation: what is claimed.
        proved: whether sympy has proved it; if not, it is neither proved nor refuted.
        conditions: where it holds.
        gap: why it is not proved although its relation may be; None where the relation is all there is to it.
    """

    name: str
    relation: sp.Basic
    proved: bool
    conditions: tuple[sp.Basic, ...]
    gap: Gap | None = None

    def without(self, gap: Gap | None) -> "Claim":
        """The claim where something else stands against it.

        Args:
            gap: what; None where nothing does.

        Returns:
            The claim, not proved because of the gap; the claim itself without one.
        """
        return self if gap is None else dataclasses.replace(self, proved=False, gap=gap)


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


@dataclasses.dataclass(frozen=True)
class NotDerived:
    """What is not derived of a game, and what it would need for that.

    Attributes:
        what: "contraction" or "alignment".
        missing: codes of what the game has not, such as "two-states".

    Examples:
        >>> from smfg_verify import symbolic
        >>> market = symbolic.stackelberg_formula(symbolic.load("market-entrance"))
        >>> symbolic.alignment_formula(market).missing
        ('one-observation', 'two-prices', 'memoryless')
    """

    what: Literal["contraction", "alignment"]
    missing: tuple[str, ...]
