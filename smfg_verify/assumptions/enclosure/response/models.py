r"""First-order models of numbers over a cell: centre, value at each vertex, radius; rounded outward.

A cell is a product of simplices, each with vertices of its own; a point has barycentric weights $\lambda$ in each. A
model stands for all functions f with $|f(\lambda) - c - \sum_d \lambda_d L_d| \le r$ on the cell. Batches of cells
lie on the last axis, where NumPy's loops run.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.enclosure.balls import OUTWARD
from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

EPSILON = 2.0**-52


@dataclasses.dataclass(frozen=True)
class Model:
    """Numbers as functions of the point of a cell.

    Attributes:
        centre: c, (*S, K).
        slopes: L, the linear part at each vertex, (D, *S, K).
        radius: r, (*S, K), >= 0.
        groups: where the vertices of each simplex begin, (G,).
    """

    centre: Float[np.ndarray, "*S K"]
    slopes: Float[np.ndarray, "D *S K"]
    radius: Float[np.ndarray, "*S K"]
    groups: Sequence[int]

    @classmethod
    def rounded(cls, centre: np.ndarray, slopes: np.ndarray, radius: np.ndarray, groups: Sequence[int]) -> "Model":
        """A model of which each part was rounded a few times in being computed."""
        raw = cls(centre, slopes, radius, groups)
        return cls(centre, slopes, OUTWARD * radius + (4.0 * EPSILON * raw.size + TINY), groups)

    @functools.cached_property
    def reach(self) -> Float[np.ndarray, "*S K"]:
        """Largest absolute value of the linear part, or more."""
        largest: Float[np.ndarray, "*S K"] = np.maximum.reduceat(np.abs(self.slopes), self.groups, axis=0).sum(axis=0)
        return largest

    @functools.cached_property
    def size(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value, simple but not tight."""
        bound: Float[np.ndarray, "*S K"] = np.abs(self.centre) + self.reach + self.radius
        return bound

    @property
    def deviation(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the distance from the centre."""
        return OUTWARD * (self.reach + self.radius)

    @property
    def lower(self) -> Float[np.ndarray, "*S K"]:
        """Lower end of the range."""
        least = np.minimum.reduceat(self.slopes, self.groups, axis=0).sum(axis=0)
        ends: Float[np.ndarray, "*S K"] = self.centre + least - OUTWARD * self.radius
        return ends - 8.0 * EPSILON * self.size - TINY

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
        return Model(-self.centre, -self.slopes, self.radius, self.groups)

    def __add__(self, other: "Model | np.ndarray") -> "Model":
        if isinstance(other, Model):
            parts = self.centre + other.centre, self.slopes + other.slopes, self.radius + other.radius
            # What cancels leaves the roundings of what was there.
            return Model(*parts[:2], OUTWARD * parts[2] + 2.0 * EPSILON * (self.size + other.size) + TINY, self.groups)
        return Model.rounded(self.centre + other, self.slopes, self.radius, self.groups)

    def __sub__(self, other: "Model | np.ndarray") -> "Model":
        return self + -other

    def widened(self, radius: Float[np.ndarray, "*S K"]) -> "Model":
        """The same with more room around it."""
        return Model(self.centre, self.slopes, OUTWARD * (self.radius + radius), self.groups)

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Model":
        """All parts under a map that moves entries and reads the axes from behind: an index, a transposition."""
        return Model(function(self.centre), function(self.slopes), function(self.radius), self.groups)

    def scaled(self, factor: float) -> "Model":
        """Times an exact number."""
        return Model.rounded(self.centre * factor, self.slopes * factor, self.radius * abs(factor), self.groups)


def _with_cells(spec: str) -> tuple[str, str, str]:
    """The letters of two operands and of the result, each with the cells' axis."""
    operands, result = spec.split("->")
    first, second = operands.split(",")
    return f"{first}k", f"{second}k", f"{result}k"


def _terms(spec: str, *operands: np.ndarray) -> int:
    """How many products one sum has."""
    letters, result = spec.split("->")
    sizes: dict[str, int] = {}
    for names, operand in zip(letters.split(","), operands, strict=True):
        sizes |= dict(zip(names, operand.shape, strict=True))
    return int(np.prod([size for name, size in sizes.items() if name not in result], initial=1.0))


def _product(spec: str, first: np.ndarray, second: np.ndarray, *, vertices: str = "") -> np.ndarray:
    """`einsum` over cells; `vertices` says which operand has their axis in front."""
    a, b, c = _with_cells(spec)
    lead = {"first": ("z", "", "z"), "second": ("", "z", "z"), "": ("", "", "")}[vertices]
    result: np.ndarray = np.einsum(f"{lead[0]}{a},{lead[1]}{b}->{lead[2]}{c}", first, second)
    return result


def multiply(spec: str, first: Model, second: Model) -> Model:
    """`einsum` of two models, without the cells' axis in `spec`."""
    centre = _product(spec, first.centre, second.centre)
    slopes = _product(spec, first.slopes, second.centre, vertices="first")
    slopes += _product(spec, first.centre, second.slopes, vertices="second")
    radius = _product(spec, first.reach, second.reach)
    radius += _product(spec, np.abs(first.centre) + first.reach, second.radius)
    radius += _product(spec, first.radius, second.size)
    scale = _product(spec, first.size, second.size)
    rounding = (_terms(spec, first.centre[..., 0], second.centre[..., 0]) + 8) * EPSILON
    return Model(centre, slopes, OUTWARD * radius + rounding * scale + TINY, first.groups)


def apply(
    spec: str,
    model: Model,
    matrix: Float[np.ndarray, "*M K"],
    error: Float[np.ndarray, "*M K"] | None = None,
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
    centre = _product(spec, model.centre, matrix)
    slopes = _product(spec, model.slopes, matrix, vertices="first")
    weights = np.abs(matrix)
    radius = _product(spec, model.radius, weights)
    if error is not None:
        radius += _product(spec, model.size, error)
    rounding = (_terms(spec, model.centre[..., 0], matrix[..., 0]) + 8) * EPSILON
    scale = _product(spec, model.size, weights)
    return Model(centre, slopes, OUTWARD * radius + rounding * scale + TINY, model.groups)
