"""Arrays of intervals as middle and radius, rounded outward; for batches of small matrices in NumPy."""

import dataclasses
import math
from collections.abc import Callable
from types import EllipsisType

import numpy as np
from jaxtyping import ArrayLike, Bool, Float

from smfg_verify.assumptions.enclosure.rules.arithmetic import TINY

# What a sum that is multiplied on is rounded by, generously.
OUTWARD = 1.0 + 1e-12
# A determinant below is that of a singular matrix, or one whose inverse helps nobody.
_SINGULAR = 1e-200
# Roundings of a softmax: of its quotient, and of the argument of an exponential, relative to that.
_QUOTIENT, _ARGUMENT = 1e-14, 1e-15
# What selects entries of an array.
Subscript = int | slice | np.ndarray | EllipsisType | tuple[int | slice | np.ndarray | EllipsisType | None, ...] | None

# Radius added for a product or a sum of two, relative to its size: some ten units in the last place. NumPy rounds each
# once, so a difference of equal numbers is exactly zero.
_ROUNDING = 2e-15
# The same of a sum of many, for each of its terms.
_SPACING = 2.0**-52
# What a bound has more than it needs, relative to it, so that it shows itself to be one.
_LEAST = 1e-9


@dataclasses.dataclass(frozen=True)
class Ball:
    """Numbers within a radius of a middle, entry by entry.

    Attributes:
        mid: (*shape).
        rad: (*shape), >= 0.
    """

    mid: Float[np.ndarray, "*shape"]
    rad: Float[np.ndarray, "*shape"]

    @classmethod
    def exact(cls, values: ArrayLike) -> "Ball":
        """Numbers known exactly."""
        middle = np.asarray(values, dtype=float)
        return cls(middle, np.zeros_like(middle))

    @classmethod
    def of_ends(cls, lower: Float[np.ndarray, "*shape"], upper: Float[np.ndarray, "*shape"]) -> "Ball":
        """The numbers between two ends."""
        middle = 0.5 * (lower + upper)
        rounding = _ROUNDING * np.abs(middle) + _tiny((lower != 0.0) | (upper != 0.0))
        return cls(middle, np.maximum(upper - middle, middle - lower) + rounding)

    @property
    def lower(self) -> Float[np.ndarray, "*shape"]:
        """Lower ends."""
        result: Float[np.ndarray, "*shape"] = self.mid - self.rad
        return result

    @property
    def upper(self) -> Float[np.ndarray, "*shape"]:
        """Upper ends."""
        result: Float[np.ndarray, "*shape"] = self.mid + self.rad
        return result

    @property
    def size(self) -> Float[np.ndarray, "*shape"]:
        """Largest absolute values."""
        result: Float[np.ndarray, "*shape"] = np.abs(self.mid) + self.rad
        return result

    def __getitem__(self, index: Subscript) -> "Ball":
        return Ball(self.mid[index], self.rad[index])

    def __neg__(self) -> "Ball":
        return Ball(-self.mid, self.rad)

    def __add__(self, other: "Ball | ArrayLike") -> "Ball":
        other = _ball(other)
        middle, radius = self.mid + other.mid, self.rad + other.rad
        return Ball(middle, radius + _ROUNDING * (np.abs(middle) + radius))

    __radd__ = __add__

    def __sub__(self, other: "Ball | ArrayLike") -> "Ball":
        return self + -_ball(other)

    def __mul__(self, other: "Ball | ArrayLike") -> "Ball":
        other = _ball(other)
        middle = self.mid * other.mid
        radius = np.abs(self.mid) * other.rad + self.rad * other.size
        tiny = _tiny((self.size > 0.0) & (other.size > 0.0))
        return Ball(middle, radius + _ROUNDING * (np.abs(middle) + radius) + tiny)

    __rmul__ = __mul__

    def moved(self, function: Callable[[np.ndarray], np.ndarray]) -> "Ball":
        """Both parts under a map that moves entries: an index, a transposition, a stacking."""
        return Ball(function(self.mid), function(self.rad))


def _ball(value: Ball | ArrayLike) -> Ball:
    return value if isinstance(value, Ball) else Ball.exact(value)


def _tiny(there: Bool[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """What numbers too small for a float may come to, where there are numbers at all: what is zero stays exactly so."""
    return np.where(there, TINY, 0.0)


def contract(spec: str, first: Ball | ArrayLike, second: Ball | ArrayLike) -> Ball:
    """`einsum` of two arrays of intervals."""
    first, second = _ball(first), _ball(second)
    middle = np.einsum(spec, first.mid, second.mid)
    radius = np.einsum(spec, np.abs(first.mid), second.rad) + np.einsum(spec, first.rad, second.size)
    rounding = _ROUNDING + 2.0 * _SPACING * _terms(spec, first.mid, second.mid)
    scale = np.einsum(spec, first.size, second.size)
    there = scale > 0.0
    if not there.all():
        there = np.einsum(spec, np.sign(first.size), np.sign(second.size)) > 0.0
    return Ball(middle, radius + rounding * scale + _tiny(there))


def _terms(spec: str, *arrays: np.ndarray) -> int:
    """Products that an entry of an `einsum` adds up."""
    inputs, output = spec.split("->")
    letters = "".join(inputs.split(","))
    sizes = dict(zip(letters, (size for array in arrays for size in array.shape), strict=True))
    return math.prod(size for letter, size in sizes.items() if letter not in output)


def solved(matrix: Ball, right: Ball) -> Ball:
    r"""All solutions of linear systems with matrices (K, D, D) and right-hand sides (K, D), or (K, D, R) of R each.

    With C about the inverse of the middle and x a guess, $|y - x| \le |C (b - A x)| + |I - C A| \, |y - x|$ bounds the
    entries one by one, where $|I - C A|$ shrinks some weighted norm; elsewhere nothing is known and the radius is
    infinite.
    """
    times = "kij,kjr->kir" if right.mid.ndim == 3 else "kij,kj->ki"
    inverse = approximate_inverse(matrix.mid)
    guess = np.einsum(times, inverse, right.mid)
    defect = contract(times, inverse, right - contract(times, matrix, guess)).size
    excess = (contract("kij,kjl->kil", inverse, matrix) - np.eye(matrix.mid.shape[-1])).size
    return Ball(guess, missed_by(defect, excess))


def missed_by(defect: Float[np.ndarray, "K D *R"], excess: Float[np.ndarray, "K D D"]) -> Float[np.ndarray, "K D *R"]:
    r"""Bound of $e = |y - x|$ from $d \ge |C (b - A x)|$ and $E \ge |I - C A|$, see `solved`; infinite where none is.

    With w > 0 and E w < w the spectral radius of E is below one, so that $e \le d + E e$ and $d + E v \le v$ are
    enough for $e \le v$: $(I - E)(v - e) \ge 0$ and $(I - E)^{-1} = I + E + \dots \ge 0$.
    """
    columns = defect.reshape(*defect.shape[:2], math.prod(defect.shape[2:]))
    largest = np.max(columns, axis=2, initial=0.0)
    scale = largest + _LEAST * np.max(largest, axis=1, keepdims=True, initial=0.0) + TINY
    with np.errstate(invalid="ignore", over="ignore"):
        resolvent = approximate_inverse(np.eye(excess.shape[1]) - excess)
        weights = np.einsum("kij,kj->ki", resolvent, scale)
        bound = np.einsum("kij,kjr->kir", resolvent, columns) * (1.0 + _LEAST) + _LEAST * weights[..., None]
        image = (columns + np.einsum("kij,kjr->kir", excess, bound)) * OUTWARD
        known = contracts(excess, weights)[:, None] & np.all(image <= bound, axis=1)
    return np.where(known[:, None], image, np.inf).reshape(defect.shape)


def contracts(excess: Float[np.ndarray, "K D D"], weights: Float[np.ndarray, "K D"]) -> Bool[np.ndarray, " K"]:
    """Whether all matrices no larger than E, entry by entry, shrink the norm of largest entries over weights."""
    moved: Float[np.ndarray, "K D"] = np.einsum("kij,kj->ki", excess, weights) * OUTWARD
    result: Bool[np.ndarray, " K"] = np.all((weights > 0.0) & (moved < weights), axis=1)
    return result


def approximate_inverse(matrices: Float[np.ndarray, "K D D"]) -> Float[np.ndarray, "K D D"]:
    """Preconditioners: any matrix is valid as one, the better the closer to the inverse; zeros where it is singular."""
    identity = np.broadcast_to(np.eye(matrices.shape[-1]), matrices.shape)
    usable = np.all(np.isfinite(matrices), axis=(1, 2)) & (np.abs(np.linalg.det(np.nan_to_num(matrices))) > _SINGULAR)
    safe = np.where(usable[:, None, None], matrices, identity)
    return np.where(usable[:, None, None], np.linalg.solve(safe, identity), 0.0)


def softmax_range(lower: Float[np.ndarray, "*k A"], upper: Float[np.ndarray, "*k A"]) -> Ball:
    """Exact range of each entry of softmax over a box of logits: it rises in its own logit, falls in the others."""
    return softmax_of_differences(lower[..., None] - upper[..., None, :], upper[..., None] - lower[..., None, :])


def softmax_of_differences(lower: Float[np.ndarray, "*k A A"], upper: Float[np.ndarray, "*k A A"]) -> Ball:
    """Range of softmax from the ranges of the differences (own logit minus other logit)."""
    own = np.eye(lower.shape[-1], dtype=bool)
    with np.errstate(over="ignore"):
        low, high = (1.0 / np.sum(np.exp(-np.where(own, 0.0, d)), axis=-1) for d in (lower, upper))
    ball = Ball.of_ends(low, high)
    # An exponential's relative rounding is the absolute one of its argument.
    argument = np.max(np.maximum(np.abs(lower), np.abs(upper)), axis=-1)
    share = _QUOTIENT + _SPACING * lower.shape[-1] + _ARGUMENT * argument
    # A probability is positive, also where it is too small for a float.
    return Ball(ball.mid, ball.rad + share * (ball.mid + ball.rad) + TINY)
