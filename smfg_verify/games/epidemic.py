"""Epidemic: followers meet others or isolate while an infection spreads; the leader restricts contacts."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Dependence, Index
from smfg_verify.games import _fields
from smfg_verify.games._registry import register

_SUSCEPTIBLE, _INFECTED = 0, 1


@register("epidemic", source="After the SIS game of arXiv 2312.10787; our instantiation.")
class Epidemic(AbstractGame):
    r"""Followers weigh the risk of infection against isolation; the leader restricts contacts at a cost.

    States: susceptible S, infected I and, with "SIRS", recovered R. Follower's action a: isolate or meet, with contact
    $c_a$. Leader's action b: the restriction $\rho_b$. Of all contacts a share $\iota$ is with infected outsiders, so
    that a susceptible follower meets the infection in one period of length $\Delta$ with intensity

    $$ \lambda = \Delta \, \beta \, c_a (1 - \rho_b) ((1 - \iota) m_I + \iota), $$

    and is infected with probability $\lambda$ (incidence "proportional", affine in m; $\Delta \beta \le 1$ keeps
    it a probability) or $1 - e^{-\lambda}$ ("exponential", any $\Delta \beta$). The infected recover with intensity
    $\Delta r$, to S or, with "SIRS", to R, whose immunity wanes with intensity $\Delta w$; the same rule makes
    probabilities of these.

    $$ r_f = -cost_I 1\{s = I\} - cost_{isolation} (1 - c_a), \qquad
       r_l = -weight \, m_I - cost_{restriction} \rho_b. $$

    Under a fixed mean contact $\bar c$ the stationary level of infection of "SIS" with proportional incidence solves
    $r m_I = \beta \bar c (1 - m_I) ((1 - \iota) m_I + \iota)$; without importation ($\iota = 0$) nobody infected is
    one equilibrium, and where $\beta \bar c > r$ there is another. With the population held fixed a restriction only
    costs: the leader's direct gradient never sees an infection prevented.

    Args:
        compartments: "SIS" or "SIRS".
        incidence: "proportional" or "exponential".
        infection_rate: beta, a unit of time.
        recovery_rate: r, a unit of time.
        waning_rate: w, a unit of time; only "SIRS" uses it.
        period: Delta, time between two decisions.
        contacts: contact of a follower that isolates and of one that meets, fractions in [0, 1], (2,).
        restrictions: levels of the restriction, fractions of the contacts in [0, 1], (B,).
        importation: iota, share of contacts with infected outsiders.
        infection_cost: of an infected follower, reward a period.
        isolation_cost: of giving up all contact, reward a period.
        weight: of the infected share in the leader's reward.
        restriction_cost: of restricting all contact to the leader, reward a period.
        observation: row of the leader's logits that each state uses, (n,); one public restriction by default.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range, or rates too high for "proportional".

    Source: rates and costs after the SIS game of arXiv 2312.10787; the importation, the restriction and its price are
    our instantiation.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import Epidemic
        >>> game, law = Epidemic(), jnp.array([0.8, 0.2])
        >>> [game.transition(0, 1, b, law).round(3).tolist() for b in (0, 1)]  # who meets others is infected less often
        [[0.9570000000000001, 0.043000000000000003], [1.0, 0.0]]
    """

    compartments: str = _fields.choice("SIS", "SIRS", default="SIS")
    incidence: str = _fields.choice("proportional", "exponential", default="proportional")
    observation: tuple[int, ...] = _fields.indices(None, below="num_states", length="num_states")
    infection_rate: Float[Array, ""] = _fields.number(0.8, low=0.0)
    recovery_rate: Float[Array, ""] = _fields.number(0.2, low=0.0, low_open=True, cause="nobody would ever recover")
    waning_rate: Float[Array, ""] = _fields.number(0.2, low=0.0, low_open=True, cause="immunity would never end")
    period: Float[Array, ""] = _fields.number(0.25, low=0.0, low_open=True)
    contacts: Float[Array, "2"] = _fields.number(
        (0.0, 1.0), low=0.0, high=1.0, shape=("num_follower_actions",), cause="a percentage where a fraction is meant"
    )
    restrictions: Float[Array, " B"] = _fields.number(
        (0.0, 1.0), low=0.0, high=1.0, shape=(None,), cause="a percentage where a fraction is meant"
    )
    importation: Float[Array, ""] = _fields.probability(0.02)
    infection_cost: Float[Array, ""] = _fields.number(0.75, low=0.0)
    isolation_cost: Float[Array, ""] = _fields.number(0.5, low=0.0)
    weight: Float[Array, ""] = _fields.number(2.0, low=0.0)
    restriction_cost: Float[Array, ""] = _fields.number(0.5, low=0.0)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    leader_reward_dependence = "affine"
    follower_reward_dependence = "none"
    follower_action_labels = ("isolate", "meet")

    def __post_init__(self) -> None:
        if self.observation is None:
            self.observation = (0,) * self.num_states
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)
        if self.incidence == "proportional":
            for name in ("infection_rate", "recovery_rate", "waning_rate")[: self.num_states]:
                _check_probability(name, getattr(self, name), self.period)

    @property
    def num_states(self) -> int:
        return 3 if self.compartments == "SIRS" else 2

    @property
    def num_follower_actions(self) -> int:
        return 2

    @property
    def num_leader_actions(self) -> int:
        return self.restrictions.shape[-1]

    @property
    def transition_dependence(self) -> Dependence:
        return "affine" if self.incidence == "proportional" else "general"

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        return np.asarray(self.observation)

    @property
    def state_labels(self) -> tuple[str, ...]:
        return ("susceptible", "infected", "recovered")[: self.num_states]

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"restriction level {level}" for level in range(self.num_leader_actions))

    def infection_probability(
        self, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        """Probability that a susceptible follower is infected within a period.

        Args:
            follower_action: contact level, an index.
            leader_action: restriction level, an index.
            mean_field: shares of the compartments.

        Returns:
            A probability.
        """
        contact = self.contacts[follower_action] * (1.0 - self.restrictions[leader_action])
        exposure = (1.0 - self.importation) * mean_field[_INFECTED] + self.importation
        return self._probability(self.infection_rate * contact * exposure)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        leave = [
            self.infection_probability(follower_action, leader_action, mean_field),
            self._probability(self.recovery_rate),
            self._probability(self.waning_rate),
        ]
        leaving = jnp.stack(leave[: self.num_states])[state]
        places = jnp.arange(self.num_states)
        # The compartments form a ring: S to I, I to the last one or round to S.
        moved = places == (state + 1) % self.num_states
        return leaving * moved + (1.0 - leaving) * (places == state)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        isolation = self.isolation_cost * (1.0 - self.contacts[follower_action])
        return -self.infection_cost * (state == _INFECTED) - isolation

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        return -self.weight * mean_field[_INFECTED] - self.restriction_cost * self.restrictions[leader_action]

    def _probability(self, rate: Float[Array, ""]) -> Float[Array, ""]:
        intensity = self.period * rate
        return intensity if self.incidence == "proportional" else -jnp.expm1(-intensity)


def _check_probability(name: str, rate: Float[Array, ""], period: Float[Array, ""]) -> None:
    """Refuse a rate whose product with the period is no probability; numbers traced by JAX pass."""
    intensity = _fields.concrete(rate * period)
    if intensity is not None and intensity > 1.0:
        raise InputError(
            f"Epidemic.{name}: got {float(rate):g} with period = {float(period):g}, whose product {float(intensity):g} "
            "is no probability, expected at most 1; likely cause: a period too long for rates of that unit. Shorten "
            "it, or take incidence 'exponential'."
        )
