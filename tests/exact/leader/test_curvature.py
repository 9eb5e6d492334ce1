"""Curvature of the objective at a stationary leader."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import leader_objective, optimise_leader, stackelberg_gradient
from smfg_verify.exact.leader import curvature as leader_curvature
from smfg_verify.exact.leader.ascent_steps import Iterate
from smfg_verify.exact.leader.curvature import largest_curvature
from smfg_verify.game import traced
from tests.exact.cases import pair
from tests.exact.leader.test_second_order import UNIFORM, game


def test_a_maximum_stays_one_and_its_curvature_is_the_second_difference():
    """-x^2 + x^3 at x = 0: the curvature is that of Phi along the unit tangent (-1, 1) / sqrt(2) of the policy."""
    of = game(0.0, -1.0, 1.0, 0.0)
    found = optimise_leader(of, UNIFORM)
    assert found.converged
    assert found.escapes == ()
    assert found.leader_logits.shape == (1, 2)

    def along(t):
        policy = 0.5 + t * np.array([[-1.0, 1.0]]) / np.sqrt(2.0)
        return float(leader_objective(of, np.log(policy)))

    second = [(along(h) - 2.0 * along(0.0) + along(-h)) / h**2 for h in (0.02, 0.01)]
    assert found.curvature == pytest.approx((4.0 * second[1] - second[0]) / 3.0, rel=1e-6)


def test_lanczos_finds_the_largest_eigenvalue_its_vector_and_the_size_of_a_matrix_of_known_spectrum():
    eigenvalues, vectors = np.linspace(-3.0, 2.0, 12), np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    matrix = vectors * eigenvalues @ vectors.T
    largest, vector, size = leader_curvature._by_lanczos(lambda x: matrix @ np.ravel(x), 12)
    np.testing.assert_allclose(largest, [2.0], rtol=1e-7)
    assert abs(vector[:, 0] @ vectors[:, -1]) == pytest.approx(1.0, abs=1e-6)
    assert size == pytest.approx(3.0, rel=1e-2)


@pytest.mark.slow
def test_lanczos_finds_the_largest_eigenvalue_of_the_dense_hessian(monkeypatch):
    arrays_game, _, logits = pair(31)
    at = stackelberg_gradient(arrays_game, logits)
    policy = np.asarray(jnp.exp(logits) / jnp.sum(jnp.exp(logits), axis=1, keepdims=True))
    dense = largest_curvature(traced(arrays_game), Iterate(policy, at), 1e-12)
    monkeypatch.setattr(leader_curvature, "LARGEST_DENSE", 1)
    lanczos = largest_curvature(traced(arrays_game), Iterate(policy, at), 1e-12)
    assert lanczos.largest == pytest.approx(dense.largest, rel=1e-6)
    overlap = abs(np.sum(lanczos.directions[0] * dense.directions[0]))
    assert overlap == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(np.sum(dense.directions, axis=2), 0.0, atol=1e-12)
