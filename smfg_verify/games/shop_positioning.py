"""Shop positioning: followers spread around a shop whose place the leader chooses."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Dependence, Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register("shop-positioning", source="Extends the beach bar game of Perrin et al. 2020 in MFGLib; our instantiation.")
class ShopPositioning(AbstractGame):
    r"""Followers walk towards a shop and away from the crowd; the leader moves the shop.

    States: n positions on a line (walls: moves clip) or on a ring (moves wrap); `dist` is the distance of the
    same topology. Follower's action: a step in {-1, 0, +1}, to which noise in {-1, 0, +1} is added. Leader's
    action b: the shop stands at `locations[b]`.

    $$ r_f = -dist(s, shop_b) / n - |step| / n - crowd(m_s), \qquad
       r_l = \sum_{s'} m_{s'} e^{-dist(s', shop_b)} - c \, dist(shop_b, base). $$

    Crowd "linear" is $w m_s$, "log" is $w \log \max(m_s, floor)$.

    Args:
        num_states: n, number of positions.
        topology: "line" or "ring".
        crowd: "linear" or "log".
        locations: positions the shop may take, one for each of the leader's actions; by default all n.
        base: position from which the shop's distance costs; by default n // 2, the centre of the line.
        crowd_weight: w, reward a unit of mass.
        floor: mean field below which the logarithmic crowd is flat.
        base_cost: c, reward a step between shop and base.
        noise: probabilities of adding -1, 0, +1 to the step, (3,).
        inertia: e, probability of a uniformly drawn next position instead.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: extends the beach bar game of Perrin et al. 2020 in MFGLib; our instantiation.

    Examples:
        >>> from smfg_verify.games import ShopPositioning
        >>> game = ShopPositioning()
        >>> game.num_states, game.num_follower_actions, game.leader_action_labels[0]
        (5, 3, 'shop at 0')
    """

    num_states: int = _fields.integer(5, low=2)
    topology: str = _fields.choice("line", "ring", default="line")
    crowd: str = _fields.choice("linear", "log", default="linear")
    locations: tuple[int, ...] = _fields.indices(None, below="num_states")
    base: int = _fields.integer(None, low=0, below="num_states")
    crowd_weight: Float[Array, ""] = _fields.number(0.5, low=0.0)
    floor: Float[Array, ""] = _fields.number(1e-3, low=0.0, low_open=True, high=1.0)
    base_cost: Float[Array, ""] = _fields.number(0.05, low=0.0)
    noise: Float[Array, "3"] = _fields.number(
        (0.25, 0.5, 0.25), low=0.0, high=1.0, shape=(3,), sums_to_one=True, cause="weights that were not normalised"
    )
    inertia: Float[Array, ""] = _fields.probability(0.0)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    transition_dependence = "none"
    leader_reward_dependence = "affine"
    follower_action_labels = ("left", "stay", "right")

    def __post_init__(self) -> None:
        if not _fields.is_size(self.num_states):
            return  # `check_fields` refuses it by name
        self.locations = tuple(range(self.num_states)) if self.locations is None else self.locations
        self.base = self.num_states // 2 if self.base is None else self.base
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_follower_actions(self) -> int:
        return 3

    @property
    def num_leader_actions(self) -> int:
        return len(self.locations)

    @property
    def follower_reward_dependence(self) -> Dependence:
        return "affine" if self.crowd == "linear" else "general"

    @property
    def state_labels(self) -> tuple[str, ...]:
        return tuple(f"position {k}" for k in range(self.num_states))

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"shop at {k}" for k in self.locations)

    def distance(self, first: Int[Array, "..."], second: Int[Array, "..."] | int) -> Int[Array, "..."]:
        """Number of steps between two positions, along the line or around the ring.

        Args:
            first, second: indices of positions.

        Returns:
            Steps, 0 where they are the same.
        """
        steps = jnp.abs(first - second)
        return steps if self.topology == "line" else jnp.minimum(steps, self.num_states - steps)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        targets = state + (follower_action - 1) + jnp.arange(-1, 2)
        targets = jnp.clip(targets, 0, self.num_states - 1) if self.topology == "line" else targets % self.num_states
        return with_inertia(self.noise @ point_mass(targets, self.num_states), self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        steps = self.distance(state, self._shop(leader_action)) + jnp.abs(follower_action - 1)
        mass = mean_field[state]
        crowding = mass if self.crowd == "linear" else jnp.log(jnp.maximum(mass, self.floor))
        return -steps / self.num_states - self.crowd_weight * crowding

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        shop = self._shop(leader_action)
        reach = jnp.exp(-self.distance(jnp.arange(self.num_states), shop).astype(float))
        return mean_field @ reach - self.base_cost * self.distance(shop, self.base)

    def _shop(self, leader_action: Index) -> Index:
        return jnp.asarray(np.asarray(self.locations))[leader_action]
