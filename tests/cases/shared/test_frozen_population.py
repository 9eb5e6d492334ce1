"""The error of a mean field whose policies are frozen."""

import itertools

import numpy as np
import pytest

from smfg_verify.cases.shared.frozen_population import _STEP, exact_errors, frozen_population, snapshots


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
