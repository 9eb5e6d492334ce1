"""What a game is: the contract every solver, checker and simulator reads.

A game is one equinox module whose array leaves are its parameters and which says three things, each
for one (state, follower action, leader action, mean field): the next-state probabilities, the
follower's reward and the leader's reward. The exact side tabulates these functions with ``vmap``; the
stochastic side calls the very same functions on single samples, so a simulator and a kernel cannot
disagree.
"""

import abc
from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

Dependence = Literal["none", "affine", "general"]
MeanFieldSupport = Literal["states", "state_actions"]

Index = Int[Array, ""]


def as_parameter(value: ArrayLike) -> Array:
    """A game parameter as a floating JAX array, so that it is a traced leaf and never a constant.

    Args:
        value: a number or an array of numbers, any shape.

    Returns:
        The same numbers as a JAX array of the default float type.
    """
    return jnp.asarray(value, dtype=float)


def parameter(**kwargs: Any) -> Any:
    """An equinox field that stores its value as a traced floating array; takes `equinox.field`'s arguments."""
    return eqx.field(converter=as_parameter, **kwargs)


class AbstractGame(eqx.Module):
    r"""A finite stationary discounted entropy-regularised Stackelberg mean field game.

    $G = (S, A, B, P, r_f, r_l, \gamma, \tau, \rho)$ with one leader and a continuum of followers.

    A concrete game gives the three sizes, `discount` and `temperature` (as class attributes, fields or
    properties) and the three functions. Everything else has a default. Float parameters are leaves:
    changing one never recompiles a solver and never returns a stale answer.

    Attributes:
        num_states: number n of states.
        num_follower_actions: number A of actions of the representative follower.
        num_leader_actions: number B of actions of the leader.
        discount: discount factor gamma in [0, 1).
        temperature: follower's entropy weight tau > 0, in units of reward.
        leader_temperature: leader's entropy weight tau_l >= 0, in units of reward (0 in the paper).
        mean_field_support: "states" (mean field of shape (n,)) or "state_actions" (shape (n, A)).
        transition_dependence: how `transition` depends on the mean field: "none", "affine" or "general".
        follower_reward_dependence: the same for `follower_reward`.
        leader_reward_dependence: the same for `leader_reward`.
        state_labels, follower_action_labels, leader_action_labels: names used in reports, or None.

    Source: model of Zeng et al., "Learning in Stackelberg Mean Field Games" (arXiv 2509.15392); here the
    leader's reward may depend on the follower's action and the leader may see only a partition of the states.
    """

    num_states: eqx.AbstractVar[int]
    num_follower_actions: eqx.AbstractVar[int]
    num_leader_actions: eqx.AbstractVar[int]
    discount: eqx.AbstractVar[Any]
    temperature: eqx.AbstractVar[Any]

    # Unannotated on purpose: class attributes with defaults, which a concrete game overrides by a class
    # attribute, a field or a property. Annotations would make them dataclass fields of every game.
    leader_temperature = 0.0
    mean_field_support = "states"
    transition_dependence = "general"
    follower_reward_dependence = "general"
    leader_reward_dependence = "general"
    state_labels = None
    follower_action_labels = None
    leader_action_labels = None

    @property
    def initial_distribution(self) -> Float[Array, " n"]:
        """Law rho of the first state, shape (n,), full support; uniform unless a game overrides it."""
        return jnp.full((self.num_states,), 1.0 / self.num_states)

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"] | Int[Array, " n"]:
        """Row of the leader's logits that each state uses, shape (n,); by default every state its own."""
        return np.arange(self.num_states)

    @abc.abstractmethod
    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " k"]:
        """Next-state probabilities: (n,), or (k,) over `successors` where the game defines that method."""

    @abc.abstractmethod
    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        """The representative follower's reward r_f, a scalar."""

    @abc.abstractmethod
    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        """The leader's reward r_l, a scalar."""


def mean_field_shape(game: AbstractGame) -> tuple[int, ...]:
    """Shape of the game's mean field: (n,) on states, (n, A) on state-action pairs."""
    if game.mean_field_support == "states":
        return (game.num_states,)
    return (game.num_states, game.num_follower_actions)


def num_leader_observations(game: AbstractGame) -> int:
    """Number O of rows of the leader's logits (one more than the largest entry of `leader_observation`)."""
    return int(np.max(np.asarray(game.leader_observation))) + 1


def leader_logits_shape(game: AbstractGame) -> tuple[int, int]:
    """Shape (O, B) of the leader's logits."""
    return (num_leader_observations(game), game.num_leader_actions)


def traced(game: AbstractGame) -> AbstractGame:
    """The same game with every float leaf, Python floats and NumPy arrays included, as a JAX array.

    Solvers are compiled for what is static and traced for what is an array; a Python float left as it
    is would be static, and changing it would recompile.
    """

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, float | np.floating):
            return jnp.asarray(leaf, dtype=float)
        return jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf

    return jax.tree.map(convert, game)


def is_traced(game: AbstractGame) -> bool:
    """Whether some leaf of the game is being traced by JAX (then nothing about its numbers can be checked)."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(game))


class TabularGame(AbstractGame):
    r"""A game given by arrays, affine in the mean field.

    $P(s' | s, a, b, m) = P_0(s' | s, a, b) + \sum_j m_j K_j(s' | s, a, b)$, rewards likewise.

    Build it with `TabularGame.from_arrays`.
    """

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
    observation: tuple[int, ...] = eqx.field(static=True)
    mean_field_support: MeanFieldSupport = eqx.field(static=True)

    @classmethod
    def from_arrays(
        cls,
        *,
        kernel: ArrayLike,
        follower_rewards: ArrayLike,
        leader_rewards: ArrayLike,
        kernel_mean_field: ArrayLike | None = None,
        follower_rewards_mean_field: ArrayLike | None = None,
        leader_rewards_mean_field: ArrayLike | None = None,
        discount: ArrayLike,
        temperature: ArrayLike,
        initial_distribution: ArrayLike | None = None,
        leader_observation: Sequence[int] | np.ndarray | None = None,
        mean_field_support: MeanFieldSupport = "states",
        leader_temperature: ArrayLike = 0.0,
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

        Returns:
            The game, validated.

        Raises:
            ValueError: an array of the wrong shape, or anything else `validate` refuses.
        """
        from smfg_verify.validation import validate

        if mean_field_support not in ("states", "state_actions"):
            raise ValueError(f"mean_field_support: got {mean_field_support!r}, expected 'states' or 'state_actions'.")
        kernel = as_parameter(kernel)
        if kernel.ndim != 4 or kernel.shape[0] != kernel.shape[3]:
            raise ValueError(f"kernel: got shape {kernel.shape}, expected (n, A, B, n): next states are the last axis.")
        num_states, num_actions, num_leader_actions, _ = kernel.shape
        if min(kernel.shape) == 0:
            raise ValueError(f"kernel: got shape {kernel.shape}, expected at least one state and one action of each player.")
        size = num_states if mean_field_support == "states" else num_states * num_actions
        rewards_shape = (num_states, num_actions, num_leader_actions)
        if leader_observation is None:
            leader_observation = np.arange(num_states)
        game = cls(
            kernel=kernel,
            follower_rewards=_shaped("follower_rewards", follower_rewards, rewards_shape),
            leader_rewards=_shaped("leader_rewards", leader_rewards, rewards_shape),
            kernel_mean_field=_optional("kernel_mean_field", kernel_mean_field, (size, *kernel.shape)),
            follower_rewards_mean_field=_optional(
                "follower_rewards_mean_field", follower_rewards_mean_field, (size, *rewards_shape)
            ),
            leader_rewards_mean_field=_optional(
                "leader_rewards_mean_field", leader_rewards_mean_field, (size, *rewards_shape)
            ),
            discount=_shaped("discount", discount, ()),
            temperature=_shaped("temperature", temperature, ()),
            leader_temperature=_shaped("leader_temperature", leader_temperature, ()),
            initial_distribution=as_parameter(
                np.full(num_states, 1.0 / num_states) if initial_distribution is None else initial_distribution
            ),
            observation=_integers("leader_observation", leader_observation),
            mean_field_support=mean_field_support,
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
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        return np.asarray(self.observation)

    @property
    def transition_dependence(self) -> Dependence:
        return "none" if self.kernel_mean_field is None else "affine"

    @property
    def follower_reward_dependence(self) -> Dependence:
        return "none" if self.follower_rewards_mean_field is None else "affine"

    @property
    def leader_reward_dependence(self) -> Dependence:
        return "none" if self.leader_rewards_mean_field is None else "affine"

    def transition(self, state, follower_action, leader_action, mean_field):
        index = (state, follower_action, leader_action)
        return _affine(self.kernel, self.kernel_mean_field, index, mean_field)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        index = (state, follower_action, leader_action)
        return _affine(self.follower_rewards, self.follower_rewards_mean_field, index, mean_field)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        index = (state, follower_action, leader_action)
        return _affine(self.leader_rewards, self.leader_rewards_mean_field, index, mean_field)


def _affine(constant: Array, slope: Array | None, index: tuple[Index, Index, Index], mean_field: Array) -> Array:
    if slope is None:
        return constant[index]
    return constant[index] + jnp.tensordot(jnp.ravel(mean_field), slope[(slice(None), *index)], axes=1)


def _shaped(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    array = as_parameter(value)
    if array.shape != shape:
        raise ValueError(f"{name}: got shape {array.shape}, expected {shape}; check the order of the axes.")
    return array


def _optional(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    return None if value is None else _shaped(name, value, shape)


def _integers(name: str, values: Sequence[int] | np.ndarray) -> tuple[int, ...]:
    array = np.asarray(values)
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name}: got {array.dtype} of shape {array.shape}, expected a vector of integers.")
    return tuple(int(value) for value in array)
