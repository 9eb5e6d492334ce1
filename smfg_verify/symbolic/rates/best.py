r"""The exponents with the best rate: a linear program over the exponents, with its proof."""

from collections.abc import Mapping

import sympy

from smfg_verify.errors import InputError
from smfg_verify.symbolic.rates.derive import Exponent, derive_rates, step_exponents, symbols_of
from smfg_verify.symbolic.rates.loops import judge_loops
from smfg_verify.symbolic.rates.paths import Exponents, Graph, last_graph, mean_graph
from smfg_verify.symbolic.rates.programs import essential, largest_minimum, possible
from smfg_verify.symbolic.rates.records import BestExponents
from smfg_verify.symbolic.rates.recursion import AC_SMFG, Recursion


def best_exponents(
    recursion: Recursion = AC_SMFG, fixed: Mapping[str, Exponent] | None = None, *, weighting: str = "uniform"
) -> BestExponents:
    r"""The exponents of the step sizes at which the leader's rate is best, by an exact linear program.

    The rate is the smallest of affine forms of the exponents, under linear conditions; the largest smallest form is a
    linear program over the rationals, and its dual solution is a proof that no exponents do better. Logarithms do not
    enter the choice.

    Args:
        recursion: the scheme.
        fixed: learner -> exponent that is not free, a rational.
        weighting: as in `derive_rates`, for the derivation at the best exponents.

    Returns:
        One best choice, the range of each exponent among all best choices, and the proof. Its rate is at most zero
        where no exponents give one.

    Raises:
        ValueError: as `derive_rates`; a fixed exponent that is a symbol; none free; fixed ones whose order lets errors
            grow whatever the others are.

    Source: ours; for two time scales the program's answer is the choice of Hong, Wai, Wang, Yang (arXiv 2007.05170).

    Examples:
        >>> from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, best_exponents
        >>> best_exponents().rate, best_exponents(BILEVEL).rate
        (1/2, 2/5)
        >>> best_exponents(AC_SMFG.with_motion("lipschitz")).rate  # four scales apart
        2/7
        >>> best_exponents(BILEVEL.with_contracting_leader()).rate
        2/3
    """
    steps = step_exponents(recursion, fixed or {})
    for learner in fixed or {}:
        if not steps[learner].is_number:
            raise InputError(f"fixed exponent of {learner}: got {steps[learner]}, expected a rational.")
    symbols = symbols_of(steps)
    if not symbols:
        raise InputError("fixed: got an exponent for every learner, expected at least one that is free.")
    graph, constraints = _program(recursion, steps)
    if not possible(constraints, symbols):
        raise InputError(
            f"fixed: got {', '.join(f'{name} = {steps[name]}' for name in fixed or {})}, with which errors grow "
            "whatever the other exponents are; expected slower learners to have larger exponents."
        )
    terms = graph.terms(recursion.leader.learner)
    forms = essential([term.exponent for term in terms], constraints, symbols)
    optimum = largest_minimum(forms, constraints, symbols)
    at_best = [*constraints, *(form - optimum.value for form in forms)]
    ranges = {symbol: _range(symbol, at_best, symbols) for symbol in symbols}
    weighted = list(zip(optimum.multipliers, (*forms, *constraints), strict=True))
    chosen = {name: form.subs(optimum.point) for name, form in steps.items()}
    return BestExponents(
        rate=optimum.value,
        exponents=chosen,
        ranges={name: ranges.get(form, (form, form)) for name, form in steps.items()},
        proof=tuple((y, form) for y, form in weighted[: len(forms)] if y > 0),
        uses=tuple((z, form) for z, form in weighted[len(forms) :] if z > 0),
        derivation=derive_rates(chosen, recursion=recursion, weighting=weighting),
    )


def _program(recursion: Recursion, steps: Exponents) -> tuple[Graph, tuple[sympy.Expr, ...]]:
    """The graph whose terms bound the leader's measure, and what has to be at least zero for them to hold."""
    if recursion.leader_contracts:
        graph = last_graph(recursion, steps, chain=False)
        # Steps that are summable forget nothing.
        constraints = [1 - form for form in steps.values()]
    else:
        graph, constraints = mean_graph(recursion, steps, sympy.S.Zero, chain=False), []
    loops = judge_loops(recursion, graph, steps)
    constraints += [*loops.constraints, *(sympy.S.NegativeOne for _ in loops.growing)]
    return graph, tuple(form for form in constraints if not (form.is_number and form >= 0))


def _range(
    symbol: sympy.Symbol, constraints: list[sympy.Expr], symbols: tuple[sympy.Symbol, ...]
) -> tuple[sympy.Rational, sympy.Rational]:
    smallest, largest = (largest_minimum([sign * symbol], constraints, symbols).value for sign in (-1, 1))
    return -smallest, largest
