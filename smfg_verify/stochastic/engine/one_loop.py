"""Loops that the compiler makes one function of the machine, in place of a list of kernels that are called in turn.

XLA's CPU runs the body of a loop as kernels, at 0.1 us or so for the call of each, which is most of the time where
arrays are small. A call that carries the two attributes below is compiled as a whole instead, loops included.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import ParamSpec, TypeVar

import jax
import jaxlib.version
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend import core

P = ParamSpec("P")
R = TypeVar("R")

# Read by XLA's CPU compiler, which leaves such a call standing and gives it to its emitter of single functions. A
# compiler that does not know them makes what it would have made without.
_APART = {"inlineable": "false"}
_ONE_FUNCTION = _APART | {"xla_cpu_small_call": "true"}

# The versions whose emitter the lists below are of; with others nothing is put into one loop.
_KNOWN_COMPILER = jaxlib.version.__version_info__[:2] == (0, 10)
# For a program with such a call in it: reductions stay reductions, not calls into a library.
OPTIONS = {"xla_cpu_experimental_ynn_fusion_type": ""} if _KNOWN_COMPILER else {}

# What the emitter is known to take: arithmetic, indexing, reductions, loops. It refuses sorting, LAPACK, callbacks,
# Fourier transforms and everything else that calls into a library.
_NAMES = (
    "abs acos acosh add and argmax argmin asin asinh atan atan2 atanh broadcast_in_dim cbrt "
    "ceil clamp concatenate convert_element_type cos cosh cummax cummin cumprod cumsum div dot_general "
    "dynamic_slice dynamic_update_slice eq erf erf_inv erfc exp exp2 expm1 floor gather ge gt integer_pow "
    "iota is_finite le le_to lgamma log log1p logistic lt lt_to max min mul ne neg nextafter not or pad pow "
    "reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum rem reshape rev round rsqrt select_n sign "
    "sin sinh slice sqrt square squeeze stack stop_gradient sub tan tanh transpose xor"
)
KNOWN = frozenset(_NAMES.split())
_NESTED = frozenset(
    ["closed_call", "cond", "custom_jvp_call", "custom_vjp_call", "jit", "pjit", "scan", "while", "xla_metadata_value"]
)
_SCATTERS = frozenset({"scatter", "scatter-add"})


def fits_one_loop(function: Callable[..., object], *arguments: object) -> bool:
    """Whether `as_one_loop` may be applied: a CPU, a compiler that is known, and no calls into a library.

    Args:
        function: of arrays.
        *arguments: arrays, or trees of them.

    Returns:
        Whether every operation of the program is one that the emitter is known to take.
    """
    if not _KNOWN_COMPILER or jax.default_backend() != "cpu":
        return False
    return all(map(_is_known, _equations(jax.make_jaxpr(function)(*arguments).jaxpr)))


def as_one_loop(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, compiled as one function of the machine wherever a compiled program calls it.

    Args:
        function: of arrays; `fits_one_loop` says whether it may be one.

    Returns:
        The function, its result tagged for the compiler.
    """

    # The arguments are returned as well: of one that nothing reads, the emitter of the compiler knows no address.
    def with_arguments(*arguments: P.args, **named: P.kwargs) -> tuple[R, object]:
        return function(*arguments, **named), (arguments, named)

    def tagged(*arguments: P.args, **named: P.kwargs) -> R:
        call: Callable[..., tuple[R, object]] = jax.jit(with_arguments)
        return _tagged(call(*arguments, **named), _ONE_FUNCTION)[0]

    return tagged


def kept_apart(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """A function's result, no operation of it merged by the compiler with what comes before or after.

    Args:
        function: of arrays.
        *arguments, **named: its arguments.

    Returns:
        What it returns.
    """
    call: Callable[..., R] = jax.jit(function)
    return _tagged(call(*arguments, **named), _APART)


def _tagged(result: R, attributes: Mapping[str, str]) -> R:
    """A call's result, the call given attributes."""
    leaves, structure = jax.tree.flatten(result)
    tagged: R = jax.tree.unflatten(structure, [set_xla_metadata(leaves[0], **attributes), *leaves[1:]])
    return tagged


def _equations(program: core.Jaxpr) -> Iterator[core.JaxprEqn]:
    for equation in program.eqns:
        yield equation
        for inner in core.jaxprs_in_params(equation.params):
            yield from _equations(inner)


def _is_known(equation: core.JaxprEqn) -> bool:
    name = equation.primitive.name
    # A scatter to one place becomes a slice that is written; one to several is refused.
    if name in _SCATTERS:
        *batch, _ = getattr(equation.invars[1].aval, "shape", (2, 2))
        return all(size == 1 for size in batch)
    return name in KNOWN or name in _NESTED
