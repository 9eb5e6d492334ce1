"""The judge of everyone's equilibria: against a search through all policies, and by what it must say of one."""

import itertools

import numpy as np
import pytest

from benchmarks.peers import chain, garnet
from benchmarks.peers.judge import judge
from benchmarks.peers.our_games import crowded_chain, garnet_game
from smfg_verify import solve_nash, tabulate
from smfg_verify.game import leader_logits_shape


def kernel_of(game):
    kernel = np.zeros((*game.successors.shape[:2], game.size))
    for state, action, draw in np.ndindex(game.successors.shape):
        kernel[state, action, game.successors[state, action, draw]] += game.chances[draw]
    return kernel


@pytest.mark.parametrize("game", [chain.stated(4), garnet.stated(3)], ids=["chain", "garnet"])
def test_exploitability_is_that_of_a_search_through_all_policies(game):
    """Law by 10^4 steps of the chain, values by 2000 sweeps, the best of all policies without chance."""
    actions = game.successors.shape[1]
    policy = np.random.default_rng(0).dirichlet(np.ones(actions), game.size)
    kernel, law = kernel_of(game), np.full(game.size, 1.0 / game.size)
    for _ in range(10_000):
        law = law @ np.einsum("sa,sat->st", policy, kernel)
    rewards = game.reward(law)

    def value(policy):
        found, step = np.zeros(game.size), np.einsum("sa,sat->st", policy, kernel)
        for _ in range(400):
            found = np.sum(policy * rewards, axis=1) + game.discount * step @ found
        return found

    choices = itertools.product(range(actions), repeat=game.size)
    best = max(law @ value(np.eye(actions)[list(choice)]) for choice in choices)
    found = judge(game, policy, law)
    np.testing.assert_allclose(found.exploitability, best - law @ value(policy), rtol=1e-9)
    assert found.consistency < 1e-12
    off = judge(game, policy, np.eye(game.size)[0])
    np.testing.assert_allclose(off.exploitability, found.exploitability, rtol=1e-9)  # of the policy's own law
    assert off.consistency > 0.01


@pytest.mark.parametrize(
    ("stated", "made"),
    [(chain.stated, crowded_chain), pytest.param(garnet.stated, garnet_game, marks=pytest.mark.slow)],
)
def test_the_games_of_the_package_are_those_that_are_judged(stated, made):
    game, numbers = made(5), stated(5)
    field = np.random.default_rng(1).dirichlet(np.ones(5))
    tables = tabulate(game, field)
    np.testing.assert_allclose(tables.transition[:, :, 0], kernel_of(numbers), atol=1e-15)
    np.testing.assert_allclose(tables.follower_reward[:, :, 0], numbers.reward(field), rtol=1e-13)
    found = solve_nash(game, np.zeros(leader_logits_shape(game)), exploitability=1e-5)
    verdict = judge(numbers, np.asarray(found.follower_policy), np.asarray(found.mean_field))
    assert -1e-12 <= verdict.exploitability <= 1e-5
    assert verdict.consistency < 1e-12
