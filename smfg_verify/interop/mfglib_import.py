"""An MFGLib environment, at one of its time steps, with a leader added, as a game."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, Dependence, MeanFieldSupport, as_parameter, validate
from smfg_verify.interop.added_leader import AddedLeader
from smfg_verify.interop.environment_tables import AffineTable, CalledTable, default_dtype, read_tables
from smfg_verify.interop.extras import require


class ImportedGame(AbstractGame):
    """An environment's tables with a leader added. Built by `from_mfglib`."""

    transition_table: AffineTable | CalledTable
    reward_table: AffineTable | CalledTable
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

    def transition(self, state, follower_action, leader_action, mean_field):
        row = self.transition_table(jnp.ravel(mean_field))[state, follower_action]
        change = self.leader.transition
        return row if change is None else change(row, state, follower_action, leader_action, mean_field)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        reward = self.reward_table(jnp.ravel(mean_field))[state, follower_action]
        change = self.leader.follower_reward
        return reward if change is None else change(reward, state, follower_action, leader_action, mean_field)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.asarray(self.leader.reward(state, follower_action, leader_action, mean_field))


def from_mfglib(
    environment: Any,
    leader: AddedLeader,
    *,
    discount: ArrayLike,
    temperature: ArrayLike,
    leader_temperature: ArrayLike = 0.0,
    time: int = 0,
    mean_field_support: MeanFieldSupport = "state_actions",
    initial_distribution: ArrayLike | None = None,
    **parameters: Any,
) -> ImportedGame:
    r"""A stationary Stackelberg game from one time step of an MFGLib environment and a leader of one's own.

    $P(s'|s,a,m) = $ `environment.prob(time, m)[s', s, a]` and $r(s,a,m) = $ `environment.reward(time, m)[s, a]`, held
    for all times; the finite horizon is replaced by the discount. States and actions of several axes are numbered row
    by row. A named environment is made in double precision; one that is given is read in its own, single unless
    torch was told otherwise, and its rows are scaled to sum to one exactly.

    Where both depend on the mean field in an affine way (tested at random mean fields) the game is copied into arrays
    and needs MFGLib no more. Otherwise every evaluation calls the environment, and derivatives of any order come from
    torch; such a game is slow, and what rests on enclosures of its functions is inconclusive.

    Args:
        environment: an `mfglib.env.Environment`, the name of one of its constructors such as "beach_bar", or any
            object with the same `S`, `A`, `mu0`, `reward` and `prob`, in torch or (affine ones) NumPy.
        leader: the leader to add.
        discount: gamma in [0, 1).
        temperature: tau > 0, in units of reward.
        leader_temperature: leader's entropy weight, >= 0, in units of reward.
        time: the step t whose tables are taken.
        mean_field_support: "state_actions", MFGLib's own, or "states" for environments that look at the states only;
            that they do is tested at random mean fields.
        initial_distribution: (n,), full support; the environment's `mu0` if None.
        **parameters: of the named constructor.

    Returns:
        The game, validated.

    Raises:
        ImportError: a name was given and mfglib is not installed; the message has the command.
        ValueError: an unknown name, an object that is no such environment, or what `validate` refuses (among it an
            initial distribution without full support).

    Source: MFGLib (Guo et al. 2023), its class `Environment`.
    """
    if mean_field_support not in ("states", "state_actions"):
        raise InputError(f"mean_field_support: got {mean_field_support!r}, expected 'states' or 'state_actions'.")
    tables = read_tables(_environment(environment, parameters), time, mean_field_support)
    law = tables.initial if initial_distribution is None else initial_distribution
    game = ImportedGame(
        transition_table=tables.transition,
        reward_table=tables.reward,
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


def _environment(environment: Any, parameters: dict[str, Any]) -> Any:
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
