"""A kink of the mean dynamics is seen where it is, and nowhere else."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.local.components import Components
from smfg_verify.bounds.local.kinks import is_differentiable
from smfg_verify.game import AbstractGame, traced


class Bent(AbstractGame):
    """What a follower earns by its second action bends where half the crowd is in the first state."""

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.5
    temperature = 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.7, 0.3)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.abs(mean_field[0] - 0.5) * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[0] * leader_action


@pytest.mark.parametrize(("first", "smooth"), [(0.5, False), (0.4, True), (0.6, True)])
def test_the_dynamics_have_a_derivative_but_at_the_kink(first, smooth):
    zero = np.zeros(2)
    logits = np.array([[0.2, -0.1], [0.3, 0.4]])
    iterate = Components(logits, logits, zero, zero + 0.1, np.array([first, 1.0 - first]))
    assert is_differentiable(traced(Bent()), iterate) is smooth
