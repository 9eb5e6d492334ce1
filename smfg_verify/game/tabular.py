"""Games given by arrays, affine in the mean field."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, Dependence, Index, MeanFieldSupport, Numerical, as_parameter
from smfg_verify.game.validation import validate


class TabularGame(AbstractGame):
    r"""A game given by arrays, affine in the mean field.

    $P(s' | s, a, b, m) = P_0(s' | s, a, b) + \sum_j m_j K_j(s' | s, a, b)$, rewards likewise.

    Build it with `TabularGame.from_arrays`.

    Attributes:
        mean_field_support: "states" or "state_actions".
        kernel: $P_0(s' | s, a, b)$, (n, A, B, n).
        follower_rewards, leader_rewards: the constant parts of $r_f$ and $r_l$, (n, A, B), in units of reward.
        kernel_mean_field: $K_j(s' | s, a, b)$ of each entry j of the mean field, (M, n, A, B, n); None for none.
        follower_rewards_mean_field, leader_rewards_mean_field: the same of the rewards, (M, n, A, B), in units of
            reward a unit of mass; None for none.
        discount, temperature, leader_temperature, initial_distribution, leader_observation: as in `AbstractGame`.
        name, state_labels, follower_action_labels, leader_action_labels: as in `AbstractGame`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import TabularGame
        >>> game = TabularGame.from_arrays(
        ...     kernel=np.full((2, 2, 1, 2), 0.5),
        ...     follower_rewards=np.zeros((2, 2, 1)),
        ...     leader_rewards=np.ones((2, 2, 1)),
        ...     discount=0.9,
        ...     temperature=0.5,
        ... )
        >>> game.num_states, game.num_follower_actions, game.num_leader_actions, game.transition_dependence
        (2, 2, 1, 'none')
    """

    mean_field_support: MeanFieldSupport = eqx.field(static=True)
    kernel: Float[Array, "n A B n"]
    follower_rewards: Float[Array, "n A B"]
    leader_rewards: Float[Array, "n A B"]
    kernel_mean_field: Float[Array, "M n A B n"] | None
    follower_rewards_mean_field: Float[Array, "M n A B"] | None
    leader_rewards_mean_field: Float[Array, "M n A B"] | None
    discount: Float[Array, ""]
    temperature: Float[Array, ""]
    leader_temperature: Float[Array, ""]
    initial_distribution: Float[Array, " n"]
    leader_observation: Int[Array, " n"]
    name: str | None = eqx.field(static=True, default=None)
    state_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
    follower_action_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
    leader_action_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)

    @classmethod
    def from_arrays(
        cls,
        *,
        kernel: Numerical,
        follower_rewards: Numerical,
        leader_rewards: Numerical,
        kernel_mean_field: Numerical | None = None,
        follower_rewards_mean_field: Numerical | None = None,
        leader_rewards_mean_field: Numerical | None = None,
        discount: Numerical,
        temperature: Numerical,
        initial_distribution: Numerical | None = None,
        leader_observation: Sequence[int] | np.ndarray | None = None,
        mean_field_support: MeanFieldSupport = "states",
        leader_temperature: Numerical = 0.0,
        name: str | None = None,
        state_labels: Sequence[str] | np.ndarray | None = None,
        follower_action_labels: Sequence[str] | np.ndarray | None = None,
        leader_action_labels: Sequence[str] | np.ndarray | None = None,
    ) -> "TabularGame":
        """A game from its arrays.

        Args:
            kernel: next-state probabilities at zero mean-field terms, (n, A, B, n).
            follower_rewards: follower's reward, (n, A, B).
            leader_rewards: leader's reward, (n, A, B).
            kernel_mean_field: coefficient of each entry of the (flattened) mean field in the kernel,
                (M, n, A, B, n) with M = n on states and n * A on state-action pairs; None for no dependence.
            follower_rewards_mean_field: the same for the follower's reward, (M, n, A, B).
            leader_rewards_mean_field: the same for the leader's reward, (M, n, A, B).
            discount: gamma in [0, 1).
            temperature: tau > 0, in units of reward.
            initial_distribution: (n,), full support; uniform if None.
            leader_observation: (n,) integers, row of the leader's logits each state uses; None for one row a state.
            mean_field_support: "states" or "state_actions".
            leader_temperature: leader's entropy weight, >= 0, in units of reward.
            name: what reports call the game.
            state_labels, follower_action_labels, leader_action_labels: names used in reports, one for each; numbers
                if None.

        Returns:
            The game, validated.

        Raises:
            ValueError: an array of the wrong shape, or anything else `validate` refuses.
        """
        require_support(mean_field_support)
        kernel = as_parameter(kernel)
        if kernel.ndim != 4 or kernel.shape[0] != kernel.shape[3]:
            raise InputError(f"kernel: got shape {kernel.shape}, expected (n, A, B, n): next states are the last axis.")
        num_states, num_actions, num_leader_actions, _ = kernel.shape
        if min(kernel.shape) == 0:
            raise InputError(
                f"kernel: got shape {kernel.shape}, expected at least one state and one action of each player."
            )
        size = num_states if mean_field_support == "states" else num_states * num_actions
        rewards_shape = (num_states, num_actions, num_leader_actions)
        if leader_observation is None:
            leader_observation = np.arange(num_states)
        game = cls(
            kernel=kernel,
            follower_rewards=shaped("follower_rewards", follower_rewards, rewards_shape),
            leader_rewards=shaped("leader_rewards", leader_rewards, rewards_shape),
            kernel_mean_field=_optional("kernel_mean_field", kernel_mean_field, (size, *kernel.shape)),
            follower_rewards_mean_field=_optional(
                "follower_rewards_mean_field", follower_rewards_mean_field, (size, *rewards_shape)
            ),
            leader_rewards_mean_field=_optional(
                "leader_rewards_mean_field", leader_rewards_mean_field, (size, *rewards_shape)
            ),
            discount=shaped("discount", discount, ()),
            temperature=shaped("temperature", temperature, ()),
            leader_temperature=shaped("leader_temperature", leader_temperature, ()),
            initial_distribution=as_parameter(
                np.full(num_states, 1.0 / num_states) if initial_distribution is None else initial_distribution
            ),
            leader_observation=integers("leader_observation", leader_observation),
            mean_field_support=mean_field_support,
            name=_text("name", name),
            state_labels=_words("state_labels", state_labels),
            follower_action_labels=_words("follower_action_labels", follower_action_labels),
            leader_action_labels=_words("leader_action_labels", leader_action_labels),
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
    def transition_dependence(self) -> Dependence:
        return "none" if self.kernel_mean_field is None else "affine"

    @property
    def follower_reward_dependence(self) -> Dependence:
        return "none" if self.follower_rewards_mean_field is None else "affine"

    @property
    def leader_reward_dependence(self) -> Dependence:
        return "none" if self.leader_rewards_mean_field is None else "affine"

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " k"]:
        index = (state, follower_action, leader_action)
        return _affine(self.kernel, self.kernel_mean_field, index, mean_field)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        return _affine(self.follower_rewards, self.follower_rewards_mean_field, index, mean_field)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        index = (state, follower_action, leader_action)
        return _affine(self.leader_rewards, self.leader_rewards_mean_field, index, mean_field)


def _affine(constant: Array, slope: Array | None, index: tuple[Index, Index, Index], mean_field: Array) -> Array:
    if slope is None:
        return constant[index]
    rows = slope[(slice(None), *index)]
    # Not a tensordot: under vmap that becomes a batch of tiny matrix products, 1.7 times a whole AC-SMFG iteration.
    weights = jnp.ravel(mean_field).reshape(-1, *(1,) * (rows.ndim - 1))
    return constant[index] + jnp.sum(weights * rows, axis=0)


def require_support(mean_field_support: MeanFieldSupport) -> None:
    """Refuse what is no support of a mean field."""
    if mean_field_support not in ("states", "state_actions"):
        raise InputError(f"mean_field_support: got {mean_field_support!r}, expected 'states' or 'state_actions'.")


def shaped(name: str, value: Numerical, shape: tuple[int, ...]) -> Array:
    """A parameter of a shape, or a refusal by name."""
    array = as_parameter(value)
    if array.shape != shape:
        raise InputError(f"{name}: got shape {array.shape}, expected {shape}; check the order of the axes.")
    return array


def _optional(name: str, value: Numerical | None, shape: tuple[int, ...]) -> Array | None:
    return None if value is None else shaped(name, value, shape)


def integers(name: str, values: Sequence[int] | np.ndarray) -> Int[Array, " n"]:
    """A vector of integers, or a refusal by name."""
    array = np.asarray(values)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{name}: got {array.dtype} of shape {array.shape}, expected a vector of integers.")
    return jnp.asarray(array)


def _text(name: str, value: str | None) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name}: got {value!r} ({type(value).__name__}), expected a word or None.")
    return value


def _words(name: str, values: Sequence[str] | np.ndarray | None) -> tuple[str, ...] | None:
    """Labels as they are recorded; their number is checked with the game."""
    if values is None:
        return None
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(f"{name}: got {values!r}, expected a list of names.")
    return tuple(str(value) for value in values)
