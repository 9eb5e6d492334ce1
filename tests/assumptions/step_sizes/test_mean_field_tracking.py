"""The linearised tracking of the mean field, against the oracle and the mean dynamics."""

import numpy as np
import pytest

from smfg_verify.assumptions.step_sizes.mean_field_tracking import linearise, tangent_norm
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.step_sizes.test_findings import SMALL
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair
from tests.helpers import oracle


@SUPPORTS_ONE_QUICK
def test_linearisation_against_the_oracle(support):
    game, arrays, logits = pair(2, SMALL, support=support)
    found = linearise(checked(game), logits[None])
    field = oracle.equilibrium(arrays, logits).mean_field.ravel()
    np.testing.assert_allclose(found.mean_field[0].ravel(), field, atol=1e-11)
    units = np.eye(logits.size).reshape(-1, *logits.shape)
    moved = [
        oracle.central_difference(
            lambda t, u=u: oracle.equilibrium(arrays, logits + t * u, field).mean_field.ravel(), 1e-2
        )[0]
        for u in units
    ]
    np.testing.assert_allclose(found.moved[0], np.array(moved).T, atol=1e-8)
    np.testing.assert_allclose(found.update[0], update(arrays, logits, field), atol=1e-9)
    size = len(field)
    for i, j in ((0, 1), (size - 1, 0)):
        along = np.eye(size)[i] - np.eye(size)[j]
        image = oracle.central_difference(lambda t, along=along: response(arrays, logits, field + t * along), 1e-3)[0]
        np.testing.assert_allclose(found.response[0] @ along, image, atol=1e-8)
        turned = oracle.central_difference(lambda t, along=along: update(arrays, logits, field + t * along), 1e-3)[0]
        np.testing.assert_allclose(found.slope[0] @ along, turned, atol=1e-7)


def response(arrays, logits, field):
    phi = oracle.leader_rows(arrays, logits)
    return oracle.population(arrays, phi, oracle.best_response(arrays, phi, field)[1], field)


def update(arrays, logits, field):
    """(1 - gamma) times the slope of the leader's return at fixed follower and mean field."""
    policy = oracle.best_response(arrays, oracle.leader_rows(arrays, logits), field)[1]

    def returned(table):
        return oracle.leader_return(arrays, oracle.leader_rows(arrays, table), policy, field)

    units = np.eye(logits.size).reshape(-1, *logits.shape)
    slopes = [oracle.central_difference(lambda t, u=u: returned(logits + t * u), 1e-2)[0] for u in units]
    return (1 - arrays.discount) * np.array(slopes)


def test_the_linearised_recursion_is_that_of_the_mean_dynamics():
    """One joint step of leader and mean field from a displaced mean field, by the oracle: the error moves as told."""
    _, arrays, logits = pair(2, SMALL)
    found = linearise(checked(pair(2, SMALL)[0]), logits[None])
    field, (zeta, xi) = found.mean_field[0], (0.03, 0.1)
    error = 1e-4 * np.array([1.0, -0.3, -0.7])
    moved = (field + error) + xi * (response(arrays, logits, field + error) - (field + error))
    stepped = logits + zeta * update(arrays, logits, field + error).reshape(logits.shape)
    after = moved - oracle.equilibrium(arrays, stepped, field).mean_field
    resting = (
        field - oracle.equilibrium(arrays, logits + zeta * found.update[0].reshape(logits.shape), field).mean_field
    )
    matrix = np.eye(3) - xi * (np.eye(3) - found.response[0]) - zeta * found.moved[0] @ found.slope[0]
    np.testing.assert_allclose(after - resting, matrix @ error, atol=2e-3 * np.max(np.abs(error)))
    q = found.contraction[0] + zeta / xi * found.feedback[0]
    assert np.sum(np.abs(matrix @ error)) <= (1 - xi * (1 - q)) * np.sum(np.abs(error))


def test_tangent_norm_is_attained_at_a_pair_of_columns():
    matrix = np.random.default_rng(0).normal(size=(1, 5, 5))
    pairs = [np.eye(5)[i] - np.eye(5)[j] for i in range(5) for j in range(5) if i != j]
    largest = max(np.sum(np.abs(matrix[0] @ v)) / 2 for v in pairs)
    assert tangent_norm(matrix)[0] == pytest.approx(largest)
    others = np.random.default_rng(1).normal(size=(500, 5))
    others -= others.mean(axis=1, keepdims=True)
    stretched = np.sum(np.abs(others @ matrix[0].T), axis=1) / np.sum(np.abs(others), axis=1)
    assert np.all(stretched <= largest * (1 + 1e-12))
    assert tangent_norm(np.ones((1, 1, 1)))[0] == 0.0
