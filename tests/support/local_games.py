"""Small games of local moves that use all that the contract allows, for the sparse side."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame, parameter


class Crossing(AbstractGame):
    """A ring whose moves depend on both actions and on the crowd; one successor is listed twice, one state is left.

    The crowd counts by state and action, the probabilities of a move fall with it, and state 0 is never entered.
    """

    num_states: int = eqx.field(static=True, default=9)
    mean_field_support = "state_actions"
    num_follower_actions, num_leader_actions = 2, 2
    discount: Float[Array, ""] = parameter(default=0.9)
    temperature: Float[Array, ""] = parameter(default=0.4)
    leader_temperature: Float[Array, ""] = parameter(default=0.1)

    @property
    def leader_observation(self):
        return tuple(int(2 * s >= self.num_states) for s in range(self.num_states))

    def successors(self, state, follower_action, leader_action):
        ring = self.num_states - 1
        here, ahead = (state - 1) % ring + 1, state % ring + 1
        across = (state + 2 + follower_action + leader_action) % ring + 1
        return jnp.stack([here, ahead, across, ahead])

    def transition(self, state, follower_action, leader_action, mean_field):
        crowd = jnp.sum(mean_field[state % (self.num_states - 1) + 1])
        jump = (0.15 + 0.1 * follower_action) / (1.0 + crowd)
        ahead = 0.2 + 0.1 * leader_action
        return jnp.stack([1.0 - jump - ahead, 0.25 * ahead, jump, 0.75 * ahead])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        crowd = mean_field[state, follower_action] + 0.3 * mean_field[0, 1]
        return jnp.sin(state) - 2.0 * crowd - 0.3 * leader_action * follower_action - 0.2 * jnp.sum(mean_field**2)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.3 * leader_action * follower_action - mean_field[state, 1] + 0.1 * state


class TwoSinks(AbstractGame):
    """A line with an absorbing state at each end: two recurrent classes."""

    num_states, num_follower_actions, num_leader_actions = 6, 2, 1
    discount, temperature = 0.9, 0.5

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, state + jnp.where((state == 0) | (state == 5), 0, 2 * follower_action - 1)])

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.array([0.5, 0.5])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[state]


class Steep(AbstractGame):
    """A ring that pays the root of the crowd, but for a kink where a quarter of all are in a state."""

    num_states: int = eqx.field(static=True, default=4)
    kink: Float[Array, ""] = parameter(default=1.0)
    num_follower_actions, num_leader_actions = 2, 2
    discount, temperature = 0.8, 0.5

    @property
    def leader_observation(self):
        return (0,) * self.num_states

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, (state + 1) % self.num_states])

    def transition(self, state, follower_action, leader_action, mean_field):
        move = 0.3 + 0.4 * follower_action + 0.1 * leader_action * (state == 0)
        return jnp.stack([1.0 - move, move])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -self.kink * jnp.abs(mean_field[state] - 1.0 / self.num_states) - 0.1 * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] + 0.1 * leader_action


class Ring(AbstractGame):
    """A ring of twenty states; two zones of the leader; what the crowd does to either reward is chosen by `kind`."""

    kind: str = eqx.field(static=True, default="none")
    crowding: Float[Array, ""] = parameter(default=1.0)
    discount: Float[Array, ""] = parameter(default=0.9)
    temperature: Float[Array, ""] = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 20, 2, 2

    @property
    def leader_observation(self):
        return tuple(int(s >= 10) for s in range(20))

    def successors(self, state, follower_action, leader_action):
        return jnp.stack([state, (state + 1) % 20, (state - 1) % 20])

    def transition(self, state, follower_action, leader_action, mean_field):
        ahead, back = 0.2 + 0.1 * follower_action, 0.3 - 0.1 * follower_action + 0.05 * leader_action
        return jnp.stack([1.0 - ahead - back, ahead, back])

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        ahead, back = mean_field[(state + 1) % 20], mean_field[(state - 1) % 20]
        crowd = ahead - 2.0 * mean_field[state] + back if self.kind == "steep" else -mean_field[state]
        return jnp.sin(state + 0.3) + (0.0 if self.kind == "none" else self.crowding * crowd)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        here = mean_field[state]
        # Flat, but reverse differentiation multiplies its zero by a root's NaN.
        bonus = jnp.where(here > 0.9, jnp.sqrt(here - 0.9), 0.0) if self.kind == "nan slope" else 0.0
        return jnp.cos(state) * here + 0.1 * leader_action + bonus


class Alike(AbstractGame):
    """A ring whose actions lead to the same, listed in another order, and are paid alike; the leader gains by one.

    Each action is taken by half of all: $r_{l,\\pi} = b + (1 + b) / 2$, whatever the temperature.
    """

    rewards: Float[Array, ""] = parameter(default=1.0)
    discount: Float[Array, ""] = parameter(default=0.9)
    temperature: Float[Array, ""] = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 20, 2, 2

    @property
    def leader_observation(self):
        return tuple(int(s >= 10) for s in range(20))

    def successors(self, state, follower_action, leader_action):
        ahead, back = (state + 1) % 20, (state - 1) % 20
        return jnp.where(follower_action == 0, jnp.stack([state, ahead, back]), jnp.stack([back, state, ahead]))

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(follower_action == 0, jnp.array([0.47, 0.3, 0.23]), jnp.array([0.23, 0.47, 0.3]))

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return self.rewards * jnp.sin(state + 0.3)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return follower_action + (1.0 + follower_action) * leader_action
