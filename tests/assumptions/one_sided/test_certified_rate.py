"""Proved rates: never above one that is attained, and none where there are three equilibria."""

import numpy as np
import pytest

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.one_sided import certified_rate
from smfg_verify.assumptions.one_sided.certified_rate import CellRate, proves, rate_by_cells
from smfg_verify.assumptions.one_sided.growth import frame_of, growths
from smfg_verify.exact.response_jacobian import at_mean_fields, tangent_basis
from tests.assumptions.crowds import QUICK, crowd
from tests.assumptions.enclosure.response.test_slopes import random_game


def proved(game, weight=None, num_boxes=50):
    inputs = inputs_of(game, game_constants(game, QUICK))
    return rate_by_cells(game, inputs, np.eye(game.num_states - 1) if weight is None else weight, num_boxes=num_boxes)


@pytest.mark.parametrize("slope", [0.9, 0.999, 1.0, 1.001, 1.5])
def test_on_both_sides_of_a_fold(slope):
    """Three equilibria from a slope of 1 on, at the middle; below it the rate is 1 less the slope."""
    found = proved(crowd(2.0 * 0.3 * slope, 0.3))
    assert found.rate <= 1.0 - slope + 1e-9
    assert proves(found) == (slope <= 0.999 and found.rate > 1e-8)
    if slope == 0.9:
        assert found.rate >= 0.08


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_no_leader_and_no_mean_field_has_a_smaller_rate(seed):
    game = random_game((3, 2, 2), seed, tau=0.5, reward_coupling=1.0)
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, 2))
    weight = root @ root.T + 0.3 * np.eye(2)
    found = proved(game, weight)
    logits, fields = 4.0 * rng.normal(size=(200, 3, 2)), rng.dirichlet(np.full(3, 0.3), 200)
    rates = 1.0 - growths(at_mean_fields(game, logits, fields).response, frame_of(3, weight))
    assert found.rate <= np.min(rates)


def test_too_many_dimensions_and_a_law_of_pairs_are_said():
    assert "dimensions" in proved(random_game((5, 2, 3), 0)).reason
    assert "law of states and actions" in proved(random_game((3, 2, 2), 0, support="state_actions"), np.eye(5)).reason


def test_a_rate_that_roundings_may_undo_proves_nothing():
    known = CellRate(0.5, None, 1e-12, "")
    assert proves(known)
    assert not proves(known._replace(rounding_step=1e-8))
    assert not proves(known._replace(rate=0.0))
    assert not proves(known._replace(rounding_step=float("nan")))


@pytest.mark.parametrize("size", [2, 4, 7, 12])
def test_no_matrix_of_modulus_one_grows_faster_than_the_modulus_allows(size, monkeypatch):
    """And one of rank one does as fast: between two entries by the sign of the others."""
    monkeypatch.setattr(certified_rate, "smaller_bound", lambda inputs, temperature: 1.0)
    rng, basis = np.random.default_rng(0), tangent_basis(size)
    signs = np.where(np.arange(size) % 2 == 0, 1.0, -1.0)
    matrices = [np.outer(np.eye(size)[0] - np.eye(size)[1], signs)]
    for _ in range(300):
        sparse = rng.normal(size=(size, size)) * (rng.random((size, size)) < 0.4)
        matrices.append(sparse - sparse.mean(axis=0))
    largest = []
    for matrix in matrices:
        modulus = 0.5 * max(np.abs(a - b).sum() for a in matrix.T for b in matrix.T)
        inner = basis.T @ matrix @ basis
        largest.append(np.linalg.eigvalsh(0.5 * (inner + inner.T))[-1] / max(modulus, 1e-300))
    rate = certified_rate.rate_by_modulus(None, 1.0, size)
    assert 1.0 - max(largest) >= rate - 1e-7
    if size % 2 == 0:
        assert 1.0 - largest[0] == pytest.approx(rate, abs=1e-6)
