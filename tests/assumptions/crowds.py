"""Two-state games whose best-response map is known in closed form, and game arrays rewritten in known ways."""

import dataclasses

import numpy as np

from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame

QUICK = SearchSettings(num_leaders=64, num_starts=4, num_steps=25, num_boxes=50)


def crowd(attraction, temperature, *, inertia=0.0, discount=0.9, bias=0.0, copies=1):
    """Followers choose the next state; its reward is attraction times its mass, plus a bias for state 0.

    Rewards do not depend on the state, so Gamma(m)_0 = (1 - e) sigmoid((k (m_0 - m_1) + bias) / tau - log c) + e / 2
    for every leader, with c copies of the action that leads to state 1.
    """
    targets = np.array([0] + [1] * copies)
    rows = (1.0 - inertia) * np.eye(2)[targets] + 0.5 * inertia
    shape = (2, len(targets), 2)
    slope = np.zeros((2, *shape))
    slope[targets, :, np.arange(len(targets))] = attraction
    return checked(
        TabularGame.from_arrays(
            kernel=np.broadcast_to(rows[None, :, None, :], (*shape, 2)),
            follower_rewards=np.broadcast_to(bias * (targets == 0)[None, :, None], shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=slope,
            discount=discount,
            temperature=temperature,
        )
    )


def packaged(arrays):
    """The package's game of the oracle's arrays."""
    return checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


def scaled(arrays, factor):
    """Rewards and temperature in another unit."""
    names = ("follower_rewards", "follower_rewards_mean_field", "leader_rewards", "leader_rewards_mean_field")
    fields = {name: factor * getattr(arrays, name) for name in names}
    return dataclasses.replace(arrays, temperature=factor * arrays.temperature, **fields)


def relabelled(arrays, states, actions):
    """State k becomes what state states[k] was, follower's actions likewise; mean field on states."""
    pick = lambda table: table[states][:, actions]  # noqa: E731
    return dataclasses.replace(
        arrays,
        kernel=pick(arrays.kernel)[..., states],
        kernel_mean_field=np.array([pick(arrays.kernel_mean_field[j])[..., states] for j in states]),
        follower_rewards=pick(arrays.follower_rewards),
        follower_rewards_mean_field=np.array([pick(arrays.follower_rewards_mean_field[j]) for j in states]),
        leader_rewards=pick(arrays.leader_rewards),
        leader_rewards_mean_field=np.array([pick(arrays.leader_rewards_mean_field[j]) for j in states]),
        initial_distribution=arrays.initial_distribution[states],
        observation=arrays.observation[states],
    )


def with_actions(arrays, actions):
    """The follower has copies of the listed actions; mean field on states."""
    return dataclasses.replace(
        arrays,
        kernel=arrays.kernel[:, actions],
        kernel_mean_field=arrays.kernel_mean_field[:, :, actions],
        follower_rewards=arrays.follower_rewards[:, actions],
        follower_rewards_mean_field=arrays.follower_rewards_mean_field[:, :, actions],
        leader_rewards=arrays.leader_rewards[:, actions],
        leader_rewards_mean_field=arrays.leader_rewards_mean_field[:, :, actions],
    )
