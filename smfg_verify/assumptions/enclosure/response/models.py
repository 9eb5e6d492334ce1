r"""Second-order models of numbers over a cell: centre, linear and quadratic part, radius; rounded outward.

A cell is a product of simplices, each with vertices of its own. A point of a simplex of p vertices has barycentric
weights $\lambda$, and coordinates $z_i = \lambda_i - 1/p$ for all vertices but the first. A model stands for all
functions f with $|f(z) - c - \sum_i l_i z_i - \sum_{i \le j} q_{ij} z_i z_j| \le r$ on the cell. Batches of cells
lie on the last axis, where NumPy's loops run.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

EPSILON = 2.0**-52
# The sum of a part's coefficients times the coordinates' sizes is at most so many times the part's largest value: of a
# linear part the largest coefficient is at most twice, and the coordinates of a simplex sum to less than 2.
_COEFFICIENTS = 4.0


class Shape:
    """Of a product of simplices: how many vertices each has.

    Args:
        sizes: of the simplices, two vertices or more each.

    Attributes:
        sizes: the same.
        begins: where the coordinates of each simplex begin, (G,).
        first, second: the coordinates of each product of two, (P,).
        least, most: of each product over the cell, (P,).
    """

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes
        self.begins = np.concatenate([[0], np.cumsum(np.array(sizes) - 1)])[:-1].astype(int)
        self.dimension = int(np.sum(sizes)) - len(sizes)
        self.first, self.second = np.triu_indices(self.dimension)
        owner = np.repeat(np.arange(len(sizes)), np.array(sizes) - 1)
        share = 1.0 / np.array(sizes, dtype=float)[owner]
        far = 1.0 - share
        a, b = self.first, self.second
        square, together = a == b, owner[a] == owner[b]
        product = far[a] * far[b]
        # Both entries of one simplex: (x - 1/p)(y - 1/p) with x + y <= 1.
        joint = np.maximum(share[a] ** 2, (0.5 - share[a]) ** 2)
        self.least = np.where(square, 0.0, np.where(together, -far[a] * share[a], -product)) * OUTWARD
        self.most = np.where(square, product, np.where(together, joint, product)) * OUTWARD

    @functools.cached_property
    def counts(self) -> Float[np.ndarray, " G"]:
        """Vertices of each simplex, as numbers."""
        return np.array(self.sizes, dtype=float)

    def at_vertices(self, linear: Float[np.ndarray, "d *S K"]) -> Float[np.ndarray, "D *S K"]:
        """Linear parts at all vertices, up to a number for each simplex."""
        blank = np.zeros((1, *linear.shape[1:]))
        parts = [(blank, linear[a : a + size - 1]) for a, size in zip(self.begins, self.sizes, strict=True)]
        return np.concatenate([part for pair in parts for part in pair])

    def linear_ends(self, linear: Float[np.ndarray, "d *S K"]) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest value of linear parts over the cell."""
        low, high = np.zeros(linear.shape[1:]), np.zeros(linear.shape[1:])
        for begin, size in zip(self.begins, self.sizes, strict=True):
            part = linear[begin : begin + size - 1]
            shift = part.sum(axis=0) / size
            low += np.minimum(part.min(axis=0), 0.0) - shift
            high += np.maximum(part.max(axis=0), 0.0) - shift
        return low, high

    def quadratic_ends(self, quadratic: Float[np.ndarray, "P *S K"]) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of quadratic parts over the cell, product by product."""
        above, below = np.maximum(quadratic, 0.0), np.minimum(quadratic, 0.0)
        low = np.tensordot(self.least, above, 1) + np.tensordot(self.most, below, 1)
        high = np.tensordot(self.most, above, 1) + np.tensordot(self.least, below, 1)
        return low, high


@dataclasses.dataclass(frozen=True)
class Model:
    """Numbers as functions of the point of a cell.

    Attributes:
        centre: c, (*S, K).
        linear: l, (d, *S, K).
        quadratic: q, (P, *S, K).
        radius: r, (*S, K), >= 0.
        shape: of the cells.
    """

    centre: Float[np.ndarray, "*S K"]
    linear: Float[np.ndarray, "d *S K"]
    quadratic: Float[np.ndarray, "P *S K"]
    radius: Float[np.ndarray, "*S K"]
    shape: Shape

    @classmethod
    def affine(cls, centre: np.ndarray, linear: np.ndarray, shape: Shape) -> "Model":
        """An affine function whose numbers were rounded a few times in being computed."""
        pairs = np.zeros((len(shape.first), *centre.shape))
        return cls(centre, linear, pairs, np.zeros_like(centre), shape)._rounded()

    def _rounded(self) -> "Model":
        radius = OUTWARD * self.radius + (16.0 * EPSILON * self.size + TINY)
        return Model(self.centre, self.linear, self.quadratic, radius, self.shape)

    @functools.cached_property
    def reach(self) -> Float[np.ndarray, "*S K"]:
        """Largest absolute value of the linear part."""
        low, high = self.shape.linear_ends(self.linear)
        bound: Float[np.ndarray, "*S K"] = np.maximum(-low, high)
        return bound

    @functools.cached_property
    def bend(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value of the quadratic part."""
        low, high = self.shape.quadratic_ends(self.quadratic)
        bound: Float[np.ndarray, "*S K"] = np.maximum(-low, high)
        return bound

    @functools.cached_property
    def size(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value, and of all roundings' scale."""
        bound: Float[np.ndarray, "*S K"] = np.abs(self.centre) + self.reach + self.bend + self.radius
        return bound

    @property
    def deviation(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the distance from the centre."""
        bound: Float[np.ndarray, "*S K"] = OUTWARD * (self.reach + self.bend + self.radius)
        return bound

    @property
    def lower(self) -> Float[np.ndarray, "*S K"]:
        """Lower end of the range."""
        low = self.shape.linear_ends(self.linear)[0] + self.shape.quadratic_ends(self.quadratic)[0]
        ends: Float[np.ndarray, "*S K"] = self.centre + low - OUTWARD * self.radius
        return ends - 64.0 * EPSILON * self.size - TINY

    @property
    def upper(self) -> Float[np.ndarray, "*S K"]:
        """Upper end of the range."""
        return -(-self).lower

    @property
    def largest(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value."""
        bound: Float[np.ndarray, "*S K"] = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return bound

    def __neg__(self) -> "Model":
        return Model(-self.centre, -self.linear, -self.quadratic, self.radius, self.shape)

    def __add__(self, other: "Model | Float[np.ndarray, '*S K']") -> "Model":
        if not isinstance(other, Model):
            moved = Model(self.centre + other, self.linear, self.quadratic, self.radius, self.shape)
            return moved.widened(4.0 * EPSILON * (self.size + np.abs(other)))
        # What cancels leaves the roundings of what was there.
        radius = OUTWARD * (self.radius + other.radius) + 4.0 * EPSILON * (self.size + other.size) + TINY
        centre, linear, quadratic = (a + b for a, b in zip(self._parts, other._parts, strict=True))
        return Model(centre, linear, quadratic, radius, self.shape)

    @property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.centre, self.linear, self.quadratic

    def __sub__(self, other: "Model | Float[np.ndarray, '*S K']") -> "Model":
        return self + -other

    def widened(self, radius: Float[np.ndarray, "*S K"]) -> "Model":
        """The same with more room around it."""
        return Model(self.centre, self.linear, self.quadratic, OUTWARD * (self.radius + radius), self.shape)

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Model":
        """All parts under a map that moves entries and reads the axes from behind: an index, a transposition."""
        centre, linear, quadratic = (function(part) for part in self._parts)
        return Model(centre, linear, quadratic, function(self.radius), self.shape)

    def taken(self, indices: int | Int[np.ndarray, " I"], axis: int) -> "Model":
        """Some entries along an axis, counted from behind (-1 is the last before the cells')."""
        return self.moved(lambda part: np.take(part, indices, axis=axis - 1))

    def relative(self, axis: int) -> "Model":
        """All entries along an axis but the last, less that one."""
        last = self.centre.shape[axis - 1] - 1
        return self.taken(np.arange(last), axis) - self.taken(np.array([last]), axis)

    def scaled(self, factor: float | Float[np.ndarray, "*S K"]) -> "Model":
        """Times an exact number."""
        centre, linear, quadratic = (part * factor for part in self._parts)
        return Model(centre, linear, quadratic, self.radius * np.abs(factor), self.shape)._rounded()

    def where(self, chosen: np.ndarray, centre: np.ndarray, radius: np.ndarray) -> "Model":
        """The same where chosen, elsewhere a range without a form."""
        linear, quadratic = (np.where(chosen, part, 0.0) for part in (self.linear, self.quadratic))
        middle, room = np.where(chosen, self.centre, centre), np.where(chosen, self.radius, radius)
        return Model(middle, linear, quadratic, room, self.shape)


def _with_cells(spec: str, lead: tuple[str, str, str]) -> str:
    operands, result = spec.split("->")
    first, second = operands.split(",")
    return f"{lead[0]}{first}k,{lead[1]}{second}k->{lead[2]}{result}k"


_LEADS = {"none": ("", "", ""), "first": ("z", "", "z"), "second": ("", "z", "z"), "both": ("z", "z", "z")}


def product(spec: str, first: np.ndarray, second: np.ndarray, lead: str = "none") -> np.ndarray:
    """`einsum` over cells; `lead` says which operands have an axis of coordinates in front."""
    result: np.ndarray = np.einsum(_with_cells(spec, _LEADS[lead]), first, second)
    return result


def _terms(spec: str, *operands: np.ndarray) -> int:
    """How many products one sum has."""
    letters, result = spec.split("->")
    sizes: dict[str, int] = {}
    for names, operand in zip(letters.split(","), operands, strict=True):
        sizes |= dict(zip(names, operand.shape, strict=True))
    return int(np.prod([size for name, size in sizes.items() if name not in result], initial=1.0))


def multiply(spec: str, first: Model, second: Model) -> Model:
    """`einsum` of two models, without the cells' axis in `spec`."""
    shape = first.shape
    centre = product(spec, first.centre, second.centre)
    linear = product(spec, first.linear, second.centre, "first")
    linear += product(spec, first.centre, second.linear, "second")
    quadratic = product(spec, first.quadratic, second.centre, "first")
    quadratic += product(spec, first.centre, second.quadratic, "second")
    quadratic += crossed(spec, first.linear, second.linear, shape)
    rest = second.bend + second.radius
    radius = product(spec, np.abs(first.centre), second.radius) + product(spec, first.reach, rest)
    radius += product(spec, first.bend, second.reach + rest) + product(spec, first.radius, second.size)
    rounding = (_terms(spec, first.centre[..., 0], second.centre[..., 0]) + 16) * EPSILON
    scale = _COEFFICIENTS**2 * product(spec, first.size, second.size)
    return Model(centre, linear, quadratic, OUTWARD * radius + rounding * scale + TINY, shape)


def crossed(spec: str, first: np.ndarray, second: np.ndarray, shape: Shape) -> np.ndarray:
    """The quadratic part of the product of two linear parts."""
    a, b = shape.first, shape.second
    found = product(spec, first[a], second[b], "both")
    apart = np.flatnonzero(a != b)
    if len(apart):
        found[apart] += product(spec, first[b[apart]], second[a[apart]], "both")
    return found


def apply(
    spec: str, model: Model, matrix: Float[np.ndarray, "*M K"], error: Float[np.ndarray, "*M K"] | None = None
) -> Model:
    """`einsum` of a model and of numbers known up to an error, one array for each cell (or for all: a last axis of 1).

    Args:
        spec: without the cells' axis.
        model: the first operand.
        matrix: the second.
        error: what its entries may be off by; exact if None.

    Returns:
        The model of the product.
    """
    centre = product(spec, model.centre, matrix)
    linear, quadratic = (product(spec, part, matrix, "first") for part in (model.linear, model.quadratic))
    weights = np.abs(matrix)
    radius = product(spec, model.radius, weights)
    if error is not None:
        radius += product(spec, model.size, error)
    rounding = (_terms(spec, model.centre[..., 0], matrix[..., 0]) + 16) * EPSILON
    radius = OUTWARD * radius + rounding * _COEFFICIENTS * product(spec, model.size, weights) + TINY
    return Model(centre, linear, quadratic, radius, model.shape)


def total(model: Model) -> Model:
    """The sum over the last axis before the cells'."""
    letters = "abcd"[: model.centre.ndim - 2]
    return apply(f"{letters}t,t->{letters}", model, np.ones((model.centre.shape[-2], 1)))
