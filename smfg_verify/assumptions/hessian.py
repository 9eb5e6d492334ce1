r"""The Hessian of the Stackelberg objective in the leader's logits, and its largest curvature."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.batches import in_batches
from smfg_verify.assumptions.search import BOX, FAST_COMPILE, Slopes, into_box
from smfg_verify.exact.gradient import gradient_of_logits
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape

_BATCH = 64
# Step of the central difference along a direction, in logits: its error is the square of it, far below what a search
# needs of a slope, and the rounding of a product divided by it is 1e-11.
_STEP = 1e-4
# A Hessian less symmetric than this, relative to its largest entry, is lost in rounding.
SYMMETRY = 1e-6


def products_of(
    game: AbstractGame,
    logits: Float[np.ndarray, "N O B"],
    directions: Float[np.ndarray, "N D"],
    starts: Float[np.ndarray, "N ..."] | None = None,
) -> tuple[Float[np.ndarray, "N D"], Float[np.ndarray, "N ..."]]:
    r"""$\nabla^2 \Phi(\omega)\,v$ at pairs of a leader and a direction, in batches of one compiled shape.

    Args:
        game: the game, traced.
        logits: omega.
        directions: v, D = O * B.
        starts: where each equilibrium search starts; uniform if None.

    Returns:
        The products, and the mean fields at which they are taken; NaN where Newton has not converged.
    """
    number, shape = len(logits), mean_field_shape(game)
    if starts is None:
        starts = np.full((number, *shape), 1.0 / np.prod(shape))
    arguments = (np.asarray(logits, dtype=float), np.asarray(starts, dtype=float), np.asarray(directions, dtype=float))
    return in_batches(functools.partial(_products, game), _BATCH, *arguments)


# filter_jit hands any keyword on to jax.jit; its stubs do not say so.
@eqx.filter_jit(compiler_options=FAST_COMPILE)  # type: ignore[call-overload]
def _products(game: AbstractGame, logits, starts, directions):
    def one(omega, start, direction):
        def slope(flat):
            gradient = gradient_of_logits(game, flat.reshape(omega.shape), start, rescue=False)
            return jnp.ravel(gradient.total), gradient.equilibrium.mean_field

        _, product, field = jax.jvp(slope, (jnp.ravel(omega),), (direction,), has_aux=True)
        return product, field

    return jax.vmap(one)(logits, starts, directions)


def hessians(
    game: AbstractGame, logits: Float[np.ndarray, "N O B"], starts: Float[ArrayLike, "N ..."] | None = None
) -> tuple[Float[np.ndarray, "N D D"], Float[np.ndarray, "N ..."]]:
    """Hessians at N leaders, a column for each logit, and the equilibrium mean fields; NaN where not converged.

    Products, one for each logit, so that search and evaluation share one compiled program: a program for whole
    Hessians compiles as long again.
    """
    number, size = len(logits), int(np.prod(leader_logits_shape(game)))
    repeated = np.repeat(logits, size, axis=0)
    from_starts = None if starts is None else np.repeat(starts, size, axis=0)
    columns, fields = products_of(game, repeated, np.tile(np.eye(size), (number, 1)), from_starts)
    return np.swapaxes(columns.reshape(number, size, size), 1, 2), fields[::size]


def asymmetry(matrices: Float[np.ndarray, "N D D"]) -> Float[np.ndarray, " N"]:
    """Largest entry of H - H^T relative to the largest of H: how far rounding has gone, zero for a zero matrix."""
    defect = np.max(np.abs(matrices - np.swapaxes(matrices, 1, 2)), axis=(1, 2))
    largest = np.max(np.abs(matrices), axis=(1, 2))
    return np.where(largest > 0.0, defect / np.where(largest > 0.0, largest, 1.0), defect)


def curvatures(matrices: Float[np.ndarray, "N D D"]) -> tuple[Float[np.ndarray, " N"], Float[np.ndarray, "N D"]]:
    """Eigenvalue of largest size of each Hessian, with its sign, and its unit eigenvector.

    Args:
        matrices: Hessians.

    Returns:
        NaN where a matrix has a NaN or is not symmetric up to `SYMMETRY`.
    """
    usable = np.all(np.isfinite(matrices), axis=(1, 2))
    usable[usable] = asymmetry(matrices[usable]) <= SYMMETRY
    values, vectors = np.full(len(matrices), np.nan), np.full(matrices.shape[:2], np.nan)
    if usable.any():
        symmetric = 0.5 * (matrices[usable] + np.swapaxes(matrices[usable], 1, 2))
        spectrum, basis = np.linalg.eigh(symmetric)
        largest = np.argmax(np.abs(spectrum), axis=1)
        values[usable] = np.take_along_axis(spectrum, largest[:, None], axis=1)[:, 0]
        vectors[usable] = np.take_along_axis(basis, largest[:, None, None], axis=2)[:, :, 0]
    return values, vectors


def curvature_slopes(game: AbstractGame) -> Slopes:
    r"""Objective of the search, $-|v^T H(\omega) v|$ over leaders in the box and unit directions together.

    By the symmetry of the third derivatives the slope of $v^T H(\omega) v$ in $\omega$ is that of $H(\omega) v$ along
    v, a central difference of two products: nothing is differentiated a third time.

    Args:
        game: the game, traced.

    Returns:
        Function from (K, 2 D), unbounded logits and directions, to values (K,) and slopes (K, 2 D).
    """
    shape = leader_logits_shape(game)

    def slopes(points: Float[np.ndarray, "K E"]) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, "K E"]]:
        unbounded, direction = np.split(points, 2, axis=1)
        logits = np.asarray(into_box(unbounded))
        length = np.linalg.norm(direction, axis=1, keepdims=True)
        unit = direction / length
        moved = np.concatenate([logits, logits + _STEP * unit, logits - _STEP * unit])
        products = products_of(game, moved.reshape(-1, *shape), np.tile(unit, (3, 1)))[0]
        here, ahead, behind = np.split(products, 3)
        form = np.sum(unit * here, axis=1, keepdims=True)
        sign = np.where(form < 0.0, 1.0, -1.0)
        # The box's own slope, 1 - tanh^2.
        in_logits = (ahead - behind) / (2.0 * _STEP) * (1.0 - (logits / BOX) ** 2)
        in_direction = 2.0 * (here - form * unit) / length
        return -np.abs(form[:, 0]), sign * np.concatenate([in_logits, in_direction], axis=1)

    return slopes
