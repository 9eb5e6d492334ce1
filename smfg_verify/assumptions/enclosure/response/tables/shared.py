"""What cells need to know of a game, however its functions depend on the mean field."""

import dataclasses
import functools

import numpy as np
from jaxtyping import Float, Int

from smfg_verify.assumptions.enclosure.response.models import EPSILON, Shape

# Entries of rows below zero by more than roundings are those of no chain: laws would have such entries, too.
NEGATIVE = 1e-14
# Rows that count as probabilities sum to no more than 1 and this.
_MOST_OFF = 2e-9


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tables:
    """A game whose followers' functions are known over all mean fields of states.

    Attributes:
        num_actions: A, the followers'.
        observation: which leader row acts in a state, (n,).
        row_actions: of each leader row, the actions that are its vertices, at most B; a row of one does nothing.
        row_weights: of each leader row, what every action is as a mean of these, (vertices, B).
        num_leader_actions: B.
        mixing: largest total variation between two rows of the kernel at one mean field and leader, at most 1.
        discount, temperature: of the game.
        seen: what was found of cells, by their vertices and by how, so that it serves every measure; see `measures`.
    """

    num_actions: int
    observation: Int[np.ndarray, " n"]
    row_actions: tuple[tuple[int, ...], ...]
    row_weights: tuple[Float[np.ndarray, "V B"], ...]
    num_leader_actions: int
    mixing: float
    discount: float
    temperature: float
    seen: dict[tuple[bool, bytes], Float[np.ndarray, " F"]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def continuous(self) -> bool:
        """Whether the functions are known to be continuous in the mean field before any cell is looked at."""
        return False

    @property
    def num_states(self) -> int:
        """The number n of states."""
        return len(self.observation)

    @functools.cached_property
    def row_sizes(self) -> Int[np.ndarray, " O"]:
        """Vertices of each leader row."""
        return np.array([len(actions) for actions in self.row_actions])

    @property
    def width(self) -> int:
        """Vertices of the leader row that has most."""
        return int(np.max(self.row_sizes))

    @functools.cached_property
    def shape(self) -> Shape:
        """Of the cells: the simplex of mean fields, then those of the leader rows that do something."""
        return Shape((self.num_states, *(int(size) for size in self.row_sizes if size > 1)))


def worth_of(largest: float, discount: float) -> float:
    r"""What a reward may be off by where rows sum to a number that is off one, for each unit that it is off.

    Rows of sum 1 + e are others of sum one and a reward more of $\gamma e V$, V the value of the last state. It is at
    most $\gamma e\, r / (1 - \gamma)$, and its slopes, in which those of V are at most $2 r / (1 - \gamma)^2$, are no
    more than twice what is returned.

    Args:
        largest: r, of the reward with its entropy.
        discount: gamma.
    """
    patience = 1.0 - discount * (1.0 + _MOST_OFF)
    return largest * discount / patience**2 if patience > 0.0 else float("inf")


def off_one(missed: float, width: int, error: float) -> float:
    """What an entry of a kernel's rows may be off by where rows miss one, and by more where entries have errors."""
    return float(2.0 * missed + width * (error + 2.0 * EPSILON))
