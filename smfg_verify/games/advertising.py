"""Advertising: two brands compete for customers; the leader advertises one of them."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._moves import point_mass, with_inertia
from smfg_verify.games._registry import register


@register("advertising", source="After the duopoly of arXiv 2312.10787, without common noise; our instantiation.")
class Advertising(AbstractGame):
    r"""Followers choose between two brands that word of mouth makes larger; the leader advertises its own.

    States: (brand k, prospect or adopter), index $2 k + j$ with j = 1 for an adopter; brand 0 is the leader's, brand 1
    its rival's. Follower's action a: stay with the brand or switch to the other; c is the brand so chosen.
    Leader's action b: the level $\ell_b$ of its campaign; the rival's level is fixed. An adopter that stays is lost
    (falls back to prospect) with probability `churn`; everybody else becomes an adopter of c with
    probability $q_c$, a prospect of c otherwise, where three channels may each win the follower over:

    $$ q_c = 1 - (1 - base) (1 - effect \, \ell_c) (1 - word \, m_{c, adopter}). $$

    $$ r_f = 1\{j = 1\} (value_k + network \, m_{k, adopter}) - switching \, 1\{a = 1\}, \qquad
       r_l = margin \, 1\{s = (0, adopter)\} - cost \, \ell_b. $$

    The leader's direct gradient sees whom a campaign wins over, not the word of mouth they spread. A strong network
    value tips the market: equal brands then have three equilibria, and in the equal one less advertising pays.

    Args:
        levels: of the leader's campaign, in [0, 1], (B,).
        rival_level: of the rival's campaign, in [0, 1].
        base: probability that a prospect adopts by itself.
        effect: probability that a campaign of level one wins a prospect.
        word: probability that word of mouth wins a prospect if everybody has adopted the brand.
        churn: probability that an adopter that stays is lost.
        value: of being an adopter of each brand, (2,), reward; one number stands for both.
        network: value of others with the same brand, reward a unit of mass.
        switching: cost of switching, reward.
        margin: the leader earns on an adopter of its brand, reward.
        cost: of a campaign of level one, reward.
        inertia: e, probability of a uniformly drawn next state instead.
        observation: row of the leader's logits that each state uses, (4,); one public campaign by default.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: after the advertising duopoly of arXiv 2312.10787, without its common noise; formulas and numbers are our
    instantiation.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.games import Advertising
        >>> game = Advertising(levels=(0.0, 1.0), word=0.3)
        >>> law = jnp.array([0.25, 0.25, 0.25, 0.25])
        >>> [round(float(game.adoption_probability(0, b, law)), 3) for b in (0, 1)]  # without and with a campaign
        [0.167, 0.5]
    """

    observation: tuple[int, ...] = _fields.indices((0, 0, 0, 0), below="num_states", length="num_states")
    levels: Float[Array, " B"] = _fields.number(
        (0.0, 1.0), low=0.0, high=1.0, shape=(None,), cause="a percentage where a fraction is meant"
    )
    rival_level: Float[Array, ""] = _fields.probability(0.5)
    base: Float[Array, ""] = _fields.probability(0.1)
    effect: Float[Array, ""] = _fields.probability(0.4)
    word: Float[Array, ""] = _fields.probability(0.3)
    churn: Float[Array, ""] = _fields.probability(0.2)
    value: Float[Array, "2"] = _fields.number((0.5, 0.5), shape=("num_brands",))
    network: Float[Array, ""] = _fields.number(0.2)
    switching: Float[Array, ""] = _fields.number(0.2, low=0.0)
    margin: Float[Array, ""] = _fields.number(1.0, low=0.0)
    cost: Float[Array, ""] = _fields.number(0.1, low=0.0)
    inertia: Float[Array, ""] = _fields.probability(0.1)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, "4"] = _fields.initial_distribution()

    transition_dependence = "affine"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "none"
    num_brands = 2
    state_labels = ("own prospect", "own adopter", "rival's prospect", "rival's adopter")
    follower_action_labels = ("stay", "switch")

    def __post_init__(self) -> None:
        self.value = _fields.broadcast_number(self.value, self.num_brands)
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_states(self) -> int:
        return 4

    @property
    def num_follower_actions(self) -> int:
        return 2

    @property
    def num_leader_actions(self) -> int:
        return self.levels.shape[-1]

    @property
    def leader_observation(self) -> Int[np.ndarray, "4"]:
        return np.asarray(self.observation)

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"campaign level {level}" for level in range(self.num_leader_actions))

    def adoption_probability(
        self, brand: Index, leader_action: Index, mean_field: Float[Array, "4"]
    ) -> Float[Array, ""]:
        """Probability that a follower who looks at a brand adopts it.

        Args:
            brand: 0 for the leader's, 1 for the rival's.
            leader_action: campaign level, an index.
            mean_field: over pairs of brand and loyalty.

        Returns:
            A probability.
        """
        level = jnp.where(brand == 0, self.levels[leader_action], self.rival_level)
        missed = (1.0 - self.base) * (1.0 - self.effect * level) * (1.0 - self.word * mean_field[2 * brand + 1])
        return 1.0 - missed

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "4"]
    ) -> Float[Array, "4"]:
        chosen = (state // 2 + follower_action) % 2
        loyal = (state % 2 == 1) & (follower_action == 0)
        adoption = self.adoption_probability(chosen, leader_action, mean_field)
        adopts = jnp.where(loyal, 1.0 - self.churn, adoption)
        prospect, adopter = (point_mass(2 * chosen + j, self.num_states) for j in range(2))
        return with_inertia(adopts * adopter + (1.0 - adopts) * prospect, self.inertia)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "4"]
    ) -> Float[Array, ""]:
        brand, adopter = state // 2, state % 2
        return adopter * (self.value[brand] + self.network * mean_field[state]) - self.switching * follower_action

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, "4"]
    ) -> Float[Array, ""]:
        return self.margin * (state == 1) - self.cost * self.levels[leader_action]
