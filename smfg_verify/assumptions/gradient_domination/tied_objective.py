r"""Gradient domination in variational form for a leader whose states share one row, its constant by exact arithmetic.

$$ C \max_{\phi' \in \Pi} \langle \nabla J(\phi), \phi' - \phi \rangle \ge J^* - J(\phi) \quad \phi \in \Pi, $$
with $J = J_l(., \pi, m)$ at follower's policy and mean field held, and $\Pi$ the policies that play action 0 with one
probability p at every state. $J(p) = \rho^T (I - \gamma P_p)^{-1} r_p = N(p) / D(p)$, two polynomials of degree n with
rational coefficients: the tables' floats are taken as they are. Stationary points are roots, isolated by Sturm's
theorem; a bound c of the ratio holds on an interval where $c\,b - a$ has no root there. Where J is concave up to its
maximum $p^*$ the ratio is at most $(p^* - p) / (1 - p)$.
"""

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import sympy

# Width of the intervals that roots are isolated in, and how near to a maximum its own bound takes over.
_WIDTH, _NEAR = Fraction(1, 10**30), Fraction(1, 10**6)
# What a bound is above the largest ratio met, relative to it, tried in turn.
_ABOVE = (Fraction(1, 10**12), Fraction(1, 10**9), Fraction(1, 10**6))
# Between floats below one.
_SPACING = Fraction(1, 2**53)


class TiedObjective(NamedTuple):
    r"""J(p) = N(p) / D(p) over p in [0, 1], D > 0 there; `slope` is N' D - N D', `steepest` a bound of |J'|."""

    above: "sympy.Poly"
    below: "sympy.Poly"
    slope: "sympy.Poly"
    steepest: Fraction

    def at(self, place: Fraction) -> Fraction:
        """J(p)."""
        return _value(self.above, place) / _value(self.below, place)

    def mirrored(self) -> "TiedObjective":
        """The same in 1 - p."""
        import sympy

        turn = sympy.Poly(1 - self.above.gen, self.above.gen, domain="QQ")
        return TiedObjective(
            self.above.compose(turn), self.below.compose(turn), -self.slope.compose(turn), self.steepest
        )


class _Ratio(NamedTuple):
    """Largest ratio of gap to slope met, where, and a bound of all."""

    largest: Fraction
    place: Fraction
    upper: Fraction


class Judged(NamedTuple):
    """What is known of the constant: the case, a place to show it at, and a bound where there is one."""

    case: str
    place: Fraction
    upper: float = math.inf


def tied_objective(
    transition: Float[np.ndarray, "2 n n"],
    reward: Float[np.ndarray, "2 n"],
    initial: Float[np.ndarray, " n"],
    discount: float,
) -> TiedObjective:
    """The objective from the tables of both actions, exactly.

    Args:
        transition: of each action of the leader, the followers' policy averaged out.
        reward: of the leader, likewise.
        initial: rho.
        discount: gamma.

    Returns:
        Its numerator and denominator.
    """
    import sympy

    size, place = len(initial), sympy.Symbol("p")
    exact = np.vectorize(lambda x: Fraction(float(x)), otypes=[object])
    (first, second), (gain, other), start, gamma = exact(transition), exact(reward), exact(initial), Fraction(discount)
    nodes = [Fraction(k, size) for k in range(size + 1)]
    determinants, products = [], []
    for p in nodes:
        matrix = exact(np.eye(size)) - gamma * (p * first + (1 - p) * second)
        determinant, solution = _solved(matrix, p * gain + (1 - p) * other)
        determinants.append(determinant)
        products.append(determinant * sum(start * solution))
    above, below = (_through(nodes, values, place) for values in (products, determinants))
    slope = above.diff() * below - above * below.diff()
    most = max(sum(map(abs, row)) for row in np.concatenate([first, second]))
    left = 1 - gamma * most
    steepest = 2 * max(map(abs, (*gain, *other))) * (1 + most * gamma / left) / left
    return TiedObjective(above, below, slope, steepest)


def _solved(matrix: np.ndarray, right: np.ndarray) -> tuple[Fraction, np.ndarray]:
    """Determinant and solution of linear equations in fractions."""
    table, determinant = np.concatenate([matrix, right[:, None]], axis=1), Fraction(1)
    for k in range(len(matrix)):
        pivot = k + int(np.argmax([abs(entry) for entry in table[k:, k]]))
        if pivot != k:
            table[[k, pivot]] = table[[pivot, k]]
            determinant = -determinant
        determinant *= table[k, k]
        table[k] = table[k] / table[k, k]
        for i in range(len(matrix)):
            if i != k:
                table[i] = table[i] - table[i, k] * table[k]
    return determinant, table[:, -1]


def _through(nodes: list[Fraction], values: list[Fraction], place: "sympy.Symbol") -> "sympy.Poly":
    """The polynomial of least degree through points (Lagrange)."""
    import sympy

    total = sympy.Poly(0, place, domain="QQ")
    for node, value in zip(nodes, values, strict=True):
        others = [other for other in nodes if other != node]
        scale = value / math.prod((node - other for other in others), start=Fraction(1))
        part = sympy.Poly(_rational(scale), place, domain="QQ")
        for other in others:
            part *= sympy.Poly([1, _rational(-other)], place, domain="QQ")
        total += part
    return total


def _rational(number: Fraction) -> "sympy.Rational":
    import sympy

    return sympy.Rational(number.numerator, number.denominator)


def _value(polynomial: "sympy.Poly", place: Fraction) -> Fraction:
    found = polynomial.eval(_rational(place))
    return Fraction(int(found.p), int(found.q))


def _roots(polynomial: "sympy.Poly", low: Fraction, high: Fraction) -> list[tuple[Fraction, Fraction]]:
    """Intervals that hold one root each, without the ends themselves."""
    if polynomial.degree() < 1:
        return []
    ends = polynomial.intervals(eps=_rational(_WIDTH), inf=_rational(low), sup=_rational(high))
    found = [tuple(Fraction(int(end.p), int(end.q)) for end in interval) for interval, _ in ends]
    return [(first, last) for first, last in found if last > low and first < high]


def _has_root(polynomial: "sympy.Poly", low: Fraction, high: Fraction) -> bool:
    if polynomial.degree() < 1:
        return bool(polynomial.is_zero)
    return int(polynomial.count_roots(_rational(low), _rational(high))) > 0


def judged(objective: TiedObjective) -> Judged:
    """Whether one constant holds, and which: all stationary points must be the maximum."""
    zero, one = Fraction(0), Fraction(1)
    if objective.slope.is_zero:
        return Judged("flat", Fraction(1, 2), 0.0)
    roots = _roots(objective.slope, zero, one)
    stationary = [(low + high) / 2 for low, high in roots]
    stationary += [zero] if _value(objective.slope, zero) <= 0 else []
    stationary += [one] if _value(objective.slope, one) >= 0 else []
    # A root is off by so much, and J there by this.
    error = objective.steepest * _WIDTH
    best = max(objective.at(place) for place in (zero, one, *stationary))
    worse = [place for place in stationary if objective.at(place) + error < best]
    if worse:
        return Judged("trapped", max(worse, key=lambda place: best - objective.at(place)))
    if len(stationary) != 1:
        return Judged("tie", stationary[0])
    found = _monotone(objective, stationary[0]) if stationary[0] in (zero, one) else _peaked(objective, *roots[0])
    return Judged("open", stationary[0]) if found is None else Judged("bound", found.place, _above(found.upper))


def _above(number: Fraction) -> float:
    return float(np.nextafter(_as_float(number), np.inf))


def _as_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def _monotone(objective: TiedObjective, best: Fraction) -> _Ratio | None:
    """Where the maximum is at an end: the factor 1 - p of gap and slope cancels."""
    import sympy

    if best == 0:
        found = _monotone(objective.mirrored(), Fraction(1))
        return None if found is None else found._replace(place=1 - found.place)
    top, bottom = _value(objective.above, best), _value(objective.below, best)
    gap = _rational(top) * objective.below - _rational(bottom) * objective.above
    rest = sympy.Poly([-1, 1], objective.above.gen, domain="QQ")
    cancelled = gap.quo(rest) * objective.below
    found = _largest(cancelled, _rational(bottom) * objective.slope, Fraction(0), Fraction(1))
    # At the maximum itself gap and slope are zero: the ratio is that of the float before it.
    return found._replace(place=min(found.place, best - _SPACING)) if found else None


def _peaked(objective: TiedObjective, low: Fraction, high: Fraction) -> _Ratio | None:
    """Where the maximum is inside: the larger of both sides."""
    left = _below_peak(objective, low, high)
    right = _below_peak(objective.mirrored(), 1 - high, 1 - low)
    if left is None or right is None:
        return None
    right = right._replace(place=1 - right.place)
    first, second = sorted((left, right), key=lambda ratio: ratio.largest)
    return second._replace(upper=max(first.upper, second.upper))


def _below_peak(objective: TiedObjective, low: Fraction, high: Fraction) -> _Ratio | None:
    """Ratios from 0 to a maximum between two points: up to near it by polynomials, then by concavity."""
    import sympy

    slope, below = objective.slope, objective.below
    bend = slope.diff() * below - 2 * slope * below.diff()
    turns = [end for _, end in _roots(bend, Fraction(0), low)]
    near = low - min([_NEAR * low, *((low - end) / 2 for end in turns)])
    if near <= 0 or _has_root(bend, near, high) or _value(bend, near) >= 0:
        return None
    best = objective.at(high) + objective.steepest * (high - low)
    rest = sympy.Poly([-1, 1], objective.above.gen, domain="QQ")
    gap = (_rational(best) * below - objective.above) * below
    found = _largest(gap, slope * rest, Fraction(0), near)
    return None if found is None else found._replace(upper=max(found.upper, (high - near) / (1 - high)))


def _largest(above: "sympy.Poly", below: "sympy.Poly", low: Fraction, high: Fraction) -> _Ratio | None:
    """Supremum of a ratio of polynomials over an interval on which the lower one has no root once reduced."""
    common = above.gcd(below)
    above, below = above.quo(common), below.quo(common)
    if _value(below, low) < 0:
        above, below = -above, -below
    if _value(below, low) <= 0 or _has_root(below, low, high):
        return None
    turning = above.diff() * below - above * below.diff()
    places = [low, high, *((first + last) / 2 for first, last in _roots(turning, low, high))]
    values = {place: _value(above, place) / _value(below, place) for place in places}
    place = max(values, key=lambda each: values[each])
    for share in _ABOVE:
        upper = values[place] + share * max(abs(values[place]), share)
        rest = _rational(upper) * below - above
        if _value(rest, low) > 0 and not _has_root(rest, low, high):
            return _Ratio(values[place], place, upper)
    return None


def ratio_at(objective: TiedObjective, place: Fraction) -> float:
    r"""$(J^* - J(p)) / \max_{p'} J'(p) (p' - p)$, exactly but for the rounding of the maximum; infinite where it is."""
    slope = _value(objective.slope, place) / _value(objective.below, place) ** 2
    gain = max(slope * (1 - place), -slope * place)
    gap = _gap(objective, place)
    return _as_float(gap / gain) if gain > 0 else math.inf if gap > 0 else 0.0


def gap_at(objective: TiedObjective, place: Fraction) -> float:
    r"""$J^* - J(p)$, exactly but for the rounding of the maximum and the last."""
    return _as_float(_gap(objective, place))


def _gap(objective: TiedObjective, place: Fraction) -> Fraction:
    ends = (Fraction(0), Fraction(1))
    roots = [(low + high) / 2 for low, high in _roots(objective.slope, *ends)]
    return max(objective.at(each) for each in (*ends, *roots)) - objective.at(place)
