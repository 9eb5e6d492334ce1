r"""Growth of $D\Gamma$ in a weighted norm: how fast the flow $\dot m = \Gamma(m)$ may pull two mean fields apart.

For a weight W > 0 on the tangents of the simplex the growth is the least g with
$\langle v, W D\Gamma\, v \rangle \le g \langle v, W v \rangle$ for all tangents v; the rate of $\Gamma - id$ is 1 - g.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from jaxtyping import Float

from smfg_verify.exact.response_jacobian import on_tangents, tangent_basis

# A solver's matrix is symmetric up to rounding; what is farther off is no answer of its.
_SYMMETRIC = 1e-9


class Frame(NamedTuple):
    r"""A weighted norm as a frame: with $W = L L^T$ and U a basis of the tangents, $L^T U^T$ and $U L^{-T}$.

    Attributes:
        left: takes a tangent to its coordinates, whose length is its norm; (k, M).
        right: takes coordinates back; (M, k).
    """

    left: Float[np.ndarray, "k M"]
    right: Float[np.ndarray, "M k"]


def frame_of(size: int, weight: Float[np.ndarray, "k k"] | None = None) -> Frame:
    """The frame of a weight, of the Euclidean norm if None.

    Args:
        size: M, entries of a mean field.
        weight: W in the tangent basis, (k, k) with k = M - 1.

    Returns:
        The frame.

    Raises:
        numpy.linalg.LinAlgError: a weight that is not symmetric positive definite.
    """
    basis = tangent_basis(size)
    if weight is None:
        return Frame(basis.T, basis)
    symmetric = bool(np.all(np.isfinite(weight)))
    symmetric = symmetric and bool(np.max(np.abs(weight - weight.T)) <= _SYMMETRIC * np.max(np.abs(weight)))
    if not symmetric:
        raise np.linalg.LinAlgError("not symmetric")
    factor = np.linalg.cholesky(0.5 * (weight + weight.T))
    return Frame(factor.T @ basis.T, scipy.linalg.solve_triangular(factor, basis.T, lower=True).T)


def framed(jacobian: Float[np.ndarray, "M M"], frame: Frame) -> Float[np.ndarray, "k k"]:
    """A Jacobian in a frame."""
    inner: Float[np.ndarray, "k k"] = frame.left @ jacobian @ frame.right
    return inner


def growths(jacobians: Float[np.ndarray, "N M M"], frame: Frame) -> Float[np.ndarray, " N"]:
    """Growth of each Jacobian: largest eigenvalue of its symmetric part in the frame; NaN where it is not finite."""
    return np.array([_growth(jacobian, frame) for jacobian in jacobians])


def _growth(jacobian: Float[np.ndarray, "M M"], frame: Frame) -> float:
    if not np.all(np.isfinite(jacobian)):
        return float("nan")
    inner = framed(jacobian, frame)
    return float(np.linalg.eigvalsh(0.5 * (inner + inner.T))[-1])


def fastest(jacobian: Float[np.ndarray, "M M"], frame: Frame) -> Float[np.ndarray, " M"]:
    """The tangent that grows fastest, of Euclidean length 1."""
    inner = framed(jacobian, frame)
    tangent = frame.right @ np.linalg.eigh(0.5 * (inner + inner.T))[1][:, -1]
    result: Float[np.ndarray, " M"] = tangent / np.linalg.norm(tangent)
    return result


def norms(jacobians: Float[np.ndarray, "N M M"], frame: Frame) -> Float[np.ndarray, " N"]:
    """Operator norm of each Jacobian in the weighted norm; NaN where it is not finite."""
    finite = np.all(np.isfinite(jacobians), axis=(1, 2))
    known = (np.linalg.norm(framed(jacobian, frame), 2) for jacobian in np.where(finite[:, None, None], jacobians, 0.0))
    return np.where(finite, np.fromiter(known, float, len(jacobians)), np.nan)


def abscissas(jacobians: Float[np.ndarray, "N M M"]) -> Float[np.ndarray, " N"]:
    """Largest real part of an eigenvalue on the tangents: no weight has a smaller growth; NaN where not finite."""
    finite = np.all(np.isfinite(jacobians), axis=(1, 2))
    known = (
        np.max(np.linalg.eigvals(on_tangents(entry)).real) if ok else np.nan
        for entry, ok in zip(jacobians, finite, strict=True)
    )
    return np.fromiter(known, float, len(jacobians))
