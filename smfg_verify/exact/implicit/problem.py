"""An equation and an objective on flat vectors, with the derivatives that a gradient takes of them."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, ArrayLike, Float, PyTree

from smfg_verify.errors import InputError

Vector = Float[np.ndarray, " N"]


@dataclasses.dataclass(frozen=True)
class Problem:
    """F(x, p) = 0 and f(x, p), all flat, compiled.

    Attributes:
        value: (x, p) -> F, (D,), with f behind it, (D + 1,).
        slopes: (x, p) -> dF/dx with df/dx as its last row, (D + 1, D).
        along: (x, p, dx, dp) -> derivative of both along a direction, (D + 1,).
        back: (x, p, weights) -> the weighted derivatives of both in p, (P,).
        x, params: the point.
        x_scale, params_scale: of each entry the largest of the array that it is of.
        restore: flat parameters to what they are flat of.
    """

    value: Callable[..., Array]
    slopes: Callable[..., Array]
    along: Callable[..., Array]
    back: Callable[..., Array]
    x: Vector
    params: Vector
    x_scale: Vector
    params_scale: Vector
    restore: Callable[[Vector], PyTree]

    def both(self, x: Vector, params: Vector) -> Vector:
        """F and f."""
        return np.asarray(self.value(x, params))


def flat_problem(
    residual: Callable[[PyTree, PyTree], PyTree],
    x: PyTree[ArrayLike],
    params: PyTree[ArrayLike],
    objective: Callable[[PyTree, PyTree], ArrayLike],
) -> Problem:
    """The problem on flat vectors.

    Args:
        residual: F.
        x: where it is zero.
        params: parameters.
        objective: f, a number.

    Returns:
        The problem.

    Raises:
        ValueError: not as many equations as unknowns, an objective that is no number, nothing to differentiate, complex
            numbers, or no derivative both ways.
    """
    if any(np.iscomplexobj(leaf) for leaf in jax.tree.leaves((x, params))):
        raise InputError("implicit: got complex numbers, expected real ones: real and imaginary parts as two arrays.")
    (flat_x, of_x), (flat_p, of_p) = (
        ravel_pytree(jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=float), tree)) for tree in (x, params)
    )

    def both(a: Array, b: Array) -> Array:
        return jnp.append(ravel_pytree(residual(of_x(a), of_p(b)))[0], jnp.asarray(objective(of_x(a), of_p(b))))

    shape = jax.eval_shape(lambda: jnp.asarray(objective(of_x(flat_x), of_p(flat_p)))).shape
    if shape != ():
        raise InputError(f"objective: got an array of shape {shape}, expected a number.")
    equations = jax.eval_shape(both, flat_x, flat_p).shape[0] - 1
    if equations != len(flat_x) or not len(flat_x) or not len(flat_p):
        raise InputError(
            f"implicit: got {equations} equations, {len(flat_x)} unknowns and {len(flat_p)} parameters, expected as "
            "many equations as unknowns and at least one of each; likely cause: a residual that is not of x's shape."
        )
    problem = Problem(
        value=jax.jit(both),
        slopes=jax.jit(jax.jacfwd(both)),
        along=jax.jit(lambda a, b, da, db: jax.jvp(both, (a, b), (da, db))[1]),
        back=jax.jit(lambda a, b, weights: jax.vjp(lambda c: both(a, c), b)[1](weights)[0]),
        x=np.asarray(flat_x),
        params=np.asarray(flat_p),
        x_scale=_scale(x),
        params_scale=_scale(params),
        restore=lambda flat: of_p(jnp.asarray(flat)),
    )
    try:
        problem.along(flat_x, flat_p, flat_x, flat_p)  # a custom_vjp fails where it is lowered, not where it is traced
        problem.back(flat_x, flat_p, jnp.zeros(equations + 1))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"implicit: JAX has no derivative of the residual or the objective: {str(error).splitlines()[0]} Expected "
            "both of forward and of reverse mode; likely cause: a custom_vjp, or a loop without a fixed length."
        ) from error
    return problem


def _scale(tree: PyTree[ArrayLike]) -> Vector:
    """Of each entry, the largest of its array."""
    leaves = [np.asarray(leaf, dtype=float) for leaf in jax.tree.leaves(tree)]
    return np.concatenate([np.full(leaf.size, np.max(np.abs(leaf), initial=0.0)) for leaf in leaves])
