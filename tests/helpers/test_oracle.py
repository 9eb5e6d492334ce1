"""Self tests of the oracle: identities, closed forms and published numbers, none of them computed by the package."""

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import oracle
from tests.helpers.numerics import central_difference, solve
from tests.helpers.random_iterates import SUPPORTS, random_game, random_iterate


def two_road_toll(kappa=(1.0, 2.0), toll=0.5, temperature=0.3, discount=0.9):
    kernel = np.zeros((2, 2, 2, 2))
    kernel[:, 0, :, 0] = kernel[:, 1, :, 1] = 1
    tolls = np.zeros((2, 2, 2))
    tolls[:, 0, 1] = toll
    crowding = np.zeros((2, 2, 2, 2))
    for road in range(2):
        crowding[road, :, road, :] = -kappa[road]
    return oracle.ArrayGame(
        kernel=kernel,
        follower_rewards=-tolls,
        leader_rewards=tolls,
        follower_rewards_mean_field=crowding,
        discount=discount,
        temperature=temperature,
        initial_distribution=np.full(2, 0.5),
        observation=np.zeros(2, int),
    )


def laffer_tax(wage=1.0, outside=0.5, kappa=0.3, inertia=0.1, temperature=0.05):
    kernel = np.full((2, 2, 2, 2), inertia / 2)
    kernel[:, 0, :, 0] += 1 - inertia
    kernel[:, 1, :, 1] += 1 - inertia
    taxes = np.array([0.0, 1.0])
    rewards, crowding, revenue = np.zeros((2, 2, 2)), np.zeros((2, 2, 2, 2)), np.zeros((2, 2, 2, 2))
    rewards[0], rewards[1] = wage * (1 - taxes), outside
    crowding[1, 1] = -kappa
    revenue[0] = wage * taxes
    return oracle.ArrayGame(
        kernel=kernel,
        follower_rewards=rewards,
        leader_rewards=np.zeros((2, 2, 2)),
        follower_rewards_mean_field=crowding,
        leader_rewards_mean_field=revenue,
        discount=0.9,
        temperature=temperature,
        initial_distribution=np.full(2, 0.5),
        observation=np.zeros(2, int),
    )


def test_helpers_import_neither_the_package_nor_jax():
    for file in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {"smfg_verify", "jax", "equinox"}, file.name


@pytest.mark.parametrize("support", SUPPORTS)
def test_random_games_are_distributions_at_every_vertex(support):
    game = random_game(0, support, kernel_coupling=1.0)
    size = 4 if support == "states" else 12
    for vertex in np.eye(size):
        kernel, _, _ = game.tables(vertex)
        np.testing.assert_allclose(kernel.sum(axis=-1), 1, atol=1e-14)
        assert kernel.min() >= 0.05 / 4 - 1e-15
    np.testing.assert_allclose(game.kernel_mean_field.sum(axis=-1), 0, atol=1e-15)
    assert np.abs(game.kernel_mean_field).max() > 0.1


def test_extended_elimination_solves_and_carries_infinitesimal_imaginary_parts():
    rng = np.random.default_rng(0)
    matrix, slope, right = rng.normal(size=(3, 6, 6))
    solution = solve(matrix.astype(np.longdouble), right)
    assert np.abs(matrix.astype(np.longdouble) @ solution - right).max() < 1e-16
    moved = solve(matrix.astype(np.clongdouble) + 1e-30j * slope, right)
    expected = -solve(matrix, slope @ solution.astype(float))
    np.testing.assert_allclose(moved.imag.astype(float) / 1e-30, expected, rtol=1e-11)


def test_extrapolated_differences_are_exact_on_quintics():
    slope, estimate = central_difference(lambda t: 1 + 2 * t + 3 * t**2 + 4 * t**3 + 5 * t**4 + 6 * t**5, 0.5)
    assert slope == pytest.approx(2, abs=1e-13)
    assert estimate > 1e-3


def test_stationary_law_and_occupancy_match_eigenvector_and_power_series():
    game = random_game(1)
    leader, theta, _, _, mean_field = random_iterate(game, 1)
    chain = oracle.policy_kernel(game, oracle.leader_rows(game, leader), oracle.softmax(theta), mean_field)
    values, vectors = np.linalg.eig(chain.T)
    eigenvector = vectors[:, np.argmax(values.real)].real
    np.testing.assert_allclose(oracle.stationary_law(chain), eigenvector / eigenvector.sum(), rtol=1e-12)
    law, series = game.initial_distribution, np.zeros(4)
    for t in range(400):
        series = series + (1 - game.discount) * game.discount**t * law
        law = law @ chain
    np.testing.assert_allclose(oracle.occupancy(game, chain), series, rtol=1e-12)


@pytest.mark.parametrize("tau", [0.005, 0.3, 2.0])
def test_soft_policy_iteration_agrees_with_soft_value_iteration(tau):
    game = random_game(2, tau=tau, reward_coupling=10.0)
    leader, *_, mean_field = random_iterate(game, 2)
    phi = oracle.leader_rows(game, leader)
    value, policy = oracle.best_response(game, phi, mean_field)
    np.testing.assert_allclose(value, oracle.soft_value_iteration(game, phi, mean_field), rtol=1e-12)
    np.testing.assert_allclose(value, oracle.follower_value(game, phi, policy, mean_field), rtol=1e-12)


@pytest.mark.parametrize("support", SUPPORTS)
def test_follower_gap_is_the_occupancy_weighted_divergence_to_the_best_response(support):
    game = random_game(3, support)
    leader, theta, _, _, mean_field = random_iterate(game, 3)
    phi, policy = oracle.leader_rows(game, leader), oracle.softmax(theta)
    _, best = oracle.best_response(game, phi, mean_field)
    weight = oracle.occupancy(game, oracle.policy_kernel(game, phi, policy, mean_field))
    divergence = np.sum(policy * np.log(policy / best), axis=1)
    expected = game.temperature * weight @ divergence / (1 - game.discount)
    assert expected > 0.1
    np.testing.assert_allclose(oracle.follower_gap(game, leader, policy, mean_field), expected, rtol=1e-12)


@pytest.mark.parametrize("support", SUPPORTS)
@pytest.mark.parametrize(("tau", "gamma"), [(0.005, 0.99), (0.005, 0.0), (2.0, 0.99)])
def test_equilibrium_residual_at_the_corners_of_the_tested_regime(support, tau, gamma):
    for seed in range(1):
        game = random_game(seed, support, tau=tau, gamma=gamma, reward_coupling=10.0)
        found = oracle.equilibrium(game, random_iterate(game, seed)[0])
        assert found.residual < 1e-14
        assert found.mean_field.min() >= 0


@pytest.mark.parametrize("support", SUPPORTS)
def test_equilibrium_is_the_limit_of_iterating_single_steps_of_both_laws(support):
    game = random_game(4, support, tau=1.0, reward_coupling=0.3)
    leader = random_iterate(game, 4)[0]
    phi, value = oracle.leader_rows(game, leader), np.zeros(4)
    mean_field = np.full(12, 1 / 12)
    if support == "states":
        mean_field = np.full(4, 1 / 4)
    for _ in range(500):
        kernel, reward = oracle.follower_model(game, phi, mean_field)
        policy = oracle.softmax((reward + game.discount * kernel @ value) / game.temperature)
        value = oracle.soft_bellman(game, phi, mean_field, value)
        states = mean_field if support == "states" else mean_field.reshape(4, 3).sum(axis=1)
        following = np.einsum("s,sa,sat->t", states, policy, kernel)
        mean_field = following if support == "states" else (following[:, None] * policy).ravel()
    found = oracle.equilibrium(game, leader)
    np.testing.assert_allclose(found.mean_field.ravel(), mean_field, atol=1e-13)
    np.testing.assert_allclose(found.follower_value, value, rtol=1e-13)


def test_equilibrium_residuals_see_each_kind_of_error():
    game = random_game(5)
    leader = random_iterate(game, 5)[0]
    e = oracle.equilibrium(game, leader)
    shift = 1e-3 * np.array([1, -1, 0, 0])
    moved = oracle.equilibrium_residuals(game, leader, e.mean_field + shift, e.follower_policy, e.follower_value)
    assert moved["consistency"] > 1e-4
    assert moved["mass"] < 1e-14
    raised = oracle.equilibrium_residuals(game, leader, e.mean_field, e.follower_policy, e.follower_value + 1e-3)
    assert raised["bellman"] == pytest.approx(1e-3 * (1 - game.discount), rel=1e-6)
    assert raised["consistency"] < 1e-14
    scaled = oracle.equilibrium_residuals(game, leader, 1.5 * e.mean_field, e.follower_policy, e.follower_value)
    assert scaled["mass"] == pytest.approx(0.5)


@pytest.mark.parametrize("support", SUPPORTS)
@pytest.mark.parametrize(("tau", "tau_l"), [(0.05, 0.0), (1.0, 0.2)])
def test_gradient_by_complex_step_and_by_differences(support, tau, tau_l):
    game = random_game(6, support, tau=tau, tau_l=tau_l)
    leader = random_iterate(game, 6)[0]
    exact = oracle.gradient(game, leader)
    differences = oracle.gradient(game, leader, method="differences")
    scale = np.abs(exact.total).max()
    for part in ("total", "direct", "policy_response", "mean_field_response", "policy_space"):
        np.testing.assert_allclose(getattr(exact, part), getattr(differences, part), atol=1e-10 * scale)
    parts = exact.direct + exact.policy_response + exact.mean_field_response
    np.testing.assert_allclose(exact.total, parts, atol=1e-13 * scale)
    # dPhi/domega(o, b) = phi(b | o) D(o, b), and phi weighs D(o, .) to zero.
    np.testing.assert_allclose(exact.total, oracle.softmax(leader) * exact.policy_space, atol=1e-12 * scale)
    assert exact.gap >= 0


def test_gradient_of_the_objective_itself_by_differences():
    game = random_game(7, tau=0.5)
    leader = random_iterate(game, 7)[0]
    exact = oracle.gradient(game, leader).total
    for index in np.ndindex(leader.shape):
        unit = np.zeros(leader.shape)
        unit[index] = 1
        slope, _ = central_difference(lambda t, unit=unit: oracle.objective(game, leader + t * unit), 1e-2)
        np.testing.assert_allclose(exact[index], slope, atol=1e-10)


def test_callable_game_equals_the_array_game_it_wraps():
    game = random_game(8, "state_actions")
    shared = {f.name: getattr(game, f.name) for f in dataclasses.fields(game) if f.name in oracle_game_fields()}

    def functions(mean_field):
        assert mean_field.shape == (4, 3)
        assert mean_field.dtype == float
        return game.tables(mean_field.ravel())

    general = oracle.CallableGame(functions=functions, sizes=game.sizes, **shared)
    leader = random_iterate(game, 8)[0]
    expected, got = oracle.gradient(game, leader), oracle.gradient(general, leader)
    np.testing.assert_allclose(got.equilibrium.mean_field, expected.equilibrium.mean_field, atol=1e-14)
    np.testing.assert_allclose(got.total, expected.total, atol=1e-10)


def oracle_game_fields():
    return {"discount", "temperature", "initial_distribution", "observation", "support", "leader_temperature"}


@pytest.mark.parametrize("logit", [-2.0, 0.0, 0.7])
def test_two_road_toll_closed_form(logit):
    game = two_road_toll()
    found = oracle.gradient(game, np.array([[0.0, logit]]))
    share, toll = 1 / (1 + np.exp(-logit)), 0.5
    m = found.equilibrium.mean_field[0]
    assert m == pytest.approx(1 / (1 + np.exp(-(2 * (1 - m) - m - toll * share) / 0.3)), abs=1e-14)
    # m = sigmoid(z), z = (2 (1 - m) - m - T) / tau: dm/dT = -s / (1 + 3 s) with s = m (1 - m) / tau.
    steepness = m * (1 - m) / 0.3
    slope = -steepness / (1 + 3 * steepness)
    mean_toll = toll * share
    assert found.objective == pytest.approx(mean_toll * m / (1 - 0.9), rel=1e-13)
    rate = toll * share * (1 - share) / (1 - 0.9)
    np.testing.assert_allclose(found.total[0], (m + mean_toll * slope) * rate * np.array([-1, 1]), rtol=1e-12)
    np.testing.assert_allclose(found.direct[0], m * rate * np.array([-1, 1]), rtol=1e-12)
    np.testing.assert_allclose(found.policy_response[0], mean_toll * slope * rate * np.array([-1, 1]), rtol=1e-12)
    np.testing.assert_allclose(found.mean_field_response, 0, atol=1e-14)


@pytest.mark.parametrize(("logit", "total", "direct"), [(0.0, 0.06, 1.87), (1.0, -1.67, 0.71)])
def test_laffer_tax_numbers_in_the_logits_zero_and_x(logit, total, direct):
    found = oracle.gradient(laffer_tax(), np.array([[0.0, logit]]))
    assert found.total[0, 1] == pytest.approx(total, abs=5e-3)
    assert found.direct[0, 1] == pytest.approx(direct, abs=5e-3)
    shifted = oracle.gradient(laffer_tax(), np.array([[-logit / 2, logit / 2]]))
    np.testing.assert_allclose(found.total, shifted.total, rtol=1e-12)


def test_laffer_tax_saturates_with_a_vanishing_gradient_and_an_open_gap():
    found = oracle.gradient(laffer_tax(), np.array([[0.0, 30.0]]))
    assert np.abs(found.total).max() < 1e-10
    assert found.direct[0, 1] > 0
    assert found.gap > 1
