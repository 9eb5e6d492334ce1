"""All equilibria that a search finds, told apart by their errors."""

import numpy as np
import pytest

from smfg_verify.assumptions.uniqueness.several_equilibria import (
    distinct_of,
    find_equilibria,
    follow_down,
    starting_fields,
)
from smfg_verify.exact.response_jacobian import LocalResponse
from tests.assumptions.crowds import crowd
from tests.assumptions.uniqueness.test_findings import roots


@pytest.mark.parametrize(("temperature", "folds"), [(0.2, 0), (0.03, 2)])
def test_the_path_counts_folds(temperature, folds):
    """Fifty copies of an action hold a hot crowd at state 1 until that branch folds; then state 0 is left."""
    options = {"bias": 1.05, "copies": 50}
    game = crowd(1.0, temperature, **options)
    end = follow_down(game, np.zeros((2, 2)), max_steps=2000)
    assert end.reached
    assert end.folds == folds
    expected = roots(1.0, temperature, **options)
    assert len(expected) == (1 if folds else 3)
    assert end.mean_field[0] == pytest.approx(expected[0], abs=1e-9)


def test_all_equilibria_of_several_temperatures_are_found():
    taus = np.array([0.15, 0.3, 0.6])
    game = crowd(1.0, 0.3, bias=0.02)
    starts = starting_fields(game, 16, np.random.default_rng(0))
    np.testing.assert_allclose(starts.sum(axis=1), 1.0)
    for tau, found in zip(taus, find_equilibria(game, np.zeros((3, 2, 2)), starts, taus), strict=True):
        np.testing.assert_allclose(np.sort(found.distinct[:, 0]), roots(1.0, tau, bias=0.02), atol=1e-8)


def local(fields, errors):
    """Points with the map's derivative zero there, and bounds on their errors."""
    first = np.asarray(fields, dtype=float)
    empty = np.zeros((len(fields), 2, 2))
    return LocalResponse(
        logits=empty,
        temperature=np.ones(len(fields)),
        mean_field=np.stack([first, 1.0 - first], axis=1),
        residual=np.zeros(len(fields)),
        image=empty[:, 0],
        response=empty,
        frozen=empty,
        error=np.array(errors),
    )


def test_points_within_their_own_errors_are_one_equilibrium():
    assert len(distinct_of(local([0.5, 0.6], [1e-12, 1e-12])).distinct) == 2
    assert len(distinct_of(local([0.5, 0.5 + 1e-7], [1e-12, 1e-12])).distinct) == 1
    none = distinct_of(local([0.5, 0.6], [1e-3, np.inf]))
    assert none.unconverged == 2
    assert np.isnan(none.distance)
