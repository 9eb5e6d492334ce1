"""Smoothness of the leader's objective: Hessians against the oracle, the search against a grid, symmetries."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import AssumptionReport, Verdict, check
from smfg_verify.assumptions.search import LOGIT_BOX
from smfg_verify.assumptions.smoothness import findings as smoothness
from smfg_verify.assumptions.smoothness.hessian import curvatures, hessians
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import TabularGame
from smfg_verify.games import load
from tests.exact.cases import pair

QUICK = {"num_leaders": 32, "num_starts": 8, "num_steps": 60, "num_boxes": 100}
NAME = "smoothness"
SMALL = (2, 2, 2)


def game_of(arrays):
    return checked(TabularGame.from_arrays(**arrays.from_arrays_arguments()))


@pytest.fixture(scope="module")
def laffer():
    game = load("laffer-tax")
    return game, check(game, NAME, **QUICK)


@pytest.mark.slow
def test_the_search_finds_the_largest_curvature_of_a_grid(laffer):
    game, report = laffer
    finding = report.finding(NAME, "hessian")
    grid = np.linspace(-LOGIT_BOX, LOGIT_BOX, 301)
    sizes, _ = curvatures(hessians(checked(game), np.stack([-grid, grid], axis=-1)[:, None, :] / 2)[0])
    assert finding.verdict is Verdict.SUPPORTED
    assert finding.constant >= np.max(np.abs(sizes)) * (1 - 1e-6)
    np.testing.assert_allclose(finding.constant, np.max(np.abs(sizes)), rtol=1e-3)
    assert np.all(np.diff(finding.details["search_curve"]) >= 0.0)
    assert finding.constant >= np.nanmax(finding.details["random"])


def test_the_witness_reproduces_and_the_seed_decides(laffer):
    game, report = laffer
    for finding in AssumptionReport.from_json(report.to_json(), game).findings:
        np.testing.assert_allclose(finding.reproduce(game), finding.constant, rtol=1e-8)
    assert check(game, NAME, **QUICK).to_json() == report.to_json()


def test_a_trajectory_is_looked_at():
    """The steepest leader of a grid as the only leader of a run: it is found without random luck."""
    game = load("laffer-tax")
    settings = {"num_leaders": 1, "num_starts": 1, "num_steps": 0, "num_boxes": 1}
    steepest = check(game, NAME, **QUICK).finding(NAME, "hessian")
    run = np.stack([steepest.witness["logits"], np.zeros((1, 2))])
    finding = check(game, NAME, trajectory=run, **settings).finding(NAME, "hessian")
    np.testing.assert_allclose(finding.constant, steepest.constant, rtol=1e-6)
    assert finding.searched["points"] == 4


def test_a_single_leader_action_is_not_applicable():
    assert check(pair(1, (2, 2, 1))[0], NAME, **QUICK).verdict(NAME) is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("reward", [0.0, 1e6])
def test_rounding_noise_is_no_curvature(reward):
    """A constant leader's reward: the objective is constant, whatever the arithmetic says."""
    _, arrays, _ = pair(1, SMALL)
    zeros = np.zeros_like(arrays.leader_rewards_mean_field)
    flat = dataclasses.replace(arrays, leader_rewards=np.full((2, 2, 2), reward), leader_rewards_mean_field=zeros)
    finding = check(game_of(flat), NAME, **QUICK).finding(NAME, "hessian")
    noise = 1e-9 * max(1.0, reward)
    assert finding.verdict is Verdict.INCONCLUSIVE or finding.constant <= noise


def test_failures_are_counted(monkeypatch, laffer):
    game, _ = laffer
    real = smoothness.hessians

    def broken(*arguments):
        matrices, fields = real(*arguments)
        matrices[:2] = np.nan
        matrices[2:3] += np.array([[0.0, 1.0], [0.0, 0.0]])
        return matrices, fields

    monkeypatch.setattr(smoothness, "hessians", broken)
    finding = check(game, NAME, num_leaders=8, num_starts=2, num_steps=0, num_boxes=1).finding(NAME, "hessian")
    assert finding.searched["unconverged"] >= 2
    assert finding.searched["masked_asymmetric"] >= 1
