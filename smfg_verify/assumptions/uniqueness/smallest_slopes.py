r"""What roundings of a form's largest slopes may hide: its smallest ones, and what large ones leave when they cancel.

Differences of laws sum to zero, and of such x a form sees $D_{ij} = S_{ij} - S_{0j} - S_{i0} + S_{00}$ alone, with
S its symmetric or its skew part. These sums are taken exactly, so that a zero is one and what is left is seen.
"""

import math

import numpy as np
from jaxtyping import Float

# Roundings may be so large a share of the smallest slope, or of the smallest that cancelling leaves.
HIDDEN = 1e-6
# A sum in plain floats that is less, relative to its terms, is taken again exactly.
_CANCELLED = 1e-12
# Directions that move the mean field less, squared, are still but for roundings.
_STILL = 1e-13


def least_move(moved: Float[np.ndarray, "M X"], kernel: Float[np.ndarray, "X k"]) -> float:
    r"""The smallest $|C x|^2$ of the x of length 1 in a kernel that move the mean field, each by itself; 1 at most."""
    moves = moved @ kernel
    values = np.linalg.eigvalsh(moves.T @ moves)
    return float(np.min(values[values > _STILL], initial=1.0))


def smallest_left(form: Float[np.ndarray, "X X"], sign: float) -> float:
    r"""The smallest entry that is not zero of A, of $S = A \pm A^T$ and of its differences D; infinite for no slope.

    Args:
        form: A.
        sign: of the transpose.

    Returns:
        The entry; zero where it cannot be told.
    """
    terms = _terms(form, sign)
    least = float(np.min(np.abs(form[form != 0.0]), initial=np.inf))
    return min(least, _smallest_sum(terms[[0, 4]]), _smallest_sum(terms))


def vanishes(form: Float[np.ndarray, "X X"], sign: float) -> bool:
    r"""Whether D is zero without a rounding, so that the part vanishes along any two laws."""
    return math.isinf(_smallest_sum(_terms(form, sign)))


def _terms(form: np.ndarray, sign: float) -> Float[np.ndarray, "8 X X"]:
    parts = [part for each in (form, sign * form.T) for part in (each, -each[:1], -each[:, :1], each[:1, :1])]
    return np.stack([np.broadcast_to(part, form.shape) for part in parts])


def _smallest_sum(terms: Float[np.ndarray, "K X X"]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        total, size = np.abs(np.sum(terms, axis=0)), np.sum(np.abs(terms), axis=0)
    if not np.all(np.isfinite(size)):
        return 0.0
    unclear = (total <= _CANCELLED * size) & (size > 0.0)
    exact = [abs(math.fsum(each)) for each in terms[:, unclear].T]
    clear = total[(size > 0.0) & ~unclear]
    return min([float(np.min(clear, initial=np.inf)), *(each for each in exact if each > 0.0)])
