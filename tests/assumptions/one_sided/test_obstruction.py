"""Pairs of mean fields that leave no weight a rate: bounds that no weight beats, from the map alone."""

import numpy as np
import pytest

from smfg_verify.assumptions.one_sided.obstruction import obstruction_of, secants_along, upper_rate
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import tangent_basis
from smfg_verify.game import TabularGame
from tests.exact.cases import pair
from tests.helpers import oracle


def gathering(size, attraction, temperature):
    """Followers choose the next state, whose reward is attraction times its mass: Gamma(m) = softmax(k m / tau)."""
    shape = (size, size, 1)
    slope = np.zeros((size, *shape))
    slope[np.arange(size), :, np.arange(size)] = attraction
    return checked(
        TabularGame.from_arrays(
            kernel=np.broadcast_to(np.eye(size)[None, :, None, :], (*shape, size)),
            follower_rewards=np.zeros(shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=slope,
            discount=0.9,
            temperature=temperature,
        )
    )


def witness(fields, tangents, shares, logits):
    tangents = np.array(tangents) / np.linalg.norm(tangents, axis=1, keepdims=True)
    return {"pair_logits": logits, "mean_fields": np.array(fields), "tangents": tangents, "shares": np.array(shares)}


def at_the_middle(size):
    """The uniform mean field, moved along each of an orthonormal basis of the tangents alike."""
    basis = tangent_basis(size).T
    fields, logits = np.full((len(basis), size), 1.0 / size), np.zeros((len(basis), size, 1))
    return witness(fields, basis, np.full(len(basis), 1.0 / len(basis)), logits)


@pytest.mark.parametrize("size", [2, 3])
def test_at_the_middle_no_norm_has_a_rate_above_that_of_the_slope(size):
    r"""There $D\Gamma = k / (n \tau)$ on all tangents; shares alike give S = 2 (k / (n tau) - 1) / (n - 1)."""
    found = upper_rate(gathering(size, 1.0, 0.1), at_the_middle(size))
    assert found == pytest.approx(-(10.0 / size - 1.0) / (size - 1), rel=1e-4)


def test_pairs_that_do_not_grow_bound_nothing():
    assert upper_rate(gathering(3, 1.0, 0.4), at_the_middle(3)) == np.inf
    assert upper_rate(gathering(3, -1.0, 0.1), at_the_middle(3)) == np.inf


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


def test_no_weight_has_a_rate_above_the_bound():
    game, rng = gathering(3, 1.0, 0.1), np.random.default_rng(2)
    entries = at_the_middle(3)
    entries["mean_fields"] = rng.dirichlet(np.full(3, 50.0), 2)
    bound = upper_rate(game, entries)
    assert bound < -0.5
    secants, _ = secants_along(game, entries["pair_logits"], entries["mean_fields"], entries["tangents"])
    for _ in range(200):
        root = rng.normal(size=(3, 3))
        weight = root @ root.T + 1e-3 * np.eye(3)
        lengths = np.einsum("pi,ij,pj->p", entries["tangents"], weight, entries["tangents"])
        rates = 1.0 - np.einsum("pi,ij,pj->p", entries["tangents"], weight, secants) / lengths
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
