"""What follows of a rate, against iterations of maps that have it."""

import numpy as np
import pytest

from smfg_verify.assumptions.one_sided.consequences import leader_slopes, tracking
from smfg_verify.assumptions.one_sided.growth import frame_of
from tests.exact.cases import pair
from tests.helpers import oracle


def matrices(number, seed):
    """Linear maps with a spin, at least 0.3 below the identity in their symmetric part."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        skew, extra = rng.normal(size=(4, 4)), 0.5 * rng.normal(size=(4, 4))
        yield np.eye(4) + (skew - skew.T) - 0.3 * np.eye(4) - extra @ extra.T


def test_a_step_brings_the_fixed_point_nearer_by_the_factor_or_better():
    for matrix in matrices(20, 0):
        rate = 1.0 - np.linalg.eigvalsh(0.5 * (matrix + matrix.T))[-1]
        steps = tracking(rate, np.linalg.norm(matrix, 2))
        assert rate >= 0.3 - 1e-12
        assert np.linalg.norm(matrix, 2) > 1.0  # repeated best responses need not converge
        for step, factor in ((steps.best_step, steps.best_factor), (0.999 * steps.largest_step, 1.0)):
            assert 0.0 < np.linalg.norm(np.eye(4) + step * (matrix - np.eye(4)), 2) ** 2 <= factor + 1e-12
        assert 0.0 < steps.best_factor < 1.0


@pytest.mark.parametrize(("rate", "lipschitz"), [(0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, np.nan)])
def test_without_a_rate_no_step_is_given(rate, lipschitz):
    assert all(np.isnan(tracking(rate, lipschitz)))


def test_the_leader_s_slope_is_that_of_the_oracle_s_map():
    game, arrays, _ = pair(0)
    rng = np.random.default_rng(4)
    logits, fields = rng.normal(size=(3, 4, 2)), rng.dirichlet(np.ones(4), 3)
    found = leader_slopes(game, logits, fields, frame_of(4))
    for k in range(3):
        images, policies = [], [oracle.leader_rows(arrays, logits[j]) for j in (k, (k + 1) % 3)]
        for phi in policies:
            _, policy = oracle.best_response(arrays, phi, fields[k])
            images.append(oracle.population(arrays, phi, policy, fields[k]))
        expected = np.linalg.norm(images[0] - images[1]) / np.sum(np.abs(policies[0] - policies[1]))
        assert found[k] == pytest.approx(expected, rel=1e-8)


def test_one_leader_twice_has_no_slope():
    game, _, logits = pair(0)
    fields = np.random.default_rng(5).dirichlet(np.ones(4), 2)
    assert np.all(np.isnan(leader_slopes(game, np.stack([logits, logits]), fields, frame_of(4))))
