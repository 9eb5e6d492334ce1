import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.objective import leader_objective, leader_value
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Schedule, adage
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate


@pytest.mark.slow
def test_it_improves_the_leader_where_gradients_are_aligned():
    game = games.load("independent-leader")
    trace = adage(game, num_iterations=300, seeds=range(4), schedule=Schedule(leader=1.0), checkpoints=2)
    first = float(leader_objective(game, jnp.zeros((3, 2))))
    last = [float(leader_objective(game, logits)) for logits in trace.leader_logits[:, -1]]
    # From 4.39 to about 5.45, where the best policy has 5.89.
    assert min(last) > first + 0.8


@pytest.mark.slow
def test_the_mean_step_of_either_layer_is_its_direct_gradient():
    """With critics at the values of the policies nothing is biased, past the horizon included."""
    arrays, game = array_game(4, sizes=(3, 2, 2), gamma=0.7, observations=2, tau_l=0.3)
    start = interior_iterate(arrays, 4)
    phi, pi = oracle.leader_rows(arrays, start["leader_logits"]), oracle.softmax(start["follower_logits"])
    start["follower_critic"] = oracle.follower_value(arrays, phi, pi, start["mean_field"])
    policy = softmax_policy(jnp.asarray(start["leader_logits"]))
    start["leader_critic"] = leader_value(game, policy, jnp.asarray(pi), jnp.asarray(start["mean_field"]))
    names = ("leader_logits", "follower_logits", "follower_critic", "leader_critic", "mean_field")
    h = oracle.mean_dynamics(arrays, *(start[name] for name in names))
    trace = adage(
        game,
        num_iterations=1,
        seeds=range(1600),
        schedule=Schedule(leader=0.01, mean_field=0.0, follower=0.03, critic=0.02),
        # At gamma = 0.7 the occupancy past 30 steps, which no score is taken at, weighs 2e-5.
        horizon=30,
        num_episodes=1,
        initial=start,
        checkpoints=[0, 1],
    )
    for name, step in (("leader_logits", 0.01), ("follower_logits", 0.03)):
        found = (getattr(trace, name)[:, 1] - start[name]) / step
        z = (found.mean(axis=0) - getattr(h, name)) / (found.std(axis=0) / np.sqrt(len(found)))
        assert np.max(np.abs(z)) < 4.5, name
    for name in ("leader_critic", "follower_critic"):
        moved = getattr(trace, name)[:, 1] - start[name]
        assert np.max(np.abs(moved.mean(axis=0) / (moved.std(axis=0) / np.sqrt(len(moved))))) < 4.5, name
