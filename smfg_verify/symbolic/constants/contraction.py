r"""The proved bounds of the modulus of the mean field's map as expressions, and the temperature they admit."""

import math
from collections.abc import Iterator, Mapping

import sympy

from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import BOUNDS, FORMULAS, BoundInputs
from smfg_verify.assumptions.contraction.temperature_sweep import COLDEST, HOTTEST, smallest_by_bound
from smfg_verify.symbolic.constants.evaluation import Symbols, constant_expression, number_of, rational, summands
from smfg_verify.symbolic.constants.records import ConstantExpression, Remark

# Symbol and meaning of each input that is a number.
_SYMBOLS = {
    "transition_lipschitz": "L_P",
    "follower_lipschitz": "L_f",
    "reward_span": "R_f",
    "one_step": "delta_1",
    "action_spread": "delta_A",
    "mixing_factor": "M",
    "num_actions": "A",
    "discount": "gamma",
}
# What bisection and the margin leave of a temperature, relative.
_BISECTED = 1e-4
_TEMPERATURE = "contraction/smallest-temperature"
_SAME = ("contraction/certified-bound", "uniqueness/contraction")


def contraction_expressions(
    inputs: BoundInputs, temperature: float, *, among: frozenset[str] | None = None
) -> Iterator[ConstantExpression]:
    r"""Both bounds of the modulus, the smaller one named as the one reported, and the temperature it admits.

    Args:
        inputs: what the bounds are made of.
        temperature: tau.
        among: findings that there are, as property/statement; all if None.

    Yields:
        The expressions.
    """
    reported = {name: bound(inputs, temperature) for name, bound in BOUNDS.items()}
    best = min(reported, key=lambda name: reported[name])
    for name in BOUNDS:
        symbols = Symbols()
        yield constant_expression(
            f"contraction/certified-bound/{name}",
            "kappa",
            modulus(inputs, temperature, name, symbols),
            symbols,
            reported[name],
            side="upper",
            statements=[statement for statement in _SAME if name == best and statement in (among or _SAME)],
        )
    if among is None or _TEMPERATURE in among:
        yield _smallest_temperature(inputs, temperature)


def modulus(inputs: BoundInputs, temperature: float, name: str, symbols: Symbols) -> sympy.Expr | float:
    """One of the bounds with symbols for its inputs: the function that computes the number, called with symbols.

    Args:
        inputs: whose zeros drop out.
        temperature: tau.
        name: of the bound.
        symbols: makes the symbols.

    Returns:
        The expression.
    """
    named = {field: symbols(text, getattr(inputs, field), field) for field, text in _SYMBOLS.items()}
    tau = symbols("tau", temperature, "temperature")
    return FORMULAS[name](inputs._replace(**named), tau, log=sympy.log)


def _smallest_temperature(inputs: BoundInputs, temperature: float) -> ConstantExpression:
    """The temperature at which the bound that admits the colder one is one, solved for."""
    smallest = {name: smallest_by_bound(inputs, name) for name in BOUNDS}
    best = min(smallest, key=lambda name: smallest[name])
    symbols = Symbols()
    form = rational(modulus(inputs, temperature, best, symbols))
    values = {entry.symbol: entry.value for entry in symbols.values}
    rest, falling = by_temperature(form, values)
    remark = _bisected(smallest[best], number_of(rest, values))
    return constant_expression(
        f"{_TEMPERATURE}/{best}",
        "tau_min",
        sympy.oo if rest.is_infinite else falling / (1 - rest),
        symbols,
        smallest[best],
        side="upper",
        statements=(_TEMPERATURE,),
        remarks=[remark],
        tolerance=_BISECTED if remark.case == "bisected" else math.inf,
    )


def by_temperature(form: sympy.Expr, values: Mapping[sympy.Symbol, float]) -> tuple[sympy.Expr, sympy.Expr]:
    r"""$c_0$ and $c_1$ of a bound $c_0 + c_1 / \tau$, which is one at $c_1 / (1 - c_0)$.

    Args:
        form: a bound.
        values: numbers of its symbols.

    Returns:
        The two.
    """
    if form.is_infinite or form.is_zero:
        return form, sympy.S.Zero
    tau = sympy.Symbol("tau", positive=True)
    parts = [part.as_independent(tau, as_Add=False) for part in summands(form, values)]
    rest, falling = (sympy.Add(*(free for free, held in parts if held == power)) for power in (1, 1 / tau))
    if any(held not in (1, 1 / tau) for _, held in parts):
        raise RuntimeError(f"contraction: {form} is not of the form c_0 + c_1 / tau.")
    return rest, falling


def _bisected(reported: float, rest: float) -> Remark:
    if reported <= COLDEST:
        return Remark("coldest", {"coldest": COLDEST})
    if rest >= 1.0:
        return Remark("no-temperature", {"rest": rest})
    if math.isinf(reported):
        return Remark("hottest", {"hottest": HOTTEST})
    return Remark("bisected", {"margin": CLEARLY_BELOW_ONE})
