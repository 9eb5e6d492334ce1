r"""Bounds of quadratic forms on the kernel of linear equations, proved in floating point: every rounding is counted.

A vector x with $F x = 0$ for an F that is known up to an error has $|N^T x| \le \nu |x|$, N a computed orthonormal
basis of the rows of F: $N^T$ is nearly $Y F$ with $Y = \Sigma^{-1} U^T$. So x differs from $Q x$, $Q = I - N N^T$, by
$2 \nu |x|$ at most, and a form at x from the one of $Q A Q$ at x by $6 \nu |A| |x|^2$.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Largest relative rounding of one operation.
_UNIT = 2.0**-53
# Equations of smaller singular values, relative to the largest, are left out: the kernel only grows.
_RANK = 1e-9
# Directions that move the mean field less, squared and relative to the largest, count as not moving it.
_STILL = 1e-9
# Above this the first order of the bounds does not hold.
_NEARLY_ORTHOGONAL = 0.01
# Nor is a kernel known that solutions stick out of by more: what is left would no longer be roundings.
_MOST_LEAKAGE = 1e-9
# A bound of so many times its roundings is made of them.
_TOLD = 2.0


class Equations(NamedTuple):
    """Linear equations F x = 0 and what is computed of them.

    Attributes:
        rows: N, orthonormal up to rounding, as columns, (X, r).
        kernel: orthonormal basis of the others, (X, k), in plain floats.
        leakage: nu, certified; infinite where the basis is none.
    """

    rows: Float[np.ndarray, "X r"]
    kernel: Float[np.ndarray, "X k"]
    leakage: float


class FormBound(NamedTuple):
    r"""$x^T A x \le -strength |C x|^2 + slack |x|^2$ for all x with F x = 0, certified; strength >= 0.

    Attributes:
        strength: at least zero.
        slack: at least zero.
        rounding: what roundings may have added to the slack.
    """

    strength: float
    slack: float
    rounding: float

    @property
    def proves(self) -> bool:
        """Whether the slack is roundings alone, as far as they let it be told."""
        return bool(self.slack <= _TOLD * self.rounding)


class SkewBound(NamedTuple):
    r"""$|x^T A y - y^T A x| \le largest$ for x, y of length 1 with F x = F y = 0, certified; `rounding` as above."""

    largest: float
    rounding: float

    @property
    def proves(self) -> bool:
        """Whether it is roundings alone, as far as they let it be told."""
        return bool(self.largest <= _TOLD * self.rounding)


def equations_of(matrix: Float[np.ndarray, "K X"], error: float) -> Equations:
    """Basis of the rows of F and of its kernel.

    Args:
        matrix: F as computed.
        error: what any entry of F may be off by.

    Returns:
        The bases, and how far a true solution may stick out of the computed kernel.
    """
    number, size = matrix.shape
    left, values, right = np.linalg.svd(matrix)
    rank = int(np.sum(values > _RANK * values[0]))
    inverse = (left[:, :rank] / values[:rank]).T
    rows = right[:rank].T
    terms = (number + size + 8) * _UNIT
    product = terms * np.linalg.norm(inverse) * np.linalg.norm(matrix)
    leakage = 1.01 * np.linalg.norm(rows.T - inverse @ matrix) + product
    leakage += np.linalg.norm(inverse) * error * np.sqrt(float(number * size))
    sound = np.linalg.norm(rows.T @ rows - np.eye(rank)) + size * terms <= _NEARLY_ORTHOGONAL
    known = sound and leakage <= _MOST_LEAKAGE
    # One row follows from the others; where more are left out, what solves the rest may be no solution at all.
    kernel = right[rank:].T if number - rank <= 1 else np.zeros((size, 0))
    return Equations(rows, kernel, float(leakage) if known else np.inf)


def upper_eigenvalue(matrix: Float[np.ndarray, "X X"], error: float = 0.0) -> float:
    """Certified bound of the largest eigenvalue of all symmetric matrices within `error` of one in the spectral norm.

    Gershgorin's discs of V^T H V, V the computed eigenvectors, and $|V y|^2$ is $|y|^2$ up to |V^T V - I|.

    Args:
        matrix: H, symmetric up to `error`.
        error: bound of the distance from it.

    Returns:
        The bound; infinite where it has none.
    """
    size = len(matrix)
    if not (np.all(np.isfinite(matrix)) and np.isfinite(error)):
        return float("inf")
    matrix = 0.5 * (matrix + matrix.T)
    vectors = np.linalg.eigh(matrix)[1]
    skewed = float(np.linalg.norm(vectors.T @ vectors - np.eye(size))) + eigenvalue_error(size)
    if not skewed <= _NEARLY_ORTHOGONAL:
        return float("inf")
    turned = vectors.T @ matrix @ vectors
    diagonal = np.diagonal(turned)
    discs = diagonal + np.sum(np.abs(turned), axis=1) - np.abs(diagonal)
    largest = float(np.max(discs)) + eigenvalue_error(size) * float(np.linalg.norm(matrix))
    stretched = largest / (1.0 - skewed) if largest >= 0.0 else largest / (1.0 + skewed)
    return stretched + 4.0 * _UNIT * abs(stretched) + error


def form_bound(
    form: Float[np.ndarray, "X X"], moved: Float[np.ndarray, "M X"], equations: Equations, radius: float = 0.0
) -> FormBound:
    r"""Bound of $x^T A x$ by $|C x|^2$ and, for roundings and what is not known of A, by $|x|^2$.

    Args:
        form: A, symmetric or not.
        moved: C, of zeros and ones.
        equations: of the x.
        radius: spectral norm of what A may be off by.

    Returns:
        The bound; its slack is large where no strength of at least zero fits.
    """
    symmetric, size = 0.5 * (form + form.T), len(form)
    moves = moved.T @ moved
    top = quotients(symmetric, moved, equations.kernel)[0]
    strength = max(0.0, -top) if np.isfinite(top) else 0.0
    inner = symmetric + strength * moves
    scale = float(np.linalg.norm(symmetric)) + strength * float(np.linalg.norm(moves))
    if not np.isfinite(scale * equations.leakage):
        return FormBound(0.0, float("inf"), 0.0)
    largest = upper_eigenvalue(_projected(inner, equations), projection_error(size) * scale + radius)
    leaked = 6.0 * equations.leakage * (scale + radius)
    rounding = (projection_error(size) + eigenvalue_error(size)) * scale + leaked + radius
    return FormBound(strength, max(0.0, largest) + leaked, rounding)


def weakest(bounds: Sequence[FormBound]) -> FormBound:
    """What holds of all forms of a list, and of their mixtures; one that proves nothing if there is one."""
    failing = [each for each in bounds if not each.proves]
    if failing:
        return max(failing, key=lambda each: each.slack)
    return FormBound(
        *(choose(column) for choose, column in zip((min, max, max), zip(*bounds, strict=True), strict=True))
    )


def skew_bound(form: Float[np.ndarray, "X X"], equations: Equations, radius: float = 0.0) -> SkewBound:
    r"""Certified bound of $|x^T A y - y^T A x|$ over all x, y of length 1 with F x = F y = 0.

    Args:
        form: A.
        equations: of x and y.
        radius: spectral norm of what A may be off by.

    Returns:
        The bound.
    """
    skew = form - form.T
    scale = float(np.linalg.norm(skew))
    off = 2.0 * radius
    if scale == 0.0:
        return SkewBound(off, off)
    inner = float(np.linalg.norm(_projected(skew, equations)))
    rounding = (projection_error(len(form)) + 6.0 * equations.leakage) * scale + off
    return SkewBound(inner + rounding, rounding)


def eigenvalue_error(size: int) -> float:
    """Roundings of V^T H V in a disc, relative to the Frobenius norm of H."""
    return 2.0 * size * (2 * size + 8) * _UNIT


def projection_error(size: int) -> float:
    """Roundings of Q A Q, relative to the Frobenius norm of A."""
    return 8.0 * (size + 4) ** 2 * _UNIT


def _projected(form: np.ndarray, equations: Equations) -> np.ndarray:
    onto = np.eye(len(form)) - equations.rows @ equations.rows.T
    result: np.ndarray = onto @ form @ onto
    return result


def quotients(
    symmetric: Float[np.ndarray, "X X"], moved: Float[np.ndarray, "M X"], kernel: Float[np.ndarray, "X k"]
) -> tuple[float, Float[np.ndarray, " X"]]:
    r"""Largest $x^T A x / |C x|^2$ over the x in a kernel that move the mean field, in plain floats, and where.

    Returns:
        Minus infinity and zeros where none moves it.
    """
    inner, moves = kernel.T @ symmetric @ kernel, moved @ kernel
    nothing = -np.inf, np.zeros(len(symmetric))
    if kernel.shape[1] == 0:
        return nothing
    values, vectors = np.linalg.eigh(moves.T @ moves)
    kept = values > _STILL
    if not kept.any():
        return nothing
    frame = vectors[:, kept] / np.sqrt(values[kept])
    tops, directions = np.linalg.eigh(frame.T @ inner @ frame)
    return float(tops[-1]), kernel @ frame @ directions[:, -1]


def range_bound(low: Float[np.ndarray, "X X"], high: Float[np.ndarray, "X X"], equations: Equations) -> float:
    r"""Certified bound of $x^T A x / |x|^2$ over the x with F x = 0 and all matrices A in a range.

    Args:
        low, high: ends of the range.
        equations: of the x.

    Returns:
        The bound; infinite where the range is not finite.
    """
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        return float("inf")
    # The middle and half the width are themselves rounded.
    radius = 0.5 * (high - low) + 4.0 * _UNIT * (np.abs(low) + np.abs(high))
    # Of a matrix without negative entries the largest eigenvalue is the spectral norm.
    spread = upper_eigenvalue(0.5 * (radius + radius.T))
    found = form_bound(0.5 * (low + high), np.eye(len(low)), equations, max(0.0, spread))
    return found.slack - found.strength
