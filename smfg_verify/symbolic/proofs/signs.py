"""Claims that sympy proves: an expression that is identically zero, or has one sign on a whole range.

A sign is proved by polynomials: every symbol of a range is written by positive ones, and after cancelling each term of
numerator and denominator has the same sign. Where that does not come out the claim is not proved, but
not refuted either.
"""

import dataclasses
import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import sympy as sp

Sign = Literal["positive", "nonnegative", "zero", "nonpositive", "negative"]
Range = tuple[sp.Expr, sp.Expr]


@dataclasses.dataclass(frozen=True)
class Domain:
    """Where a claim is made, beside what the symbols are declared to be.

    Attributes:
        open: symbols strictly between two bounds.
        half_open: symbols that may equal their lower bound, never the upper one.
        simplices: groups of symbols that are positive and sum to one.
        positive, negative: symbols that are so here.
    """

    open: Mapping[sp.Symbol, Range] = dataclasses.field(default_factory=dict)
    half_open: Mapping[sp.Symbol, Range] = dataclasses.field(default_factory=dict)
    simplices: Sequence[Sequence[sp.Symbol]] = ()
    positive: Sequence[sp.Symbol] = ()
    negative: Sequence[sp.Symbol] = ()

    def without_bounds(self, expression: sp.Expr) -> sp.Expr:
        """An expression on this domain in symbols that need no bounds: positive or nonnegative ones.

        Args:
            expression: in the symbols of the domain and others.

        Returns:
            The same by substitution, x = (low + high t) / (1 + t) and p_i = t_i / sum of t.
        """
        # A derivative that sympy could not take, as of floor, may be anything; its variable takes no substitution.
        untaken = expression.atoms(sp.Subs) or expression.atoms(sp.Derivative)
        expression = expression.xreplace({part: sp.Dummy("d", real=True) for part in untaken})
        replaced: sp.Expr = expression.xreplace(self._substitution)
        # Bounds may speak of other symbols of the domain.
        return replaced if replaced == expression else self.without_bounds(replaced)

    @functools.cached_property
    def _substitution(self) -> dict[sp.Symbol, sp.Expr]:
        found: dict[sp.Symbol, sp.Expr] = {symbol: sp.Dummy(str(symbol), positive=True) for symbol in self.positive}
        found |= {symbol: -sp.Dummy(str(symbol), positive=True) for symbol in self.negative}
        for group in self.simplices:
            weights = [sp.Dummy(str(symbol), positive=True) for symbol in group]
            found |= {p: t / sp.Add(*weights) for p, t in zip(group, weights, strict=True)}
        for ranges, word in ((self.open, "positive"), (self.half_open, "nonnegative")):
            for symbol, (low, high) in ranges.items():
                t = sp.Dummy(str(symbol), **{word: True})
                found[symbol] = (low + high * t) / (1 + t)
        return found


def vanishes(expression: sp.Expr, domain: Domain | None = None) -> bool:
    """Whether an expression is proved to be zero on a domain.

    Args:
        expression: any.
        domain: everywhere if None.

    Returns:
        True where sympy's simplification gives zero.
    """
    return bool(sp.simplify((domain or Domain()).without_bounds(sp.sympify(expression))) == 0)


def sign_on(expression: sp.Expr, domain: Domain) -> Sign | None:
    """The sign that an expression is proved to have on a whole domain.

    Args:
        expression: rational in the symbols of the domain; other symbols by what they are declared.
        domain: ranges of symbols, the later ones in terms of earlier ones.

    Returns:
        The sign; None where it is not proved.

    Examples:
        >>> import sympy as sp
        >>> from smfg_verify.symbolic.proofs.signs import Domain, sign_on
        >>> p, kappa = sp.Symbol("p"), sp.Symbol("kappa", positive=True)
        >>> sign_on(-kappa * p * (1 - p), Domain(open={p: (0, 1)}))
        'negative'
        >>> sign_on(p - sp.Rational(1, 2), Domain(open={p: (0, 1)})) is None
        True
    """
    return _sign_of_product(sp.factor(domain.without_bounds(sp.sympify(expression))))


def _sign_of_product(product: sp.Expr) -> Sign | None:
    above, below = sp.fraction(product)
    signs = [_sign_of_factor(factor) for factor in sp.Mul.make_args(above)]
    below_signs = [_sign_of_factor(factor) for factor in sp.Mul.make_args(below)]
    if None in signs or not set(below_signs) <= {"positive", "negative"}:
        return None
    if "zero" in signs:
        return "zero"
    negative = sum(sign in ("negative", "nonpositive") for sign in (*signs, *below_signs)) % 2 == 1
    strict = all(sign in ("positive", "negative") for sign in signs)
    if strict:
        return "negative" if negative else "positive"
    return "nonpositive" if negative else "nonnegative"


def _sign_of_factor(factor: sp.Expr) -> Sign | None:
    base, exponent = factor.as_base_exp()
    if exponent.is_Integer and exponent > 1:
        sign = _sign_of_terms(base)
        if exponent % 2 == 1 or sign in ("positive", "nonnegative", "zero"):
            return sign
        return {"negative": "positive", "nonpositive": "nonnegative"}.get(sign or "", "nonnegative")  # type: ignore[return-value]
    return _sign_of_terms(factor)


def _sign_of_terms(polynomial: sp.Expr) -> Sign | None:
    terms = sp.Add.make_args(sp.expand(polynomial))
    if all(term.is_zero for term in terms):
        return "zero"
    if all(term.is_nonnegative for term in terms):
        return "positive" if any(term.is_positive for term in terms) else "nonnegative"
    if all(term.is_nonpositive for term in terms):
        return "negative" if any(term.is_negative for term in terms) else "nonpositive"
    return None


def ranges_of(domain: Domain, among: Iterable[sp.Symbol]) -> tuple[sp.Basic, ...]:
    """The conditions under which a claim holds, those of symbols that it contains.

    Args:
        domain: of the claim.
        among: symbols of the claim.

    Returns:
        Relations, those of the domain and those that symbols are declared to satisfy.
    """
    found: list[sp.Basic] = []
    inner = {symbol for group in domain.simplices for symbol in group}
    for symbol in sorted(set(among), key=str):
        if symbol in domain.open:
            low, high = domain.open[symbol]
            found.append(
                sp.And(sp.Lt(low, symbol, evaluate=False), sp.Lt(symbol, high, evaluate=False), evaluate=False)
            )
        elif symbol in domain.half_open:
            low, high = domain.half_open[symbol]
            found.append(
                sp.And(sp.Le(low, symbol, evaluate=False), sp.Lt(symbol, high, evaluate=False), evaluate=False)
            )
        else:
            positive = symbol in inner or symbol in domain.positive or symbol.is_positive
            negative = symbol in domain.negative or symbol.is_negative
            found += _declared(symbol, positive=bool(positive), negative=bool(negative))
    return tuple(found)


def _declared(symbol: sp.Symbol, *, positive: bool, negative: bool) -> Iterable[sp.Basic]:
    """What is known of a symbol that has no bounds, so that a proof may have used it."""
    told = (
        (sp.Gt, positive),
        (sp.Lt, negative),
        (sp.Ge, symbol.is_nonnegative and not positive),
        (sp.Le, symbol.is_nonpositive and not negative),
        (sp.Ne, symbol.is_nonzero and not positive and not negative),
    )
    yield from (relation(symbol, 0, evaluate=False) for relation, holds in told if holds)
    if symbol.is_integer:
        yield sp.Contains(symbol, sp.Integers, evaluate=False)
