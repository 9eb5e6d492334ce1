"""Proved moduli of the best-response map: above every secant, and as theory says under changes of unit and label."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import (
    BOUNDS,
    BoundInputs,
    inputs_from,
    inputs_of,
    smaller_bound,
    span_bound,
    theory_bound,
    witness_of,
)
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_norms
from smfg_verify.game import TabularGame
from tests.assumptions.crowds import QUICK, crowd, packaged, relabelled, scaled, with_actions
from tests.helpers.random_arrays import random_array_game

SIZES = (3, 3, 2)


def exact_inputs(arrays):
    """The inputs straight from the arrays: extremes of affine tables are at vertices. Dobrushin's mixing only."""
    n, num_actions, _ = SIZES
    size = n if arrays.support == "states" else n * num_actions
    tables = [arrays.tables(vertex) for vertex in np.eye(size)]
    pairs = list(itertools.combinations(range(size), 2))
    distance = lambda p, q: 0.5 * np.max(np.sum(np.abs(p - q), axis=-1))  # noqa: E731
    one_step = max(
        distance(kernel[s][:, :, None, None], kernel[t][None, None])
        for kernel, _, _ in tables
        for s, t in itertools.combinations(range(n), 2)
    )
    spread = max(
        distance(kernel[:, a], kernel[:, b])
        for kernel, _, _ in tables
        for a in range(num_actions)
        for b in range(num_actions)
    )
    rewards = np.array([reward for _, reward, _ in tables])
    return BoundInputs(
        transition_lipschitz=max(distance(tables[i][0], tables[j][0]) for i, j in pairs),
        follower_lipschitz=max(0.5 * np.max(np.abs(rewards[i] - rewards[j])) for i, j in pairs),
        reward_span=rewards.max() - rewards.min(),
        one_step=one_step,
        action_spread=spread,
        mixing_factor=1.0 / (1.0 - one_step),
        single_class=1.0,
        num_actions=num_actions,
        discount=arrays.discount,
        on_pairs=arrays.support == "state_actions",
    )


def secants(game, number, seed):
    """Largest quotient of l1 distances of images and of mean fields, near and far pairs, random leaders."""
    rng = np.random.default_rng(seed)
    size = SIZES[0] if game.mean_field_support == "states" else SIZES[0] * SIZES[1]
    logits = 3.0 * rng.normal(size=(number, SIZES[0], SIZES[2]))
    first, second = rng.dirichlet(np.full(size, 0.3), (2, number))
    second = np.where((np.arange(number) % 2 == 0)[:, None], second, first + 1e-3 * (second - first))
    images = [at_mean_fields(game, logits, fields).image for fields in (first, second)]
    moved = np.sum(np.abs(first - second), axis=1)
    return np.max(np.sum(np.abs(images[0] - images[1]), axis=1)[moved > 0] / moved[moved > 0])


def dominates(seed, support, tau, gamma, coupling, number):
    arrays = random_array_game(
        np.random.default_rng(seed),
        *SIZES,
        support=support,
        tau=tau,
        gamma=gamma,
        kernel_coupling=coupling,
        reward_coupling=1.0 - coupling,
        floor=0.3,
    )
    inputs = exact_inputs_of(arrays)
    measured = secants(packaged(arrays), number, seed)
    for bound in BOUNDS.values():
        assert measured <= bound(inputs, tau) * (1.0 + 1e-9)


def exact_inputs_of(arrays):
    size = SIZES[0] if arrays.support == "states" else SIZES[0] * SIZES[1]
    shape = (size, *SIZES)
    # Slopes of zero instead of none, so that all these games share one compiled program.
    if arrays.follower_rewards_mean_field is None:
        arrays = dataclasses.replace(arrays, follower_rewards_mean_field=np.zeros(shape))
    return exact_inputs(arrays)


@settings(max_examples=6)
@given(
    seed=st.integers(0, 10**6),
    support=st.sampled_from(["states", "state_actions"]),
    tau=st.floats(0.02, 3.0),
    gamma=st.floats(0.0, 0.97),
    coupling=st.floats(0.05, 0.95),
)
def test_bounds_dominate_secants(seed, support, tau, gamma, coupling):
    dominates(seed, support, tau, gamma, coupling, 64)


@pytest.mark.slow
@settings(max_examples=100)
@given(
    seed=st.integers(0, 10**6),
    support=st.sampled_from(["states", "state_actions"]),
    tau=st.floats(0.02, 3.0),
    gamma=st.floats(0.0, 0.97),
    coupling=st.floats(0.05, 0.95),
)
def test_bounds_dominate_500_secants(seed, support, tau, gamma, coupling):
    dominates(seed, support, tau, gamma, coupling, 500)


def test_the_games_constants_are_those_of_the_arrays():
    arrays = random_array_game(np.random.default_rng(4), *SIZES, floor=0.3)
    game = packaged(arrays)
    found, expected = inputs_of(game, game_constants(game, QUICK)), exact_inputs(arrays)
    assert found.mixing_factor <= expected.mixing_factor * (1 + 1e-9)
    np.testing.assert_allclose(found[:5], expected[:5], rtol=1e-9)
    assert inputs_from(game, witness_of(found)) == found


def test_closed_form():
    """L_P = 0, L_f = k / 2, both distances 1 - e: both bounds by hand."""
    inertia, gamma, tau = 0.5, 0.9, 2.0
    game = crowd(1.0, tau, inertia=inertia, discount=gamma)
    inputs = inputs_of(game, game_constants(game, QUICK))
    moved = (1.0 - inertia) / inertia
    assert theory_bound(inputs, tau) == pytest.approx(moved * 0.5 / (tau * (1.0 - gamma)), rel=1e-9)
    assert span_bound(inputs, tau) == pytest.approx(moved * 0.5 / (tau * (1.0 - gamma * (1.0 - inertia))), rel=1e-9)
    assert smaller_bound(inputs, tau) == span_bound(inputs, tau)


def test_a_constant_map_has_modulus_zero_even_without_mixing():
    game = crowd(0.0, 0.3)
    inputs = inputs_of(game, game_constants(game, QUICK))
    assert np.isinf(inputs.mixing_factor)
    assert smaller_bound(inputs, 0.3) == 0.0


def test_no_unique_law_no_bound():
    """Two states that are never left: each law is stationary, and a map that moves nothing proves nothing."""
    shape = (2, 2, 2)
    for slope in (None, np.ones((2, *shape))):
        game = checked(
            TabularGame.from_arrays(
                kernel=np.broadcast_to(np.eye(2)[:, None, None, :], (*shape, 2)),
                follower_rewards=np.zeros(shape),
                leader_rewards=np.zeros(shape),
                follower_rewards_mean_field=slope,
                discount=0.9,
                temperature=0.3,
            )
        )
        inputs = inputs_of(game, game_constants(game, QUICK))
        assert not inputs.single_class
        assert smaller_bound(inputs, 0.3) == np.inf


def points(seed=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(8, SIZES[0], SIZES[2])), rng.dirichlet(np.ones(SIZES[0]), 8)


def test_another_unit_of_reward_changes_no_modulus():
    arrays = random_array_game(np.random.default_rng(0), *SIZES, tau=0.2)
    other = scaled(arrays, 7.0)
    logits, fields = points()
    norms = [tangent_norms(at_mean_fields(packaged(a), logits, fields).response) for a in (arrays, other)]
    np.testing.assert_allclose(norms[1], norms[0], rtol=1e-9)
    for bound in BOUNDS.values():
        assert bound(exact_inputs(other), 1.4) == pytest.approx(bound(exact_inputs(arrays), 0.2), rel=1e-12)


def test_labels_change_no_modulus():
    arrays = random_array_game(np.random.default_rng(1), *SIZES, tau=0.2)
    states, actions = np.array([2, 0, 1]), np.array([1, 2, 0])
    other = relabelled(arrays, states, actions)
    logits, fields = points()
    norms = [
        tangent_norms(at_mean_fields(packaged(arrays), logits, fields).response),
        tangent_norms(at_mean_fields(packaged(other), logits, fields[:, states]).response),
    ]
    np.testing.assert_allclose(norms[1], norms[0], rtol=1e-9)
    np.testing.assert_allclose(exact_inputs(other)[:7], exact_inputs(arrays)[:7], rtol=1e-12)


@pytest.mark.slow
def test_a_copied_action_is_one_with_a_bonus_and_copies_of_all_change_nothing():
    """Two copies of an action act as one whose reward is tau log 2 higher; only log A of the constants changes."""
    arrays = random_array_game(np.random.default_rng(2), *SIZES, tau=0.2)
    bonus = np.zeros(SIZES)
    bonus[:, 1] = 0.2 * np.log(2.0)
    shifted = dataclasses.replace(arrays, follower_rewards=arrays.follower_rewards + bonus)
    logits, fields = points()
    response = lambda a: at_mean_fields(packaged(a), logits, fields).response  # noqa: E731
    np.testing.assert_allclose(response(with_actions(arrays, [0, 1, 2, 1])), response(shifted), rtol=1e-9, atol=1e-12)
    doubled = with_actions(arrays, [0, 1, 2, 0, 1, 2])
    np.testing.assert_allclose(response(doubled), response(arrays), rtol=1e-9, atol=1e-12)
    inputs = [inputs_of(game, game_constants(game, QUICK)) for game in map(packaged, (arrays, doubled))]
    np.testing.assert_allclose(inputs[1][:7], inputs[0][:7], rtol=1e-9)
    assert smaller_bound(inputs[1], 0.2) > smaller_bound(inputs[0], 0.2)
