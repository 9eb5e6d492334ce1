"""A run's tables: how it ended, and the leader's policy over the seeds that did not diverge."""

import dataclasses

import numpy as np
import pytest
import scipy.special

from smfg_verify.games import load
from smfg_verify.report.leader_policies import final_policies, uniform_policy
from smfg_verify.report.tables.run import learned_table, run_table
from tests.bounds.rates.test_run_residuals import random_iterates, trace_of
from tests.support.screens import cells, heads, pairs

GAME = load("two-road-toll")
OPTIONS = '{"sampling": "markov", "schedule": {"critic": 2.0, "follower": 1.0, "leader": 0.25, "mean_field": 0.5}}'


def trace(diverged=()):
    whole = trace_of(GAME, random_iterates(np.random.default_rng(0), GAME, seeds=3, checkpoints=4))
    metadata = dataclasses.replace(whole.metadata, method_options=OPTIONS, num_iterations=2000)
    lost = np.isin(np.arange(3), diverged)
    return dataclasses.replace(whole, metadata=metadata, diverged=lost, iterations=np.array([0, 10, 100, 1500]))


def test_what_was_run_and_how_it_ended():
    rows = pairs(run_table(trace(diverged=[1]), "some/trace.nc"))
    assert rows["algorithm"] == "AC-SMFG, markov sampling, 2 transitions an iteration"
    assert (rows["seeds"], rows["checkpoints"], rows["diverged seeds"]) == ("3", "4", "1 of 3")
    assert rows["iterations"] == "1,500 of 2,000"
    steps = {"zeta (leader) 0.25", "xi (mean field) 0.5", "alpha (follower) 1", "beta (critic) 2"}
    assert set(rows["step sizes c/sqrt(k+1)"].split(", ")) == steps
    assert rows["trace"] == "some/trace.nc"


@pytest.mark.parametrize("diverged", [(), (1,)])
def test_the_learned_policy_is_the_softmax_of_the_last_checkpoint_over_the_seeds_left(diverged):
    run = trace(diverged)
    left = [seed for seed in range(3) if seed not in diverged]
    policies = scipy.special.softmax(run.leader_logits[left, -1], axis=-1)
    np.testing.assert_allclose(final_policies(run), policies, rtol=1e-13)
    table = learned_table(GAME, run)
    assert "after 1,500 iterations" in str(table.title)
    assert str(table.title).endswith(f"({len(left)} of 3)")
    assert heads(table) == ["observation", *GAME.leader_action_labels]
    expected = [
        tuple(
            f"{mean:.3f} [{low:.3f}, {high:.3f}]"
            for mean, low, high in zip(p.mean(axis=0), p.min(axis=0), p.max(axis=0), strict=True)
        )
        for p in np.moveaxis(policies, 1, 0)
    ]
    assert [row[1:] for row in cells(table)] == expected


def test_where_every_seed_diverged_no_policy_is_shown():
    ((said, *rest),) = cells(learned_table(GAME, trace(diverged=(0, 1, 2))))
    assert said == "every seed diverged"
    assert set(rest) <= {""}


def test_the_uniform_leader_is_a_policy_of_every_observation():
    policy = uniform_policy(GAME)
    assert policy.shape[1] == GAME.num_leader_actions
    np.testing.assert_allclose(policy.sum(axis=1), 1.0)
    assert np.ptp(policy) == 0.0
