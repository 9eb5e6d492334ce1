"""Plain fields that are no numbers decide what a game computes: its equilibrium against a root of one variable."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from smfg_verify.exact import solve_equilibrium
from smfg_verify.game import AbstractGame, parameter, validate


class Crowded(AbstractGame):
    """No discount: who goes to state a gains gain(m[a]), and 0.7 in state 1."""

    discount: float = parameter(default=0.0)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 1

    def gain(self, x):
        raise NotImplementedError

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return self.gain(mean_field[follower_action]) + 0.7 * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


class Truth(Crowded):
    averse: bool = True

    def gain(self, x):
        return -x if self.averse else 0.1 * x


class Count(Crowded):
    terms: int = 2

    def gain(self, x):
        return -sum(x ** (i + 1) for i in range(self.terms))


class Word(Crowded):
    kind: str = "linear"

    def gain(self, x):
        return -x if self.kind == "linear" else -x * x


class Function(Crowded):
    shape: object = jnp.tanh

    def gain(self, x):
        return -self.shape(x)


class Words(Crowded):
    rules: tuple = ("linear", 2.0)

    def gain(self, x):
        return -self.rules[1] * (x if self.rules[0] == "linear" else x * x)


GAINS = {
    "a truth value": (Truth(), lambda x: -x),
    "another truth value": (Truth(averse=False), lambda x: 0.1 * x),
    "a count": (Count(terms=3), lambda x: -x - x**2 - x**3),
    "a word": (Word(kind="square"), lambda x: -(x**2)),
    "a function": (Function(), lambda x: -np.tanh(x)),
    "a word and a number": (Words(), lambda x: -2.0 * x),
}


# Each is a program of its own; the default run has one of each kind that JAX cannot trace.
QUICKLY = ("a word", "a function")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind not in QUICKLY)) for kind in GAINS]
)
def test_a_game_with_such_a_field_is_solved(kind):
    game, gain = GAINS[kind]
    validate(game)

    def excess(m):
        logit = (gain(m) + 0.7 - gain(1.0 - m)) / 0.5
        return 0.1 + 0.8 / (1.0 + np.exp(-logit)) - m

    found = solve_equilibrium(game, np.zeros((2, 1)))
    assert float(found.mean_field[1]) == pytest.approx(brentq(excess, 0.0, 1.0, xtol=1e-14), abs=1e-11)
