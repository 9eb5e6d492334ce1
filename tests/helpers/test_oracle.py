"""Self tests of the oracle: identities, closed forms and published numbers, none of them computed by the package."""

import ast
import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest

from benchmarks import numpy_ac_smfg
from tests.helpers import oracle
from tests.helpers.numerics import central_difference, solve

SUPPORTS = ["states", "state_actions"]


def random_game(seed, support="states", **parameters):
    return oracle.random_array_game(np.random.default_rng(seed), 4, 3, 2, observations=2, support=support, **parameters)


def random_iterate(game, seed):
    """Leader logits, follower logits, both critics, mean field."""
    rng = np.random.default_rng(seed)
    n, num_actions, num_leader_actions = game.sizes
    shape = (n,) if game.support == "states" else (n, num_actions)
    mean_field = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
    leader = rng.normal(size=(int(np.max(game.observation)) + 1, num_leader_actions))
    return leader, rng.normal(size=(n, num_actions)), rng.normal(size=n), rng.normal(size=n), mean_field


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
    for seed in range(3):
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


@pytest.mark.parametrize("support", SUPPORTS)
def test_mean_dynamics_at_exact_critics_are_scaled_gradients(support):
    game = random_game(9, support, tau_l=0.2)
    leader, theta, _, _, mean_field = random_iterate(game, 9)
    phi, policy = oracle.leader_rows(game, leader), oracle.softmax(theta)
    value_f = oracle.follower_value(game, phi, policy, mean_field)
    swapped = dataclasses.replace(game, initial_distribution=np.zeros(4))
    value_l = np.zeros(4)
    for s in range(4):
        unit = dataclasses.replace(swapped, initial_distribution=np.eye(4)[s])
        value_l[s] = oracle.leader_return(unit, phi, policy, mean_field)
    h = oracle.mean_dynamics(game, leader, theta, value_f, value_l, mean_field)
    for field, point, function in [
        (
            "leader_logits",
            leader,
            lambda x: oracle.leader_return(game, oracle.leader_rows(game, x), policy, mean_field),
        ),
        ("follower_logits", theta, lambda x: oracle.follower_objective(game, leader, oracle.softmax(x), mean_field)),
    ]:
        units = np.eye(point.size).reshape(-1, *point.shape)
        slopes = [function(point + 1e-30j * unit).imag / 1e-30 for unit in units]
        expected = (1 - game.discount) * np.reshape(slopes, point.shape)
        np.testing.assert_allclose(getattr(h, field), expected, atol=1e-14)
    np.testing.assert_allclose(h.follower_value, 0, atol=1e-14)
    np.testing.assert_allclose(h.leader_value, 0, atol=1e-14)


@pytest.mark.parametrize("support", SUPPORTS)
def test_mean_dynamics_of_the_critics_and_the_mean_field(support):
    game = random_game(10, support, tau_l=0.2)
    leader, theta, value_f, value_l, mean_field = random_iterate(game, 10)
    h = oracle.mean_dynamics(game, leader, theta, value_f, value_l, mean_field)
    phi, policy = oracle.leader_rows(game, leader), oracle.softmax(theta)
    kernel, reward = oracle.follower_model(game, phi, mean_field)
    chain = np.einsum("sa,sat->st", policy, kernel)
    weight = oracle.occupancy(game, chain)
    assert weight.sum() == pytest.approx(1, abs=1e-14)
    target = np.sum(policy * (reward - game.temperature * np.log(policy)), axis=1) + game.discount * chain @ value_f
    np.testing.assert_allclose(h.follower_value, weight * (target - value_f), atol=1e-14)
    np.testing.assert_allclose(h.leader_logits.sum(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(h.follower_logits.sum(axis=1), 0, atol=1e-14)
    assert h.mean_field.sum() == pytest.approx(0, abs=1e-14)
    pairs = mean_field + h.mean_field
    states = pairs if support == "states" else pairs.sum(axis=1)
    np.testing.assert_allclose(states @ chain, states, atol=1e-14)
    if support == "state_actions":
        np.testing.assert_allclose(pairs, states[:, None] * policy, atol=1e-14)


def test_mean_dynamics_vanish_at_the_equilibrium_except_for_the_leader():
    game = random_game(11)
    leader = random_iterate(game, 11)[0]
    e = oracle.equilibrium(game, leader)
    h = oracle.mean_dynamics(game, leader, np.log(e.follower_policy), e.follower_value, np.zeros(4), e.mean_field)
    for component in (h.follower_logits, h.follower_value, h.mean_field):
        np.testing.assert_allclose(component, 0, atol=1e-13)
    assert np.abs(h.leader_logits).max() > 1e-4


def numpy_loop_game():
    """One small game as the NumPy benchmark and as the oracle read it."""
    game = numpy_ac_smfg.random_game(np.random.default_rng(0), 3, 2, 2)
    return game, oracle.ArrayGame(
        kernel=game.kernel,
        kernel_mean_field=game.kernel_slope,
        follower_rewards=game.follower_rewards,
        follower_rewards_mean_field=game.follower_slope,
        leader_rewards=game.leader_rewards,
        leader_rewards_mean_field=game.leader_slope,
        discount=game.discount,
        temperature=game.temperature,
        initial_distribution=game.initial_distribution,
        observation=game.observation,
    )


def test_numpy_loop_with_frozen_policies_finds_the_stationary_law_and_the_values():
    game, arrays = numpy_loop_game()
    frozen = numpy_ac_smfg.StepConstants(leader=0, follower=0, mean_field=1, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=0, constants=frozen)
    phi = policy = np.full((3, 2), 0.5)
    law = np.full(3, 1 / 3)
    for _ in range(200):
        law = oracle.population(arrays, phi, policy, law)
    np.testing.assert_allclose(last.mean_field, law, atol=0.1)
    np.testing.assert_allclose(last.follower_value, oracle.follower_value(arrays, phi, policy, law), atol=0.3)


def test_numpy_loop_with_a_frozen_leader_closes_the_follower_gap():
    game, arrays = numpy_loop_game()
    constants = numpy_ac_smfg.StepConstants(leader=0, mean_field=0.5, follower=1, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=1, constants=constants)
    start = oracle.follower_gap(arrays, np.zeros((3, 2)), np.full((3, 2), 0.5), last.mean_field)
    policy = oracle.softmax(last.follower_logits)
    np.testing.assert_allclose(last.follower_logits.sum(axis=1), 0, atol=1e-10)
    assert oracle.follower_gap(arrays, np.zeros((3, 2)), policy, last.mean_field) < 0.05 * start


def test_numpy_loop_with_a_frozen_population_finds_the_best_leader():
    game, arrays = numpy_loop_game()
    constants = numpy_ac_smfg.StepConstants(leader=1, mean_field=0, follower=0, critic=1)
    last = numpy_ac_smfg.ac_smfg(game, 20_000, seed=2, constants=constants)
    policy, law = np.full((3, 2), 0.5), np.full(3, 1 / 3)
    returns = [
        oracle.leader_return(arrays, np.eye(2)[list(c)], policy, law) for c in itertools.product(range(2), repeat=3)
    ]
    np.testing.assert_allclose(last.leader_logits.sum(axis=1), 0, atol=1e-10)
    reached = oracle.leader_return(arrays, oracle.leader_rows(arrays, last.leader_logits), policy, law)
    assert reached > max(returns) - 0.05 * (max(returns) - min(returns))


def test_numpy_loop_visits_the_states_as_the_discounted_occupancy():
    game, arrays = numpy_loop_game()
    changes = {"discount": 0.7, "initial_distribution": np.array([0.9, 0.05, 0.05])}
    game, arrays = (dataclasses.replace(g, **changes) for g in (game, arrays))
    # With a reward of one and a critic that hardly moves, the critic counts visits; the slope is zero at the
    # frozen uniform mean field and only widens the critic's box.
    slope = np.array([5.0, -5.0, 0.0])[:, None, None, None] * np.ones((3, 2, 2))
    game = dataclasses.replace(game, leader_rewards=np.ones((3, 2, 2)), leader_slope=slope)
    constants = numpy_ac_smfg.StepConstants(leader=0, mean_field=0, follower=0, critic=1e-4)
    visits = numpy_ac_smfg.ac_smfg(game, 20_000, seed=3, constants=constants).leader_value
    policy = np.full((3, 2), 0.5)
    chain = oracle.policy_kernel(arrays, policy, policy, np.full(3, 1 / 3))
    weight = oracle.occupancy(arrays, chain)
    assert np.abs(weight - oracle.stationary_law(chain)).max() > 0.1
    np.testing.assert_allclose(visits / visits.sum(), weight, atol=0.03)
