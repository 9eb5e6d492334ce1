"""The mean dynamics linearised at a zero, in the directions that an update can move: covariance, bias, condition."""

import dataclasses
from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from smfg_verify.bounds.local.components import Components, flattened, movable_directions
from smfg_verify.bounds.local.mean_dynamics import linearised
from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame

_ZERO_TOLERANCE = 1e-8


@dataclasses.dataclass(frozen=True)
class Linearisation:
    """The mean dynamics linearised in the movable directions."""

    basis: np.ndarray
    constants: np.ndarray
    slope: np.ndarray
    matrix: np.ndarray
    abscissa: float

    @classmethod
    def of(cls, game: AbstractGame, iterate: Components, constants: np.ndarray) -> "Linearisation":
        basis = movable_directions(game)
        dynamics, derivative = linearised(game, iterate)
        _check_zero(float(np.linalg.norm(flattened(dynamics))), iterate)
        slope = np.asarray(derivative)
        matrix = basis.T @ (constants[:, None] * slope) @ basis
        abscissa = float(np.max(np.linalg.eigvals(matrix).real))
        return cls(basis, constants, basis.T @ slope @ basis, matrix, abscissa)

    def stationary(self, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """S and S' of the covariance eps S + eps^2 S' in the movable directions, and the relative residual of S."""
        scaled = self.basis.T @ (self.constants[:, None] * noise * self.constants) @ self.basis
        covariance, residual = self._lyapunov(scaled)
        lagging, lag_residual = self._lyapunov(0.5 * covariance)
        return covariance, lagging, max(residual, lag_residual)

    def _lyapunov(self, forcing: np.ndarray) -> tuple[np.ndarray, float]:
        """X of A X + X A^T + forcing = 0, and its relative residual; zero where there is no noise at all."""
        if not np.any(forcing):
            return np.zeros_like(forcing), 0.0
        solution = scipy.linalg.solve_continuous_lyapunov(self.matrix, -forcing)
        solution = 0.5 * (solution + solution.T)
        defect = self.matrix @ solution + solution @ self.matrix.T + forcing
        return solution, float(np.linalg.norm(defect) / np.linalg.norm(forcing))

    def mean_shift(self, forcing: np.ndarray) -> np.ndarray:
        """b of J b + forcing = 0, of flattened components."""
        return self.basis @ np.linalg.solve(self.slope, -self.basis.T @ forcing)

    def condition(self) -> float:
        """1-norm condition number of X -> A X + X A^T, estimated."""
        size = len(self.matrix)

        def solved(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
            return lambda x: scipy.linalg.solve_continuous_lyapunov(matrix, x.reshape(size, size)).ravel()

        operator = scipy.sparse.linalg.LinearOperator(
            (size**2, size**2), matvec=solved(self.matrix), rmatvec=solved(self.matrix.T), dtype=float
        )
        # With one column the estimate starts from the mean of all and is deterministic.
        inverse = scipy.sparse.linalg.onenormest(operator, t=1)
        return float(2.0 * np.linalg.norm(self.matrix, 1) * inverse)


def _check_zero(residual: float, iterate: Components) -> None:
    scale = max(1.0, float(np.max(np.abs(np.concatenate([iterate.leader_critic, iterate.follower_critic])))))
    if not residual <= _ZERO_TOLERANCE * scale:
        raise InputError(
            f"limit_point: got an iterate where the mean dynamics of this game is {residual:.3g}, expected a zero; "
            "likely cause: a limit point of another game, or of other parameters."
        )
