"""An MFGLib environment, at one of its time steps, with a leader added, as a game."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, Dependence, MeanFieldSupport, SourceGap, as_parameter, validate
from smfg_verify.game.base import Index, Numerical
from smfg_verify.interop.added_leader import AddedLeader
from smfg_verify.interop.environment import called_tables, default_dtype, enter, environment_of
from smfg_verify.interop.environment_tables import CalledTable, SampledTable, read_tables
from smfg_verify.interop.extras import require
from smfg_verify.records.entries import Entries

# Where tables are compared beside a mean field: this far from it towards so many vertices. Numbers passed are bounded.
_BESIDE = (1e-3, 3e-2)
_MAX_BESIDE, _MAX_NUMBERS = 8, 2**13


class ImportedGame(AbstractGame):
    """An environment's tables with a leader added. Built by `from_mfglib`.

    Wherever an equilibrium is found or a run ends the environment itself is called there; see `source_gap`.

    Attributes:
        transition_table, reward_table: the environment's, copied into arrays or called.
        environment_number: by which the environment is found when it is called.
        leader: the one added.
        num_states, num_follower_actions, mean_field_support: as in `AbstractGame`.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Examples:
        >>> from smfg_verify import AbstractGame
        >>> from smfg_verify.interop import ImportedGame
        >>> issubclass(ImportedGame, AbstractGame)
        True
    """

    transition_table: SampledTable | CalledTable
    reward_table: SampledTable | CalledTable
    environment_number: Int[Array, ""]
    leader: AddedLeader
    num_states: int = eqx.field(static=True)
    num_follower_actions: int = eqx.field(static=True)
    mean_field_support: MeanFieldSupport = eqx.field(static=True)
    discount: Float[Array, ""]
    temperature: Float[Array, ""]
    leader_temperature: Float[Array, ""]
    initial_distribution: Float[Array, " n"]

    @property
    def num_leader_actions(self) -> int:
        return self.leader.num_actions

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        """Row of the leader's logits each state uses."""
        observation = self.leader.observation
        return np.arange(self.num_states) if observation is None else np.asarray(observation)

    @property
    def leader_action_labels(self) -> tuple[str, ...] | None:
        return self.leader.action_labels

    @property
    def transition_dependence(self) -> Dependence:
        own = self.leader.transition is None
        return self.transition_table.dependence if own else self.leader.transition_dependence

    @property
    def follower_reward_dependence(self) -> Dependence:
        own = self.leader.follower_reward is None
        return self.reward_table.dependence if own else self.leader.follower_reward_dependence

    @property
    def leader_reward_dependence(self) -> Dependence:
        return self.leader.reward_dependence

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " k"]:
        row = self.transition_table(jnp.ravel(mean_field), self.environment_number)[state, follower_action]
        change = self.leader.transition
        return row if change is None else change(row, state, follower_action, leader_action, mean_field)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        reward = self.reward_table(jnp.ravel(mean_field), self.environment_number)[state, follower_action]
        change = self.leader.follower_reward
        return reward if change is None else change(reward, state, follower_action, leader_action, mean_field)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        return jnp.asarray(self.leader.reward(state, follower_action, leader_action, mean_field))

    def source_gap(self, mean_field: Float[Array, "..."], policy: Float[Array, "n A"] | None = None) -> SourceGap:
        """How far the tables are from what the environment says, at a mean field and a little towards the vertices.

        Args:
            mean_field: (n,) or (n, A).
            policy: how the followers act in each state, for an environment that is asked about states; None for
                uniformly.

        Returns:
            The largest difference of the environment's own tables from the copies, none for a table that is called.
        """
        fields = _beside(jnp.ravel(mean_field))
        shape = (self.num_states, self.num_follower_actions)
        if self.mean_field_support == "states":
            rows = jnp.full(shape, 1.0 / shape[1]) if policy is None else policy
            joints = (fields[:, :, None] * rows).reshape(len(fields), -1)
        else:
            joints = fields
        told = called_tables(self.environment_number, joints, shape)
        return _largest_gap(self, fields, *told)

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"environment": environment_of(int(self.environment_number))}

    def __setstate__(self, state: Entries) -> None:
        environment = state["environment"]
        super().__setstate__({name: value for name, value in state.items() if name != "environment"})
        # A number belongs to a process: elsewhere, or in a deep copy, the environment that came along gets its own.
        vars(self)["environment_number"] = jnp.asarray(enter(environment, int(self.environment_number)))


def _beside(field: Float[Array, " M"]) -> Float[Array, "K M"]:
    """A mean field, and points a little from it towards vertices spread over the simplex."""
    size = field.shape[0]
    count = min(size, _MAX_BESIDE, max(0, _MAX_NUMBERS // (len(_BESIDE) * size)))
    corners = np.eye(size)[np.linspace(0, size - 1, count).astype(int)]
    return jnp.concatenate([field[None], *((1.0 - step) * field + step * corners for step in _BESIDE)])


def _largest_gap(game: ImportedGame, fields: Float[Array, "K M"], transition: Array, reward: Array) -> SourceGap:
    gaps = [
        _gap(table, game.environment_number, fields, told)
        for table, told in ((game.transition_table, transition), (game.reward_table, reward))
    ]
    first, second = gaps
    reward_is_worse = ~(first.excess >= second.excess)
    result: SourceGap = jax.tree.map(lambda a, b: jnp.where(reward_is_worse, b, a), first, second)
    return result


def _gap(table: SampledTable | CalledTable, number: Array, fields: Float[Array, "K M"], told: Array) -> SourceGap:
    """Of one table, at the worst of K mean fields."""
    reward = jnp.asarray(told.ndim == 3)
    if isinstance(table, CalledTable):  # it is the environment
        nothing = jnp.zeros(())
        return SourceGap(nothing, reward, jnp.zeros(3, int), nothing, nothing, fields[0])
    copied = jax.vmap(lambda field: table(field, number))(fields)
    off = jnp.abs(copied - told)
    worst = jnp.argmax(jnp.where(jnp.isnan(off), jnp.inf, off))
    at, *place = jnp.unravel_index(worst, off.shape)
    row = jnp.stack([*place, jnp.zeros_like(at)][:3])
    # What the copy may lose where JAX computes in single precision; nothing at all for a table of zeros.
    rounding = 64.0 * jnp.finfo(off.dtype).eps * jnp.max(jnp.abs(told)) + jnp.finfo(off.dtype).tiny
    excess = off.ravel()[worst] / jnp.maximum(table.accepted, rounding)
    return SourceGap(excess, reward, row, copied.ravel()[worst], told.ravel()[worst], fields[at])


def from_mfglib(
    environment: object,
    leader: AddedLeader,
    *,
    discount: Numerical,
    temperature: Numerical,
    leader_temperature: Numerical = 0.0,
    time: int | None = None,
    mean_field_support: MeanFieldSupport = "state_actions",
    initial_distribution: Numerical | None = None,
    **parameters: object,
) -> ImportedGame:
    r"""A stationary Stackelberg game from one time step of an MFGLib environment and a leader of one's own.

    $P(s'|s,a,m) = $ `environment.prob(time, m)[s', s, a]` and $r(s,a,m) = $ `environment.reward(time, m)[s, a]`, held
    for all times; the finite horizon is replaced by the discount. States and actions of several axes are numbered row
    by row. A named environment is made in double precision; one that is given is read in its own, single unless
    torch was told otherwise, and its rows are scaled to sum to one exactly.

    Where both are affine in the mean field, at the vertices of the simplex and at some hundred to two thousand probes
    (edges, faces, every scale), the game copies them into arrays. Code that cannot be traced may do anything between
    probes, so the copies are never evidence for a proof, and wherever an equilibrium is found or a run ends the
    environment itself is called, there and beside: where it says something else, a ValueError. Otherwise every
    evaluation calls the environment, and derivatives of any order come from torch; such a game is slow.

    Args:
        environment: an `mfglib.env.Environment`, the name of one of its constructors such as "beach_bar", or any
            object with the same `S`, `A`, `mu0`, `reward` and `prob`, in torch or (affine ones) NumPy. A function of
            time and mean field alone: what changes from call to call is refused.
        leader: the leader to add.
        discount: gamma in [0, 1).
        temperature: tau > 0, in units of reward.
        leader_temperature: leader's entropy weight, >= 0, in units of reward.
        time: the step t whose tables are taken and held; None for an environment that is the same at all steps (its
            horizon `T` long), which is tested.
        mean_field_support: "state_actions", MFGLib's own, or "states" for environments that look at the states only;
            that they do is tested at the probes.
        initial_distribution: (n,), full support; the environment's `mu0` if None.
        **parameters: of the named constructor.

    Returns:
        The game, validated.

    Raises:
        ImportError: a name was given and mfglib is not installed; the message has the command.
        ValueError: an unknown name, an object that is no such environment, a function that is random, not affine in
            NumPy (where, and by how much), or different at other time steps, or what `validate` refuses (among it an
            initial distribution without full support).

    Source: MFGLib (Guo et al. 2023), its class `Environment`.

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from smfg_verify.game import dense_transition
        >>> from smfg_verify.interop import AddedLeader, from_mfglib
        >>> class TwoPlaces:  # has MFGLib's attributes; the follower goes where it likes and shuns crowds
        ...     T, S, A, mu0 = 1, (2,), (2,), np.array([0.5, 0.5])
        ...     def prob(self, t, joint):
        ...         return np.tile(0.8 * np.eye(2)[:, None, :] + 0.1, (1, 2, 1))
        ...     def reward(self, t, joint):
        ...         return np.tile(-joint.sum(axis=1)[:, None], (1, 2))
        >>> leader = AddedLeader(num_actions=1, reward=lambda s, a, b, m: 0.0 * s, reward_dependence="none")
        >>> game = from_mfglib(TwoPlaces(), leader, discount=0.9, temperature=0.5)
        >>> crowd = jnp.array([[0.7, 0.1], [0.1, 0.1]])  # of places and moves
        >>> float(game.follower_reward(0, 1, 0, crowd)), dense_transition(game, 0, 1, 0, crowd).round(3).tolist()
        (-0.8, [0.1, 0.9])
    """
    if mean_field_support not in ("states", "state_actions"):
        raise InputError(f"mean_field_support: got {mean_field_support!r}, expected 'states' or 'state_actions'.")
    tables = read_tables(_environment(environment, parameters), time, mean_field_support)
    law = tables.initial if initial_distribution is None else initial_distribution
    game = ImportedGame(
        transition_table=tables.transition,
        reward_table=tables.reward,
        environment_number=jnp.asarray(tables.number),
        leader=leader,
        num_states=tables.num_states,
        num_follower_actions=tables.num_actions,
        mean_field_support=mean_field_support,
        discount=as_parameter(discount),
        temperature=as_parameter(temperature),
        leader_temperature=as_parameter(leader_temperature),
        initial_distribution=as_parameter(law),
    )
    validate(game)
    return game


def _environment(environment: object, parameters: Entries) -> Any:
    if not isinstance(environment, str):
        if parameters:
            raise InputError(
                f"from_mfglib: got the parameter {next(iter(parameters))!r} beside a finished environment, expected "
                "parameters only with the name of one."
            )
        return environment
    known = require("mfglib.env", "mfglib", "from_mfglib").Environment
    constructors = [name for name in vars(known) if isinstance(vars(known)[name], classmethod)]
    if environment not in constructors:
        raise InputError(f"environment: got {environment!r}, expected one of: {', '.join(constructors)}.")
    with default_dtype("float64"):  # single precision would cost half of the digits
        return getattr(known, environment)(**parameters)
