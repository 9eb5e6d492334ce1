r"""The slope of a function of the mean field, factored through the few numbers that the function reads of it.

Many games see of a mean field only a few numbers at each state and action: the share of a road, a crowd nearby, an
exposure $\langle h, m \rangle$. Then $\partial P(\cdot | s, a, b) / \partial m = R L$ with R of n x k and L of k x M
entries, k small, and sums over slopes are products of such matrices; the table of all slopes, $n^2 A B M$ entries, is
never built. The numbers are not declared: they are the fewest that all paths from the mean field to the row pass
through in the program of its derivative, a minimal cut.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, Var
from jaxtyping import Array, Float

# A flow that no cut carries.
_UNBOUNDED = 2**30


class Factors(NamedTuple):
    r"""A slope as a product, $R L$, one for each index that is mapped over.

    Attributes:
        right: of the row in the numbers it reads, (..., n, k).
        left: of these numbers in the mean field, (..., k, M).
    """

    right: Float[Array, "*indices n k"]
    left: Float[Array, "*indices k M"]


def factored(function: Callable[[Array], Array], argument: Float[Array, " M"], most: int) -> Factors | None:
    """The slope of a function at a point in two factors; may be mapped over, as `vmap` maps over the function.

    Args:
        function: of a mean field, flattened, to an array (n,).
        argument: the mean field.
        most: how many numbers may stand between them.

    Returns:
        The factors; None where more numbers are needed, whatever the point.
    """
    value, push = jax.linearize(function, argument)
    derivative = jax.make_jaxpr(push)(argument)
    cut = _narrowest(derivative.jaxpr)
    width = sum(_count(var) for var in cut)
    if width > most:
        return None
    if not cut:
        return Factors(jnp.zeros((*value.shape, 0)), jnp.zeros((0, *argument.shape)))
    first = _part(derivative, derivative.jaxpr.invars, cut)
    second = _part(derivative, cut, derivative.jaxpr.outvars)
    columns: Callable[[Array], Array] = jax.vmap(lambda numbers: second(*_apart(numbers, cut))[0], out_axes=1)
    right = columns(jnp.eye(width, dtype=argument.dtype))
    return Factors(right, _rows(lambda direction: _joined(first(direction)), argument, width))


def _rows(linear: Callable[[Array], Float[Array, " k"]], argument: Float[Array, " M"], width: int) -> Array:
    """The matrix of a linear function of mean fields, (k, M): k rows, or M columns where it cannot be transposed."""
    units = jnp.eye(width, dtype=argument.dtype)

    def transposed(units: Array) -> Array:
        pull = cast(Callable[[Array], tuple[Array]], jax.linear_transpose(linear, argument))
        return jax.vmap(lambda unit: pull(unit)[0])(units)

    try:
        jax.eval_shape(transposed, units)
    except (NotImplementedError, ValueError):
        # Loops that end by a condition have no transpose.
        return jax.vmap(linear, out_axes=1)(jnp.eye(argument.shape[0], dtype=argument.dtype))
    return transposed(units)


def _type(var: Var) -> jax.core.ShapedArray:
    return cast(jax.core.ShapedArray, var.aval)


def _is_complex(var: Var) -> bool:
    return bool(jnp.issubdtype(_type(var).dtype, jnp.complexfloating))


def _count(var: Var) -> int:
    """Real numbers that a value holds: slopes are linear over these, and a complex number is two of them."""
    count: int = math.prod(_type(var).shape) * (2 if _is_complex(var) else 1)
    return count


def _joined(values: Sequence[Array]) -> Float[Array, " k"]:
    """All numbers of some values; of complex ones real parts before imaginary ones."""
    parts = [part for value in values for part in ((value.real, value.imag) if jnp.iscomplexobj(value) else (value,))]
    return jnp.concatenate([jnp.ravel(part).astype(float) for part in parts])


def _apart(numbers: Float[Array, " k"], variables: Sequence[Var]) -> list[Array]:
    """The values, of the types they have in the program, that have these numbers."""
    values, ends = [], np.cumsum([_count(var) for var in variables])
    for part, var in zip(jnp.split(numbers, ends[:-1]), variables, strict=True):
        whole = jax.lax.complex(*jnp.split(part, 2)) if _is_complex(var) else part
        values.append(whole.astype(_type(var).dtype).reshape(_type(var).shape))
    return values


def _part(derivative: ClosedJaxpr, given: Sequence[Var], wanted: Sequence[Var]) -> Callable[..., list[Array]]:
    """The part of a program that computes some of its values from others; what neither needs is left out."""
    kept, needed = [], {var for var in wanted if not isinstance(var, Literal)} - set(given)
    for equation in reversed(derivative.jaxpr.eqns):
        if needed.intersection(equation.outvars):
            kept.append(equation)
            needed |= {var for var in equation.invars if not isinstance(var, Literal)} - set(given)
    part = derivative.jaxpr.replace(invars=list(given), outvars=list(wanted), eqns=kept[::-1])
    return lambda *values: jax.core.eval_jaxpr(part, derivative.consts, *values)


def _narrowest(jaxpr: Jaxpr) -> list[Var]:
    """The fewest numbers that all paths from the arguments of a program to its results pass through.

    A value is two nodes of a network, joined by an edge that carries as much as the value has numbers; what is computed
    from it follows without a bound. The values whose first node is reached by what the largest flow leaves free, and
    the second not, are the cut.
    """
    # Loaded by the large games that need it: it takes a tenth of a second.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    numbers: dict[Var, int] = {var: 2 * k for k, var in enumerate(_values(jaxpr))}
    source, sink = 2 * len(numbers), 2 * len(numbers) + 1
    edges = [(first, first + 1, _count(var)) for var, first in numbers.items()]
    edges += [(source, numbers[var], _UNBOUNDED) for var in jaxpr.invars]
    edges += [(numbers[var] + 1, sink, _UNBOUNDED) for var in jaxpr.outvars if var in numbers]
    for equation in jaxpr.eqns:
        read = [numbers[var] + 1 for var in equation.invars if not isinstance(var, Literal) and var in numbers]
        edges += [
            (begin, numbers[var], _UNBOUNDED) for begin in set(read) for var in equation.outvars if var in numbers
        ]
    begins, ends, capacities = (np.asarray(column) for column in zip(*edges, strict=True))
    network = csr_array((capacities.astype(np.int32), (begins, ends)), shape=(sink + 1, sink + 1))
    left = network - maximum_flow(network, source, sink).flow
    left.eliminate_zeros()
    reached = set(breadth_first_order(left, source, return_predecessors=False).tolist())
    return [var for var, first in numbers.items() if first in reached and first + 1 not in reached]


def _values(jaxpr: Jaxpr) -> list[Var]:
    """The values of a program that depend on its arguments, these included, in order."""
    found = dict.fromkeys(jaxpr.invars)
    for equation in jaxpr.eqns:
        if any(not isinstance(var, Literal) and var in found for var in equation.invars):
            found.update(dict.fromkeys(equation.outvars))
    return list(found)
