"""Proofs of independence: from the program, or from whole tables, never from a declaration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.checking import checked
from smfg_verify.assumptions.gradient_alignment.independence import (
    FUNCTIONS,
    arguments_reaching_result,
    change_at,
    prove_independence,
)
from smfg_verify.game import AbstractGame, TabularGame
from smfg_verify.games import load


class Probe(AbstractGame):
    """A two-state game whose leader's reward is given; everything is declared independent of the mean field."""

    reward: str

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.9
    temperature = 0.3
    transition_dependence = "none"
    leader_reward_dependence = "none"

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(leader_action == 1, jnp.array([0.7, 0.3]), jnp.array([0.4, 0.6]))

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state] * follower_action

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return REWARDS[self.reward](state, follower_action, leader_action, mean_field)


@jax.jit
def pair(state, mean_field):
    return state * 0.5, mean_field[0]


TABLE = jnp.array([[1.0, 2.0], [1.0, 2.0]])
REWARDS = {
    "plain": lambda s, a, b, m: 1.0 * s + b,
    "inner program": lambda s, a, b, m: pair(s, m)[0] + b,
    "indexed in vain": lambda s, a, b, m: TABLE[a, b] + s,
    "action": lambda s, a, b, m: 1.0 * s + 1e-3 * a,
    "field in vain": lambda s, a, b, m: s + jnp.sum(m),
    "inner program, other result": lambda s, a, b, m: pair(s, m)[1] * 0.0 + b,
    "loop": lambda s, a, b, m: jax.lax.fori_loop(0, 2, lambda i, x: x + 0.0 * m[0], 1.0 * s),
    "branch": lambda s, a, b, m: jax.lax.cond(m[0] > 2.0, lambda: 1.0, lambda: 0.0) + s,
    "callback": lambda s, a, b, m: jax.pure_callback(
        lambda x, y: np.asarray(x, dtype=np.float64),
        jax.ShapeDtypeStruct((), jnp.float64),
        s,
        m,
        vmap_method="sequential",
    ),
}


@pytest.mark.parametrize("reward", ["plain", "inner program"])
def test_independence_seen_in_the_program(reward):
    assert arguments_reaching_result(FUNCTIONS["leader_reward"], Probe(reward=reward)) == {0, 2}
    assert prove_independence(Probe(reward=reward), "leader_reward").proved


def test_an_index_without_effect_is_decided_by_the_whole_table():
    game = Probe(reward="indexed in vain")
    assert arguments_reaching_result(FUNCTIONS["leader_reward"], game) == {0, 1, 2}
    found = prove_independence(game, "leader_reward")
    assert found.proved
    assert found.how == "table"


@pytest.mark.parametrize("reward", ["field in vain", "inner program, other result", "loop", "branch", "callback"])
def test_a_path_from_the_mean_field_is_never_proved_away(reward):
    """The value does not change, but that cannot be read off the program: no proof."""
    game = Probe(reward=reward)
    assert 3 in arguments_reaching_result(FUNCTIONS["leader_reward"], game)
    found = prove_independence(game, "leader_reward")
    assert not found.mean_field
    assert not found.proved


def test_declared_independent_but_the_action_enters():
    """The declaration covers the mean field only, and it is not what is looked at."""
    found = prove_independence(checked(Probe(reward="action")), "leader_reward")
    assert not found.follower_action
    assert found.mean_field
    assert np.isclose(found.change, 1e-3)
    assert change_at(Probe(reward="action"), "leader_reward", found.witness) == pytest.approx(1e-3)


def test_shipped_games():
    independent = checked(load("independent-leader"))
    assert all(prove_independence(independent, name).proved for name in FUNCTIONS)
    for name in ("laffer-tax", "two-road-toll", "equilibrium-pricing"):
        game = checked(load(name))
        proofs = [prove_independence(game, function) for function in FUNCTIONS]
        assert not all(proof.proved for proof in proofs)
        for proof in proofs:
            assert change_at(game, proof.function, proof.witness) == pytest.approx(proof.change, rel=1e-12)


def test_tables_that_do_not_change_with_the_action():
    """A game of arrays indexes by the action; equal slices prove independence, one entry off by 1e-15 does not."""
    kernel = np.full((2, 3, 2, 2), 0.5)
    rewards = np.repeat(np.arange(4.0).reshape(2, 1, 2), 3, axis=1)
    arguments = {"kernel": kernel, "follower_rewards": rewards, "discount": 0.9, "temperature": 0.3}
    game = TabularGame.from_arrays(leader_rewards=rewards, **arguments)
    assert prove_independence(game, "leader_reward").proved
    rewards = rewards.copy()
    rewards[0, 2, 0] += 1e-15
    assert not prove_independence(TabularGame.from_arrays(leader_rewards=rewards, **arguments), "leader_reward").proved
