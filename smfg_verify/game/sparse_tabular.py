"""Games given by sparse matrices: a table of the states that moves lead to, and none of all states."""

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, Dependence, Index, MeanFieldSupport, Numerical, as_parameter
from smfg_verify.game.tabular import integers, require_support, shaped
from smfg_verify.game.validation import validate


@runtime_checkable
class SparseMatrix(Protocol):
    """A matrix or array of `scipy.sparse`, in any format."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def tocsr(self) -> object: ...


class Slopes(eqx.Module):
    """Slopes of rewards in few entries of the mean field each.

    Attributes:
        entries: of the flattened mean field, (n, A, B, w).
        values: reward a unit of mass, (n, A, B, w); zero where fewer are given.
    """

    entries: Int[Array, "n A B w"]
    values: Float[Array, "n A B w"]


class SparseTabularGame(AbstractGame):
    r"""A game given by sparse matrices, whose rewards are affine in the mean field and whose moves do not read it.

    $P(s' | s, a, b)$ is held as the states that it is positive at, at most k of them a row, and their probabilities;
    $r(s, a, b, m) = r_0(s, a, b) + \sum_j m_j R_j(s, a, b)$ with few $R_j$ a row. So the game has `successors`, and no
    table of n x n entries exists. Build it with `SparseTabularGame.from_arrays`.

    Attributes:
        mean_field_support: "states" or "state_actions".
        targets: next states, (n, A, B, k).
        kernel: their probabilities, (n, A, B, k); zero where a row has fewer.
        follower_rewards, leader_rewards: the constant parts of $r_f$ and $r_l$, (n, A, B), in units of reward.
        follower_slopes, leader_slopes: slopes in the mean field, None for none.
        discount, temperature, leader_temperature, initial_distribution, leader_observation: as in `AbstractGame`.
        name: what reports call the game.

    Examples:
        >>> import numpy as np
        >>> import scipy.sparse as sp
        >>> from smfg_verify import SparseTabularGame
        >>> stay, step = sp.eye_array(4), sp.csr_array(np.roll(np.eye(4), 1, axis=1))
        >>> game = SparseTabularGame.from_arrays(
        ...     kernel=[0.9 * stay + 0.1 * step, 0.1 * stay + 0.9 * step],
        ...     follower_rewards=np.zeros((4, 2, 1)),
        ...     leader_rewards=np.zeros((4, 2, 1)),
        ...     discount=0.9,
        ...     temperature=0.5,
        ... )
        >>> game.successors(3, 1, 0).tolist(), game.transition(3, 1, 0, np.full(4, 0.25)).tolist()
        ([0, 3], [0.9, 0.1])
    """

    mean_field_support: MeanFieldSupport = eqx.field(static=True)
    targets: Int[Array, "n A B k"]
    kernel: Float[Array, "n A B k"]
    follower_rewards: Float[Array, "n A B"]
    leader_rewards: Float[Array, "n A B"]
    follower_slopes: Slopes | None
    leader_slopes: Slopes | None
    discount: Float[Array, ""]
    temperature: Float[Array, ""]
    leader_temperature: Float[Array, ""]
    initial_distribution: Float[Array, " n"]
    leader_observation: Int[Array, " n"]
    name: str | None = eqx.field(static=True, default=None)

    transition_dependence = "none"

    @classmethod
    def from_arrays(
        cls,
        *,
        kernel: Sequence[SparseMatrix | Sequence[SparseMatrix]],
        follower_rewards: Numerical,
        leader_rewards: Numerical,
        follower_rewards_mean_field: SparseMatrix | None = None,
        leader_rewards_mean_field: SparseMatrix | None = None,
        discount: Numerical,
        temperature: Numerical,
        initial_distribution: Numerical | None = None,
        leader_observation: Sequence[int] | np.ndarray | None = None,
        mean_field_support: MeanFieldSupport = "states",
        leader_temperature: Numerical = 0.0,
        name: str | None = None,
    ) -> "SparseTabularGame":
        """A game from its sparse matrices.

        Args:
            kernel: for each follower action a matrix of next-state probabilities, (n, n), or a list of such, one for
                each leader action.
            follower_rewards: follower's reward, (n, A, B), in units of reward.
            leader_rewards: leader's reward, (n, A, B).
            follower_rewards_mean_field: coefficient of each entry of the flattened mean field in the follower's reward,
                a matrix of a row for each (s, a, b) in this order and M columns; None for no dependence.
            leader_rewards_mean_field: the same for the leader's reward.
            discount: gamma in [0, 1).
            temperature: tau > 0, in units of reward.
            initial_distribution: (n,), full support; uniform if None.
            leader_observation: (n,) integers, row of the leader's logits each state uses; None for one row a state.
            mean_field_support: "states" or "state_actions".
            leader_temperature: leader's entropy weight, >= 0, in units of reward.
            name: what reports call the game.

        Returns:
            The game, validated.

        Raises:
            ValueError: a matrix that is not sparse or of the wrong shape, or anything else `validate` refuses.
        """
        rewards = as_parameter(follower_rewards)
        if rewards.ndim != 3 or min(rewards.shape) == 0:
            raise InputError(f"follower_rewards: got shape {rewards.shape}, expected (n, A, B), none of them zero.")
        size, actions, leaders = rewards.shape
        require_support(mean_field_support)
        by_action = _each("kernel", kernel)
        if len(by_action) != actions:
            raise InputError(
                f"kernel: got {len(by_action)} matrices, expected one for each of {actions} follower actions."
            )
        tables = [_of_action(matrices, size, leaders, action) for action, matrices in enumerate(by_action)]
        width = max(table.shape[-1] for pair in tables for table in pair)
        targets, chances = (np.stack([_widened(pair[part], width) for pair in tables], axis=1) for part in range(2))
        columns = size if mean_field_support == "states" else size * actions
        shape = (size, actions, leaders)
        game = cls(
            mean_field_support=mean_field_support,
            targets=jnp.asarray(targets.astype(np.int32)),
            kernel=as_parameter(chances),
            follower_rewards=rewards,
            leader_rewards=shaped("leader_rewards", leader_rewards, shape),
            follower_slopes=_slopes("follower_rewards_mean_field", follower_rewards_mean_field, shape, columns),
            leader_slopes=_slopes("leader_rewards_mean_field", leader_rewards_mean_field, shape, columns),
            discount=shaped("discount", discount, ()),
            temperature=shaped("temperature", temperature, ()),
            leader_temperature=shaped("leader_temperature", leader_temperature, ()),
            initial_distribution=as_parameter(
                np.full(size, 1.0 / size) if initial_distribution is None else initial_distribution
            ),
            leader_observation=integers(
                "leader_observation", np.arange(size) if leader_observation is None else leader_observation
            ),
            name=name,
        )
        validate(game)
        return game

    @property
    def num_states(self) -> int:
        return self.kernel.shape[0]

    @property
    def num_follower_actions(self) -> int:
        return self.kernel.shape[1]

    @property
    def num_leader_actions(self) -> int:
        return self.kernel.shape[2]

    @property
    def follower_reward_dependence(self) -> Dependence:
        return "none" if self.follower_slopes is None else "affine"

    @property
    def leader_reward_dependence(self) -> Dependence:
        return "none" if self.leader_slopes is None else "affine"

    def successors(self, state: Index, follower_action: Index, leader_action: Index) -> Int[Array, " k"]:
        """States that a move may lead to.

        Args:
            state, follower_action, leader_action: indices.

        Returns:
            Indices of states; where a row has fewer than k its first one fills the list.
        """
        return self.targets[state, follower_action, leader_action]

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " k"]:
        return self.kernel[state, follower_action, leader_action]

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        return _affine(self.follower_rewards, self.follower_slopes, index, mean_field)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        return _affine(self.leader_rewards, self.leader_slopes, index, mean_field)


def _affine(constant: Array, slopes: Slopes | None, index: tuple[Index, Index, Index], mean_field: Array) -> Array:
    if slopes is None:
        return constant[index]
    return constant[index] + jnp.sum(slopes.values[index] * jnp.ravel(jnp.asarray(mean_field))[slopes.entries[index]])


def _each(name: str, given: object) -> list[object]:
    """The members of what should be a list of matrices."""
    if isinstance(given, SparseMatrix) or not isinstance(given, Iterable):
        raise InputError(f"{name}: got one {type(given).__name__}, expected a list of matrices, one for each action.")
    return list(given)


def _of_action(given: object, size: int, leaders: int, action: int) -> tuple[np.ndarray, np.ndarray]:
    """Next states and probabilities of one follower action, (n, B, k) each."""
    if isinstance(given, SparseMatrix | np.ndarray):
        matrices: list[object] = [given] * leaders
    else:
        matrices = _each(f"kernel[{action}]", given)
    if len(matrices) != leaders:
        raise InputError(
            f"kernel[{action}]: got {len(matrices)} matrices, expected one, or one for each of {leaders} leader "
            "actions."
        )
    rows = [_rows(f"kernel[{action}]", matrix, (size, size)) for matrix in matrices]
    width = max(row.shape[1] for pair in rows for row in pair)
    states, chances = (np.stack([_widened(pair[part], width) for pair in rows], axis=1) for part in range(2))
    return states, chances


def _rows(name: str, matrix: object, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of each row of a sparse matrix, side by side; what is missing is its first with nothing."""
    import scipy.sparse as sp  # a fifth of a second to import, which only sparse arrays should pay

    if not isinstance(matrix, SparseMatrix) or matrix.shape != shape:
        got = f"shape {matrix.shape}" if isinstance(matrix, SparseMatrix) else type(matrix).__name__
        raise InputError(f"{name}: got {got}, expected a matrix of scipy.sparse of shape {shape}.")
    stored = sp.coo_array(matrix)
    if stored.dtype.kind not in "fiub":
        raise InputError(f"{name}: got entries of type {stored.dtype}, expected real numbers.")
    # Entries that are given twice are summed as floats: integers of few bits would wrap.
    table = sp.csr_array(stored.astype(float))
    table.sum_duplicates()
    counts = np.diff(table.indptr)
    width = max(1, int(np.max(counts)))
    inside = np.arange(width) < counts[:, None]
    columns = np.zeros((shape[0], width), dtype=np.int64)
    values = np.zeros((shape[0], width))
    columns[inside], values[inside] = table.indices, table.data
    return np.where(inside, columns, columns[:, :1]), values


def _widened(table: np.ndarray, width: int) -> np.ndarray:
    """A table whose last axis is filled up: states by the first of the row, probabilities by nothing."""
    missing = width - table.shape[-1]
    if not missing:
        return table
    filler = table[..., :1] if np.issubdtype(table.dtype, np.integer) else np.zeros_like(table[..., :1])
    return np.concatenate([table, np.repeat(filler, missing, axis=-1)], axis=-1)


def _slopes(name: str, given: SparseMatrix | None, shape: tuple[int, int, int], columns: int) -> Slopes | None:
    if given is None:
        return None
    entries, values = _rows(name, given, (int(np.prod(shape)), columns))
    return Slopes(jnp.asarray(entries.reshape(*shape, -1).astype(np.int32)), as_parameter(values.reshape(*shape, -1)))
