"""Rational arithmetic on tables: bounds hold of what is sampled, and to the last digit."""

import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest

from smfg_verify.certificates import rationals, verifier
from tests.support.certificates import arrays, game_entry, rewards_entry


def test_variation_is_the_largest_of_sampled_policies_and_more():
    rng = np.random.default_rng(1)
    for observations in (1, 3):
        game = arrays(3, (3, 2, 2), observations=observations, kernel_coupling=0.8)
        bound = float(rationals.largest_variation(verifier.game_of(game_entry(game))))
        largest = 0.0
        for _ in range(300):
            rows = game.tables(rng.dirichlet(np.full(3, 0.2)))[0]
            phi = rng.dirichlet(np.full(2, 0.1), observations)[list(game.observation)]
            chain = np.einsum("sabt,sb,sa->st", rows, phi, rng.dirichlet(np.full(2, 0.1), 3))
            largest = max(largest, 0.5 * max(np.abs(p - q).sum() for p, q in itertools.combinations(chain, 2)))
        assert largest <= bound <= 1.15 * largest


def test_variation_counts_every_entry_of_a_row_as_off_by_the_radius():
    game = arrays(3)
    exact, wide = (
        rationals.largest_variation(verifier.game_of(game_entry(game, radius))) for radius in (1e-13, 1e-13 + 2.0**-30)
    )
    assert float(wide - exact) == pytest.approx(2 * 2.0**-30)


@pytest.mark.parametrize(
    ("row", "radius", "near"),
    [
        ([0.5, 0.5], 0.0, True),
        ([0.1, 0.2, 0.7], 0.0, False),  # the three floats sum to one less a rounding
        ([0.1, 0.2, 0.7], 1e-16, True),
        ([1.0 + 2.0**-52, 0.0], 0.0, False),
        ([1.0 + 2.0**-52, -(2.0**-52)], 2.0**-52, True),
        ([1.0, -1e-9], 1e-10, False),
        ([0.5, 0.5, -2e-10], 1e-10, False),
        ([1.0], 0.0, True),
        ([5e-324, 1.0], 5e-324, True),
    ],
)
def test_probabilities_are_near_a_row_without_a_rounding(row, radius, near):
    assert rationals.near_probabilities(row, radius) == near


def chains(rng, game):
    """Laws of one step under random policies and mean fields, near pure ones."""
    n, num_actions, num_leader = game.sizes
    rows = game.tables(rng.dirichlet(np.full(n, 0.2)))[0]
    phi = rng.dirichlet(np.full(num_leader, 0.1), max(game.observation) + 1)[list(game.observation)]
    return np.einsum("sabt,sb,sa->st", rows, phi, rng.dirichlet(np.full(num_actions, 0.1), n))


def shared_at_once(game):
    """The least mass that two states' rows share, whoever chooses actions and mean field, each target by itself."""
    n = game.sizes[0]
    least = np.min([game.tables(vertex)[0] for vertex in np.eye(n)], axis=(0, 2, 3))
    return min(np.minimum(least[s], least[t]).sum() for s, t in itertools.combinations(range(n), 2))


def test_what_is_left_after_some_steps_bounds_all_sequences_of_chains():
    rng = np.random.default_rng(6)
    for steps in (1, 2, 3):
        game = arrays(7, (3, 2, 2), observations=3, kernel_coupling=0.8, floor=0.05)
        bound = float(rationals.forgotten_after(verifier.game_of(game_entry(game)), steps))
        largest = 0.0
        for _ in range(200):
            # Laws whose policies are not even the same are as near.
            first, second = (functools.reduce(np.matmul, [chains(rng, game) for _ in range(steps)]) for _ in range(2))
            largest = max(largest, *(0.5 * np.abs(p - q).sum() for p in first for q in second))
        assert largest <= bound < 1.0
        assert steps > 1 or bound == pytest.approx(1.0 - shared_at_once(game), abs=1e-12)


def test_a_chain_that_starts_anew_forgets_by_that_chance_exactly():
    """P = (1 - q) I + q / 2: after k steps two states' laws are apart by (1 - q)^k."""
    rows = 0.75 * np.eye(2) + 0.125
    entry = rewards_entry(np.zeros((1, 2, 1, 1)), rows=rows)
    for steps in (1, 2, 5):
        found = rationals.forgotten_after(verifier.game_of({**entry, "transition_radius": (0.0).hex()}), steps)
        assert 0 <= found - Fraction(3, 4) ** steps < Fraction(1, 2**120)
    wide = rationals.forgotten_after(verifier.game_of({**entry, "transition_radius": (2.0**-30).hex()}), 1)
    assert float(wide) == pytest.approx(0.75 + 2.0**-29, abs=1e-15)


def rewards_of(rng, *, on_states, leader, spread, sizes=(3, 2, 2)):
    """Random rewards at vertices that fall where the crowd goes; actions and leaders told apart as far as asked."""
    n, num_actions, num_leader = sizes
    size = n if on_states else n * num_actions
    root = rng.normal(size=(size, size))
    falling = -(root @ root.T) / size - 0.2 * np.eye(size) + (root - root.T)
    own = falling.reshape(size, n, -1) if on_states else falling.reshape(size, n, num_actions)
    table = np.zeros((size, *sizes)) + rng.normal(size=sizes) + own[..., None]
    table += leader * np.linspace(0.0, 1.0, num_leader) * own[..., None]
    return table + spread * rng.uniform(-1.0, 1.0, size=table.shape)


def change(rewards, on_states, rng):
    """<r(m) - r(m'), d - d'>, |m - m'|_2^2 and |m - m'|_1 |d - d'|_1 of random laws under a random leader."""
    _, n, num_actions, num_leader = rewards.shape
    d = rng.dirichlet(np.full(n * num_actions, 0.3), 2).reshape(2, n, num_actions)
    m = d.sum(axis=2) if on_states else d.reshape(2, -1)
    phi = rng.dirichlet(np.full(num_leader, 0.3))
    seen = np.einsum("jsab,kj,b->ksa", rewards, m, phi)
    step = m[0] - m[1]
    return np.sum((seen[0] - seen[1]) * (d[0] - d[1])), step @ step, np.abs(step).sum() * np.abs(d[0] - d[1]).sum()


def strength_of(rewards, on_states):
    """The strength of all pure leaders' forms by eigenvalues, action 0's where mean fields are of states."""
    size, _, _, num_leader = rewards.shape
    basis = np.linalg.svd(np.ones((1, size)))[2][1:].T
    found = []
    for b in range(num_leader):
        form = (rewards[:, :, 0, b] if on_states else rewards[:, :, :, b].reshape(size, size)).T
        found.append(-np.linalg.eigvalsh(basis.T @ (form + form.T) @ basis / 2)[-1])
    return min(found)


@pytest.mark.parametrize("on_states", [True, False])
@pytest.mark.parametrize(("leader", "spread"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1e-3), (1.0, 1e-3)])
def test_crowding_costs_as_much_as_is_proved_of_all_laws_and_leaders_and_no_more_is_proved(on_states, leader, spread):
    rng = np.random.default_rng(8)
    rewards = rewards_of(rng, on_states=on_states, leader=leader, spread=spread)
    # One observation: pure leaders are two.
    game = verifier.game_of(rewards_entry(rewards, on_states=on_states))
    strength = strength_of(rewards, on_states)
    assert strength > 0.1
    assert rationals.strictly_monotone(game, strength * (1.0 + 1e-9)) is None
    off = rationals.strictly_monotone(game, strength * (1.0 - 1e-9))
    assert float(off) <= 1e-13 + 5.0 * spread
    for _ in range(300):
        changed, square, sizes = change(rewards, on_states, rng)
        assert changed <= -strength * (1.0 - 1e-9) * square + float(off) * sizes + 1e-12


def test_leaders_of_several_observations_are_all_looked_at():
    """Two states whose own slopes are right under one leader each: one leader alone would make a law crowd."""
    rewards = np.zeros((2, 2, 1, 2))
    for s, b in np.ndindex(2, 2):
        rewards[:, s, 0, b] = np.array([-1.0, 1.0])[[s, 1 - s]] * (3.0 if s == b else -1.0)
    together = verifier.game_of({**rewards_entry(rewards), "observation": [0, 0]})
    apart = verifier.game_of({**rewards_entry(rewards), "observation": [0, 1]})
    assert rationals.strictly_monotone(together, 0.5) is not None
    assert rationals.strictly_monotone(apart, 0.5) is None


def test_forms_are_nowhere_negative_where_eigenvalues_are_not():
    rng = np.random.default_rng(9)
    for size in (1, 2, 3, 5):
        for rank in range(size + 1):
            root = rng.integers(-5, 6, size=(size, rank)) if rank else np.zeros((size, 1), dtype=int)
            form = root @ root.T
            assert rationals.nowhere_negative(form.tolist())
            less = form - np.diag(np.eye(size, dtype=int)[rng.integers(size)])
            least = np.linalg.eigvalsh(less)[0]
            assert abs(least) < 1e-9 or rationals.nowhere_negative(less.tolist()) == (least > 0.0)
    assert rationals.nowhere_negative([])
    assert not rationals.nowhere_negative([[0, 1], [1, 5]])
    assert not rationals.nowhere_negative([[10**40, 10**40], [10**40, 10**40 - 1]])


@pytest.mark.parametrize("on_states", [True, False])
def test_the_work_of_any_two_moves_is_bounded_and_is_zero_of_a_slope_of_a_function(on_states):
    rng = np.random.default_rng(10)
    n, num_actions, num_leader = 2, 2, 2
    size = n if on_states else n * num_actions
    half = rng.integers(-8, 9, size=(size, size, num_leader)).astype(float)
    own = (half + half.transpose(1, 0, 2)).reshape(size, n, -1, num_leader)
    rewards = np.broadcast_to(own, (size, n, num_actions, num_leader)) + np.zeros((size, 1, 1, 1))
    entry = rewards_entry(rewards + rng.integers(-8, 9, size=rewards.shape[1:]), on_states=on_states)
    assert rationals.work_of(verifier.game_of(entry))[0] == 0
    odd = rng.normal(size=rewards.shape)
    bound = float(rationals.work_of(verifier.game_of(rewards_entry(odd, on_states=on_states)))[0])
    largest = 0.0
    for _ in range(2000):
        ways = rng.normal(size=(2, n * num_actions)) ** 3
        # Opposite corners are where the bound is nearly met.
        ways = ways - ways.mean(axis=1, keepdims=True)
        moved = ways.reshape(2, n, num_actions).sum(axis=2) if on_states else ways
        phi = rng.dirichlet(np.full(num_leader, 0.2))
        slopes = np.einsum("jsab,kj,b->ksa", odd, moved, phi).reshape(2, -1)
        work = abs(slopes[0] @ ways[1] - slopes[1] @ ways[0]) / np.prod(np.abs(ways).sum(axis=1))
        largest = max(largest, work)
    assert 0.1 * bound < largest <= bound


def test_potentials_are_of_leaders_that_act_otherwise_at_each_observation():
    """Each leader that acts alike everywhere has symmetric slopes, one that does not has none."""
    symmetric = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, 0.0]])
    entry = rewards_entry(np.stack([0.0 * symmetric, symmetric], axis=2)[:, :, None])
    assert rationals.work_of(verifier.game_of({**entry, "observation": [0, 0, 0]}))[0] == 0
    assert rationals.work_of(verifier.game_of({**entry, "observation": [0, 1, 2]}))[0] == 2
    assert rationals.work_of(verifier.game_of({**entry, "observation": [0, 0, 2]}))[0] == 1


def test_leaders_that_differ_by_roundings_are_taken_for_one_whose_slopes_are_off_by_so_much():
    rewards = np.zeros((2, 2, 2, 2)) - np.eye(2)[:, :, None, None]
    rewards[0, 0, 0, 1] = -1.0 + 2.0**-51
    game = verifier.game_of(rewards_entry(rewards))
    assert rationals.slopes_of(game).choices == range(1)
    assert rationals.work_of(game) == (Fraction(2, 2**51), 1, 1)
    assert rationals.strictly_monotone(game, 1.0) == Fraction(1, 2**51)
    rewards[0, 0, 0, 1] = -1.0 + 2.0**-49
    assert rationals.slopes_of(verifier.game_of(rewards_entry(rewards))).choices == range(2)
