"""Hessians at many leaders: differences of the oracle's gradients, eigenvalues, units and names."""

import dataclasses

import numpy as np

from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.assumptions.smoothness.hessian import asymmetry, curvature_slopes, curvatures, hessians
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.smoothness.test_findings import SMALL, game_of
from tests.exact.cases import pair
from tests.helpers import oracle


def test_hessian_is_the_difference_of_the_oracles_gradients():
    game, arrays, logits = pair(1, SMALL)
    found, fields = hessians(checked(game), logits[None])
    units = np.eye(logits.size).reshape(-1, *logits.shape)
    expected = [
        oracle.central_difference(lambda t, u=u: oracle.gradient(arrays, logits + t * u).total.ravel(), 1e-2)[0]
        for u in units
    ]
    np.testing.assert_allclose(found[0], np.array(expected).T, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(fields[0], oracle.equilibrium(arrays, logits).mean_field, atol=1e-12)
    assert asymmetry(found)[0] < 1e-12


def test_slopes_of_the_search_are_those_of_its_value():
    game, _, logits = pair(1, SMALL)
    slopes = curvature_slopes(checked(game))
    rng = np.random.default_rng(0)
    point = np.concatenate([logits.ravel(), rng.normal(size=logits.size)])
    value, slope = slopes(point[None])
    step = 1e-4
    moves = step * np.eye(point.size)
    ahead, behind = slopes(point + moves)[0], slopes(point - moves)[0]
    np.testing.assert_allclose(slope[0], (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-8)
    matrix = hessians(checked(game), (LOGIT_BOX * np.tanh(logits / LOGIT_BOX))[None])[0][0]
    unit = point[logits.size :] / np.linalg.norm(point[logits.size :])
    np.testing.assert_allclose(value[0], -abs(unit @ matrix @ unit), rtol=1e-10)


def test_curvature_is_the_largest_eigenvalue_with_its_sign():
    matrices = np.array(
        [np.diag([1.0, -3.0]), [[0.0, 2.0], [2.0, 0.0]], [[0.0, 1.0], [-1.0, 0.0]], [[np.nan, 0], [0, 1]]]
    )
    values, vectors = curvatures(matrices)
    np.testing.assert_allclose(values[0], -3.0)
    np.testing.assert_allclose(abs(values[1]), 2.0)
    assert np.isnan(values[2:]).all()
    np.testing.assert_allclose(np.abs(vectors[0]), [0.0, 1.0])


def test_scaling_rewards_and_temperature_scales_the_curvature():
    _, arrays, logits = pair(1, SMALL, tau_l=0.1)
    names = ("follower_rewards", "follower_rewards_mean_field", "leader_rewards", "leader_rewards_mean_field")
    names += ("temperature", "leader_temperature")
    scaled = dataclasses.replace(arrays, **{name: 7.0 * getattr(arrays, name) for name in names})
    found, other = (hessians(game_of(a), logits[None])[0][0] for a in (arrays, scaled))
    np.testing.assert_allclose(other, 7.0 * found, rtol=1e-9, atol=1e-12)


def test_relabelling_leader_actions_permutes_the_hessian():
    _, arrays, logits = pair(1, SMALL)
    swapped = dataclasses.replace(
        arrays,
        kernel=arrays.kernel[:, :, ::-1],
        kernel_mean_field=arrays.kernel_mean_field[:, :, :, ::-1],
        follower_rewards=arrays.follower_rewards[:, :, ::-1],
        follower_rewards_mean_field=arrays.follower_rewards_mean_field[:, :, :, ::-1],
        leader_rewards=arrays.leader_rewards[:, :, ::-1],
        leader_rewards_mean_field=arrays.leader_rewards_mean_field[:, :, :, ::-1],
    )
    found = hessians(game_of(arrays), logits[None])[0][0].reshape(2, 2, 2, 2)
    other = hessians(game_of(swapped), logits[:, ::-1][None])[0][0].reshape(2, 2, 2, 2)
    np.testing.assert_allclose(other[:, ::-1][:, :, :, ::-1], found, rtol=1e-9, atol=1e-12)
