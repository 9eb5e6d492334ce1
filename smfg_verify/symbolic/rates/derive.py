r"""The rates that follow from exponents of the step sizes: every term of the recursion followed to where it ends."""

import fractions
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import sympy

from smfg_verify.errors import InputError
from smfg_verify.suggestions import closest
from smfg_verify.symbolic.rates.loops import Loops, judge_loops
from smfg_verify.symbolic.rates.orders import Order, damped, mean_of_power, partial_sum
from smfg_verify.symbolic.rates.paths import Entrance, Exponents, Graph, Term, last_graph, mean_graph
from smfg_verify.symbolic.rates.programs import essential, largest_minimum
from smfg_verify.symbolic.rates.records import Condition, Deciding, NoRate, Rate, RateDerivation, Reading, ResidualRate
from smfg_verify.symbolic.rates.recursion import AC_SMFG, Motion, Recursion

# An exponent: a rational, its text, the name of a symbol, or an affine expression of symbols.
Exponent: TypeAlias = int | str | fractions.Fraction | sympy.Expr
WEIGHTINGS, SAMPLINGS = ("uniform", "leader"), ("independent", "chain")
_NO_NUMBERS = ("nan", "inf", "oo", "zoo")


class _Setting(NamedTuple):
    """What a derivation is carried out for."""

    recursion: Recursion
    steps: Exponents
    weight: sympy.Expr
    chain: bool

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        return symbols_of(self.steps)


def derive_rates(
    exponents: Mapping[str, Exponent] | None = None,
    *,
    recursion: Recursion = AC_SMFG,
    weighting: str = "uniform",
    sampling: str = "independent",
) -> RateDerivation:
    r"""The rate of every residual, and of the leader's stationarity, for step sizes $\epsilon_{i,k} = c_i k^{-s_i}$.

    The lines of the recursion are telescoped into bounds of the weighted means of the residuals, and those that
    contract are solved for the errors themselves (Chung's lemma: $e_{k+1} \le (1 - c k^{-s}) e_k + k^{-t}$ gives
    $k^{-(t - s)}$ for s < 1). Either is a system of orders whose solution is, for every residual, the slowest of
    finitely many terms. All arithmetic is exact.

    Args:
        exponents: learner -> s, a rational ("3/5", `Fraction(3, 5)`) or a symbol (its name); a learner that is left out
            keeps the symbol of its line.
        recursion: the scheme; AC-SMFG with smooth targets if not given.
        weighting: of the means over iterations: "uniform", which uses that residuals are bounded, or "leader", with the
            leader's steps as weights, which does not and may cost a logarithm.
        sampling: "independent" samples, or a "chain" whose law moves with the iterates.

    Returns:
        The derivation. Where exponents give no rate, its `measure.obstacle` says why.

    Raises:
        ValueError: an unknown learner, an exponent that is no rational or affine expression or is negative, an unknown
            weighting or sampling.

    Source: the recursion of `smfg_verify.bounds.drift`; for two time scales under `Motion.LIPSCHITZ` our reading of
    Hong, Wai, Wang, Yang (arXiv 2007.05170).

    Examples:
        >>> from smfg_verify.symbolic.rates import AC_SMFG, derive_rates
        >>> half = dict.fromkeys(AC_SMFG.learners, "1/2")
        >>> derive_rates(half).measure.text
        'k^(-1/2)'
        >>> derive_rates(half, weighting="leader").measure.text
        'k^(-1/2) log k'
        >>> derive_rates().measure.exponent  # with the leader's exponent a, ..., the critics' d
        Min(d, 1 - a)
        >>> derive_rates(half, recursion=AC_SMFG.with_motion("lipschitz", "leader")).measure.obstacle.case
        'not-tracked'
    """
    setting = _setting(exponents or {}, recursion, weighting, sampling)
    means = mean_graph(recursion, setting.steps, setting.weight, chain=setting.chain)
    lasts = last_graph(recursion, setting.steps, chain=setting.chain)
    loops, last_loops = judge_loops(recursion, means, setting.steps), judge_loops(recursion, lasts, setting.steps)
    contracting = {line.learner for line in recursion.contracting}
    rows = [
        ResidualRate(
            learner=line.learner,
            residual=line.residual,
            step=line.step,
            step_exponent=setting.steps[line.learner],
            mean=_mean_rate(setting, means, loops, line.learner),
            last=_last_rate(setting, lasts, last_loops, line.learner)
            if line.learner in contracting
            else Rate(exponent=None, obstacle=NoRate("mean-only")),
        )
        for line in recursion.lines
    ]
    return RateDerivation(
        scheme=recursion.name,
        residuals=tuple(rows),
        measured_by="gap" if recursion.leader_contracts else "gradient",
        weighting=weighting,
        hypotheses=tuple(_hypotheses(recursion, weighting, sampling, bool(setting.symbols))),
        conditions=(*loops.conditions, *_large_constants(setting, rows)),
    )


def symbols_of(steps: Exponents) -> tuple[sympy.Symbol, ...]:
    """The symbols of exponents, in the order of their names."""
    found = set[sympy.Symbol]().union(*(form.free_symbols for form in steps.values()))
    return tuple(sorted(found, key=str))


def step_exponents(recursion: Recursion, exponents: Mapping[str, Exponent]) -> dict[str, sympy.Expr]:
    """Learner -> exponent of its steps, exact.

    Raises:
        ValueError: as `derive_rates`.
    """
    for name in exponents:
        if name not in recursion.learners:
            raise InputError(
                f"exponents: got the learner {name!r}, expected one of {', '.join(recursion.learners)}"
                f"{closest(name, recursion.learners)}."
            )
    return {line.learner: _exact(line.learner, exponents.get(line.learner, line.exponent)) for line in recursion.lines}


def _setting(exponents: Mapping[str, Exponent], recursion: Recursion, weighting: str, sampling: str) -> _Setting:
    for name, value, known in (("weighting", weighting, WEIGHTINGS), ("sampling", sampling, SAMPLINGS)):
        if value not in known:
            raise InputError(f"{name}: got {value!r}, expected {' or '.join(known)}{closest(value, known)}.")
    if sampling == "chain" and not any(line.drives_chain for line in recursion.lines):
        raise InputError(
            f"sampling: got 'chain' for {recursion.name}, no learner of which drives a chain; expected 'independent'."
        )
    steps = step_exponents(recursion, exponents)
    weight = steps[recursion.leader.learner] if weighting == "leader" else sympy.S.Zero
    return _Setting(recursion, steps, weight, sampling == "chain")


def _exact(learner: str, value: Exponent) -> sympy.Expr:
    form = _parsed(value)
    expected = "expected a rational such as '3/5', Fraction(3, 5) or 1, or the name of a symbol"
    if form is None:
        raise InputError(f"exponent of {learner}: got {value!r}, {expected}.")
    slopes, constant = _coefficients(form)
    if constant is None or not all(number.is_Rational for number in (*slopes, constant)):
        raise InputError(f"exponent of {learner}: got {form}, {expected}, or an affine expression of symbols.")
    if any(symbol.is_real is False or symbol.is_nonnegative is False for symbol in form.free_symbols):
        raise InputError(f"exponent of {learner}: got {form}, expected symbols that may be any numbers >= 0.")
    # Symbols are numbers >= 0: without a positive part the form is never above its constant.
    highest = sympy.oo if any(slope > 0 for slope in slopes) else constant
    if highest < 0 or (slopes and highest == 0):
        raise InputError(f"exponent of {learner}: got {form}, expected >= 0: steps that grow settle nothing.")
    return form


def _coefficients(form: sympy.Expr) -> tuple[list[sympy.Expr], sympy.Expr | None]:
    """Slopes in the symbols and the constant of an affine form; None for the constant of another."""
    symbols = sorted(form.free_symbols, key=str)
    if not symbols:
        return [], form
    try:
        polynomial = sympy.Poly(form, *symbols)
    except sympy.PolynomialError:
        return [], None
    affine = polynomial.total_degree() <= 1
    return [polynomial.coeff_monomial(symbol) for symbol in symbols], polynomial.coeff_monomial(1) if affine else None


def _parsed(value: Exponent) -> sympy.Expr | None:
    if isinstance(value, str):
        text = value.strip()
        if text.isidentifier() and text.lower() not in _NO_NUMBERS:
            return sympy.Symbol(text)
        try:
            return sympy.Rational(text)
        except (TypeError, ValueError, ZeroDivisionError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | fractions.Fraction | sympy.Expr):
        return None
    return sympy.sympify(value) if not isinstance(value, fractions.Fraction) else sympy.Rational(value)


def _mean_rate(setting: _Setting, graph: Graph, loops: Loops, learner: str) -> Rate:
    if obstacle := loops.obstacle(graph.sources(learner)):
        return Rate(exponent=None, obstacle=obstacle)
    terms = tuple(graph.terms(learner))
    if setting.symbols:
        return _symbolic(setting, terms, loops)
    orders = {term: _mean_order(setting, term) for term in terms}
    return _slowest(setting, orders)


def _last_rate(setting: _Setting, graph: Graph, loops: Loops, learner: str) -> Rate:
    sources = graph.sources(learner)
    if obstacle := loops.obstacle(sources):
        return Rate(exponent=None, obstacle=obstacle)
    for name in sources:
        if setting.steps[name].is_number and setting.steps[name] > 1:
            return Rate(exponent=None, obstacle=_summable(setting, name))
    terms = tuple(graph.terms(learner))
    if setting.symbols:
        return _symbolic(setting, terms, loops)
    return _slowest(setting, {term: Order(term.exponent, _chain_logs(setting, term.entrance)) for term in terms})


def _symbolic(setting: _Setting, terms: tuple[Term, ...], loops: Loops) -> Rate:
    for term in terms:
        if term.exponent.is_number and term.exponent <= 0:  # whatever the symbols are
            return Rate(exponent=None, obstacle=_obstacle(setting, term.entrance, Order(term.exponent)))
    forms = essential([term.exponent for term in terms], loops.constraints, setting.symbols)
    best = largest_minimum([*forms, sympy.S.One], loops.constraints, setting.symbols).value
    if best <= 0:
        return Rate(exponent=None, obstacle=NoRate("nowhere", {"smallest": str(sympy.Min(*forms))}))
    return Rate(exponent=sympy.Min(*forms))


def _mean_order(setting: _Setting, term: Term) -> Order:
    weight, entrance = setting.weight, term.entrance
    if entrance.kind == "start":
        total = partial_sum(weight)
        # What a telescoped line leaves: a constant, or the growth of its weights; as an exponent, 1 - w or 1 - s.
        left = min(sympy.S.Zero, entrance.exponent - (1 - weight))
        order = Order(left - total.decay, -total.logs)
    else:
        order = mean_of_power(entrance.exponent, weight)
    order = Order(order.decay, order.logs + _chain_logs(setting, entrance))
    for edge in term.path:
        order = damped(order, edge.damping, weight)
    return order


def _chain_logs(setting: _Setting, entrance: Entrance) -> int:
    return 1 if setting.chain and entrance.kind in ("noise", "chain") else 0


def _slowest(setting: _Setting, orders: Mapping[Term, Order]) -> Rate:
    slowest = max(orders.values(), key=lambda order: order.slowness)
    terms = [term for term, order in orders.items() if order == slowest]
    if slowest.decay <= 0:
        return Rate(exponent=None, obstacle=_obstacle(setting, terms[0].entrance, slowest))
    return Rate(exponent=slowest.decay, logs=slowest.logs, deciding=_deciding(setting, terms))


def _deciding(setting: _Setting, terms: Iterable[Term]) -> tuple[Deciding, ...]:
    """The ways in of these terms, each once, with how many hands they pass through at least."""
    shortest: dict[tuple[str, str, str], int] = {}
    for term in sorted(terms, key=lambda term: len(term.path)):
        shortest.setdefault(term.entrance[:3], len(term.path))
    return tuple(
        Deciding(kind, {"learner": learner, "mover": mover, "handed_on": steps})
        for (kind, learner, mover), steps in sorted(shortest.items(), key=lambda item: (item[1], item[0]))
    )


def _obstacle(setting: _Setting, entrance: Entrance, order: Order) -> NoRate:
    """Why the term that entered there does not vanish like a power."""
    steps = {"step": str(setting.steps[entrance.learner]), "mover_step": str(setting.steps[entrance.mover])}
    facts = {"learner": entrance.learner, "mover": entrance.mover, **steps}
    if entrance.kind == "start":
        slowest = 1 - entrance.exponent
        return NoRate("summable" if slowest > 1 else "logarithm", {**facts, "step": str(slowest)})
    if entrance.kind in ("lag", "bounded"):
        stays = "not-tracked" if entrance.kind == "lag" else "not-tracked-singly"
        return NoRate(stays if entrance.exponent == 0 else "wrong-order", facts)
    if order.decay == 0 and order.logs < 0:
        return NoRate("logarithm", {**facts, "step": str(setting.weight)})
    return NoRate("noise" if entrance.exponent == 0 else "wrong-order", facts)


def _summable(setting: _Setting, learner: str) -> NoRate:
    return NoRate("summable", {"learner": learner, "mover": learner, "step": str(setting.steps[learner])})


def _large_constants(setting: _Setting, rows: Iterable[ResidualRate]) -> list[Condition]:
    """Steps c/k contract like k^(-c a) and no faster: the product has to exceed the rate."""
    return [
        Condition("large-constant", {"learner": row.learner, "step": row.step, "exponent": str(row.last.exponent)})
        for row in rows
        if row.step_exponent == 1 and row.last.found
    ]


def _hypotheses(recursion: Recursion, weighting: str, sampling: str, symbolic: bool) -> Iterable[Reading]:
    yield Reading("leader-dominates" if recursion.leader_contracts else "leader-ascends")
    yield Reading("residuals-contract", {"learners": tuple(line.learner for line in recursion.lines[1:])})
    movers = {name for line in recursion.lines for name in line.moved_by}
    for motion in Motion:
        named = tuple(line.learner for line in recursion.lines if line.motion is motion and line.learner in movers)
        if named:
            yield Reading(f"{motion}-targets", {"learners": named})
    if not recursion.leader_contracts:
        yield Reading(f"{weighting}-weights")
    yield Reading(f"{sampling}-samples")
    if symbolic:
        yield Reading("symbols")
    yield Reading("our-reading")
