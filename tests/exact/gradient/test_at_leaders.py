"""Many leaders at once: each as if it were alone, in its order, and NaN where there is nothing to evaluate."""

import numpy as np
import pytest

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.gradient.at_leaders import advantage, checked, evaluate_where_finite, joined
from smfg_verify.game import leader_logits_shape
from smfg_verify.games import load
from smfg_verify.policies import softmax_policy
from tests.exact.cases import pair

LEADERS = np.random.default_rng(0).normal(size=(4, 2, 2))
GAMES = {"one row": lambda: load("laffer-tax"), "two rows": lambda: pair(0, observations=2, tau_l=0.1)[0]}


@pytest.mark.parametrize("kind", ["one row", pytest.param("two rows", marks=pytest.mark.slow)])
def test_each_leader_is_evaluated_as_if_it_were_alone_and_lost_ones_are_nan(kind):
    game = GAMES[kind]()
    leaders = LEADERS[:, : leader_logits_shape(game)[0]].copy()
    leaders[1, -1, 0], leaders[2] = np.nan, np.inf
    found = evaluate_where_finite(checked(game), leaders)
    np.testing.assert_array_equal(found.converged, [True, False, False, True])
    assert all(np.isnan(leaf[1:3]).all() for leaf in found if leaf.dtype == float)
    for index in (0, 3):
        alone = stackelberg_gradient(game, leaders[index])
        np.testing.assert_allclose(found.total[index], alone.total, atol=1e-12)
        np.testing.assert_allclose(found.direct[index], alone.direct, atol=1e-12)
        np.testing.assert_allclose(found.held[index], alone.held_field, atol=1e-12)
        np.testing.assert_allclose(found.mean_field[index], alone.equilibrium.mean_field, atol=1e-13)
        np.testing.assert_allclose(found.total_norm[index], np.linalg.norm(alone.total), rtol=1e-12)
    parts = joined(found.at(slice(2, 4)), found.at(np.array([True, True, False, False])))
    for leaf, whole in zip(parts, found, strict=True):
        np.testing.assert_array_equal(leaf, whole[[2, 3, 0, 1]])


def test_an_advantage_has_mean_zero_and_no_constant_of_a_row_changes_it():
    table = np.random.default_rng(1).normal(size=LEADERS.shape)
    found, policy = advantage(LEADERS, table), np.asarray(softmax_policy(LEADERS))
    np.testing.assert_allclose(np.sum(policy * found, axis=-1), 0.0, atol=1e-15)
    np.testing.assert_allclose(advantage(LEADERS, table + table[..., :1]), found, atol=1e-14)
    np.testing.assert_allclose(found - table, (found - table)[..., :1] * np.ones(2), atol=1e-14)
