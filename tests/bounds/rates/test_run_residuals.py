"""Exact residuals of given iterates, against the independent oracle and against identities."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds.rates.run_residuals import RESIDUAL_NAMES, PointStatus, exact_residuals
from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.at_iterate import at_iterate
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.sparse import choice
from smfg_verify.exact.sparse.at_iterate import at_iterate as sparse_at_iterate
from smfg_verify.game import TabularGame, game_hash, leader_logits_shape, mean_field_shape
from smfg_verify.games import CongestionPricing, LasryLionsChain
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Trace, TraceMetadata, ac_smfg
from tests.exact.cases import SUPPORTS_ONE_QUICK, found_by_newton
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game

ITERATE_NAMES = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")


def trace_of(game, iterates, dtype="float64", hashed=None):
    """A trace that holds the given iterates, arrays by name of shape (seeds, C, ...)."""
    seeds, checkpoints = iterates["leader_critic"].shape[:2]
    metadata = TraceMetadata(
        game=type(game).__name__,
        game_hash=hashed or game_hash(game),
        method="ac-smfg",
        method_options="{}",
        num_iterations=checkpoints - 1,
        dtype=dtype,
        package_version="test",
        transitions_per_iteration=2,
    )
    states = np.zeros((seeds, checkpoints), int)
    return Trace(
        seeds=np.arange(seeds, dtype=np.uint32),
        iterations=np.arange(checkpoints),
        **{name: np.asarray(iterates[name], dtype) for name in ITERATE_NAMES},
        occupancy_state=states,
        population_state=states,
        diverged=np.zeros(seeds, bool),
        metadata=metadata,
    )


def random_iterates(rng, game, seeds=2, checkpoints=2):
    grid, n, field = (seeds, checkpoints), game.num_states, mean_field_shape(game)
    return {
        "leader_logits": rng.normal(size=grid + leader_logits_shape(game)),
        "follower_logits": rng.normal(size=(*grid, n, game.num_follower_actions)),
        "leader_critic": 3.0 * rng.normal(size=(*grid, n)),
        "follower_critic": 3.0 * rng.normal(size=(*grid, n)),
        "mean_field": rng.dirichlet(np.ones(int(np.prod(field))), size=grid).reshape(grid + field),
    }


def random_pair(rng, support, **options):
    reference = random_array_game(rng, 4, 3, 2, observations=2, support=support, tau_l=0.2, **options)
    return reference, TabularGame.from_arrays(**reference.from_arrays_arguments())


@SUPPORTS_ONE_QUICK
def test_every_residual_agrees_with_the_oracle(support):
    rng = np.random.default_rng(0)
    reference, game = random_pair(rng, support)
    iterates = random_iterates(rng, game)
    found = exact_residuals(game, trace_of(game, iterates))
    for point in np.ndindex(2, 2):
        omega, theta, v_l, v_f, mu = (iterates[name][point] for name in ITERATE_NAMES)
        phi, pi = oracle.leader_rows(reference, omega), oracle.softmax(theta)
        gradient = oracle.gradient(reference, omega)
        total, direct = np.asarray(gradient.total), np.asarray(gradient.direct)
        expected = {
            "e_omega": np.sum(total**2),
            "policy_gap": gradient.gap,
            "e_theta": oracle.follower_gap(reference, omega, pi, mu.ravel()),
            "e_mu": np.sum((mu - gradient.equilibrium.mean_field) ** 2),
            "e_Vf": np.sum((v_f - oracle.follower_value(reference, phi, pi, mu.ravel())) ** 2),
            "e_Vl": np.sum((v_l - reference_leader_value(reference, phi, pi, mu.ravel())) ** 2),
            "objective": gradient.objective,
            "direct_norm_squared": np.sum(direct**2),
            "alignment": np.sum(total * direct) / np.sqrt(np.sum(total**2) * np.sum(direct**2)),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(getattr(found, name)[point], float(value), rtol=1e-9, err_msg=name)


def reference_leader_value(reference, phi, pi, mu):
    """V_l by a dense solve on the oracle's tables, the leader's entropy included."""
    transition, _, reward = reference.tables(mu)
    chain = np.einsum("sb,sa,sabt->st", phi, pi, transition)
    earned = np.einsum("sb,sa,sab->s", phi, pi, reward) - reference.leader_temperature * np.sum(phi * np.log(phi), 1)
    system = (np.eye(len(phi)) - reference.discount * chain).astype(float)
    return np.linalg.solve(system, earned.astype(float))


@SUPPORTS_ONE_QUICK
def test_residuals_vanish_at_the_equilibrium(support):
    rng = np.random.default_rng(1)
    reference, game = random_pair(rng, support)
    iterates = random_iterates(rng, game)
    logits = iterates["leader_logits"][0, 0]
    equilibrium = solve_equilibrium(game, logits)
    iterates["follower_logits"][0, 0] = np.log(equilibrium.follower_policy)
    iterates["mean_field"][0, 0] = equilibrium.mean_field
    iterates["follower_critic"][0, 0] = equilibrium.follower_value
    values = leader_value(game, softmax_policy(logits), equilibrium.follower_policy, equilibrium.mean_field)
    iterates["leader_critic"][0, 0] = values
    found = exact_residuals(game, trace_of(game, iterates))
    for name in ("e_theta", "e_mu", "e_Vf", "e_Vl"):
        assert 0.0 <= getattr(found, name)[0, 0] <= found.rounding[name][0, 0] < 1e-18, name
    gradient = oracle.gradient(reference, logits)
    assert found.e_omega[0, 0] == pytest.approx(float(np.sum(gradient.total**2)), rel=1e-9)
    assert found.e_omega[0, 0] > found.rounding["e_omega"][0, 0]


def same(first, second, order=slice(None), rtol=0.0):
    for field in dataclasses.fields(first):
        one, other = getattr(first, field.name), getattr(second, field.name)
        pairs = [(one[name], other[name]) for name in one] if isinstance(one, dict) else [(one, other)]
        for left, right in pairs:
            left = left if field.name == "iterations" else left[order]
            np.testing.assert_allclose(left, right, rtol=rtol, err_msg=field.name)


@pytest.mark.slow
def test_results_do_not_depend_on_batches_or_on_the_order_of_seeds():
    rng = np.random.default_rng(4)
    _, game = random_pair(rng, "states")
    iterates = random_iterates(rng, game, 5, 3)
    whole = exact_residuals(game, trace_of(game, iterates))
    # Sixteen batches of 2 make one block: the 15 points leave a part of the last batch over.
    parts = exact_residuals(game, trace_of(game, iterates), batch_size=2)
    for name in (*RESIDUAL_NAMES, "objective", "alignment"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-10, err_msg=name)
    order = rng.permutation(5)
    shuffled = trace_of(game, {name: array[order] for name, array in iterates.items()})
    shuffled = eqx.tree_at(lambda trace: trace.seeds, shuffled, shuffled.seeds[order])
    same(whole, exact_residuals(game, shuffled), order, rtol=1e-12)


def test_points_that_are_not_finite_are_nan_and_counted():
    rng = np.random.default_rng(5)
    _, game = random_pair(rng, "states")
    iterates = random_iterates(rng, game, 3, 2)
    clean = exact_residuals(game, trace_of(game, iterates))
    iterates["follower_critic"][1, 1, 0] = np.nan
    iterates["leader_logits"][2, 0, 0, 0] = np.inf
    found = exact_residuals(game, trace_of(game, iterates))
    bad = np.zeros((3, 2), bool)
    bad[1, 1] = bad[2, 0] = True
    assert (found.num_diverged, found.num_not_converged, found.num_points) == (2, 0, 6)
    np.testing.assert_array_equal(found.status == PointStatus.DIVERGED, bad)
    for name in RESIDUAL_NAMES:
        np.testing.assert_array_equal(np.isnan(getattr(found, name)), bad)
        np.testing.assert_allclose(getattr(found, name)[~bad], getattr(clean, name)[~bad], rtol=1e-12)


def test_points_without_equilibrium_keep_what_needs_none(monkeypatch):
    # Newton alone is made to fail at every point, then the rescue too: the first must change nothing.
    rng = np.random.default_rng(6)
    _, game = random_pair(rng, "states")
    trace = trace_of(game, random_iterates(rng, game))
    plain = exact_residuals(game, trace)
    from smfg_verify.exact.gradient import at_leaders as module

    honest, sizes = module._evaluate, []

    def failing(game, logits, mean_fields, rescue):
        sizes.append(len(logits))
        points = found_by_newton(honest, sizes[0], game, logits, mean_fields)
        if rescue not in fails_when:
            return points
        lost = [np.full_like(leaf, np.nan) for leaf in points[:-2]]
        return module.LeaderPoints(*lost, np.zeros_like(points.converged), points.rescued)

    monkeypatch.setattr(module, "_evaluate", failing)
    fails_when = {False}
    rescued = exact_residuals(game, trace)
    assert rescued.num_not_converged == 0
    np.testing.assert_allclose(rescued.e_omega, plain.e_omega, rtol=1e-9)
    fails_when = {False, True}
    lost = exact_residuals(game, trace)
    assert lost.num_not_converged == lost.num_points == 4
    for name in ("e_omega", "policy_gap", "e_mu", "objective", "direct_norm_squared", "alignment"):
        assert np.all(np.isnan(getattr(lost, name)))
    np.testing.assert_allclose(lost.e_theta, plain.e_theta, rtol=1e-9)


@pytest.mark.slow
def test_saturated_leader_is_told_by_the_policy_gap_and_misaligned():
    game = games.load("laffer-tax")
    iterates = random_iterates(np.random.default_rng(7), game, 1, 2)
    iterates["leader_logits"][0, :, 0] = [[0.0, 1.0], [0.0, 12.0]]
    found = exact_residuals(game, trace_of(game, iterates))
    assert found.e_omega[0, 1] < 1e-6 * found.e_omega[0, 0]
    assert found.policy_gap[0, 1] > 0.1
    assert found.alignment[0, 0] < -0.99


def test_runs_of_other_games_are_refused():
    game = games.load("two-road-toll")
    trace = trace_of(game, random_iterates(np.random.default_rng(8), game))
    with pytest.raises(ValueError, match="same class, parameters and structure"):
        exact_residuals(eqx.tree_at(lambda g: g.discount, game, game.discount * 0.99), trace)
    with pytest.raises(ValueError, match="recorded on the TwoRoadToll"):
        exact_residuals(games.load("laffer-tax"), trace)
    with pytest.raises(ValueError, match="batch_size"):
        exact_residuals(game, trace, batch_size=0)


@pytest.mark.slow
def test_a_real_run_is_evaluated():
    game = games.load("two-road-toll")
    trace = ac_smfg(game, num_iterations=20, seeds=range(3), checkpoints=4)
    found = exact_residuals(game, trace)
    assert np.all(np.isfinite(found.e_omega))
    assert np.all(found.e_theta >= 0.0)
    np.testing.assert_array_equal(found.iterations, trace.iterations)


def test_iterates_in_single_precision_are_accepted_at_their_own_rounding_level():
    rng = np.random.default_rng(9)
    reference, game = random_pair(rng, "states")
    with jax.enable_x64(False):
        single = game_hash(TabularGame.from_arrays(**reference.from_arrays_arguments()))
    found = exact_residuals(game, trace_of(game, random_iterates(rng, game), "float32", single))
    assert np.all(np.isfinite(found.e_omega))
    assert np.all(found.rounding["e_mu"] > 1e-15)


@pytest.mark.slow
def test_single_precision_run_is_accepted_at_its_own_rounding_level():
    with jax.enable_x64(False):
        single = games.load("two-road-toll")
        trace = ac_smfg(single, num_iterations=20, seeds=range(2), checkpoints=4)
    assert trace.mean_field.dtype == np.float32
    found = exact_residuals(games.load("two-road-toll"), trace)
    assert np.all(np.isfinite(found.e_omega))
    assert np.all(found.rounding["e_mu"] > 1e-15)


@pytest.mark.slow
@pytest.mark.parametrize(
    "game",
    [CongestionPricing(side=3), pytest.param(LasryLionsChain(num_states=6, crowd="log"), marks=pytest.mark.slow)],
)
def test_large_games_have_the_same_residuals_by_sparse_factors(game, monkeypatch):
    """The same run read twice, the second time as if its dense table were too large."""
    trace = ac_smfg(game, num_iterations=40, seeds=range(2), checkpoints=[20])
    dense = exact_residuals(game, trace)
    monkeypatch.setattr(choice, "LARGEST_DENSE_TABLE", 0)
    sparse = exact_residuals(game, trace)
    np.testing.assert_array_equal(sparse.status, dense.status)
    for name in (*RESIDUAL_NAMES, "objective", "alignment", "direct_norm_squared"):
        np.testing.assert_allclose(getattr(sparse, name), getattr(dense, name), rtol=1e-8, atol=1e-12, err_msg=name)


def test_at_an_iterate_sparse_factors_solve_what_tables_solve():
    game, rng = CongestionPricing(side=3), np.random.default_rng(3)
    game, logits = prepare(game, rng.normal(size=leader_logits_shape(game)))
    leader, field = softmax_policy(logits), rng.dirichlet(np.full(game.num_states, 5.0))
    follower = rng.dirichlet(np.ones(game.num_follower_actions), game.num_states)
    dense = jax.jit(at_iterate)(game, leader, follower, field)
    sparse = sparse_at_iterate(game, leader, follower, field)
    for name in ("occupancy", "follower_value", "leader_value"):
        np.testing.assert_allclose(getattr(sparse, name), getattr(dense, name), rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(sparse.optimum.value, dense.optimum.value, rtol=1e-9)
    np.testing.assert_allclose(sparse.optimum.policy, dense.optimum.policy, atol=1e-10)
    # Up to an offset of the state.
    centred = [np.asarray(one.quality) - np.mean(one.quality, axis=1, keepdims=True) for one in (sparse, dense)]
    np.testing.assert_allclose(*centred, atol=1e-9)


@pytest.mark.slow
def test_diverged_points_of_large_games_are_told(monkeypatch):
    game = CongestionPricing(side=3)
    trace = ac_smfg(game, num_iterations=4, seeds=[0], checkpoints=2)
    broken = dataclasses.replace(trace, leader_logits=np.full_like(trace.leader_logits, np.nan))
    monkeypatch.setattr(choice, "LARGEST_DENSE_TABLE", 0)
    found = exact_residuals(game, broken)
    assert found.num_diverged == found.num_points
    assert np.all(np.isnan(found.e_omega))
