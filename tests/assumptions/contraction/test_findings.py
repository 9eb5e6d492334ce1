"""Contraction of the best-response map on games where everything about it is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import conic
from smfg_verify.assumptions.contraction.findings import PROPERTY, STATEMENTS, check_contraction
from smfg_verify.assumptions.contraction.near_equilibria import local_points, weighted_finding
from smfg_verify.assumptions.finding import Finding, Side, Verdict
from smfg_verify.exact.follower import policy_value
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import population_law
from smfg_verify.exact.response_jacobian import at_equilibria, scheme_ratio, uniform_field
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.assumptions.crowds import QUICK, crowd, packaged
from tests.helpers import oracle
from tests.helpers.random_arrays import random_array_game


def check(game):
    return {finding.statement: finding for finding in check_contraction(game, QUICK)}


@pytest.fixture(scope="module")
def roads():
    game = checked(load("two-road-toll"))
    return game, check(game)


@pytest.fixture(scope="module")
def hot():
    game = crowd(1.0, 8.0, inertia=0.5)
    return game, check(game)


@pytest.fixture(scope="module")
def cold():
    game = crowd(1.0, 0.2, inertia=0.1)
    return game, check(game)


@pytest.mark.parametrize("name", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("roads", "hot")), "cold"])
def test_every_constant_comes_back_from_its_witness(name, request):
    game, found = request.getfixturevalue(name)
    assert tuple(found) == STATEMENTS
    for finding in found.values():
        assert finding.property == PROPERTY
        if finding.witness:
            again = Finding.from_json(finding.to_json()).reproduce(game)
            np.testing.assert_allclose(again, finding.constant, rtol=1e-8)


@pytest.mark.slow
def test_two_roads_have_modulus_the_sum_of_the_costs_over_four_temperatures(roads):
    """Gamma(m)_1 = sigmoid((kappa_2 m_2 - kappa_1 m_1 + tolls) / tau): slope at most (1 + 2) / (4 * 0.3) = 2.5."""
    _, found = roads
    assert found["modulus"].verdict is Verdict.REFUTED
    assert found["modulus"].side is Side.LOWER
    assert found["modulus"].constant == pytest.approx(2.5, rel=1e-4)
    assert found["modulus"].details["secant"] == pytest.approx(2.5, rel=1e-3)
    assert found["spectral-radius"].verdict is Verdict.REFUTED
    assert found["spectral-radius"].constant <= 2.5 + 1e-12
    # The kernel does not depend on the mean field: both local criteria are one.
    m = found["softmax-scheme"].witness["mean_field"]
    slope = 3.0 / 0.3 * m[0] * m[1]
    assert found["softmax-scheme"].constant == pytest.approx(slope, rel=1e-9)
    assert found["weighted-norm"].verdict is Verdict.INCONCLUSIVE
    assert found["weighted-norm"].constant == pytest.approx(slope, rel=1e-9)
    assert found["smallest-temperature"].details["smallest"]["modulus"] == pytest.approx(0.75, rel=1e-3)
    assert found["certified-bound"].verdict is Verdict.INCONCLUSIVE


def test_hot_followers_contract(hot):
    _, found = hot
    smallest = found["smallest-temperature"]
    for statement in ("certified-bound", "weighted-norm", "smallest-temperature"):
        assert found[statement].verdict is Verdict.CERTIFIED
    for statement in ("modulus", "spectral-radius", "softmax-scheme"):
        assert found[statement].verdict is Verdict.SUPPORTED
    assert found["modulus"].constant == pytest.approx(0.5 / (2.0 * 8.0), rel=1e-3)
    assert found["modulus"].constant < found["certified-bound"].constant < 1.0
    # Thresholds by hand: the bounds are those of test_contraction_bounds, the map's slope is (1 - e) k / (2 tau).
    expected = {"sup-norm": 0.5 / 0.1, "span": 0.5 / (1.0 - 0.9 * 0.5), "modulus": 0.25, "spectral-radius": 0.25}
    for name, tau in expected.items():
        assert smallest.details["smallest"][name] == pytest.approx(tau, rel=2e-3)
    for name in ("softmax-scheme", "weighted-norm"):
        assert smallest.details["smallest"][name] == pytest.approx(0.25, rel=2e-3)
    assert smallest.constant == pytest.approx(0.5 / (1.0 - 0.9 * 0.5), rel=1e-4)


def test_cold_crowds_do_not_contract(cold):
    _, found = cold
    assert found["modulus"].verdict is Verdict.REFUTED
    assert found["modulus"].constant == pytest.approx(0.9 / (2.0 * 0.2), rel=1e-4)
    assert Verdict.CERTIFIED not in {found[s].verdict for s in ("certified-bound", "weighted-norm")}
    assert np.all(np.diff(found["modulus"].details["search_curve"]) >= 0.0)
    sweep = found["smallest-temperature"].details["sweep"]
    np.testing.assert_allclose(sweep["modulus"], 0.45 / sweep["temperature"], rtol=2e-2)
    assert np.all(sweep["span"] >= sweep["modulus"])


@pytest.mark.slow
def test_the_softmax_criterion_is_the_action_values_slope_in_the_logits():
    """Its definition, differentiated directly through the mean field that a policy reproduces."""
    arrays = random_array_game(np.random.default_rng(3), 3, 3, 2, tau=0.1, kernel_coupling=0.9, reward_coupling=3.0)
    game = packaged(arrays)
    found = at_equilibria(game, np.zeros((1, 3, 2)), uniform_field(game)[None])
    assert found.converged[0]
    rows = jnp.full((3, 2), 0.5)

    def law(zeta, field):
        return population_law(game, follower_model(tabulate(game, field), rows), jax.nn.softmax(zeta))

    def action_value(zeta, field):
        model = follower_model(tabulate(game, field), rows)
        value = policy_value(model, jax.nn.softmax(zeta), game.discount, game.temperature)
        return model.reward + game.discount * model.transition @ value

    field = jnp.asarray(found.mean_field[0])
    zeta = jnp.asarray(oracle.best_response(arrays, np.full((3, 2), 0.5), found.mean_field[0])[1])
    zeta = jnp.log(zeta)
    by_zeta, by_field = jax.jit(jax.jacfwd(law, (0, 1)))(zeta, field)
    moved = np.linalg.solve(np.eye(3) - np.asarray(by_field), np.asarray(by_zeta).reshape(3, 9))
    q_zeta, q_field = jax.jit(jax.jacfwd(action_value, (0, 1)))(zeta, field)
    slope = np.asarray(q_zeta).reshape(9, 9) + np.asarray(q_field).reshape(9, 3) @ moved
    radius = np.max(np.abs(np.linalg.eigvals(slope)))
    assert scheme_ratio(found.response[0], found.frozen[0]) == pytest.approx(radius / 0.1, rel=1e-6)


@pytest.mark.parametrize("kind", ["inaccurate", "failed", "garbage", "not a number"])
def test_a_solver_that_lies_or_fails_certifies_nothing(kind, hot, monkeypatch):
    game, _ = hot
    points = local_points(game, QUICK)
    rng = np.random.default_rng(0)

    def lie(problem, *, second_opinion=True):
        size = problem.variables()[0].shape[0]
        weight = -np.eye(size) if kind == "garbage" else np.full((size, size), np.nan)
        if kind in ("inaccurate", "failed"):
            weight = np.eye(size)
        status = {"inaccurate": "optimal_inaccurate", "failed": "failed: of its own accord"}.get(kind, conic.SOLVED)
        return conic.ConicResult(
            status=status,
            value=rng.normal(),
            variables={"weight": weight},
            duals=(),
            second_status=conic.SOLVED,
            second_value=0.0,
        )

    monkeypatch.setattr(conic, "solve", lie)
    finding = weighted_finding(points)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert np.isnan(finding.constant)
    if kind in ("inaccurate", "failed"):
        assert finding.searched["statuses"] in finding.meaning


def test_garbage_that_happens_to_be_a_norm_gets_its_true_modulus(monkeypatch):
    """A weight far from the optimum, called optimal: the number reported is what the weight really does."""
    arrays = random_array_game(np.random.default_rng(3), 3, 3, 2, tau=0.05, kernel_coupling=0.9, reward_coupling=3.0)
    points = local_points(packaged(arrays), QUICK)
    root = np.random.default_rng(1).normal(size=(2, 2)) * np.array([1e4, 1e-4])

    def lie(problem, *, second_opinion=True):
        return conic.ConicResult(
            status=conic.SOLVED,
            value=0.0,
            variables={"weight": root @ root.T},
            duals=(),
            second_status=conic.SOLVED,
            second_value=0.0,
        )

    monkeypatch.setattr(conic, "solve", lie)
    finding = weighted_finding(points)
    assert finding.constant > 1.0
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_reducible_chains_are_counted():
    """Without leader or follower every chain stays where it is: no law, no slope, no verdict."""
    shape = (2, 2, 2)
    game = checked(
        TabularGame.from_arrays(
            kernel=np.broadcast_to(np.eye(2)[:, None, None, :], (*shape, 2)),
            follower_rewards=np.zeros(shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=np.ones((2, *shape)),
            discount=0.9,
            temperature=0.3,
        )
    )
    found = check(game)
    assert found["modulus"].verdict is Verdict.INCONCLUSIVE
    assert found["modulus"].searched["sample_nan"] == found["modulus"].searched["samples"]
    assert found["spectral-radius"].searched["unconverged"] == found["spectral-radius"].searched["leaders"]
    for finding in found.values():
        assert finding.verdict is Verdict.INCONCLUSIVE
    assert found["certified-bound"].constant == np.inf


def test_a_single_state_is_not_applicable():
    shape = (1, 2, 2)
    game = TabularGame.from_arrays(
        kernel=np.ones((*shape, 1)),
        follower_rewards=np.zeros(shape),
        leader_rewards=np.zeros(shape),
        discount=0.9,
        temperature=0.3,
    )
    assert {finding.verdict for finding in check_contraction(checked(game), QUICK)} == {Verdict.NOT_APPLICABLE}
