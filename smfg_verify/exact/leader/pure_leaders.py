"""Leaders that always play one action: few enough to compare with where an ascent ended."""

import math

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from smfg_verify.records.portable import Portable

# Two logarithms of one whole number differ by less, those of different ones below 1e11 by more.
_SAME_LOGARITHM = 1e-12


class PureLeaders(Portable, eqx.Module):
    """The pure leaders that were compared; each equilibrium is searched from the uniform mean field.

    Attributes:
        actions: of each leader, one an observation, (P, O).
        objectives: Phi, (P,); NaN where the equilibrium did not converge.
        complete: whether these are all pure leaders there are.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, optimise_leader
        >>> pure = optimise_leader(games.load("laffer-tax"), np.zeros((1, 2))).pure
        >>> pure.complete, pure.actions.tolist(), pure.objectives.round(3).tolist()
        (True, [[0], [1]], [0.0, 0.74])
    """

    actions: Int[np.ndarray, "P O"]
    objectives: Float[np.ndarray, " P"]
    complete: bool = eqx.field(static=True)

    @property
    def best(self) -> int | None:
        """Index of the highest objective; None where none is a number."""
        return int(np.nanargmax(self.objectives)) if np.isfinite(self.objectives).any() else None

    @property
    def best_objective(self) -> float:
        """The highest objective; NaN where none is a number."""
        return float("nan") if self.best is None else float(self.objectives[self.best])

    @property
    def best_actions(self) -> Int[np.ndarray, " O"] | None:
        """Actions of the leader of the highest objective; None where none is a number."""
        return None if self.best is None else self.actions[self.best]


def pure_actions(policy: Float[np.ndarray, "O B"], budget: int) -> tuple[Int[np.ndarray, "P O"], bool]:
    """All pure leaders where the budget allows; else the greedy one of a policy, its neighbours, and random ones.

    Args:
        policy: where an ascent ended.
        budget: most leaders.

    Returns:
        Actions, and whether these are all.
    """
    observations, number = policy.shape
    if observations * math.log(number) <= math.log(max(budget, 1)) + _SAME_LOGARITHM:
        return np.stack(np.unravel_index(np.arange(number**observations), (number,) * observations), axis=1), True
    greedy = np.argmax(policy, axis=1)
    rows, actions = np.divmod(np.arange(min(observations * number, budget // 2)), number)
    neighbours = np.tile(greedy, (len(rows), 1))
    neighbours[np.arange(len(rows)), rows] = actions
    random = np.random.default_rng(0).integers(number, size=(budget, observations))
    listed = np.concatenate([greedy[None], neighbours, random])
    _, first = np.unique(listed, axis=0, return_index=True)
    return listed[np.sort(first)][:budget], False
