"""The environment that `to_gymnasium` returns; importing this file needs gymnasium."""

from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from smfg_verify.errors import InputError
from smfg_verify.exact.kernel import Kernel


class FollowerEnv(gymnasium.Env[Any, Any]):
    """One follower at a fixed leader and mean field. Built by `to_gymnasium`.

    Attributes:
        discount: gamma.
        horizon: steps until truncation, or None for termination with probability 1 - gamma after each step.
    """

    metadata = {"render_modes": []}  # noqa: RUF012, the name and kind of a gymnasium attribute

    def __init__(
        self,
        kernel: Kernel,
        leader_rows: Float[np.ndarray, "n B"],
        initial_distribution: Float[np.ndarray, " n"],
        discount: float,
        horizon: int | None,
        bonus: Float[np.ndarray, "n A"],
    ):
        num_states, num_actions, _ = kernel.follower_reward.shape
        self.observation_space = gymnasium.spaces.Discrete(num_states)
        self.action_space = gymnasium.spaces.Discrete(num_actions)
        self.discount, self.horizon = discount, horizon
        self._initial, self._leader, self._moves = (
            _cumulative(table) for table in (initial_distribution, leader_rows, np.asarray(kernel.transition))
        )
        self._reward = np.asarray(kernel.follower_reward) + bonus[:, :, None]
        self._leader_reward = np.asarray(kernel.leader_reward)
        self._state, self._steps = 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[int, dict[str, object]]:
        super().reset(seed=seed)
        self._state, self._steps = self._draw(self._initial), 0
        return self._state, {}

    def step(self, action: int | np.integer) -> tuple[int, float, bool, bool, dict[str, object]]:
        if not self.action_space.contains(action):
            raise InputError(f"action: got {action!r}, expected an integer in [0, {self._reward.shape[1]}).")
        leader_action = self._draw(self._leader[self._state])
        met = (self._state, int(action), leader_action)
        self._state, self._steps = self._draw(self._moves[met]), self._steps + 1
        terminated = self.horizon is None and bool(self.np_random.random() >= self.discount)
        truncated = self.horizon is not None and self._steps >= self.horizon
        info: dict[str, object] = {"leader_action": leader_action, "leader_reward": float(self._leader_reward[met])}
        return self._state, float(self._reward[met]), terminated, truncated, info

    def _draw(self, cumulative: Float[np.ndarray, " k"]) -> int:
        return int(np.searchsorted(cumulative, self.np_random.random() * cumulative[-1], side="right"))


def _cumulative(table: Float[np.ndarray, "*rows k"]) -> Float[np.ndarray, "*rows k"]:
    return np.cumsum(table, axis=-1)
