"""Every case holds in its quick version, and fails where one ingredient is broken."""

import dataclasses
import functools

import equinox as eqx
import jax
import numpy as np
import pytest

from smfg_verify.assumptions.contraction.proved_bounds import smaller_bound
from smfg_verify.assumptions.gradient_domination.measures import evaluate_points
from smfg_verify.bounds.theorem.curve import theorem_curve
from smfg_verify.cases import CaseVerdict, Version, case_names, find_case, run_case
from smfg_verify.cases.follower.follower_tracking import optimality_gaps
from smfg_verify.cases.mean_field.finite_population import simulated_deviation
from smfg_verify.cases.mean_field.stationary_sensitivity import stationary_laws
from smfg_verify.cases.rates import finite_time_bound
from smfg_verify.cases.shared.critic import averaged_errors
from smfg_verify.cases.shared.frozen_population import squared_errors
from smfg_verify.cases.shared.runs import run_at_rate
from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.follower import soft_bellman
from smfg_verify.stochastic import Schedule, ac_smfg

# They run for five seconds and more; each of these fails with a broken ingredient or a wrong number below, quickly.
LONG = ("ac-smfg-rate", "rate-failure", "finite-population", "finite-time-bound", "critic-convergence")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LONG)) for n in case_names()])
def test_quick_version_holds(name):
    outcome = run_case(name)
    assert outcome.verdict is CaseVerdict.HOLDS, outcome.record


@pytest.mark.slow
@pytest.mark.parametrize("name", case_names())
def test_full_version_holds(name):
    outcome = run_case(name, Version.FULL)
    assert outcome.verdict is CaseVerdict.HOLDS, outcome.record


def without_mean_field_response(game, logits, **options):
    found = stackelberg_gradient(game, logits, **options)
    return eqx.tree_at(lambda g: g.mean_field_response, found, 0.0 * found.mean_field_response)


def without_policy_response(game, logits, **options):
    found = stackelberg_gradient(game, logits, **options)
    return eqx.tree_at(lambda g: g.policy_response, found, 0.0 * found.policy_response)


def without_squared_probability(game, points):
    """Mei et al.'s constant with the square of the smallest probability forgotten."""
    found = evaluate_points(game, points)
    smallest = np.min(np.asarray(jax.nn.softmax(points.follower_logits)), axis=(1, 2))
    return found._replace(mei_constant=found.mei_constant / smallest**4)


def gap_off_by_a_millionth(game, points):
    found = evaluate_points(game, points)
    return found._replace(gap=found.gap * (1.0 + 1e-6))


def twice_as_far_from_uniform(chains):
    laws = stationary_laws(chains)
    return 2.0 * laws - 1.0 / laws.shape[-1]


def undiscounted_shift(model, value, discount, temperature):
    updated, policy = soft_bellman(model, value, discount, temperature)
    return updated + (1.0 - discount) * value.mean(), policy


def half_the_temperature(logits):
    return jax.nn.softmax(2.0 * logits)


def unmixed(inputs, temperature):
    return smaller_bound(inputs._replace(mixing_factor=1e-3 * inputs.mixing_factor), temperature)


def not_averaged(problem, runs, numbers, step):
    """The rate of the last iterate."""
    return averaged_errors(problem, runs // 8, numbers, step) * np.sqrt(numbers)


def too_good(problem, runs, numbers, step):
    return 0.5 * averaged_errors(problem, runs, numbers, step)


def about_another_law(population, sampling, seeds, iterations):
    return squared_errors(population._replace(law=np.array([0.45, 0.55])), sampling, seeds, iterations)


def always_markov(population, sampling, seeds, iterations):
    return squared_errors(population, "markov", seeds, iterations)


def follower_that_stands_still(seeds, iterations):
    return optimality_gaps(seeds, iterations, {"mean_field": 0.2, "follower": 0.0, "critic": 1.0})


def leader_that_hardly_moves(game, *, num_seeds, num_iterations):
    schedule = Schedule(leader=1e-3, mean_field=1.0, follower=2.0, critic=4.0)
    return ac_smfg(game, num_iterations=num_iterations // 10, seeds=range(8), schedule=schedule, checkpoints=30)


def back_at_the_start(game, **options):
    """A short run that has been away and ends near the peak of the Laffer curve."""
    trace = run_at_rate(game, num_seeds=8, num_iterations=3000)
    logits = trace.leader_logits.copy()
    logits[:, -1] *= 1e-2
    return dataclasses.replace(trace, leader_logits=logits)


def another_cost(game, *, num_seeds, num_iterations, sampling):
    """Where independent samples are asked for, a leader to whom a repair costs a tenth more."""
    changed = game if sampling == "markov" else eqx.tree_at(lambda g: g.cost, game, 1.1 * game.cost)
    return run_at_rate(changed, num_seeds=num_seeds, num_iterations=num_iterations)


def always_ten_followers(game, equilibrium, followers, replicates, steps):
    return simulated_deviation(game, equilibrium, 10, replicates, steps)


def without_noise(inputs, found, schedule, iterations, start):
    """Critics whose temporal differences are not random."""
    return theorem_curve(inputs, found._replace(follower_error=0.0), schedule, iterations, start)


def without_moves(inputs, found, schedule, iterations, start):
    """A gradient of the follower that nothing disturbs."""
    found = found._replace(follower_noise=(0.0, 0.0), critic_to_follower=0.0, gap_moves=(0.0, 0.0))
    return theorem_curve(inputs, found, schedule, iterations, start)


BROKEN = {
    "gradient-identity": [{"gradient": without_mean_field_response}, {"gradient": without_policy_response}],
    "gradient-domination": [{"measures": without_squared_probability}],
    "gap-identity": [{"measures": gap_off_by_a_millionth}],
    "stationary-sensitivity": [{"laws": twice_as_far_from_uniform}],
    "soft-bellman-contraction": [{"operator": undiscounted_shift}],
    "policy-lipschitz": [{"policy": half_the_temperature}],
    "contraction-bound": [{"bound": unmixed}],
    "critic-convergence": [{"errors": not_averaged}],
    "critic-lower-bound": [{"errors": too_good}],
    "mean-field-tracking": [{"run": about_another_law}],
    "follower-tracking": [{"run": follower_that_stands_still}],
    "ac-smfg-rate": [{"run": leader_that_hardly_moves}],
    "rate-failure": [{"run": back_at_the_start}],
    "finite-time-bound": [{"curve": without_noise}, {"curve": without_moves}],
    "markov-ratio": [{"run": always_markov}],
    "markov-limit": [{"run": another_cost}],
    "finite-population": [{"simulate": always_ten_followers}],
}


def test_every_case_can_be_broken():
    assert set(BROKEN) == set(case_names())


# They hold in seconds by default, or are given wrong numbers below; that they fail takes as long again.
FAIL_SLOWLY = ("gradient-identity", "contraction-bound", "follower-tracking", "markov-ratio", "finite-time-bound")


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [
        pytest.param(name, broken, marks=[pytest.mark.slow] * (name in FAIL_SLOWLY))
        for name, several in BROKEN.items()
        for broken in several
    ],
)
def test_case_fails_with_a_broken_ingredient(name, ingredient):
    record = find_case(name).function(Version.QUICK, **ingredient)
    assert record.verdict is CaseVerdict.FAILS, record


def test_a_failure_whose_hypothesis_does_not_fail_shows_nothing():
    """A leader that never leaves the start meets no misaligned point."""

    def stays(game, **options):
        trace = run_at_rate(game, num_seeds=2, num_iterations=50)
        return dataclasses.replace(trace, leader_logits=0.0 * trace.leader_logits)

    record = find_case("rate-failure").function(Version.QUICK, run=stays)
    assert record.verdict is CaseVerdict.INCONCLUSIVE
    assert "hypothesis" in record.reason


def test_numbers_that_could_not_be_computed_are_inconclusive():
    nothing = functools.partial(find_case("critic-lower-bound").function, Version.QUICK)
    record = nothing(errors=lambda problem, runs, numbers, step: np.full((runs, len(numbers)), np.nan))
    assert record.verdict is CaseVerdict.INCONCLUSIVE
    assert "NaN" in record.reason


def test_a_game_whose_bound_has_no_number_is_not_left_out(monkeypatch):
    """Neither one without constants nor one whose run diverged: the others would carry the verdict alone."""
    one_of_two = iter([np.full((3, 8), 0.5), np.full((3, 8), np.nan)])
    monkeypatch.setattr(finite_time_bound, "_quotients", lambda *_: next(one_of_two))
    record = find_case("finite-time-bound").function(Version.QUICK)
    assert record.verdict is CaseVerdict.INCONCLUSIVE
    assert record.details["games without a number"] == 1.0


@pytest.mark.parametrize(("highest", "verdict"), [(0.9, CaseVerdict.HOLDS), (1.1, CaseVerdict.FAILS)])
def test_a_bound_that_one_mean_of_one_game_exceeds_fails(highest, verdict, monkeypatch):
    """Quotients by hand: those of runs take a compiler's half minute."""
    quotients = iter([np.full((3, 8), 0.5), np.where(np.arange(8) == 6, highest, 0.1) * np.ones((3, 1))])
    monkeypatch.setattr(finite_time_bound, "_quotients", lambda *_: next(quotients))
    record = find_case("finite-time-bound").function(Version.QUICK)
    assert record.verdict is verdict
    assert record.measured == highest


@pytest.mark.parametrize("name", case_names())
def test_a_case_says_what_it_claims(name):
    case = find_case(name)
    assert case.statement.endswith(".")
    assert case.formula
    assert case.source
