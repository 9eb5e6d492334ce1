"""The follower's convex program: it agrees with the exact solver, and no solver's word certifies anything."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import Verdict
from smfg_verify.assumptions.gradient_domination import follower_program
from smfg_verify.assumptions.gradient_domination.follower_program import (
    TOLERANCE,
    FollowerProblem,
    bracket,
    follower_problem,
    program_finding,
    recompute_program,
    solve_program,
)
from smfg_verify.conic import ConicResult, solve
from smfg_verify.exact.follower import best_response
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import FollowerModel
from smfg_verify.game import leader_logits_shape, mean_field_shape
from smfg_verify.games import load, names
from tests.exact.cases import pair
from tests.helpers import oracle

SMALL = (3, 2, 2)
# One of each kind of mean field and table.
QUICK = ("market-entrance", "equilibrium-pricing", "congestion-pricing")


def random_problem(seed, gamma=0.9, tau=0.3):
    """A problem and its optimum by the oracle."""
    game, arrays, logits = pair(seed, SMALL, gamma=gamma, tau=tau)
    field = np.random.default_rng(seed).dirichlet(np.ones(3))
    value, policy = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)
    return follower_problem(checked(game), logits, field), value, policy


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in names()])
def test_the_program_agrees_with_the_exact_solver_on_every_shipped_game(name, monkeypatch):
    monkeypatch.setattr(follower_program, "solve", lambda problem: solve(problem, second_opinion=False))
    game = checked(load(name))
    field = np.full(mean_field_shape(game), 1.0 / np.prod(mean_field_shape(game)))
    problem = follower_problem(game, np.zeros(leader_logits_shape(game)), field)
    result, policy, optimum = solve_program(problem)
    assert result.solved
    model = FollowerModel(jnp.asarray(problem.transition), jnp.asarray(problem.reward), jnp.zeros(problem.reward.shape))
    value = np.asarray(best_response(model, jnp.asarray(problem.discount), jnp.asarray(problem.temperature)).value)
    assert abs(optimum - problem.initial @ value) <= 1e-6
    bounds = bracket(problem, policy, value)
    assert bounds.lower <= bounds.upper <= bounds.lower + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "random-game")) for n in names()])
def test_the_finding_is_certified_on_shipped_games(name):
    game = checked(load(name))
    finding = program_finding(game)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.details["agreement"] <= 1e-6
    assert finding.details["second_status"] in ("optimal", "optimal_inaccurate")
    assert 0.0 <= finding.constant <= 1e-6
    assert recompute_program(game, finding.witness) == finding.constant


def test_one_state_is_a_closed_form():
    rewards, tau, gamma = np.array([[0.3, -0.2, 1.0]]), 0.3, 0.8
    problem = FollowerProblem(np.ones((1, 3, 1)), rewards, np.ones(1), gamma, tau)
    _, policy, optimum = solve_program(problem)
    assert abs(optimum - tau * np.log(np.sum(np.exp(rewards / tau))) / (1 - gamma)) <= 1e-6
    np.testing.assert_allclose(policy, oracle.softmax(rewards / tau), atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_bracket_holds_the_optimum_whatever_it_is_given(seed):
    problem, value, policy = random_problem(seed, gamma=0.7)
    optimum = problem.initial @ value
    rng = np.random.default_rng(seed)
    for size in (10.0, 1.0, 1e-3, 0.0):
        guess = value + size * rng.normal(size=value.shape)
        other = (1 - min(size, 1.0)) * policy + min(size, 1.0) * rng.dirichlet(np.ones(2), 3)
        bounds = bracket(problem, other, guess)
        assert bounds.lower <= optimum + 1e-12
        assert bounds.upper >= optimum - 1e-12
        own = problem.initial @ policy_value(problem, other)
        np.testing.assert_allclose(bounds.lower, own, rtol=1e-12)
    assert bounds.upper - bounds.lower <= 1e-12


def policy_value(problem, policy):
    """By iteration, not by a solve."""
    running = np.sum(policy * problem.reward, axis=1) + problem.temperature * oracle_entropy(policy)
    moves = np.einsum("sa,sat->st", policy, problem.transition)
    value = np.zeros(len(running))
    for _ in range(400):
        value = running + problem.discount * moves @ value
    return value


def oracle_entropy(policy):
    return -np.sum(policy * np.log(policy), axis=1)


@pytest.fixture(scope="module")
def game():
    return checked(pair(4, SMALL)[0])


def with_solver(monkeypatch, **changes):
    """A solver whose answer is changed after the fact."""
    real = follower_program.solve

    def lying(problem, **options):
        result = real(problem, **options)
        edits = {key: edit(getattr(result, key)) for key, edit in changes.items()}
        return dataclasses.replace(result, **edits)

    monkeypatch.setattr(follower_program, "solve", lying)


@pytest.mark.parametrize("status", ["optimal_inaccurate", "infeasible", "failed: SolverError"])
def test_a_solver_that_fails_is_inconclusive_with_its_status(game, monkeypatch, status):
    failed = ConicResult(
        status=status,
        value=float("nan"),
        variables={},
        duals=(),
        second_status="optimal",
        second_value=1.0,
    )
    monkeypatch.setattr(follower_program, "solve", lambda problem, **options: failed)
    finding = program_finding(game)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert np.isnan(finding.constant)
    assert status in finding.meaning
    assert finding.details["status"] == status


@pytest.mark.parametrize(
    "lie",
    [
        {"value": lambda value: value + 1e-3},
        {"variables": lambda entries: {name: np.roll(entry, 1, axis=1) for name, entry in entries.items()}},
        {"variables": lambda entries: {name: np.zeros_like(entry) for name, entry in entries.items()}},
        {"variables": lambda entries: {name: np.full_like(entry, np.nan) for name, entry in entries.items()}},
    ],
)
def test_a_solver_that_lies_never_certifies(game, monkeypatch, lie):
    with_solver(monkeypatch, **lie)
    finding = program_finding(game)
    assert finding.verdict is Verdict.INCONCLUSIVE
    if finding.witness:
        assert finding.details["lower"] <= finding.details["exact_optimum"] + 1e-9
        assert finding.details["upper"] >= finding.details["exact_optimum"] - 1e-9


def test_a_wrong_best_response_is_not_confirmed(game, monkeypatch):
    """The exact side's value is off by 1e-4 and the solver is right: the bracket is as wide as the error makes it."""
    real = follower_program.evaluate_leaders

    def wrong(*arguments, **options):
        found = real(*arguments, **options)
        return found._replace(follower_value=found.follower_value - 1e-4)

    monkeypatch.setattr(follower_program, "evaluate_leaders", wrong)
    finding = program_finding(game)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.details["agreement"] > TOLERANCE * 10


def test_a_witness_of_another_game_is_refused(game):
    finding = program_finding(game)
    other = checked(load("random-game"))
    witness = {**finding.witness, "leader_logits": np.zeros((5, 3)), "mean_field": np.full(5, 0.2)}
    with pytest.raises(ValueError, match="about another game"):
        recompute_program(other, witness)
