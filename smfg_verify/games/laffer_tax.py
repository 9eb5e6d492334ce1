"""The Laffer curve: the counter-example to gradient alignment."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register("laffer-tax", source="Our instantiation of the Laffer curve with an informal sector.")
class LafferTax(AbstractGame):
    r"""Workers leave the formal sector when the tax rises; the leader lives off the tax.

    States: formal, informal. Follower's action: the sector to work in next. Leader's action b: the tax level.

    $$ r_f = wage (1 - t_b) \text{ in formal}, \quad outside - \kappa m_{informal} \text{ in informal}, \qquad
       r_l = t_b \, m_{formal} \, wage. $$

    With the population held fixed a higher tax always pays, so the leader's direct gradient is positive
    everywhere; past the Laffer peak the total gradient points the other way. The temperature sets the
    peak: at 0.05 and taxes (0, 1) it lies near a mean tax of one half; at 0.5 there is no interior peak.

    Args:
        taxes: levels of the tax, fractions of the wage in [0, 1], (B,).
        wage: of a formal worker, reward.
        outside: of an informal worker with no one else there, reward.
        kappa: congestion cost of the informal sector, reward a unit of mass.
        inertia: e, probability of a uniformly drawn next sector instead.
        observation: row of the leader's logits that each state uses, (2,); one public tax by default.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: our instantiation of the Laffer curve.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import LafferTax
        >>> game, law = LafferTax(), jnp.array([0.5, 0.5])
        >>> [round(float(game.leader_reward(0, 0, b, law)), 3) for b in (0, 1)]  # revenue at either tax
        [0.0, 0.5]
        >>> game.state_labels
        ('formal', 'informal')
    """

    observation: tuple[int, ...] = _fields.indices((0, 0), below="num_states", length="num_states")
    taxes: Float[Array, " B"] = _fields.number(
        (0.0, 1.0), low=0.0, high=1.0, shape=(None,), cause="a percentage where a fraction is meant"
    )
    wage: Float[Array, ""] = _fields.number(1.0, low=0.0, low_open=True)
    outside: Float[Array, ""] = _fields.number(0.5, low=0.0)
    kappa: Float[Array, ""] = _fields.number(0.3, low=0.0)
    inertia: Float[Array, ""] = _fields.probability(0.1)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.05)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, "2"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "affine"
    state_labels = ("formal", "informal")
    follower_action_labels = ("work formally", "work informally")

    def __post_init__(self) -> None:
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
        return self.taxes.shape[-1]

    @property
    def leader_observation(self) -> Int[np.ndarray, "2"]:
        return np.asarray(self.observation)

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"tax level {level}" for level in range(self.num_leader_actions))

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, "2"]:
        return with_inertia(point_mass(follower_action, self.num_states), self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, ""]:
        formal = self.wage * (1.0 - self.taxes[leader_action])
        informal = self.outside - self.kappa * mean_field[1]
        return jnp.where(state == 0, formal, informal)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "2"]
    ) -> Float[Array, ""]:
        return self.taxes[leader_action] * mean_field[0] * self.wage
