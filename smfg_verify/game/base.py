"""What a game is: the contract every solver, checker and simulator reads.

A game is one equinox module whose array leaves are its parameters and which says three things, each
for one (state, follower action, leader action, mean field): the next-state probabilities, the
follower's reward and the leader's reward. The exact side tabulates these functions with ``vmap``; the
stochastic side calls the very same functions on single samples, so a simulator and a kernel cannot
disagree.
"""

import abc
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from smfg_verify.records.portable import Portable

Dependence = Literal["none", "affine", "general"]
MeanFieldSupport = Literal["states", "state_actions"]

if TYPE_CHECKING:
    # What solvers and simulators pass, and a game's functions have to take.
    Index = Int[Array, ""]
else:
    # Called by hand they are given Python's integers too.
    Index = Int[ArrayLike, ""]
# A parameter of a game: a float as its author may write it, or the traced leaf it becomes.
Scalar = float | Float[Array, ""]
# What an author may write for a float parameter: a number, an array, or numbers in sequences however deep.
Numerical = ArrayLike | Sequence[object]

# What declares a field in place of its default: a type checker takes it for a value of the field, of whatever type.
FieldDefault = Any
# An array of JAX within a compiled program, of NumPy outside.
AnyArray = Array | np.ndarray


def as_parameter(value: Numerical) -> Array:
    """A game parameter as a floating JAX array, so that it is a traced leaf and never a constant.

    Args:
        value: a number or an array of numbers, any shape.

    Returns:
        The same numbers as a JAX array of the default float type.

    Examples:
        >>> from smfg_verify.game import as_parameter
        >>> as_parameter(2).dtype.name, as_parameter([1, 2]).shape
        ('float64', (2,))
    """
    # To convert numbers is a program of its own; to put NumPy's where JAX has its own is none.
    if _is_plain(value) or (isinstance(value, list | tuple) and all(map(_is_plain, value))):
        result: Array = jax.device_put(np.array(value, dtype=jnp.result_type(float)))
        return result
    return jnp.asarray(value, dtype=float)


def _is_plain(value: object) -> bool:
    """A number of Python's, or real numbers of NumPy's."""
    return isinstance(value, int | float) or (isinstance(value, np.ndarray) and value.dtype.kind in "fiu")


def parameter(**kwargs: Any) -> FieldDefault:
    """An equinox field that stores its value as a traced floating array; takes `equinox.field`'s arguments.

    Args:
        **kwargs: of `equinox.field`, such as `default`.

    Returns:
        The field, to be assigned in the body of a class of games.

    Examples:
        >>> import equinox as eqx
        >>> from smfg_verify.game import parameter
        >>> class Priced(eqx.Module):
        ...     price: object = parameter(default=2)
        >>> Priced().price.dtype.name, float(Priced(3).price)
        ('float64', 3.0)
    """
    return eqx.field(converter=as_parameter, **kwargs)


class _Default:
    """Default of an optional attribute of the contract, which a class attribute, field or property overrides.

    A property would forbid a field of the same name, and a plain class attribute would silently become the
    default of a field declared without one. Hiding from the class avoids both.
    """

    def __init__(self, value: Callable[["AbstractGame"], object]):
        self.value = value

    def __get__(self, game: "AbstractGame | None", owner: type) -> object:
        if game is None:
            raise AttributeError("a default of the contract of a game: read it on an instance")
        return self.value(game)


class AbstractGame(Portable, eqx.Module):
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
        initial_distribution: law rho of the first state, (n,), full support; uniform by default.
        leader_observation: row of the leader's logits each state uses, (n,) integers; each state its own by default.
        transition_dependence: how `transition` depends on the mean field: "none", "affine" or "general".
        follower_reward_dependence: the same for `follower_reward`.
        leader_reward_dependence: the same for `leader_reward`.
        state_labels, follower_action_labels, leader_action_labels: names used in reports, or None.
        name: what reports call the game; its class's name if None.

    Source: model of Zeng et al., "Learning in Stackelberg Mean Field Games" (arXiv 2509.15392); here the
    leader's reward may depend on the follower's action and the leader may see only a partition of the states.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import AbstractGame, solve_equilibrium
        >>> class TwoRoads(AbstractGame):  # the leader may toll road 1
        ...     num_states, num_follower_actions, num_leader_actions = 2, 2, 2
        ...     discount, temperature = 0.9, 0.5
        ...     def transition(self, state, follower_action, leader_action, mean_field):
        ...         return 0.8 * jnp.eye(2)[follower_action] + 0.1
        ...     def follower_reward(self, state, follower_action, leader_action, mean_field):
        ...         return -mean_field[state] - 0.5 * state * leader_action
        ...     def leader_reward(self, state, follower_action, leader_action, mean_field):
        ...         return 0.5 * state * leader_action
        >>> equilibrium = solve_equilibrium(TwoRoads(), jnp.zeros((2, 2)))
        >>> bool(equilibrium.converged), equilibrium.mean_field.round(3).tolist()
        (True, [0.546, 0.454])
    """

    if TYPE_CHECKING:
        # A type checker lets a field override a property, but not a property override a field.
        @property
        def num_states(self) -> int: ...
        @property
        def num_follower_actions(self) -> int: ...
        @property
        def num_leader_actions(self) -> int: ...
        @property
        def discount(self) -> Scalar: ...
        @property
        def temperature(self) -> Scalar: ...
        @property
        def leader_temperature(self) -> Scalar: ...
        @property
        def mean_field_support(self) -> MeanFieldSupport: ...
        @property
        def transition_dependence(self) -> Dependence: ...
        @property
        def follower_reward_dependence(self) -> Dependence: ...
        @property
        def leader_reward_dependence(self) -> Dependence: ...
        @property
        def initial_distribution(self) -> Float[Array, " n"]: ...
        @property
        def leader_observation(self) -> Int[ArrayLike, " n"] | tuple[int, ...]: ...
        @property
        def state_labels(self) -> Sequence[str] | None: ...
        @property
        def follower_action_labels(self) -> Sequence[str] | None: ...
        @property
        def leader_action_labels(self) -> Sequence[str] | None: ...
        @property
        def name(self) -> str | None: ...
    else:
        num_states: eqx.AbstractVar[int]
        num_follower_actions: eqx.AbstractVar[int]
        num_leader_actions: eqx.AbstractVar[int]
        discount: eqx.AbstractVar[Any]
        temperature: eqx.AbstractVar[Any]

        leader_temperature = _Default(lambda game: 0.0)
        mean_field_support = _Default(lambda game: "states")
        transition_dependence = _Default(lambda game: "general")
        follower_reward_dependence = _Default(lambda game: "general")
        leader_reward_dependence = _Default(lambda game: "general")
        initial_distribution = _Default(lambda game: jnp.full((game.num_states,), 1.0 / game.num_states, dtype=float))
        leader_observation = _Default(lambda game: np.arange(game.num_states))
        state_labels = _Default(lambda game: None)
        follower_action_labels = _Default(lambda game: None)
        leader_action_labels = _Default(lambda game: None)
        name = _Default(lambda game: None)

    @abc.abstractmethod
    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " k"]:
        """Next-state probabilities: (n,), or (k,) over `successors` where the game defines that method.

        Args:
            state, follower_action, leader_action: indices.
            mean_field: (n,) on states, (n, A) on state-action pairs.

        Returns:
            Probabilities, which sum to one.
        """

    @abc.abstractmethod
    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        """The representative follower's reward r_f, a scalar.

        Args:
            state, follower_action, leader_action: indices.
            mean_field: (n,) on states, (n, A) on state-action pairs.

        Returns:
            The reward of one period.
        """

    @abc.abstractmethod
    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        """The leader's reward r_l, a scalar.

        Args:
            state, follower_action, leader_action: indices.
            mean_field: (n,) on states, (n, A) on state-action pairs.

        Returns:
            The reward of one period.
        """


def mean_field_shape(game: AbstractGame) -> tuple[int, ...]:
    """Shape of the game's mean field: (n,) on states, (n, A) on state-action pairs.

    Args:
        game: any game.

    Returns:
        The shape, whatever the mean field.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import mean_field_shape
        >>> mean_field_shape(games.load("laffer-tax"))
        (2,)
    """
    if game.mean_field_support == "states":
        return (game.num_states,)
    return (game.num_states, game.num_follower_actions)


def game_name(game: AbstractGame) -> str:
    """What reports call a game: its `name`, or its class's where it has none.

    Args:
        game: any game.

    Returns:
        The name.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import game_name
        >>> game_name(games.load("two-road-toll"))
        'TwoRoadToll'
    """
    name = game.name
    return name if isinstance(name, str) and name else type(game).__name__


def num_leader_observations(game: AbstractGame) -> int:
    """Number O of rows of the leader's logits (one more than the largest entry of `leader_observation`).

    Args:
        game: any game.

    Returns:
        O; 1 for one public policy, n where the leader sees every state.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import num_leader_observations
        >>> num_leader_observations(games.load("laffer-tax"))
        1
    """
    return int(np.max(np.asarray(game.leader_observation))) + 1


def leader_logits_shape(game: AbstractGame) -> tuple[int, int]:
    """Shape (O, B) of the leader's logits.

    Args:
        game: any game.

    Returns:
        Observations O and the leader's actions B.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.game import leader_logits_shape
        >>> leader_logits_shape(games.load("laffer-tax")), leader_logits_shape(games.load("random-game"))
        ((1, 2), (5, 3))
    """
    return (num_leader_observations(game), game.num_leader_actions)


def is_traced(game: AbstractGame) -> bool:
    """Whether some leaf of the game is being traced by JAX (then nothing about its numbers can be checked).

    Args:
        game: any game.

    Returns:
        True inside `jax.jit`, `jax.grad` or `jax.vmap` over its parameters.

    Examples:
        >>> import equinox as eqx
        >>> from smfg_verify import games
        >>> from smfg_verify.game import is_traced
        >>> game = games.load("two-road-toll")
        >>> is_traced(game), eqx.filter_jit(is_traced)(game)
        (False, True)
    """
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(game))
