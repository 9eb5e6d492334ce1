"""Independent leader: a maintenance game in which the followers cannot touch what the leader cares about."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register("independent-leader", source="Our instantiation of a structural condition for exact gradient alignment.")
class IndependentLeader(AbstractGame):
    r"""The leader maintains roads; drivers use them or not, and change neither their quality nor its cost.

    States: quality s in 0..n-1 of the road a driver lives on. Follower's action a: stay home (0) or drive (1). Leader's
    action b: defer (0) or repair (1). A repair lifts the quality by one with probability `repair_success`,
    deferring lowers it by one with probability `decay`; both stop at the ends.

    $$ r_f = a \, (s / (n-1) - \kappa m_s - disruption \cdot b), \qquad r_l = s / (n-1) - cost \cdot b. $$

    Neither the leader's reward nor the transition depends on the mean field or on the follower's action, so
    the policy and mean field responses vanish and the direct gradient is the total gradient.

    Args:
        num_states: n, number of quality levels.
        kappa: congestion cost, reward a unit of mass.
        disruption: cost of driving during a repair, reward.
        cost: of a repair to the leader, reward.
        repair_success: probability that a repair lifts the quality.
        decay: probability that the quality falls when the repair is deferred.
        inertia: e, probability of a uniformly drawn next quality instead.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: our instantiation.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import IndependentLeader
        >>> game, law = IndependentLeader(), jnp.array([1.0, 0.0, 0.0])
        >>> [round(float(game.leader_reward(1, a, 1, law)), 3) for a in (0, 1)]  # whatever the followers do
        [0.2, 0.2]
    """

    num_states: int = _fields.integer(3, low=2)
    kappa: Float[Array, ""] = _fields.number(1.0, low=0.0)
    disruption: Float[Array, ""] = _fields.number(0.3, low=0.0)
    cost: Float[Array, ""] = _fields.number(0.3, low=0.0)
    repair_success: Float[Array, ""] = _fields.probability(0.8)
    decay: Float[Array, ""] = _fields.probability(0.5)
    inertia: Float[Array, ""] = _fields.probability(0.1)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "none"
    follower_action_labels = ("stay home", "drive")
    leader_action_labels = ("defer", "repair")

    def __post_init__(self) -> None:
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_follower_actions(self) -> int:
        return 2

    @property
    def num_leader_actions(self) -> int:
        return 2

    @property
    def state_labels(self) -> tuple[str, ...]:
        return tuple(f"quality {level}" for level in range(self.num_states))

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        step = 2 * leader_action - 1
        moved = point_mass(jnp.clip(state + step, 0, self.num_states - 1), self.num_states)
        probability = jnp.where(leader_action == 1, self.repair_success, self.decay)
        drift = probability * moved + (1.0 - probability) * point_mass(state, self.num_states)
        return with_inertia(drift, self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        benefit = state / (self.num_states - 1)
        return follower_action * (benefit - self.kappa * mean_field[state] - self.disruption * leader_action)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        return state / (self.num_states - 1) - self.cost * leader_action
