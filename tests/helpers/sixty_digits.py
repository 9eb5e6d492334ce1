"""Mean field equilibria of array games in 60-digit arithmetic, on mpmath alone: shares no code with the package."""

import mpmath
import numpy as np
from mpmath import mp

from tests.helpers.array_games import ArrayGame

DIGITS = 60


class SixtyDigits:
    """The equations m = law of the chain at (m, V), V = soft Bellman of V at m, and Newton's method on them.

    A row's diagonal is one less its other entries, so that rows sum to one exactly.
    """

    def __init__(self, game: ArrayGame, logits: np.ndarray):
        self.game = game
        self.size = (game.kernel.shape[0], game.kernel.shape[1])
        exponentials = [[mpmath.exp(mp.mpf(float(x))) for x in logits[o]] for o in game.observation]
        self.leader = [[e / mpmath.fsum(row) for e in row] for row in exponentials]
        exact = lambda table: None if table is None else np.vectorize(lambda x: mp.mpf(float(x)))(table)  # noqa: E731
        self.kernel, self.kernel_slopes = exact(game.kernel), exact(game.kernel_mean_field)
        self.rewards, self.reward_slopes = exact(game.follower_rewards), exact(game.follower_rewards_mean_field)
        self.discount, self.temperature = mp.mpf(float(game.discount)), mp.mpf(float(game.temperature))

    def image(self, x: list) -> list:
        """The law and the soft Bellman value of x = (m, V), one list."""
        n, actions = self.size
        size = len(x) - n
        field, value = np.array(x[:size], dtype=object), np.array(x[size:], dtype=object)
        at = lambda table, slopes: table if slopes is None else table + np.tensordot(field, slopes, 1)  # noqa: E731
        kernel, reward = at(self.kernel, self.kernel_slopes), at(self.rewards, self.reward_slopes)
        phi = np.array(self.leader, dtype=object)
        moves = np.sum(phi[:, None, :, None] * kernel, axis=2)
        for s in range(n):
            for a in range(actions):
                moves[s, a, s] = 1 - mpmath.fsum(moves[s, a, t] for t in range(n) if t != s)
        quality = np.sum(phi[:, None, :] * reward, axis=2) + self.discount * moves.dot(value)
        policy, updated = [], []
        for row in quality:
            top = max(row)
            weights = [mpmath.exp((q - top) / self.temperature) for q in row]
            total = mpmath.fsum(weights)
            policy.append([w / total for w in weights])
            updated.append(top + self.temperature * mpmath.log(total))
        policy = np.array(policy, dtype=object)
        law = self._law(np.sum(policy[:, :, None] * moves, axis=1))
        if self.game.support == "state_actions":
            law = [law[s] * policy[s, a] for s in range(n) for a in range(actions)]
        return [*law, *updated]

    def _law(self, chain: np.ndarray) -> list:
        n = len(chain)
        balance = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                if i != j:
                    balance[j, i] += chain[i, j]
                    balance[i, i] -= chain[i, j]
        right = mp.matrix(n, 1)
        right[n - 1] = 1
        for j in range(n):
            balance[n - 1, j] = 1
        return list(mp.lu_solve(balance, right))

    def near(self, mean_field: np.ndarray, value: np.ndarray) -> tuple[list, list]:
        """The equilibrium that Newton's method reaches from a point, its steps to 1e-40 by difference quotients."""
        n = self.size[0]
        x = [mp.mpf(float(entry)) for entry in [*np.ravel(mean_field), *value]]
        step = mp.mpf(10) ** -30
        for _ in range(12):
            image = self.image(x)
            matrix = mp.matrix(len(x), len(x))
            for j in range(len(x)):
                moved = self.image([*x[:j], x[j] + step, *x[j + 1 :]])
                for i in range(len(x)):
                    matrix[i, j] = (1 if i == j else 0) - (moved[i] - image[i]) / step
            move = mp.lu_solve(matrix, mp.matrix([a - b for a, b in zip(x, image, strict=True)]))
            x = [a - b for a, b in zip(x, move, strict=True)]
            if max(abs(entry) for entry in move) < mp.mpf(10) ** -40:
                return x[:-n], x[-n:]
        raise ArithmeticError("Newton's method in 60 digits did not converge")


def distances(game: ArrayGame, logits: np.ndarray, mean_field: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """How far (m, V) is from the equilibrium near it: l1 distance of m, largest distance of V."""
    with mp.workdps(DIGITS):
        field, best = SixtyDigits(game, logits).near(mean_field, value)
        by_field = mpmath.fsum(abs(mp.mpf(float(a)) - b) for a, b in zip(np.ravel(mean_field), field, strict=True))
        by_value = max(abs(mp.mpf(float(a)) - b) for a, b in zip(value, best, strict=True))
        return float(by_field), float(by_value)
