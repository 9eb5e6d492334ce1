r"""The Hessian of the Stackelberg objective in the leader's logits, and its largest curvature."""

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.search import Slopes, box_slope, into_box
from smfg_verify.exact.gradient.at_leaders import evaluate_leaders
from smfg_verify.exact.gradient.slopes_at_leaders import gradient_slopes
from smfg_verify.game import AbstractGame, leader_logits_shape

# Step of the central difference along a direction, in logits: its error is the square of it, far below what a search
# needs of a slope, and the rounding of a product divided by it is 1e-11.
_STEP = 1e-4
# A Hessian less symmetric than this, relative to its largest entry, is lost in rounding.
SYMMETRY = 1e-6


def hessians(
    game: AbstractGame, logits: Float[np.ndarray, "N O B"], starts: Float[ArrayLike, "N ..."] | None = None
) -> tuple[Float[np.ndarray, "N D D"], Float[np.ndarray, "N ..."]]:
    r"""Hessians $\nabla^2 \Phi(\omega)$ at N leaders, and the equilibrium mean fields.

    Args:
        game: the game, traced.
        logits: omega; D = O * B.
        starts: where each equilibrium search starts; uniform if None.

    Returns:
        Matrices and mean fields; NaN where Newton has not converged, and at a kink of the game's functions.
    """
    number, size = len(logits), int(np.prod(leader_logits_shape(game)))
    points = evaluate_leaders(game, logits, starts, rescue=False)
    units = np.tile(np.eye(size), (number, 1)).reshape(-1, *logits.shape[1:])
    columns = gradient_slopes(game, points.at(np.repeat(np.arange(number), size)), units)
    matrices = np.swapaxes(columns.reshape(number, size, size), 1, 2)
    # Where there is no gradient, at a kink, there is no Hessian, whatever the rules of differentiation give.
    return np.where(points.not_differentiable[:, None, None], np.nan, matrices), points.mean_field


def asymmetry(matrices: Float[np.ndarray, "N D D"]) -> Float[np.ndarray, " N"]:
    """Largest entry of H - H^T relative to the largest of H: how far rounding has gone, zero for a zero matrix."""
    defect = np.max(np.abs(matrices - np.swapaxes(matrices, 1, 2)), axis=(1, 2))
    largest = np.max(np.abs(matrices), axis=(1, 2))
    result: Float[np.ndarray, " N"] = np.where(largest > 0.0, defect / np.where(largest > 0.0, largest, 1.0), defect)
    return result


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
        leaders = evaluate_leaders(game, moved.reshape(-1, *shape), rescue=False)
        products = gradient_slopes(game, leaders, np.tile(unit, (3, 1)).reshape(-1, *shape))
        here, ahead, behind = np.split(products.reshape(moved.shape), 3)
        form = np.sum(unit * here, axis=1, keepdims=True)
        sign = np.where(form < 0.0, 1.0, -1.0)
        in_logits = (ahead - behind) / (2.0 * _STEP) * box_slope(logits)
        in_direction = 2.0 * (here - form * unit) / length
        return -np.abs(form[:, 0]), sign * np.concatenate([in_logits, in_direction], axis=1)

    return slopes
