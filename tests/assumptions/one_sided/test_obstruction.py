"""Pairs of mean fields that leave no weight a rate: bounds that no weight beats, from the map alone."""

import numpy as np
import pytest

from smfg_verify.assumptions.one_sided.obstruction import obstruction_of, secants_along, upper_rate
from tests.assumptions.crowds import crowd
from tests.exact.cases import pair
from tests.helpers import oracle


def slope_of_crowd(attraction, temperature, inertia, mass):
    """D Gamma on the tangents of two states, by hand."""
    logit = attraction * (2.0 * mass - 1.0) / temperature
    return (1.0 - inertia) * 2.0 * attraction / temperature / (2.0 + 2.0 * np.cosh(logit))


def witness(fields, tangents, shares, logits):
    tangents = np.array(tangents) / np.linalg.norm(tangents, axis=1, keepdims=True)
    return {"pair_logits": logits, "mean_fields": np.array(fields), "tangents": tangents, "shares": np.array(shares)}


@pytest.mark.parametrize("mass", [0.3, 0.5])
def test_on_two_states_a_pair_gives_the_slope_s_rate(mass):
    game = crowd(1.0, 0.25, inertia=0.2)
    logits = np.zeros((1, *(game.num_states, game.num_leader_actions)))[:, : len(set(game.leader_observation))]
    found = upper_rate(game, witness([[mass, 1.0 - mass]], [[1.0, -1.0]], [1.0], logits))
    rate = 1.0 - slope_of_crowd(1.0, 0.25, 0.2, (1.0 - 1e-4) * mass + 0.5e-4)
    assert found == pytest.approx(rate, abs=2e-4)
    assert found >= rate - 1e-6


def test_secants_are_those_of_the_oracle_s_map():
    game, arrays, logits = pair(0)
    rng = np.random.default_rng(1)
    field, tangent = rng.dirichlet(np.ones(4)), rng.normal(size=4)
    tangent = (tangent - tangent.mean()) / np.linalg.norm(tangent - tangent.mean())
    phi, images = oracle.leader_rows(arrays, logits), []
    for there in (field + 1e-5 * tangent, field - 1e-5 * tangent):
        _, policy = oracle.best_response(arrays, phi, there)
        images.append(oracle.population(arrays, phi, policy, there))
    found, error = secants_along(game, logits[None], field[None], tangent[None])
    np.testing.assert_allclose(found[0], (images[0] - images[1]) / 2e-5, atol=1e-3 * np.abs(found).max())
    assert 0.0 < error[0] < 1e-6


def test_no_weight_has_a_rate_above_the_bound_of_any_pairs():
    game, _, _ = pair(0)
    rng = np.random.default_rng(2)
    logits, fields = rng.normal(size=(3, 4, 2)), rng.dirichlet(np.ones(4), 3)
    tangents = rng.normal(size=(3, 4))
    tangents = tangents - tangents.mean(axis=1, keepdims=True)
    entries = witness(fields, tangents, [0.2, 0.5, 0.3], logits)
    bound = upper_rate(game, entries)
    secants, _ = secants_along(game, logits, fields, entries["tangents"])
    for _ in range(200):
        root = rng.normal(size=(4, 4))
        weight = root @ root.T + 1e-3 * np.eye(4)
        lengths = np.einsum("pi,ij,pj->p", entries["tangents"], weight, entries["tangents"])
        rates = 1.0 - np.einsum("pi,ij,pj->p", entries["tangents"], weight, secants) / lengths
        assert np.min(rates) <= max(bound, 1.0 - 0.0) + 1e-6
        if bound < 0.0:
            assert np.min(rates) <= bound + 1e-6


def test_multipliers_become_pairs_with_the_same_sum():
    rng = np.random.default_rng(3)
    roots = rng.normal(size=(2, 3, 3))
    multipliers = roots @ roots.transpose(0, 2, 1)
    multipliers /= np.trace(multipliers, axis1=1, axis2=2).sum()
    logits, fields = rng.normal(size=(2, 4, 2)), rng.dirichlet(np.ones(4), 2)
    found = obstruction_of(logits, fields, multipliers)
    assert found["shares"].sum() == pytest.approx(1.0, rel=1e-12)
    for k in range(2):
        mine = np.all(found["mean_fields"] == fields[k], axis=1)
        total = np.einsum("p,pi,pj->ij", found["shares"][mine], found["tangents"][mine], found["tangents"][mine])
        assert np.trace(total) == pytest.approx(np.trace(multipliers[k]), rel=1e-9)
        np.testing.assert_allclose(np.linalg.eigvalsh(total)[1:], np.linalg.eigvalsh(multipliers[k]), rtol=1e-9)
