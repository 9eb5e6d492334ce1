"""A leader added to a game which has none."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium, tabulate
from smfg_verify.interop import AddedLeader, from_mfglib
from tests.interop.test_mfglib_import import OPTIONS, StandIn

# What an environment reaches is read from the code as it is, the package's own around it too.
pytestmark = pytest.mark.untyped


def test_a_leader_changes_rewards_and_moves():
    environment = StandIn(3, kernel_coupling=0.0, reward_coupling=0.0)
    leader = AddedLeader(
        num_actions=2,
        reward=lambda s, a, b, m: m[s, a] * b,
        follower_reward=lambda r, s, a, b, m: r - 2.0 * b,
        transition=lambda row, s, a, b, m: jnp.where(b == 1, row[::-1], row),
        follower_reward_dependence="none",
        transition_dependence="none",
        observation=(0, 0, 0, 1),
    )
    game = from_mfglib(environment, leader, **OPTIONS)
    joint = np.random.default_rng(4).dirichlet(np.ones(12)).reshape(4, 3)
    found = tabulate(game, jnp.asarray(joint))
    kernel, rewards = environment.tables(joint)
    np.testing.assert_allclose(found.transition, np.stack([kernel, kernel[..., ::-1]], axis=2), atol=1e-13)
    np.testing.assert_allclose(found.follower_reward, np.stack([rewards, rewards - 2.0], axis=2), atol=1e-13)
    np.testing.assert_allclose(found.leader_reward, np.stack([0.0 * joint, joint], axis=2), atol=1e-13)
    assert solve_equilibrium(game, np.zeros((2, 2))).converged
