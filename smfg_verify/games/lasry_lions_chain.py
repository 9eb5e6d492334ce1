"""The chain of Lasry and Lions: people in a row keep apart around a place they like; the leader tolls the middle."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Dependence, Index
from smfg_verify.games import _fields
from smfg_verify.games._registry import register

# Steps that a move and its disturbance add up to.
_STEPS = np.arange(-2, 3)


@register(
    "lasry-lions-chain",
    source="After LasryLionsChain of Bench-MFG, crowd aversion as in Lasry and Lions 2007; the leader is ours.",
)
class LasryLionsChain(AbstractGame):
    r"""Followers in a row are drawn to its middle and pay for the crowd around them; the leader tolls the middle half.

    States: 0..n-1 from left to right. Follower's action: a step of -1, 0 or +1, to which a disturbance of -1, 0 or +1
    is added; the walls stop both. The leader observes whether the state is in the middle half, 0, or outside, 1; its
    action b sets the toll $t_b$, paid each period. With the crowd's density $d_s = n m_s$, one at the uniform law, and
    the distance from the middle as a share of the row, $x_s = (s - (n-1)/2) / n$:

    $$ r_f = -w \, crowd(d_s) - pull \, x_s^2 - fuel \, 1\{a \text{ moves}\} - t_b, \qquad r_l = t_b - weight \, d_s. $$

    Crowd "linear" is d, "log" is $\log(d + floor)$: rewards that fall with the crowd, monotone in the sense of Lasry
    and Lions where w is positive. Parameters mean the same for every n. Moves are local: `transition` gives the
    probabilities of five `successors`, so that rows of 1e5 states are solved without a table.

    Bench-MFG's chain, which pays per unit of mass and of squared distance, is crowd_weight = 40 / n, pull = 3 n^2,
    fuel = 2, noise = (0.025, 0.95, 0.025), tolls = (0,).

    Args:
        num_states: n, length of the row.
        crowd: "linear" or "log".
        crowd_weight: w, cost a unit of density, or of its logarithm, reward; negative where crowds attract.
        floor: density added under the logarithm, which an empty state is worth.
        pull: cost of the squared share of the row, reward; negative where the ends attract.
        fuel: cost of a step, reward.
        tolls: levels of the toll, reward, (B,).
        weight: of the crowd in the leader's reward, a unit of density.
        noise: probabilities of adding -1, 0, +1 to the step, (3,).
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: after LasryLionsChain of Bench-MFG; crowd aversion as in Lasry and Lions 2007.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import LasryLionsChain
        >>> game, law = LasryLionsChain(), jnp.full(7, 1 / 7)
        >>> game.successors(0, 2, 0).tolist(), game.transition(0, 2, 0, law).round(3).tolist()
        ([0, 0, 0, 1, 2], [0.0, 0.0, 0.1, 0.8, 0.1])
        >>> [round(float(game.follower_reward(s, 1, 0, law)), 3) for s in (0, 3)]  # at the wall and in the middle
        [-0.434, -0.25]
    """

    num_states: int = _fields.integer(7, low=1)
    crowd: str = _fields.choice("linear", "log", default="linear")
    crowd_weight: Float[Array, ""] = _fields.number(0.25)
    floor: Float[Array, ""] = _fields.number(1e-3, low=0.0, low_open=True)
    pull: Float[Array, ""] = _fields.number(1.0)
    fuel: Float[Array, ""] = _fields.number(0.05, low=0.0)
    tolls: Float[Array, " B"] = _fields.number((0.0, 0.5), shape=(None,))
    weight: Float[Array, ""] = _fields.number(0.1, low=0.0)
    noise: Float[Array, "3"] = _fields.number(
        (0.1, 0.8, 0.1), low=0.0, high=1.0, shape=(3,), sums_to_one=True, cause="weights that were not normalised"
    )
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
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_follower_actions(self) -> int:
        return 3

    @property
    def num_leader_actions(self) -> int:
        return self.tolls.shape[-1]

    @property
    def follower_reward_dependence(self) -> Dependence:
        return "affine" if self.crowd == "linear" else "general"

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        """0 in the middle half, 1 outside of it."""
        twice = np.abs(2 * np.arange(self.num_states) - (self.num_states - 1))
        return (2 * twice > self.num_states).astype(int)

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"toll level {level}" for level in range(self.num_leader_actions))

    def successors(self, state: Index, follower_action: Index, leader_action: Index) -> Int[Array, "5"]:
        """States at two steps to the left up to two to the right; those beyond a wall are the one before it.

        Args:
            state: from left to right.
            follower_action, leader_action: indices, without effect here.

        Returns:
            Indices of states.
        """
        return jnp.clip(state + _STEPS, 0, self.num_states - 1)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, "5"]:
        disturbance = jnp.arange(5) - follower_action
        within = (disturbance >= 0) & (disturbance < 3)
        return jnp.where(within, self.noise[jnp.clip(disturbance, 0, 2)], 0.0)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        density = self.num_states * mean_field[state]
        crowding = density if self.crowd == "linear" else jnp.log(density + self.floor)
        away = (state - 0.5 * (self.num_states - 1)) / self.num_states
        costs = self.pull * away**2 + self.fuel * (follower_action != 1) + self.tolls[leader_action]
        return -self.crowd_weight * crowding - costs

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        return self.tolls[leader_action] - self.weight * self.num_states * mean_field[state]
