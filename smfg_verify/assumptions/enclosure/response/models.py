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
from smfg_verify.assumptions.enclosure.simplices import Shape as Shape

EPSILON = 2.0**-52
# The sum of a part's coefficients times the coordinates' sizes is at most so many times the part's largest value: of a
# linear part the largest coefficient is at most twice, and the coordinates of a simplex sum to less than 2.
_COEFFICIENTS = 4.0
# What a model knows of its linear and its quadratic part, once asked.
_ENDS = ("_linear_ends", "_quadratic_ends")


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
        return cls(centre, linear, nothing(shape, centre), np.zeros_like(centre), shape)._rounded()

    def _rounded(self) -> "Model":
        radius = OUTWARD * self.radius + (16.0 * EPSILON * self.size + TINY)
        return self._about(self.centre, radius)

    def _about(self, centre: Float[np.ndarray, "*S K"], radius: Float[np.ndarray, "*S K"]) -> "Model":
        """The same linear and quadratic part, whose ends are known if they were."""
        result = Model(centre, self.linear, self.quadratic, radius, self.shape)
        result.__dict__.update({name: self.__dict__[name] for name in _ENDS if name in self.__dict__})
        return result

    @functools.cached_property
    def _linear_ends(self) -> tuple[np.ndarray, np.ndarray]:
        return self.shape.linear_ends(self.linear)

    @functools.cached_property
    def _quadratic_ends(self) -> tuple[np.ndarray, np.ndarray]:
        if self.is_affine:
            return np.zeros_like(self.centre), np.zeros_like(self.centre)
        return self.shape.quadratic_ends(self.quadratic)

    @functools.cached_property
    def _room(self) -> Float[np.ndarray, "*S K"]:
        """The radius with the roundings of an end: of as many products as a quadratic part has, and some more."""
        rounding = (64 + len(self.shape.first)) * EPSILON
        room: Float[np.ndarray, "*S K"] = OUTWARD * self.radius + rounding * self.size + TINY
        return room

    @functools.cached_property
    def reach(self) -> Float[np.ndarray, "*S K"]:
        """Largest absolute value of the linear part."""
        low, high = self._linear_ends
        bound: Float[np.ndarray, "*S K"] = np.maximum(-low, high)
        return bound

    @functools.cached_property
    def is_affine(self) -> bool:
        """Whether the quadratic part is zero by structure, so that no time need be spent on it."""
        part = self.quadratic
        return not any(part.strides) and not (part.size and part.item(0))

    @functools.cached_property
    def bend(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value of the quadratic part."""
        low, high = self._quadratic_ends
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

    @functools.cached_property
    def lower(self) -> Float[np.ndarray, "*S K"]:
        """Lower end of the range."""
        low: Float[np.ndarray, "*S K"] = self.centre + self._linear_ends[0] + self._quadratic_ends[0] - self._room
        return low

    @functools.cached_property
    def upper(self) -> Float[np.ndarray, "*S K"]:
        """Upper end of the range."""
        high: Float[np.ndarray, "*S K"] = self.centre + self._linear_ends[1] + self._quadratic_ends[1] + self._room
        return high

    @property
    def largest(self) -> Float[np.ndarray, "*S K"]:
        """Upper bound of the absolute value."""
        bound: Float[np.ndarray, "*S K"] = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return bound

    def at(self, points: Float[np.ndarray, "d K"]) -> tuple[Float[np.ndarray, "*S K"], Float[np.ndarray, "*S K"]]:
        """Values at a point of each cell by its coordinates, and what they may be off by."""
        value = self.centre + np.einsum("zk,z...k->...k", points, self.linear)
        if not self.is_affine:
            products = points[self.shape.first] * points[self.shape.second]
            value = value + np.einsum("pk,p...k->...k", products, self.quadratic)
        return value, self._room

    def __neg__(self) -> "Model":
        return self._parted(np.negative, self.radius)

    def __add__(self, other: "Model | Float[np.ndarray, '*S K']") -> "Model":
        if not isinstance(other, Model):
            radius = OUTWARD * (self.radius + 4.0 * EPSILON * (self.size + np.abs(other)))
            return self._about(self.centre + other, radius)
        return self._with(other, np.add)

    def __sub__(self, other: "Model | Float[np.ndarray, '*S K']") -> "Model":
        return self._with(other, np.subtract) if isinstance(other, Model) else self + -other

    def _with(self, other: "Model", operation: np.ufunc) -> "Model":
        # What cancels leaves the roundings of what was there.
        radius = OUTWARD * (self.radius + other.radius) + 4.0 * EPSILON * (self.size + other.size) + TINY
        centre, linear = (operation(*parts) for parts in ((self.centre, other.centre), (self.linear, other.linear)))
        if self.is_affine and other.is_affine:
            return Model(centre, linear, nothing(self.shape, centre), radius, self.shape)
        return Model(centre, linear, operation(self.quadratic, other.quadratic), radius, self.shape)

    def _parted(self, function: Callable[[np.ndarray], np.ndarray], radius: Float[np.ndarray, "*S K"]) -> "Model":
        """Centre, linear and quadratic part under a linear map that leaves the first axis of the latter two alone."""
        centre = function(self.centre)
        quadratic = nothing(self.shape, centre) if self.is_affine else function(self.quadratic)
        return Model(centre, function(self.linear), quadratic, radius, self.shape)

    def widened(self, radius: Float[np.ndarray, "*S K"]) -> "Model":
        """The same with more room around it."""
        return self._about(self.centre, OUTWARD * (self.radius + radius))

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Model":
        """All parts under a map that moves entries and reads the axes from behind: an index, a transposition."""
        result = self._parted(function, function(self.radius))
        # Ends of entries move with them.
        for name in _ENDS:
            if name in self.__dict__:
                result.__dict__[name] = tuple(function(end) for end in self.__dict__[name])
        return result

    def taken(self, indices: int | Int[np.ndarray, " I"], axis: int) -> "Model":
        """Some entries along an axis, counted from behind (-1 is the last before the cells')."""
        return self.moved(lambda part: np.take(part, indices, axis=axis - 1))

    def relative(self, axis: int) -> "Model":
        """All entries along an axis but the last, less that one."""
        last = self.centre.shape[axis - 1] - 1
        self._know_ends()
        return self.taken(np.arange(last), axis) - self.taken(np.array([last]), axis)

    def _know_ends(self) -> None:
        """Ask for the ends of both parts, so that they move with entries and are not found again for each part."""
        for name in _ENDS:
            getattr(self, name)

    def scaled(self, factor: float | Float[np.ndarray, "*S K"]) -> "Model":
        """Times an exact number."""
        return self._parted(lambda part: part * factor, self.radius * np.abs(factor))._rounded()

    def where(self, chosen: np.ndarray, centre: np.ndarray, radius: np.ndarray) -> "Model":
        """The same where chosen, elsewhere a range without a form."""
        if np.all(chosen):
            return self
        linear, quadratic = (np.where(chosen, part, 0.0) for part in (self.linear, self.quadratic))
        middle, room = np.where(chosen, self.centre, centre), np.where(chosen, self.radius, radius)
        return Model(middle, linear, quadratic, room, self.shape)

    def within(self, low: Float[np.ndarray, "*S K"], high: Float[np.ndarray, "*S K"]) -> "Model":
        """The same of numbers that lie between two ends: the range alone where the radius is more than half of it."""
        with np.errstate(invalid="ignore"):
            flat = 0.5 * OUTWARD * (high - low) + 8.0 * EPSILON * (np.abs(low) + np.abs(high)) + TINY
            middle = np.where(np.isfinite(flat), 0.5 * (low + high), self.centre)
        return self.where(self.radius < flat, middle, flat)


def nothing(shape: Shape, centre: Float[np.ndarray, "*S K"]) -> Float[np.ndarray, "P *S K"]:
    """The quadratic part of an affine model with that centre; it takes no room."""
    part: Float[np.ndarray, "P *S K"] = np.broadcast_to(np.zeros(()), (len(shape.first), *centre.shape))
    return part


def _with_cells(spec: str, lead: tuple[str, str, str]) -> str:
    operands, result = spec.split("->")
    first, second = operands.split(",")
    return f"{lead[0]}{first}k,{lead[1]}{second}k->{lead[2]}{result}k"


_LEADS = {"none": ("", "", ""), "first": ("z", "", "z"), "second": ("", "z", "z")}


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
    quadratic = crossed(spec, first.linear, second.linear, shape)
    if not first.is_affine:
        quadratic += product(spec, first.quadratic, second.centre, "first")
    if not second.is_affine:
        quadratic += product(spec, first.centre, second.quadratic, "second")
    rest = second.bend + second.radius
    radius = product(spec, np.abs(first.centre), second.radius) + product(spec, first.reach, rest)
    radius += product(spec, first.bend + first.radius, second.reach + rest)
    radius += product(spec, first.radius, np.abs(second.centre))
    rounding = (_terms(spec, first.centre[..., 0], second.centre[..., 0]) + 16) * EPSILON
    scale = _COEFFICIENTS**2 * product(spec, first.size, second.size)
    return Model(centre, linear, quadratic, OUTWARD * radius + rounding * scale + TINY, shape)


def crossed(spec: str, first: np.ndarray, second: np.ndarray, shape: Shape) -> np.ndarray:
    """The quadratic part of the product of two linear parts."""
    operands, result = spec.split("->")
    left, right = operands.split(",")
    every = np.einsum(f"y{left}k,z{right}k->yz{result}k", first, second)
    a, b = shape.first, shape.second
    found: np.ndarray = every[a, b]
    apart = np.flatnonzero(a != b)
    found[apart] += every[b[apart], a[apart]]
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
    linear = product(spec, model.linear, matrix, "first")
    quadratic = nothing(model.shape, centre) if model.is_affine else product(spec, model.quadratic, matrix, "first")
    weights = np.abs(matrix)
    radius = product(spec, model.radius, weights)
    if error is not None:
        radius += product(spec, model.size, error)
    rounding = (_terms(spec, model.centre[..., 0], matrix[..., 0]) + 16) * EPSILON
    radius = OUTWARD * radius + rounding * _COEFFICIENTS * product(spec, model.size, weights) + TINY
    return Model(centre, linear, quadratic, radius, model.shape)


def joined(first: Model, second: Model) -> Model:
    """Two models beside each other along the last axis before the cells'."""
    centre, linear, quadratic, radius = (
        np.concatenate(pair, axis=-2)
        for pair in (
            (first.centre, second.centre),
            (first.linear, second.linear),
            (first.quadratic, second.quadratic),
            (first.radius, second.radius),
        )
    )
    return Model(centre, linear, quadratic, radius, first.shape)


def total(model: Model) -> Model:
    """The sum over the last axis before the cells'."""
    letters = "abcd"[: model.centre.ndim - 2]
    return apply(f"{letters}t,t->{letters}", model, np.ones((model.centre.shape[-2], 1)))
