"""Values of a game's functions: finite, probabilities, and of the dependence that is declared."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import validate
from tests.game.test_validation import Congested, DeclaresTooLittle


class DeclaresAffine(Congested):
    follower_reward_dependence = "affine"


class BranchesInPython(Congested):
    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 1.0 if state == 0 else 0.0


class UsesNumpy(Congested):
    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return float(np.log(mean_field[0]))


class VectorReward(Congested):
    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field


class IntegerReward(Congested):
    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return state


class LogAtTheVertex(Congested):
    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return jnp.log(mean_field[state])


class WrongNumberOfStates(Congested):
    num_states = 3


class NegativeInside(Congested):
    """A distribution at both vertices, with a negative entry between them."""

    def transition(self, state, follower_action, leader_action, mean_field):
        dip = 2.0 * mean_field[0] * mean_field[1]
        return jnp.array([1.0, 0.0]) + dip * jnp.array([1.0, -1.0])


class SizeIsAnArray(Congested):
    num_states: object = eqx.field(default_factory=lambda: jnp.asarray(2))


@pytest.mark.parametrize(
    ("game", "message"),
    [
        (DeclaresTooLittle, "follower_reward_dependence: declared 'none', but follower_reward changes by"),
        (DeclaresAffine, "follower_reward_dependence: declared 'affine', but follower_reward differs by"),
        (BranchesInPython, "follower_reward: JAX cannot trace it .*jnp.where"),
        (UsesNumpy, "leader_reward: JAX cannot trace it"),
        (VectorReward, r"leader_reward: got a result of shape \(2,\), expected \(\): a scalar"),
        (IntegerReward, "leader_reward: got a result of type int"),
        (LogAtTheVertex, "follower_reward: got NaN or an infinite number at mean field vertex 0"),
        (WrongNumberOfStates, r"transition: got a result of shape \(2,\), expected \(3,\)"),
        (NegativeInside, "transition: got a probability of -.* at mean field random field"),
        (SizeIsAnArray, "num_states: got .*expected a positive Python int"),
    ],
)
def test_user_games_are_refused_with_the_cause(game, message):
    with pytest.raises(ValueError, match=message):
        validate(game())
