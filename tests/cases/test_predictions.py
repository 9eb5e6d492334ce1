"""What the cases predict by formula, held against brute force that shares nothing with it."""

import itertools

import numpy as np
import pytest

from smfg_verify.cases.shared.critic import Evaluation, frozen_evaluation, local_minimax_risk
from smfg_verify.cases.shared.frozen_population import _STEP, exact_errors, frozen_population, snapshots
from smfg_verify.cases.shared.statistics import envelope_slope, mean_interval, ratio_interval, slope_interval


@pytest.mark.parametrize("sampling", ["markov", "iid"])
def test_mean_field_error_is_that_of_all_paths(sampling):
    population, iterations = frozen_population(), 9
    total = np.zeros(iterations + 1)
    for path in itertools.product(range(2), repeat=iterations + 1):
        rows = population.transition if sampling == "markov" else np.tile(population.law, (2, 1))
        first = population.initial if sampling == "markov" else population.law
        probability = first[path[0]] * np.prod([rows[s, t] for s, t in itertools.pairwise(path)])
        estimate, along = np.full(2, 0.5), []
        for k in range(iterations + 1):
            along.append(np.sum((estimate - population.law) ** 2))
            step = min(1.0, _STEP / np.sqrt(k + 1.0))
            if k < iterations:
                estimate = (1.0 - step) * estimate + step * np.eye(2)[path[k + 1]]
        total += probability * np.array(along)
    np.testing.assert_allclose(exact_errors(population, sampling, iterations), total[snapshots(iterations)], rtol=1e-12)


def test_markov_error_approaches_the_asymptotic_formula():
    """xi_k / 2 times the trace of the sum of all autocovariances, which for two states is geometric."""
    population, iterations = frozen_population(), 100_000
    second = population.transition[0, 0] - population.transition[1, 0]
    variance = 1.0 - np.sum(population.law**2)
    asymptotic = 0.5 * _STEP / np.sqrt(iterations) * variance * (1.0 + second) / (1.0 - second)
    assert exact_errors(population, "markov", iterations)[-1] == pytest.approx(asymptotic, rel=0.03)


def test_risk_of_one_state_is_the_variance_over_the_squared_horizon():
    problem = Evaluation(
        probability=np.array([[0.3, 0.7]]),
        reward=np.array([[1.0, 5.0]]),
        next_state=np.array([0, 0]),
        transition=np.array([[1.0]]),
        discount=0.8,
        value=np.array([3.8 / 0.2]),
    )
    assert local_minimax_risk(problem) == pytest.approx(0.3 * 0.7 * 16.0 / 0.04, rel=1e-12)


def test_risk_is_that_of_the_plug_in_estimator():
    """The value of the empirical model attains the bound: its scaled error over many data sets."""
    problem, number, generator = frozen_evaluation(), 4000, np.random.default_rng(0)
    weight, value = np.asarray(problem.probability), np.asarray(problem.value)
    size = len(value)
    target = np.eye(size)[np.asarray(problem.next_state)]
    errors = []
    for _ in range(1500):
        share = np.stack([generator.multinomial(number, row / row.sum()) for row in weight]) / number
        found = np.linalg.solve(
            np.eye(size) - problem.discount * share @ target, np.sum(share * problem.reward, axis=1)
        )
        errors.append(number * np.sum((found - value) ** 2))
    interval = mean_interval(np.array(errors))
    assert interval.lower < local_minimax_risk(problem) < interval.upper
    assert interval.upper - interval.lower < 0.3 * interval.estimate


def test_intervals_cover_what_they_are_about():
    generator, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(400):
        above, below = generator.exponential(3.0, 60), generator.exponential(1.0, 60)
        covered += [
            mean_interval(above).lower <= 3.0 <= mean_interval(above).upper,
            ratio_interval(above, below).lower <= 3.0 <= ratio_interval(above, below).upper,
        ]
    # Nominal 0.99; exponential means of 60 are a little skewed.
    assert np.all(covered / 400 > 0.96)


def test_slopes_of_known_curves():
    counts = np.unique(np.round(np.geomspace(10, 10_000, 15)).astype(int))
    values = counts**-0.7 * np.random.default_rng(0).lognormal(0.0, 0.1, (30, 1))
    slope = slope_interval(values, counts)
    assert slope.estimate == pytest.approx(-0.7, abs=1e-12)
    # d log(log(k + 2)) / d log k at the geometric middle, k = 316.
    assert envelope_slope(counts) == pytest.approx(-0.5 + 1.0 / np.log(317.0), abs=0.02)
