"""Predicted errors of critics."""

import numpy as np
import pytest

from smfg_verify.cases.shared.critic import Evaluation, frozen_evaluation, local_minimax_risk
from smfg_verify.cases.shared.frozen_population import _STEP, exact_errors, frozen_population
from smfg_verify.cases.shared.statistics import mean_interval


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
