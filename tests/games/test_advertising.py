"""Advertising: an independent table, the symmetry of the brands, and chains in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.games import Advertising

ODD = dict(
    levels=(0.1, 0.9), rival_level=0.7, base=0.05, effect=0.3, word=0.6, churn=0.2, value=(0.4, 0.9), network=-0.3
)
SWAP = np.array([2, 3, 0, 1])


def by_hand(levels, rival, mean_field, inertia):
    """The next-state law of each (s, a, b) for the parameters ODD, state by state."""
    rows = np.zeros((4, 2, len(levels), 4))
    for b, level in enumerate(levels):
        won = []
        for campaign, size in ((level, mean_field[1]), (rival, mean_field[3])):
            won.append(1 - (1 - 0.05) * (1 - 0.3 * campaign) * (1 - 0.6 * size))
        for s in range(4):
            own, other = s // 2, 1 - s // 2
            keep = 0.8 if s % 2 == 1 else won[own]
            rows[s, 0, b, 2 * own : 2 * own + 2] = 1 - keep, keep
            rows[s, 1, b, 2 * other : 2 * other + 2] = 1 - won[other], won[other]
    return (1 - inertia) * rows + inertia / 4


@pytest.mark.parametrize("inertia", [0.0, 0.1])
def test_transition_against_a_table_by_hand(inertia):
    game = Advertising(inertia=inertia, **ODD)
    for mean_field in np.random.default_rng(0).dirichlet(np.ones(4), 5):
        expected = by_hand((0.1, 0.9), 0.7, mean_field, inertia)
        np.testing.assert_allclose(tabulate(game, jnp.asarray(mean_field)).transition, expected, atol=1e-15)


def test_reward_values():
    game, mean_field = Advertising(**ODD), jnp.asarray([0.1, 0.2, 0.3, 0.4])
    follower = [[float(game.follower_reward(s, a, 0, mean_field)) for a in range(2)] for s in range(4)]
    stay = np.array([0.0, 0.4 - 0.3 * 0.2, 0.0, 0.9 - 0.3 * 0.4])
    np.testing.assert_allclose(follower, np.stack([stay, stay - 0.2], axis=1))
    leader = [[float(game.leader_reward(s, 0, b, mean_field)) for b in range(2)] for s in range(4)]
    np.testing.assert_allclose(leader, np.array([[0.0], [1.0], [0.0], [0.0]]) - 0.1 * np.array([0.1, 0.9]))


@pytest.mark.slow
def test_swapping_the_brands_and_their_campaigns_changes_nothing_for_followers():
    ours = Advertising(levels=[0.3], rival_level=0.8, value=(0.4, 0.7))
    theirs = Advertising(levels=[0.8], rival_level=0.3, value=(0.7, 0.4))
    mean_field = np.random.default_rng(1).dirichlet(np.ones(4))
    first, second = tabulate(ours, jnp.asarray(mean_field)), tabulate(theirs, jnp.asarray(mean_field[SWAP]))
    np.testing.assert_allclose(second.transition[SWAP][..., SWAP], first.transition, atol=1e-15)
    np.testing.assert_allclose(second.follower_reward[SWAP], first.follower_reward, atol=1e-15)
    solved = [solve_equilibrium(game, np.zeros((1, 1))) for game in (ours, theirs)]
    np.testing.assert_allclose(solved[1].mean_field[SWAP], solved[0].mean_field, atol=1e-11)
    np.testing.assert_allclose(solved[1].follower_policy[SWAP], solved[0].follower_policy, atol=1e-11)
    assert abs(solved[0].mean_field[1] - solved[0].mean_field[3]) > 0.05


def test_equal_campaigns_share_the_market_equally():
    """At the defaults that is the only equilibrium found: lopsided starts lead there too."""
    for start in (np.full(4, 0.25), [0.02, 0.94, 0.02, 0.02], [0.02, 0.02, 0.02, 0.94]):
        found = solve_equilibrium(Advertising(levels=[0.5, 0.5]), np.zeros((1, 2)), initial=start)
        np.testing.assert_allclose(found.mean_field[:2], found.mean_field[2:], atol=1e-10)


def test_strong_network_value_tips_the_market_to_the_brand_that_starts_larger():
    game = Advertising(levels=[0.5, 0.5], network=3.0, temperature=0.1)
    large, small = (0.02, 0.9), (0.06, 0.02)
    ours = solve_equilibrium(game, np.zeros((1, 2)), initial=[*large, *small])
    theirs = solve_equilibrium(game, np.zeros((1, 2)), initial=[*small, *large])
    np.testing.assert_allclose(ours.mean_field[SWAP], theirs.mean_field, atol=1e-10)
    assert ours.mean_field[1] > 2.0 * ours.mean_field[3]


def test_adoption_without_word_of_mouth_or_campaigns_is_a_two_state_chain():
    """With gamma 0 and nothing to gain from switching, all choices are even: adopters of both brands in closed form."""
    game = Advertising(discount=0.0, switching=0.0, effect=0.0, word=0.0, inertia=0.0, base=0.3, churn=0.2)
    found = solve_equilibrium(game, np.zeros((1, 2)))
    np.testing.assert_allclose(found.follower_policy, 0.5, atol=1e-14)
    # An adopter stays one with probability (1 - churn) / 2 + base / 2, a prospect becomes one with base.
    kept = 0.5 * (0.8 + 0.3)
    share = 0.3 / (0.3 + 1.0 - kept)
    np.testing.assert_allclose(found.mean_field, [0.5 * (1 - share), 0.5 * share] * 2, atol=1e-12)


@pytest.mark.slow
def test_without_word_of_mouth_and_network_the_population_does_not_matter():
    gradient = stackelberg_gradient(Advertising(word=0.0, network=0.0), np.array([[0.2, -0.3]]))
    np.testing.assert_allclose(gradient.mean_field_response, 0.0, atol=1e-12)
    coupled = stackelberg_gradient(Advertising(), np.array([[0.2, -0.3]]))
    assert coupled.mean_field_response[0, 1] > 0.05


@pytest.mark.parametrize(("network", "gains"), [(0.2, True), (1.0, False)])
def test_advertising_pays_unless_the_equal_market_is_about_to_tip(network, gains):
    """Past the tipping point the equal equilibrium moves against a campaign, as unstable equilibria do."""
    gradient = stackelberg_gradient(Advertising(network=network, cost=0.0), np.zeros((1, 2)))
    np.testing.assert_allclose(gradient.equilibrium.mean_field[:2], gradient.equilibrium.mean_field[2:], atol=1e-10)
    assert (gradient.total[0, 1] > 0.0) == gains
