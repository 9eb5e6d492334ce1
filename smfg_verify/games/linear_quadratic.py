"""Linear-quadratic game: noisy movers track a target that the leader sets, on a grid of any resolution."""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float, Int

from smfg_verify.game import AbstractGame
from smfg_verify.game.base import Index
from smfg_verify.games import _fields
from smfg_verify.games._registry import register


@register("linear-quadratic", source="Our discretisation of the linear-quadratic mean field game, with a leader.")
class LinearQuadratic(AbstractGame):
    r"""Followers steer a noisy position to a target, at a cost and apart from the crowd; the leader sets the target.

    The continuous game has states and actions on the real line,

    $$ x' = \alpha x + \beta a + \sigma \xi, \ \xi \sim N(0, 1), \qquad
       r_f = -q (x - t_b)^2 - c \, x \, E_m[x] - r a^2, $$
    $$ r_l = -(x - goal)^2 - cost \, t_b^2, $$

    and an equilibrium in closed form, `smfg_verify.exact.linear_quadratic_equilibrium`. Here x takes n equally
    spaced values in [-L, L] and a takes A in [-a_max, a_max]. The next position, stopped at the walls, is shared
    between its two neighbours on the grid by linear interpolation, and the noise is integrated exactly: with h the
    spacing and X the position before it is shared, grid point j has probability $E[\max(0, 1 - |X - x_j| / h)]$. So the
    mean is that of X at every resolution, and the variance too large by the average of $d (h - d)$, d the
    distance to the left neighbour: by $h^2 / 6$ up to $e^{-2 \pi^2 \sigma^2 / h^2}$. The scheme is of second order.

    Args:
        num_states: n, grid points.
        num_follower_actions: A, grid points of the action.
        half_width: L, length.
        max_action: a_max, length.
        drift: alpha.
        control: beta.
        noise: sigma, length.
        tracking: q, reward a squared length.
        coupling: c, reward a squared length; followers avoid the side of the crowd if positive, seek it if negative.
        effort: r, reward a squared length.
        targets: t_b, lengths, (B,).
        goal: position that the leader wants, length.
        target_cost: of an ambitious target to the leader, reward a squared length.
        observation: row of the leader's logits that each state uses, (n,); one public target by default.
        discount, temperature, leader_temperature, initial_distribution: as in `AbstractGame`.

    Raises:
        ValueError: a parameter of the wrong type, shape or range.

    Source: linear-quadratic mean field games as in arXiv 2008.06845 (there in continuous time); the discrete time,
    the entropy, the leader and the discretisation are our instantiation.

    Examples:
        >>> from smfg_verify.games import LinearQuadratic
        >>> game = LinearQuadratic()
        >>> game.state_labels[::2], game.leader_action_labels
        (('x = -1 L', 'x = 0 L', 'x = 1 L'), ('target 0', 'target 1'))
    """

    num_states: int = _fields.integer(5, low=2)
    num_follower_actions: int = _fields.integer(3, low=2)
    observation: tuple[int, ...] = _fields.indices(None, below="num_states", length="num_states")
    half_width: Float[Array, ""] = _fields.number(1.0, low=0.0, low_open=True)
    max_action: Float[Array, ""] = _fields.number(0.5, low=0.0, low_open=True)
    drift: Float[Array, ""] = _fields.number(1.0)
    control: Float[Array, ""] = _fields.number(1.0)
    noise: Float[Array, ""] = _fields.number(
        0.4, low=0.0, low_open=True, cause="without noise the interpolation has kinks and chains may not mix"
    )
    tracking: Float[Array, ""] = _fields.number(0.5, low=0.0)
    coupling: Float[Array, ""] = _fields.number(0.5)
    effort: Float[Array, ""] = _fields.number(0.5, low=0.0, low_open=True)
    targets: Float[Array, " B"] = _fields.number((0.0, 1.0), shape=(None,))
    goal: Float[Array, ""] = _fields.number(0.5)
    target_cost: Float[Array, ""] = _fields.number(0.1, low=0.0)
    discount: Float[Array, ""] = _fields.discount()
    temperature: Float[Array, ""] = _fields.temperature(0.3)
    leader_temperature: Float[Array, ""] = _fields.leader_temperature()
    initial_distribution: Float[Array, " n"] = _fields.initial_distribution()

    transition_dependence = "none"
    follower_reward_dependence = "affine"
    leader_reward_dependence = "none"

    def __post_init__(self) -> None:
        if not _fields.is_size(self.num_states):
            return  # `check_fields` refuses it by name
        self.observation = (0,) * self.num_states if self.observation is None else self.observation
        self.initial_distribution = _fields.uniform_unless_given(self.initial_distribution, self.num_states)

    def __check_init__(self) -> None:
        _fields.check_fields(self)

    @property
    def num_leader_actions(self) -> int:
        return self.targets.shape[-1]

    @property
    def leader_observation(self) -> Int[np.ndarray, " n"]:
        return np.asarray(self.observation)

    @property
    def state_labels(self) -> tuple[str, ...]:
        return tuple(f"x = {share:.6g} L" for share in np.linspace(-1.0, 1.0, self.num_states))

    @property
    def follower_action_labels(self) -> tuple[str, ...]:
        return tuple(f"a = {share:.6g} max a" for share in np.linspace(-1.0, 1.0, self.num_follower_actions))

    @property
    def leader_action_labels(self) -> tuple[str, ...]:
        return tuple(f"target {level}" for level in range(self.num_leader_actions))

    @property
    def positions(self) -> Float[Array, " n"]:
        """The grid of states, lengths."""
        return self.half_width * np.linspace(-1.0, 1.0, self.num_states)

    @property
    def efforts(self) -> Float[Array, " A"]:
        """The grid of actions, lengths."""
        return self.max_action * np.linspace(-1.0, 1.0, self.num_follower_actions)

    def transition(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, " n"]:
        grid = self.positions
        centre = self.mean_move(grid[state], self.efforts[follower_action])
        spacing = 2.0 * self.half_width / (self.num_states - 1)
        # Share of each cell, on average over it, that the noise passes to the right and to the left of a point.
        right = -jnp.diff(_mean_excess(grid - centre, self.noise)) / spacing
        left = jnp.diff(_mean_excess(centre - grid, self.noise)) / spacing
        from_right = -jnp.diff(right, prepend=1.0, append=0.0)
        from_left = jnp.diff(left, prepend=0.0, append=1.0)
        # The two are equal; each is free of cancellation on its own side, where what it subtracts is small.
        return jnp.maximum(jnp.where(grid > centre, from_right, from_left), 0.0)

    def follower_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        place = (self.positions[state], self.efforts[follower_action], self.targets[leader_action])
        return self.follower_reward_at(*place, mean_field @ self.positions)

    def leader_reward(
        self, state: Index, follower_action: Index, leader_action: Index, mean_field: Float[Array, " n"]
    ) -> Float[Array, ""]:
        return self.leader_reward_at(self.positions[state], self.targets[leader_action])

    def mean_move(self, position: Float[Array, "*k"], effort: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """Where the next position would be without noise and walls, length; any real arguments.

        Args:
            position: length.
            effort: of the follower.

        Returns:
            Length.
        """
        return self.drift * position + self.control * effort

    def follower_reward_at(
        self,
        position: Float[Array, "*k"],
        effort: Float[Array, "*k"],
        target: Float[Array, "*k"],
        mean_position: Float[Array, ""],
    ) -> Float[Array, "*k"]:
        """r_f on the real line; mean_position is the population's.

        Args:
            position: of the follower, length.
            effort: of the follower.
            target: of the leader, length.
            mean_position: of the population, length.

        Returns:
            The reward of one period.
        """
        miss = self.tracking * (position - target) ** 2
        return -miss - self.coupling * position * mean_position - self.effort * effort**2

    def leader_reward_at(self, position: Float[Array, "*k"], target: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """r_l on the real line.

        Args:
            position: of a follower, length.
            target: of the leader, length.

        Returns:
            The reward of one period.
        """
        miss = (position - self.goal) ** 2
        return -miss - self.target_cost * target**2


def _mean_excess(level: Float[Array, " n"], noise: Float[Array, ""]) -> Float[Array, " n"]:
    r"""$E[(\sigma \xi - z)_+] = \sigma \varphi(z / \sigma) - z \, \Phi(-z / \sigma)$ of a standard normal variable."""
    scaled = level / noise
    density = jnp.exp(-0.5 * scaled**2) / np.sqrt(2.0 * np.pi)
    result: Float[Array, " n"] = noise * (density - scaled * ndtr(-scaled))
    return result
