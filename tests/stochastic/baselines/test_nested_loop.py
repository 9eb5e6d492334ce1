"""The nested loop: do followers reach the equilibrium of a leader, and what is the leader's step?"""

import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium
from smfg_verify.stochastic import Schedule, nested_loop
from smfg_verify.stochastic.samples import exact_laws
from tests.helpers import oracle
from tests.stochastic.baselines.test_fictitious_play import optimality_gaps
from tests.stochastic.games_for_runs import array_game, interior_iterate


def mean_field_errors(game, trace):
    """Squared distance of every seed's last mean field from the equilibrium of its last leader, (seeds,)."""
    exact = [solve_equilibrium(game, logits[-1]).mean_field for logits in trace.leader_logits]
    return np.array([np.sum((field[-1] - mu) ** 2) for field, mu in zip(trace.mean_field, exact, strict=True)])


def test_a_long_inner_loop_tracks_the_equilibrium_of_the_leader():
    _, game = array_game(2, gamma=0.5)
    arguments = {"num_iterations": 30, "seeds": range(4), "schedule": Schedule(leader=0.1), "checkpoints": 2}
    short, long = (nested_loop(game, inner_iterations=count, **arguments) for count in (1, 400))
    assert np.mean(optimality_gaps(game, long)) < 0.01 < 0.1 < np.mean(optimality_gaps(game, short))
    assert np.mean(mean_field_errors(game, long)) < 0.003 < 0.01 < np.mean(mean_field_errors(game, short))
    assert np.all(np.any(long.leader_logits[:, -1] != 0.0, axis=(1, 2)))


@pytest.mark.slow
def test_the_leader_step_is_the_mean_of_increments_at_one_policy():
    """Where only the leader learns: its mean increment is the direct part of the mean dynamics, less noisy in a batch.

    The chain's first state is drawn from the occupancy, so every state of it follows that law.
    """
    arrays, game = array_game(1, sizes=(3, 2, 2), gamma=0.7, observations=2)
    start = interior_iterate(arrays, 1)
    names = ("leader_logits", "follower_logits", "follower_critic", "leader_critic", "mean_field")
    h = oracle.mean_dynamics(arrays, *(start[name] for name in names))
    law = np.asarray(exact_laws(game, start["leader_logits"], start["follower_logits"], start["mean_field"])[0])
    chain = {"occupancy_state": np.random.default_rng(0).choice(3, 4000, p=law / law.sum())}

    def increments(samples):
        trace = nested_loop(
            game,
            num_iterations=1,
            seeds=range(4000),
            inner_iterations=1,
            leader_samples=samples,
            schedule=Schedule(leader=0.01, mean_field=0.0, follower=0.0, critic=0.0),
            initial={**start, **chain},
            checkpoints=[0, 1],
        )
        return (trace.leader_logits[:, 1] - start["leader_logits"]) / 0.01

    single, batch = increments(1), increments(16)
    for found in (single, batch):
        z = (found.mean(axis=0) - h.leader_logits) / (found.std(axis=0) / np.sqrt(len(found)))
        assert np.max(np.abs(z)) < 4.5
    assert np.all(batch.std(axis=0) < 0.6 * single.std(axis=0))
