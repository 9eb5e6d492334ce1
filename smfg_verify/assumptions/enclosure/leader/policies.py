r"""Leaders' policies over boxes of logits as affine functions of a box's coordinates.

A softmax is curved, and what a polynomial misses of it would widen every number that follows. So the coordinates are
those of a parallelepiped of policies that holds the image of the box: $\phi = \phi_0 + M y$, M the softmax's slope in
the middle and y between the ends of $M^{-1} (\phi - \phi_0)$ over the box. Where the box of policies around the image
is smaller it is taken, M the identity. Of a row with two actions the image is a segment, and held exactly.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure import balls
from smfg_verify.assumptions.enclosure.balls import OUTWARD, softmax_range
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame
from smfg_verify.assumptions.enclosure.leader.forms import Form, contract, form_of, joined, over_boxes, softmax_of_gaps
from smfg_verify.assumptions.enclosure.response.models import Model, Shape

# Probabilities and sides of boxes below stand as so large in the choice of M, where any serves.
_LEAST = 1e-12
# Of the width of the image, what M may be off its inverse by.
_SLACK = 1e-3


def policies_over(game: AffineGame, lower: Float[np.ndarray, "K k"], upper: Float[np.ndarray, "K k"]) -> Form:
    """Leaders' policies by state over boxes of free logits.

    Args:
        game: the game's tables.
        lower, upper: of the boxes.

    Returns:
        (K, n, B), in coordinates that are numbered as the free logits are.
    """
    rows = over_boxes(lower, upper).moved(game.full_logits)
    curved = softmax_of_gaps(rows.moved(lambda x: x[:, :, :, None]) - rows.moved(lambda x: x[:, :, None, :]))
    middle = curved.mid
    image = softmax_range(game.full_logits(lower), game.full_logits(upper))[..., :-1] - middle[..., :-1]
    matrix, inverse = _slopes(middle, (upper - lower).reshape(image.mid.shape))
    ends = (
        contract("kocb,kob->koc", inverse, image),
        contract("kob,kocb->koc", curved[..., :-1] - middle[..., :-1], inverse),
    )
    low, high = np.fmax(*(end.lower for end in ends)), np.fmin(*(end.upper for end in ends))
    box = np.broadcast_to(np.eye(matrix.shape[-1]), matrix.shape)
    # phi - phi_0 = M y + (I - M M') (phi - phi_0), M' about the inverse of M.
    slack = np.einsum("kobd,kod->kob", (balls.contract("kobc,kocd->kobd", matrix, inverse) - box).size, image.size)
    smaller = np.abs(np.linalg.det(matrix)) * np.prod(high - low, axis=2) < np.prod(2.0 * image.rad, axis=2)
    smaller = (smaller & np.all(slack <= _SLACK * image.rad, axis=2))[..., None]
    matrix = np.where(smaller[..., None], matrix, box)
    low, high, slack = (
        np.where(smaller, *parts) for parts in ((low, image.lower), (high, image.upper), (slack, np.zeros_like(slack)))
    )
    free = _affine(middle[..., :-1], matrix, low, high).widened(OUTWARD * slack)
    return _with_last(free)[:, game.observation]


def policies_between(lower: Float[np.ndarray, "K O B"], upper: Float[np.ndarray, "K O B"]) -> Form:
    """Leaders' policies of which all probabilities but the last lie between ends, row after row, (K, O, B)."""
    low, high = lower[..., :-1], upper[..., :-1]
    number, rows, size = low.shape
    start, identity = np.zeros(low.shape), np.broadcast_to(np.eye(size), (number, rows, size, size))
    return _with_last(_affine(start, identity, low, high))


def coordinates_between(
    lower: Float[np.ndarray, "K O B"], upper: Float[np.ndarray, "K O B"], policies: Float[np.ndarray, "K O B"]
) -> Float[np.ndarray, "K k"]:
    """Coordinates of one leader of each of these boxes, up to what its policy is rounded by; NaN of one outside."""
    low, high, at = (part[..., :-1].reshape(len(part), -1) for part in (lower, upper, policies))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(high > low, (at - 0.5 * (low + high)) / (high - low), np.where(at == low, 0.0, np.nan))
    return np.where(np.abs(found) <= 0.5, found, np.nan)


def _with_last(free: Form) -> Form:
    return form_of(joined((free, 1.0 + -contract("kob,bc->koc", free, np.ones((free.mid.shape[2], 1)))), 2))


def _slopes(middle: Float[np.ndarray, "K O B"], width: Float[np.ndarray, "K O C"]) -> tuple[np.ndarray, np.ndarray]:
    r"""Slope of the free probabilities in logits of boxes of sides 1, and about its inverse.

    $(\mathrm{diag}(\phi) - \phi \phi^T)^{-1} = \mathrm{diag}(1 / \phi) + 1 1^T / \phi_{last}$.
    """
    phi, side = np.maximum(middle, _LEAST), np.maximum(width, _LEAST)
    free, same = phi[..., :-1], np.eye(width.shape[2])
    matrix = (free[..., :, None] * same - free[..., :, None] * free[..., None, :]) * side[..., None, :]
    inverse = (same / free[..., None, :] + 1.0 / phi[..., -1:, None]) / side[..., :, None]
    return matrix, inverse


def _affine(start: np.ndarray, matrix: np.ndarray, low: np.ndarray, high: np.ndarray) -> Form:
    """$\\phi_0 + M y$ for y between ends, a coordinate for each entry of y, row after row."""
    number, rows, size = low.shape
    centre = start + np.einsum("kobc,koc->kob", matrix, 0.5 * (low + high))
    linear = np.zeros((rows, size, rows, size, number))
    for row in range(rows):
        linear[row, :, row] = (matrix[:, row] * (high - low)[:, row, None, :]).transpose(2, 1, 0)
    shape = Shape((2,) * (rows * size))
    return Form(Model.affine(np.moveaxis(centre, 0, -1), linear.reshape(rows * size, rows, size, number), shape))
