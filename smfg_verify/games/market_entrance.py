"""Market entrance: followers choose a side of a market, its operator wants a given split."""

from typing import Any, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass
from smfg_verify.games._registry import register

CONFIGURATIONS = {"balanced": (0.5, 0.5), "buy_skew": (0.7, 0.3), "sell_skew": (0.3, 0.7)}


@register(
    "market-entrance",
    source="Extends the left-right game of MFGLib (arXiv 2304.08630); our instantiation of its use here.",
)
class MarketEntrance(AbstractGame):
    r"""Followers enter sides of a market; its operator favours a side to reach a target split.

    States: the K sides (buy, sell). Follower's action a: the side to enter next. Leader's action b: favour
    none (b = 0) or side b - 1. With probability $1 - e$ the follower goes where it chose; with probability
    e the operator places it, on the favoured side, or uniformly if none is favoured.

    $$ r_f = -\kappa_s m_s + rebate \, 1\{b - 1 = a\}, \qquad
       r_l = weight \cdot scarcity(s, m) - cost \, 1\{b > 0\}. $$

    Scarcity "log" is $\log(target_s / \max(m_s, floor))$: on average over the stationary law it is
    $-KL(m \| target)$, whose gradient through m vanishes on the simplex in that average. Scarcity "quadratic" is
    $-\sum_s (m_s - target_s)^2$, which the leader's direct gradient cannot see. Same economics, opposite
    verdicts on gradient alignment.

    Args:
        num_states: K, number of sides.
        scarcity: "log" or "quadratic".
        kappa: congestion cost of each side, (K,), reward a unit of mass; one number stands for every side;
            by default side k costs k.
        target: the operator's target law, (K,); by default (0.3, 0.7) with two sides, uniform with more.
        rebate: paid to a follower that chooses the favoured side, reward.
        cost: the operator pays when it favours a side, reward.
        weight: of the scarcity in the operator's reward.
        floor: mean field below which the logarithmic scarcity is flat.
        inertia: e, probability that the operator places the follower.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: extends the left-right game of MFGLib (arXiv 2304.08630); our instantiation of the market entrance
    environment of Zeng et al. (arXiv 2509.15392), whose exact table is unknown to us.

    Examples:
        >>> from smfg_verify.games import MarketEntrance
        >>> game = MarketEntrance()
        >>> game.state_labels, game.leader_action_labels
        (('buy', 'sell'), ('none', 'favour buy', 'favour sell'))
    """

    num_states: int = _fields.integer(2, low=2)
    scarcity: str = _fields.choice("log", "quadratic", default="log")
    kappa: Float[Array, " n"] = _fields.number(None, low=0.0, shape=("num_states",))
    target: Float[Array, " n"] = _fields.number(
        None,
        low=0.0,
        low_open=True,
        high=1.0,
        shape=("num_states",),
        sums_to_one=True,
        cause="a side with no target mass, or weights that were not normalised",
    )
    rebate: Float[Array, ""] = _fields.number(0.3, low=0.0)
    cost: Float[Array, ""] = _fields.number(0.05, low=0.0)
    weight: Float[Array, ""] = _fields.number(1.0, low=0.0)
    floor: Float[Array, ""] = _fields.number(1e-3, low=0.0, low_open=True, high=1.0)
    inertia: Float[Array, ""] = _fields.probability(0.2)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"

    @classmethod
    def from_parameters(
        cls, *, configuration: Literal["balanced", "buy_skew", "sell_skew"] | None = None, **parameters: Any
    ) -> "MarketEntrance":
        """A market by the name of its target: "balanced" (any K), "buy_skew" or "sell_skew" (two sides).

        Args:
            configuration: sets `target`; None leaves it to `target` or its default.
            **parameters: fields of the class.

        Returns:
            The game.

        Raises:
            ValueError: an unknown name, a name for two sides with another number of sides, a configuration beside
                a target, or anything the class refuses.
        """
        if configuration is None:
            return cls(**parameters)
        if "target" in parameters:
            raise InputError(
                f"configuration: got {configuration!r} together with target = {parameters['target']!r}, expected "
                "one of the two; likely cause: a configuration is only a name for a target."
            )
        return cls(target=_target_of(configuration, parameters.get("num_states", 2)), **parameters)

    def __post_init__(self) -> None:
        if not _fields.is_size(self.num_states):
            return  # `check_fields` refuses it by name
        self.kappa = jnp.arange(1.0, self.num_states + 1) if self.kappa is None else self.kappa
        self.kappa = _fields.broadcast_number(self.kappa, self.num_states)
        if self.target is None:
            self.target = _target_of("sell_skew" if self.num_states == 2 else "balanced", self.num_states)
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_follower_actions(self) -> int:
        return self.num_states

    @property
    def num_leader_actions(self) -> int:
        return self.num_states + 1

    @property
    def state_labels(self) -> tuple[str, ...]:
        return ("buy", "sell") if self.num_states == 2 else tuple(f"side {k}" for k in range(1, self.num_states + 1))

    @property
    def follower_action_labels(self) -> tuple[str, ...]:
        return tuple(f"enter {label}" for label in self.state_labels)

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return ("none", *(f"favour {label}" for label in self.state_labels))

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        chosen = point_mass(follower_action, self.num_states)
        uniform = jnp.full((self.num_states,), 1.0 / self.num_states, dtype=float)
        placed = jnp.where(leader_action > 0, point_mass(leader_action - 1, self.num_states), uniform)
        return (1.0 - self.inertia) * chosen + self.inertia * placed

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        favoured = leader_action - 1 == follower_action
        return -self.kappa[state] * mean_field[state] + self.rebate * favoured

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        if self.scarcity == "log":
            scarcity = jnp.log(self.target[state] / jnp.maximum(mean_field[state], self.floor))
        else:
            scarcity = -jnp.sum((mean_field - self.target) ** 2)
        return self.weight * scarcity - self.cost * (leader_action > 0)


def _target_of(configuration: str, num_states: int) -> Float[Array, " n"]:
    if not isinstance(configuration, str) or configuration not in CONFIGURATIONS:
        raise InputError(
            f"configuration: got {configuration!r}, expected one of {', '.join(CONFIGURATIONS)}; likely cause: a "
            "misspelt name."
        )
    if configuration == "balanced":
        uniform: Float[Array, " n"] = _fields.uniform_unless_given(None, num_states)
        return uniform
    if num_states != 2:
        raise InputError(
            f"configuration: got {configuration!r} with num_states = {num_states!r}, expected two sides; likely cause: "
            "a skew names the sides buy and sell. Give target, or configuration 'balanced'."
        )
    return jnp.asarray(CONFIGURATIONS[configuration])
