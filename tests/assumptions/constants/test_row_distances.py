"""Distances between rows known up to intervals, against brute force."""

import numpy as np
import pytest

from smfg_verify.assumptions.constants import row_distances
from smfg_verify.assumptions.constants.row_distances import (
    largest_tangent_norm,
    largest_total_variation,
    pairs_of_actions,
    pairs_of_states,
)

ALL = np.triu(np.ones((6, 6), dtype=bool), 1)


def rows(seed, number=6, width=4, tables=3):
    return np.random.default_rng(seed).dirichlet(np.ones(width), (tables, number))


def test_variation_of_known_rows_is_the_largest_half_distance():
    table = rows(0)
    found = largest_total_variation(table, table, ALL)
    expected = [max(0.5 * np.abs(p - q).sum() for p in part for q in part) for part in table]
    np.testing.assert_allclose(found.values, expected, rtol=1e-14)
    for part, (i, j), value in zip(table, found.pairs, found.values, strict=True):
        assert 0.5 * np.abs(part[i] - part[j]).sum() == pytest.approx(value, rel=1e-14)


def test_variation_of_uncertain_rows_dominates_all_rows_within():
    rng = np.random.default_rng(1)
    members = rng.dirichlet(np.full(4, 20.0), (50, 6))
    found = largest_total_variation(members.min(axis=0)[None], members.max(axis=0)[None], ALL).values[0]
    first, second = members[:, None, :, None], members[None, :, None, :]
    largest = 0.5 * np.abs(first - second).sum(axis=-1)[..., ALL].max()
    assert largest <= found < 1.0


def test_pairs_share_the_leaders_action_where_states_share_an_observation():
    """Rows (s, a, b) of two states seen as one and a third seen apart, one follower action, two leader actions."""
    pairs = pairs_of_states(np.array([0, 0, 1]), 1, 2)
    expected = {(0, 2), (1, 3)} | {(i, j) for i in range(4) for j in (4, 5)}
    assert {(int(i), int(j)) for i, j in zip(*np.nonzero(pairs), strict=True)} == expected
    actions = pairs_of_actions(1, 3, 2)
    assert {(int(i), int(j)) for i, j in zip(*np.nonzero(actions), strict=True)} == {
        (0, 2), (0, 4), (2, 4), (1, 3), (1, 5), (3, 5)
    }  # fmt: skip


def test_tangent_norm_is_the_largest_ratio_over_tangents():
    slopes = np.random.default_rng(2).normal(size=(1, 5, 3, 4))
    found = largest_tangent_norm(slopes, slopes)
    tangents = np.random.default_rng(3).normal(size=(20000, 5))
    tangents -= tangents.mean(axis=1, keepdims=True)
    images = np.abs(np.einsum("tm,mrw->trw", tangents, slopes[0])).sum(axis=-1).max(axis=1)
    ratios = images / np.abs(tangents).sum(axis=1)
    assert ratios.max() <= found.values[0] + 1e-12
    (i, j), row = found.pairs[0], found.rows[0]
    assert 0.5 * np.abs(slopes[0, i, row] - slopes[0, j, row]).sum() == pytest.approx(found.values[0], rel=1e-14)


def test_tangent_norm_of_uncertain_slopes_dominates_and_the_coarse_one_dominates_it(monkeypatch):
    rng = np.random.default_rng(4)
    members = rng.normal(size=(1, 5, 3, 4)) + 0.1 * rng.uniform(size=(40, 5, 3, 4))
    lower, upper = members.min(axis=0)[None], members.max(axis=0)[None]
    certified = largest_tangent_norm(lower, upper).values[0]
    assert largest_tangent_norm(members, members).values.max() <= certified
    monkeypatch.setattr(row_distances, "_MAX_WORK", 0)
    assert certified <= largest_tangent_norm(lower, upper).values[0] < 3.0 * certified
