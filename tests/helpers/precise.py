"""The Stackelberg objective and its gradient in arithmetic of 50 digits, sharing no code with the package.

The equations are taken in their plainest form, $m = P^T m$ and $V = T V$; the gradient is a central difference of the
objective with a step of 1e-18, whose error is below 1e-30.
"""

import mpmath
import numpy as np

from tests.helpers.array_games import ArrayGame

_STEP = mpmath.mpf(10) ** -18


def exact_gradient(game: ArrayGame, logits: np.ndarray, mean_field: np.ndarray, value: np.ndarray):
    """Phi, its gradient in the logits, (O, B), and the mean field, to more digits than a float holds.

    Args:
        game: mean field on states.
        logits: of the leader, (O, B).
        mean_field, value: near the equilibrium, (n,) each; it is solved for from there.
    """
    with mpmath.workdps(50):
        problem = _Problem(game)
        omega, point = _mp(logits), np.concatenate([_mp(mean_field), _mp(value)])
        inverse = problem.inverse_slope(omega, point)
        point = problem.solve(omega, point, inverse)
        gradient = np.zeros(logits.shape, dtype=object)
        for index in np.ndindex(logits.shape):
            ends = []
            for sign in (1, -1):
                moved = omega.copy()
                moved[index] += sign * _STEP
                ends.append(problem.objective(moved, problem.solve(moved, point, inverse)))
            gradient[index] = (ends[0] - ends[1]) / (2 * _STEP)
        return problem.objective(omega, point), gradient, point[: len(mean_field)]


def _mp(array) -> np.ndarray:
    return np.vectorize(mpmath.mpf, otypes=[object])(np.asarray(array, dtype=float))


def _exp(array: np.ndarray) -> np.ndarray:
    return np.vectorize(mpmath.exp, otypes=[object])(array)


def _softmax(rows: np.ndarray) -> np.ndarray:
    raised = _exp(rows - rows.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


class _Problem:
    def __init__(self, game: ArrayGame):
        names = ("kernel", "follower_rewards", "leader_rewards")
        self.tables = [_mp(getattr(game, name)) for name in names]
        slopes = [getattr(game, f"{name}_mean_field") for name in names]
        self.slopes = [None if slope is None else _mp(slope) for slope in slopes]
        self.discount, self.tau = mpmath.mpf(float(game.discount)), mpmath.mpf(float(game.temperature))
        self.initial, self.observation = _mp(game.initial_distribution), game.observation
        self.n = len(game.initial_distribution)

    def averaged(self, omega, field):
        """Kernel (n, A, n) and rewards (n, A), averaged over the leader's policy."""
        phi = _softmax(omega)[self.observation]
        full = [
            base if slope is None else base + sum(m * part for m, part in zip(field, slope, strict=True))
            for base, slope in zip(self.tables, self.slopes, strict=True)
        ]
        kernel = (phi[:, None, :, None] * full[0]).sum(axis=2)
        return kernel, *((phi[:, None, :] * table).sum(axis=2) for table in full[1:])

    def greedy(self, omega, point):
        field, value = point[: self.n], point[self.n :]
        kernel, reward, leader = self.averaged(omega, field)
        logits = (reward + self.discount * (kernel * value[None, None, :]).sum(axis=2)) / self.tau
        top = logits.max(axis=1)
        total = _exp(logits - top[:, None]).sum(axis=1)
        updated = self.tau * (top + np.vectorize(mpmath.log, otypes=[object])(total))
        policy = _softmax(logits)
        return updated, policy, (policy[:, :, None] * kernel).sum(axis=1), (policy * leader).sum(axis=1)

    def residual(self, omega, point):
        updated, _, moves, _ = self.greedy(omega, point)
        field = point[: self.n]
        flow = field - field @ moves + (field.sum() - 1) / self.n
        return np.concatenate([flow, point[self.n :] - updated])

    def inverse_slope(self, omega, point):
        columns = []
        for k in range(2 * self.n):
            step = np.array([_STEP if j == k else mpmath.mpf(0) for j in range(2 * self.n)], dtype=object)
            columns.append((self.residual(omega, point + step) - self.residual(omega, point - step)) / (2 * _STEP))
        return mpmath.matrix(np.array(columns, dtype=object).T.tolist()) ** -1

    def solve(self, omega, point, inverse):
        for _ in range(40):
            remainder = self.residual(omega, point)
            if max(abs(entry) for entry in remainder / np.maximum(1, np.abs(point))) < mpmath.mpf(10) ** -44:
                return point
            step = inverse * mpmath.matrix(remainder.tolist())
            point = point - np.array([step[k] for k in range(2 * self.n)], dtype=object)
        raise AssertionError("the reference equations did not converge")

    def objective(self, omega, point):
        _, _, moves, reward = self.greedy(omega, point)
        system = mpmath.matrix(
            (
                np.array([[mpmath.mpf(i == j) for j in range(self.n)] for i in range(self.n)], dtype=object)
                - self.discount * moves
            ).tolist()
        )
        value = mpmath.lu_solve(system, mpmath.matrix(reward.tolist()))
        return sum(self.initial[s] * value[s] for s in range(self.n))
