"""A game by formulas as every solver, checker and simulator takes it."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame, Dependence, MeanFieldSupport
from smfg_verify.game.base import Index
from smfg_verify.symbolic.programs import Program, run_program


class FormulaGame(AbstractGame):
    """A game that was written as formulas: its three functions are programs printed from them.

    Made by `SymbolicGame.to_game`. Every number is a traced leaf; the programs are data that every process reads alike.

    Attributes:
        parameters: numbers of the formulas, by name.
        discount, temperature, leader_temperature, initial_distribution, leader_observation: as in `AbstractGame`.
        num_states, num_follower_actions, num_leader_actions: sizes.
        mean_field_support: "states" or "state_actions".
        transition_program, follower_reward_program, leader_reward_program: tables of the three functions, flattened.
        transition_dependence, follower_reward_dependence, leader_reward_dependence: as the formulas are.
        definition: the formulas themselves, as text that sympy reads back without loss.
        name, state_labels, follower_action_labels, leader_action_labels: as in `AbstractGame`.

    Examples:
        >>> from smfg_verify import symbolic
        >>> game = symbolic.load("two-road-toll").to_game()
        >>> game.name, sorted(game.parameters), game.follower_reward_dependence
        ('two-road-toll', ['inertia', 'kappa', 'tolls'], 'affine')
    """

    parameters: dict[str, Float[Array, "..."]]
    discount: Float[Array, ""]
    temperature: Float[Array, ""]
    leader_temperature: Float[Array, ""]
    initial_distribution: Float[Array, " n"]
    leader_observation: tuple[int, ...] = eqx.field(static=True)
    num_states: int = eqx.field(static=True)
    num_follower_actions: int = eqx.field(static=True)
    num_leader_actions: int = eqx.field(static=True)
    mean_field_support: MeanFieldSupport = eqx.field(static=True)
    transition_program: Program = eqx.field(static=True)
    follower_reward_program: Program = eqx.field(static=True)
    leader_reward_program: Program = eqx.field(static=True)
    transition_dependence: Dependence = eqx.field(static=True)
    follower_reward_dependence: Dependence = eqx.field(static=True)
    leader_reward_dependence: Dependence = eqx.field(static=True)
    definition: str = eqx.field(static=True)
    name: str | None = eqx.field(static=True, default=None)
    state_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
    follower_action_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
    leader_action_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, " n"]:
        table = self._table(self.transition_program, mean_field).reshape(*self._sizes, self.num_states)
        return table[state, follower_action, leader_action]

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        table = self._table(self.follower_reward_program, mean_field).reshape(self._sizes)
        return table[state, follower_action, leader_action]

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "..."]
    ) -> Float[Array, ""]:
        table = self._table(self.leader_reward_program, mean_field).reshape(self._sizes)
        return table[state, follower_action, leader_action]

    @property
    def _sizes(self) -> tuple[int, int, int]:
        return self.num_states, self.num_follower_actions, self.num_leader_actions

    def _table(self, program: Program, mean_field: Float[Array, "..."]) -> Float[Array, " entries"]:
        numbers = [entry for name in sorted(self.parameters) for entry in jnp.ravel(self.parameters[name])]
        # No entry that depends on an index: under vmap over the indices the table is computed once.
        return jnp.stack(list(run_program(program, [*numbers, *jnp.ravel(mean_field)])))
