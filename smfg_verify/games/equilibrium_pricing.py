"""Equilibrium pricing: producers meet a price that total production sets; the leader taxes them."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register(
    "equilibrium-pricing", source="Extends the equilibrium price game of Guo et al. 2022 in MFGLib; our instantiation."
)
class EquilibriumPricing(AbstractGame):
    r"""Producers sell q and order h units; the price falls with total production; the leader taxes each unit.

    States: inventory s in 0..i (Guo et al. use i = 3; i = 5 is the larger instance). Follower's action
    (q, h) in {0..Q} x {0..H}, index q (H + 1) + h. Leader's action b: the level of the tax. The mean field m is a
    law over (state, action): $E_m[q]$ is production a head.

    $$ p = (d / (E_m[q] + e_0))^{1/\sigma}, \qquad s' = \min(s - \min(q, s) + h, i), $$
    $$ r_f = (p - c_0 - tax_b) q - c_1 q^2 - c_2 h - (c_2 + c_3) \max(q - s, 0) - c_4 s, $$
    $$ r_l = tax_b E_m[q] - weight (p - p_{target})^2. $$

    Args:
        max_inventory: i, units.
        max_production: Q, units a period.
        max_order: H, units a period.
        demand: d, scale of demand.
        outside_supply: e0, units a head that others supply; keeps the price finite.
        elasticity: sigma, price elasticity of demand.
        costs: (c0, ..., c4): production, quadratic production, order, backlog, holding, price a unit.
        taxes: levels of the tax, price a unit, (B,).
        weight: of the price target in the leader's reward.
        price_target: price the leader wants.
        inertia: e, probability of a uniformly drawn next inventory instead.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: extends equilibrium_price of MFGLib, after Guo et al. 2022; the tax, the leader's reward and the numbers
    are our instantiation.

    Examples:
        >>> from smfg_verify.games import EquilibriumPricing
        >>> game = EquilibriumPricing()
        >>> game.state_labels, game.leader_action_labels
        (('0 in stock', '1 in stock', '2 in stock', '3 in stock'), ('tax level 0', 'tax level 1', 'tax level 2'))
    """

    max_inventory: int = _fields.integer(3, low=1)
    max_production: int = _fields.integer(2, low=1)
    max_order: int = _fields.integer(2, low=1)
    demand: Float[Array, ""] = _fields.number(1.0, low=0.0, low_open=True)
    outside_supply: Float[Array, ""] = _fields.number(
        1.0, low=0.0, low_open=True, cause="with no outside supply the price is infinite where nobody produces"
    )
    elasticity: Float[Array, ""] = _fields.number(1.0, low=0.0, low_open=True)
    costs: Float[Array, "5"] = _fields.number((0.2, 0.1, 0.1, 0.1, 0.1), low=0.0, shape=(5,))
    taxes: Float[Array, " B"] = _fields.number((0.0, 0.2, 0.4), shape=(None,))
    weight: Float[Array, ""] = _fields.number(1.0, low=0.0)
    price_target: Float[Array, ""] = _fields.number(0.6, low=0.0)
    inertia: Float[Array, ""] = _fields.probability(0.0)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    mean_field_support = "state_actions"
    transition_dependence = "none"

    def __post_init__(self) -> None:
        if _fields.is_size(self.max_inventory):
            self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_states(self) -> int:
        return self.max_inventory + 1

    @property
    def num_follower_actions(self) -> int:
        return (self.max_production + 1) * (self.max_order + 1)

    @property
    def num_leader_actions(self) -> int:
        return self.taxes.shape[-1]

    @property
    def state_labels(self) -> tuple[str, ...]:
        return tuple(f"{units} in stock" for units in range(self.num_states))

    @property
    def follower_action_labels(self) -> tuple[str, ...]:
        return tuple(f"q={q}, h={h}" for q in range(self.max_production + 1) for h in range(self.max_order + 1))

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"tax level {level}" for level in range(self.num_leader_actions))

    def production_and_order(self, follower_action: Int[Array, "..."]) -> tuple[Int[Array, "..."], Int[Array, "..."]]:
        """The quantities q and h behind an action's index.

        Args:
            follower_action: indices.

        Returns:
            q and h, units a period.
        """
        return follower_action // (self.max_order + 1), follower_action % (self.max_order + 1)

    def mean_production(self, mean_field: Float[Array, "n A"]) -> Float[Array, ""]:
        """Production a head E_m[q], units.

        Args:
            mean_field: over pairs of inventory and action.

        Returns:
            Units a head and period.
        """
        quantities, _ = self.production_and_order(jnp.arange(self.num_follower_actions))
        return jnp.sum(mean_field @ quantities.astype(float))

    def price(self, mean_field: Float[Array, "n A"]) -> Float[Array, ""]:
        """Price p that clears the market at a mean field.

        Args:
            mean_field: over pairs of inventory and action.

        Returns:
            Money a unit.
        """
        return (self.demand / (self.mean_production(mean_field) + self.outside_supply)) ** (1.0 / self.elasticity)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "n A"]
    ) -> Float[Array, " n"]:
        sold, ordered = self.production_and_order(follower_action)
        inventory = jnp.minimum(state - jnp.minimum(sold, state) + ordered, self.max_inventory)
        return with_inertia(point_mass(inventory, self.num_states), self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "n A"]
    ) -> Float[Array, ""]:
        sold, ordered = self.production_and_order(follower_action)
        margin = self.price(mean_field) - self.costs[0] - self.taxes[leader_action]
        backlog = (self.costs[2] + self.costs[3]) * jnp.maximum(sold - state, 0)
        return margin * sold - self.costs[1] * sold**2 - self.costs[2] * ordered - backlog - self.costs[4] * state

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "n A"]
    ) -> Float[Array, ""]:
        revenue = self.taxes[leader_action] * self.mean_production(mean_field)
        return revenue - self.weight * (self.price(mean_field) - self.price_target) ** 2
