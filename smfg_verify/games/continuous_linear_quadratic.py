"""The linear-quadratic game on the real line, sampled exactly: nothing of it is discretised."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.games.linear_quadratic import LinearQuadratic
from smfg_verify.records.portable import Portable


class ContinuousLinearQuadratic(Portable, eqx.Module):
    r"""The continuous game behind a `LinearQuadratic` grid, for algorithms that only sample.

    $$ x' = \alpha x + \beta a + \sigma \xi, \ \xi \sim N(0, 1), $$

    without walls, with the rewards of the grid at any real position and action: the coefficients and the formulas are
    the grid's own. The first position is drawn from the grid's initial distribution, on the grid's points, so that
    objectives are those of `smfg_verify.exact.riccati.policy_objective`. The target is public.

    Args:
        grid: gives coefficients, targets and the law of the first position; its resolution has no other part.

    Raises:
        ValueError: a grid whose leader sees more than one observation.
    """

    grid: LinearQuadratic

    def __check_init__(self) -> None:
        if not isinstance(self.grid, LinearQuadratic):
            raise InputError(f"grid: got {type(self.grid).__name__}, expected smfg_verify.games.LinearQuadratic.")
        rows = int(np.max(self.grid.leader_observation)) + 1
        if rows != 1:
            raise InputError(f"grid: its leader has {rows} observations, expected 1: on the line the target is public.")

    @property
    def discount(self) -> Float[Array, ""]:
        """Discount factor gamma."""
        return self.grid.discount

    @property
    def temperature(self) -> Float[Array, ""]:
        """The follower's entropy weight tau, reward; entropies of its actions are differential."""
        return self.grid.temperature

    @property
    def leader_temperature(self) -> Float[Array, ""]:
        """The leader's entropy weight tau_l, reward."""
        return self.grid.leader_temperature

    @property
    def num_leader_actions(self) -> int:
        """Number of targets B."""
        return self.grid.num_leader_actions

    def first_position(self, uniform: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """First positions, from draws in [0, 1), lengths."""
        law = jnp.cumsum(jnp.asarray(self.grid.initial_distribution))
        # Rounding may leave the last sum below one.
        index = jnp.minimum(jnp.searchsorted(law, uniform, side="right"), law.size - 1)
        return jnp.asarray(self.grid.positions)[index]

    def next_position(
        self, position: Float[Array, "*k"], action: Float[Array, "*k"], noise: Float[Array, "*k"]
    ) -> Float[Array, "*k"]:
        """x', lengths, from standard normal draws."""
        return self.grid.mean_move(position, action) + self.grid.noise * noise

    def follower_reward(
        self,
        position: Float[Array, "*k"],
        action: Float[Array, "*k"],
        leader_action: Int[Array, "*k"],
        mean_position: Float[Array, ""],
    ) -> Float[Array, "*k"]:
        """r_f; the mean field enters by the population's mean position."""
        return self.grid.follower_reward_at(position, action, self.grid.targets[leader_action], mean_position)

    def leader_reward(self, position: Float[Array, "*k"], leader_action: Int[Array, "*k"]) -> Float[Array, "*k"]:
        """r_l."""
        return self.grid.leader_reward_at(position, self.grid.targets[leader_action])
