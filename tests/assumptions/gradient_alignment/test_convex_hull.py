"""Alignment over hulls whose constant is known, and solvers that are not believed."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.assumptions import Finding, Verdict
from smfg_verify.assumptions.gradient_alignment import convex_hull as alignment_hull
from smfg_verify.assumptions.gradient_alignment.convex_hull import (
    LARGEST_SAMPLE,
    SLACK,
    hull_finding,
    propose,
    recompute_hull,
    verified_constant,
)
from smfg_verify.assumptions.leader_draws import random_leaders
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.games import load
from tests.assumptions.gradient_alignment.test_readings import PLACES, built

SETTINGS = SearchSettings(num_leaders=64)
LIKES = np.tile(np.array([0.0, 1.0]), (2, 2, 1))


def solved(total, direct):
    result, proposed, multiplier = propose(total, direct)
    assert result.solved
    return verified_constant(total, direct, multiplier, proposed)


def rows(seed, number=8, size=4, positive=False):
    table = np.random.default_rng(seed).normal(size=(number, size))
    table = np.abs(table) if positive else table
    return table / np.linalg.norm(table, axis=1, keepdims=True)


@pytest.mark.parametrize("factor", [1.0, 0.5, 3.0])
def test_proportional_gradients_have_their_factor(factor):
    total = rows(0, positive=True)
    assert solved(total, factor * total) == pytest.approx(factor, abs=1e-5)


def test_orthogonal_gradients_have_the_smallest_of_their_factors():
    """On the cone of two axes <g, p> = sum of k_i x_i^2: the worst is the axis with the smaller factor."""
    assert solved(np.eye(2), np.diag([1.0, 0.3])) == pytest.approx(0.3, abs=1e-5)


def test_a_turned_field_has_the_cosine_of_its_angle():
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert solved(np.eye(2), np.eye(2) @ turn.T) == pytest.approx(np.cos(angle), abs=1e-5)


def test_a_combination_may_be_worse_than_every_sample():
    """Both samples have constant one; half of each has 1 - 0.8."""
    total, direct = np.eye(2), np.array([[1.0, -0.8], [-0.8, 1.0]])
    assert np.all(np.sum(total * direct, axis=1) == 1.0)
    assert solved(total, direct) == pytest.approx(0.2, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_the_verified_constant_holds_at_random_combinations(seed):
    total = rows(seed, number=12, positive=True)
    direct = total + 0.5 * np.random.default_rng(seed + 100).normal(size=total.shape)
    constant = solved(total, direct)
    weights = np.random.default_rng(seed).dirichlet(np.full(12, 0.3), 5000)
    g, p = weights @ total, weights @ direct
    inner = np.sum(g * p, axis=1)
    assert np.all(inner >= constant * np.sum(g * g, axis=1) - SLACK * np.sum(weights**2, axis=1) - 1e-12)


@pytest.mark.parametrize("excess", [1e-3, 0.1, 10.0, 1e9])
def test_a_constant_that_is_too_large_is_lowered(excess):
    total, direct = rows(1, positive=True), rows(1, positive=True) @ np.diag([1.0, 0.9, 0.8, 0.7])
    _, proposed, multiplier = propose(total, direct)
    honest = verified_constant(total, direct, multiplier, proposed)
    lied = verified_constant(total, direct, multiplier, proposed + excess)
    assert lied <= proposed + 1e-4
    assert lied >= honest - 1e-4


def test_a_multiplier_that_is_not_one_proves_nothing():
    """Negative entries would let any constant through: they count as zero."""
    total, direct = np.eye(2), np.diag([1.0, 0.3])
    assert verified_constant(total, direct, -100.0 * np.eye(2), 50.0) <= 0.3 + 2 * SLACK
    assert np.isnan(verified_constant(total, direct, np.full((2, 2), np.nan), 0.1))
    far = verified_constant(total, direct, 1e9 * np.eye(2), 0.1)
    assert far == -np.inf


@pytest.fixture(scope="module")
def aligned():
    """Of a leader who sees little of places: both gradients are nearly one."""
    game = checked(built(leader_rewards=LIKES, leader_rewards_mean_field=0.05 * PLACES))
    return game, evaluate_leaders(game, random_leaders(game, SETTINGS))


def test_a_sampled_hull_is_supported_and_reproduces(aligned):
    game, points = aligned
    finding = hull_finding(game, points, SETTINGS)
    assert finding.verdict is Verdict.SUPPORTED
    again = Finding.from_json(finding.to_json())
    np.testing.assert_allclose(recompute_hull(game, again.witness), finding.constant, rtol=1e-8)
    assert len(finding.witness["logits"]) == finding.searched["samples"] == LARGEST_SAMPLE
    sample = evaluate_leaders(game, finding.witness["logits"])
    ratio = np.sum(sample.total * sample.direct, axis=(1, 2)) / sample.total_norm**2
    assert finding.constant <= np.min(ratio) + 1e-6


def test_a_negative_constant_is_inconclusive(aligned, monkeypatch):
    """The direct part turned round: every sample has a negative inner product, and the hull refutes nothing by it."""
    game, points = aligned
    turned = points._replace(direct=-points.direct)
    monkeypatch.setattr(alignment_hull, "evaluate_leaders", lambda game, logits, fields: turned_again(game, logits))
    finding = hull_finding(game, turned, SETTINGS)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.constant < 0.0


def turned_again(game, logits):
    points = evaluate_leaders(game, logits)
    return points._replace(direct=-points.direct)


@pytest.mark.slow
def test_opposed_samples_are_inconclusive():
    """On Laffer's line g and p point apart at some leaders: no constant, and no word of refutation."""
    game = checked(load("laffer-tax"))
    finding = hull_finding(game, evaluate_leaders(game, random_leaders(game, SETTINGS)), SETTINGS)
    assert finding.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("status", ["optimal_inaccurate", "infeasible", "failed: SolverError"])
def test_a_solver_that_fails_is_inconclusive_with_its_status(aligned, monkeypatch, status):
    real = alignment_hull.solve

    def failing(problem, **options):
        return dataclasses.replace(real(problem, **options), status=status, value=float("nan"), variables={})

    monkeypatch.setattr(alignment_hull, "solve", failing)
    finding = hull_finding(*aligned, SETTINGS)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert status in finding.meaning
    assert np.isnan(finding.constant)


def test_a_solver_that_lies_changes_nothing(aligned, monkeypatch):
    honest = hull_finding(*aligned, SETTINGS)
    real = alignment_hull.solve

    def lying(problem, **options):
        result = real(problem, **options)
        return dataclasses.replace(result, variables={**result.variables, "constant": np.asarray(1e3)})

    monkeypatch.setattr(alignment_hull, "solve", lying)
    finding = hull_finding(*aligned, SETTINGS)
    assert finding.constant <= honest.constant + 1e-4


def test_no_gradient_to_compare_is_inconclusive(aligned):
    game, points = aligned
    masked = points._replace(error=np.full_like(points.error, 1e9))
    finding = hull_finding(game, masked, SETTINGS)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert not finding.witness
