"""Running a traced program on enclosed values."""

from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var
from jaxtyping import Array, ArrayLike

from smfg_verify.assumptions.enclosure.affine_forms import Form, Scope, unless_unbounded, variables
from smfg_verify.assumptions.enclosure.domain import Domain
from smfg_verify.assumptions.enclosure.rules.arithmetic import NoEnclosure, is_integer, require_known_types
from smfg_verify.assumptions.enclosure.rules.conditions import number_of
from smfg_verify.assumptions.enclosure.rules.integers import wrapped
from smfg_verify.assumptions.enclosure.rules.primitives import OF_CONDITIONS, OF_INTEGERS, RULES, Equation, Rule
from smfg_verify.assumptions.enclosure.rules.rules import map_linear
from smfg_verify.assumptions.enclosure.values import Enclosed, Truth, Value, constant_value, exactly_a_number, scope_of
from smfg_verify.game.foreign import UNTRACED

# Calls into inner programs, and the parameter that holds the program.
_CALLS = {
    **dict.fromkeys(("jit", "pjit", "closed_call", "core_call", "remat", "checkpoint"), "jaxpr"),
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "custom_vjp_call_jaxpr": "fun_jaxpr",
}


def enclose_function(
    function: Callable[..., Array], shape: tuple[int, ...], domain: Domain, *constants: ArrayLike, slopes: bool = False
) -> list[Enclosed]:
    """Enclose `function(x, *constants)` for all x of a domain.

    Args:
        function: traceable; an array or a tree of arrays.
        shape: of x, with as many entries as the domain has variables.
        domain: values of x, flattened.
        *constants: further arguments, which do not depend on x.
        slopes: carry derivatives in x along.

    Returns:
        One enclosed value for each array of the result.

    Raises:
        NoEnclosure: a primitive without a rule.
    """
    arguments = (jax.ShapeDtypeStruct(shape, jnp.result_type(float)), *(jax.typeof(jnp.asarray(c)) for c in constants))
    arguments = tuple(jax.ShapeDtypeStruct(argument.shape, argument.dtype) for argument in arguments)
    program = jax.make_jaxpr(function)(*arguments)
    if program.effects:
        raise NoEnclosure("a program with effects cannot be enclosed")
    scope = Scope(domain, slopes)
    value = variables(scope, shape)
    slope = Form(scope, value.columns) if slopes else None  # type: ignore[arg-type]
    inputs: list[Value] = [Enclosed(value, slope), *(jnp.asarray(c) for c in constants)]
    found = [_enclosed(result, scope) for result in run(program.jaxpr, program.consts, inputs)]
    # Taking the ranges notes whether they are intervals at all, before anything is concluded from the notes.
    for form in (form for result in found for form in (result.value, result.slope) if form is not None):
        form.range  # noqa: B018
    return [
        Enclosed(unless_unbounded(result.value), None if result.slope is None else unless_unbounded(result.slope))
        for result in found
    ]


def _enclosed(result: Value, scope: Scope) -> Enclosed:
    if isinstance(result, Enclosed):
        return result
    if isinstance(result, Truth):
        return number_of(result)
    return constant_value(result, scope)


def run(program: Jaxpr, constants: Sequence[Value], inputs: Sequence[Value]) -> list[Value]:
    """Results of a program (a jaxpr) on values of which some depend on the variables.

    Raises:
        NoEnclosure: a primitive without a rule meets a value that does.
    """
    known: dict[Var, Value] = dict(zip(program.constvars, constants, strict=True))
    known.update(zip(program.invars, inputs, strict=True))

    def read(variable: Literal | Var) -> Value:
        return variable.val if isinstance(variable, Literal) else known[variable]

    for equation in program.eqns:
        results = _evaluate(equation, [read(variable) for variable in equation.invars])
        known.update(zip(equation.outvars, results, strict=True))
    return [read(variable) for variable in program.outvars]


def _evaluate(equation: JaxprEqn, operands: list[Value]) -> list[Value]:
    name = equation.primitive.name
    if name in _CALLS:
        inner = equation.params[_CALLS[name]]
        return run(getattr(inner, "jaxpr", inner), getattr(inner, "consts", ()), operands)
    if name in UNTRACED:
        raise NoEnclosure("it rests on code that cannot be traced: numbers read at some mean fields prove nothing")
    if not any(isinstance(operand, Enclosed | Truth) for operand in operands):
        results = equation.primitive.bind(*operands, **equation.primitive.get_bind_params(equation.params))
        return list(results) if equation.primitive.multiple_results else [results]
    require_known_types(name, tuple(_array_type(variable).dtype for variable in equation.outvars), equation.params)
    if name == "optimization_barrier":
        return operands
    _note_inexact_integers(operands)
    if name == "cond":
        return _branches(equation, operands)
    if name == "split":
        return [_part(equation, operands, k) for k in range(len(equation.outvars))]
    described = _described(equation)
    result = _rule(described, operands)(described, operands)
    if isinstance(result, Enclosed) and is_integer(described.kind):
        result = wrapped(result, described.kind)
    return [result]


def _rule(equation: Equation, operands: list[Value]) -> Rule:
    name = equation.name
    if any(isinstance(operand, Truth) for operand in operands):
        if name not in OF_CONDITIONS:
            raise NoEnclosure(f"primitive '{name}' of conditions has no enclosure")
        return OF_CONDITIONS[name]
    if name not in RULES:
        raise NoEnclosure(f"primitive '{name}' has no enclosure")
    if is_integer(equation.kind) and name not in OF_INTEGERS:
        raise NoEnclosure(f"primitive '{name}' of integers has no enclosure")
    return RULES[name]


def _note_inexact_integers(operands: list[Value]) -> None:
    """Nothing is concluded from integers that no float equals."""
    for operand in operands:
        if not isinstance(operand, Enclosed | Truth) and is_integer(jnp.asarray(operand).dtype):
            scope_of(operands).notes.append(~exactly_a_number(operand))


def _part(equation: JaxprEqn, operands: list[Value], which: int) -> Value:
    return map_linear(lambda array: equation.primitive.bind(array, **equation.params)[which], operands)


def _branches(equation: JaxprEqn, operands: list[Value]) -> list[Value]:
    """`cond` and `switch` on an index that does not depend on the variables: every branch, then a choice."""
    index, *rest = operands
    if isinstance(index, Enclosed | Truth):
        raise NoEnclosure("primitive 'cond' with a condition that depends on the mean field has no enclosure")
    branches = equation.params["branches"]
    results = [run(branch.jaxpr, branch.consts, rest) for branch in branches]
    index = jnp.clip(jnp.asarray(index, dtype=jnp.int32), 0, len(branches) - 1)
    return [_chosen(index, cases) for cases in zip(*results, strict=True)]


def _chosen(index: Array, cases: Sequence[Value]) -> Value:
    if any(isinstance(case, Truth) for case in cases):
        raise NoEnclosure("primitive 'cond' that returns conditions has no enclosure")
    if any(isinstance(case, Enclosed) for case in cases):
        return map_linear(lambda *parts: jax.lax.select_n(index, *parts), cases)
    return jax.lax.select_n(index, *(jnp.asarray(case) for case in cases))


def _array_type(variable: Literal | Var) -> jax.core.ShapedArray:
    return cast(jax.core.ShapedArray, variable.aval)


def _described(equation: JaxprEqn) -> Equation:
    params = dict(equation.params)
    if "fill_value" in params:
        params["fill_value"] = 0.0
    if params.get("preferred_element_type") is not None:
        # Forms are floats, whatever the type of the numbers that they stand for; that is seen to afterwards.
        params["preferred_element_type"] = jnp.result_type(float)
    result = _array_type(equation.outvars[0])
    return Equation(
        equation.primitive.name,
        lambda *operands: equation.primitive.bind(*operands, **params),
        params,
        result.shape,
        result.dtype,
        tuple(_array_type(variable).dtype for variable in equation.invars),
        tuple(_array_type(variable).shape for variable in equation.invars),
    )
