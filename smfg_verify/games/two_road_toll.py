"""Two roads and a toll: the game whose equilibrium is known in closed form."""

import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register("two-road-toll", source="Our instantiation of a two-road congestion game with tolls; analytic test game.")
class TwoRoadToll(AbstractGame):
    r"""Drivers choose between two congested roads; the leader collects a toll.

    State: the road last taken. Follower's action a: the road to take now. Leader's action b: a row of tolls.

    $$ r_f = -\kappa_a m_a - toll_{b,a}, \qquad r_l = toll_{b,a}. $$

    With one observation and no inertia neither the rewards nor the moves depend on the state, so the follower's
    value is constant over the states and, with $\bar t_a = \sum_b \phi(b) toll_{b,a}$, the equilibrium solves

    $$ m_1 = sigmoid\left( \frac{(\kappa_2 m_2 + \bar t_2) - (\kappa_1 m_1 + \bar t_1)}{\tau} \right). $$

    Args:
        kappa: congestion cost of each road, (2,), reward a unit of mass; one number stands for both roads.
        tolls: toll of each leader action on each road, (B, 2), reward.
        inertia: e, probability of a uniformly drawn next road instead.
        observation: row of the leader's logits that each state uses, (2,).
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: our instantiation; two-road congestion games with tolls go back to Pigou.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import TwoRoadToll
        >>> game, crowded = TwoRoadToll(), jnp.array([0.9, 0.1])
        >>> [round(float(game.follower_reward(0, 0, b, crowded)), 3) for b in (0, 1)]  # on road 1, by tariff
        [-0.9, -1.4]
    """

    observation: tuple[int, ...] = _fields.indices((0, 0), below="num_states", length="num_states")
    kappa: Float[Array, "2"] = _fields.number((1.0, 2.0), low=0.0, shape=("num_states",))
    tolls: Float[Array, "B 2"] = _fields.number(((0.0, 0.0), (0.5, 0.0)), shape=(None, "num_states"))
    inertia: Float[Array, ""] = _fields.probability(0.0)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, "2"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "none"
    state_labels = ("road 1", "road 2")
    follower_action_labels = ("take road 1", "take road 2")

    def __post_init__(self) -> None:
        self.kappa = _fields.broadcast_number(self.kappa, self.num_states)
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_states(self) -> int:
        return 2

    @property
    def num_follower_actions(self) -> int:
        return 2

    @property
    def num_leader_actions(self) -> int:
        return self.tolls.shape[-2]

    @property
    def leader_observation(self) -> Int[np.ndarray, "2"]:
        return np.asarray(self.observation)

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"tariff {row}" for row in range(self.num_leader_actions))

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, "2"]:
        return with_inertia(point_mass(follower_action, self.num_states), self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, ""]:
        congestion = self.kappa[follower_action] * mean_field[follower_action]
        return -congestion - self.tolls[leader_action, follower_action]

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, ""]:
        return self.tolls[leader_action, follower_action]
