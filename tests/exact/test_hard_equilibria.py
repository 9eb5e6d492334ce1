"""Slowly mixing chains, small temperatures, discounts near one: what says converged is as near as it says."""

import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium
from smfg_verify.game import TabularGame
from tests.helpers.array_games import ArrayGame
from tests.helpers.sixty_digits import distances

SIZES = [(2, 2, 2), (4, 2, 2), (3, 2, 1)]


def slow_game(rng: np.random.Generator, index: int) -> tuple[ArrayGame, np.ndarray]:
    """Groups of states that are left at rates of 1e-3 to 1e-15, gamma from 0.5 to 0.9999, tau from 1 to 1e-3.

    Off-diagonal rates are multiplied by 1 + (slopes times mean field) >= 0.2, so each keeps its order of magnitude.
    """
    n, actions, leaders = SIZES[index % len(SIZES)]
    support = "state_actions" if index % len(SIZES) == 2 else "states"
    size = n if support == "states" else n * actions
    shape = (n, actions, leaders)
    group = rng.permutation(np.arange(n) % 2)
    leave = 10.0 ** -rng.uniform(3.0, 15.0)
    rates = rng.dirichlet(np.ones(n), shape) * np.where(group[:, None] == group, 1.0, leave)[:, None, None, :]
    slopes = rates * rng.uniform(-0.8, 0.8, (size, *shape, n))
    rates = rates / (2.0 * np.max(np.sum(rates, axis=-1)))
    slopes = slopes / (2.0 * np.max(np.sum(np.abs(slopes), axis=-1)) + 1.0)
    slopes = rng.choice([0.0, 1.0]) * np.clip(slopes, -0.8 * rates, 0.8 * rates)
    for s in range(n):
        rates[s, :, :, s] = 0.0
        rates[s, :, :, s] = 1.0 - rates[s].sum(axis=-1)
        slopes[:, s, :, :, s] = 0.0
        slopes[:, s, :, :, s] = -slopes[:, s].sum(axis=-1)
    coupling = 10.0 ** rng.uniform(-1.0, 0.5)
    game = ArrayGame(
        kernel=rates,
        kernel_mean_field=slopes,
        follower_rewards=rng.normal(size=shape),
        leader_rewards=rng.normal(size=shape),
        follower_rewards_mean_field=coupling * rng.normal(size=(size, *shape)),
        leader_rewards_mean_field=None,
        discount=1.0 - 10.0 ** -rng.uniform(0.3, 4.0),
        temperature=10.0 ** -rng.uniform(0.0, 3.0),
        leader_temperature=0.0,
        initial_distribution=np.full(n, 1.0 / n),
        observation=np.arange(n),
        support=support,
    )
    return game, rng.normal(size=(n, leaders))


def count_converged(number: int, seed: int = 0) -> int:
    """How many of the games converge; each that does must be within its own bounds of the true equilibrium."""
    rng = np.random.default_rng(seed)
    converged = 0
    for index in range(number):
        game, logits = slow_game(rng, index)
        found = solve_equilibrium(TabularGame.from_arrays(**game.from_arrays_arguments()), logits, throw=False)
        if not bool(found.converged):
            assert np.all(np.isnan(found.mean_field))
            continue
        converged += 1
        by_field, by_value = distances(game, logits, found.mean_field, found.follower_value)
        assert by_field <= float(found.error_bound), index
        assert by_value <= float(found.value_error_bound), index
    return converged


def test_slow_games_that_say_converged_are_as_near_as_they_say():
    assert count_converged(20) >= 19


@pytest.mark.slow
def test_three_hundred_slow_games():
    assert count_converged(300, seed=1) >= 285
