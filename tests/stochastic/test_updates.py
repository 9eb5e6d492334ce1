"""One iteration against the exactly computed mean dynamics, and long runs against the laws the chains must follow."""

import jax
import numpy as np
import pytest

from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.policies import observed_rows, softmax_policy
from smfg_verify.stochastic import Schedule, ac_smfg
from smfg_verify.stochastic.engine import lanes
from smfg_verify.stochastic.samples import exact_laws
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate

# Steps below every clip, small enough that no critic meets its box.
CONSTANTS = {"leader": 0.01, "mean_field": 0.02, "follower": 0.03, "critic": 0.04}
STEPS = {
    "leader_logits": 0.01,
    "mean_field": 0.02,
    "follower_logits": 0.03,
    "leader_critic": 0.04,
    "follower_critic": 0.04,
}


def increments(game, start, num_samples, sampling):
    """Increment over step size of one iteration, for `num_samples` seeds."""
    trace = ac_smfg(
        game,
        num_iterations=1,
        seeds=range(num_samples),
        schedule=Schedule(**CONSTANTS),
        sampling=sampling,
        initial=start,
        checkpoints=[0, 1],
    )
    return {name: (getattr(trace, name)[:, 1] - start[name]) / step for name, step in STEPS.items()}


def assert_means_are(sampled, expected, largest_z):
    for name, draws in sampled.items():
        mean, error = draws.mean(axis=0), draws.std(axis=0) / np.sqrt(len(draws))
        assert np.all(error > 0.0), name
        z = (mean - expected[name]) / error
        assert np.max(np.abs(z)) < largest_z, (name, z)
        # The scores together: their mean square is 1 up to sqrt(2 / count).
        assert np.mean(z**2) < 1.0 + 4.0 * np.sqrt(2.0 / z.size), (name, np.mean(z**2))


def mean_dynamics(arrays, start):
    h = oracle.mean_dynamics(
        arrays,
        start["leader_logits"],
        start["follower_logits"],
        start["follower_critic"],
        start["leader_critic"],
        start["mean_field"],
    )
    return {
        "leader_logits": h.leader_logits,
        "follower_logits": h.follower_logits,
        "leader_critic": h.leader_value,
        "follower_critic": h.follower_value,
        "mean_field": h.mean_field,
    }


@pytest.mark.parametrize(
    ("seed", "support", "observations", "tau_l"),
    [
        pytest.param(0, "states", None, 0.0, marks=pytest.mark.slow),
        pytest.param(1, "states", 2, 0.4, marks=pytest.mark.slow),
        (2, "state_actions", 2, 0.4),
        pytest.param(3, "state_actions", None, 0.0, marks=pytest.mark.slow),
        pytest.param(4, "states", 1, 1.0, marks=pytest.mark.slow),
        pytest.param(5, "state_actions", 3, 1.0, marks=pytest.mark.slow),
    ],
)
def test_the_mean_iid_increment_is_the_mean_dynamics(seed, support, observations, tau_l):
    arrays, game = array_game(seed, support=support, observations=observations, tau_l=tau_l, gamma=0.8)
    start = interior_iterate(arrays, seed)
    sampled = increments(game, start, 12_000, "iid")
    assert_means_are(sampled, mean_dynamics(arrays, start), largest_z=4.5)


@pytest.mark.parametrize("support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def test_the_mean_markov_increment_is_that_of_chains_started_in_known_laws(support):
    """With s from the occupancy the learners' increments are the same; s_bar moves before it is used."""
    arrays, game = array_game(6, support=support, observations=2, tau_l=0.4, gamma=0.8)
    start = interior_iterate(arrays, 6)
    occupancy, stationary = exact_laws(game, start["leader_logits"], start["follower_logits"], start["mean_field"])
    rng, count = np.random.default_rng(0), 12_000
    chains = {
        "occupancy_state": rng.choice(4, count, p=np.asarray(occupancy)),
        "population_state": rng.choice(4, count, p=np.asarray(stationary)),
    }
    sampled = increments(game, {**start, **chains}, count, "markov")
    assert_means_are(sampled, mean_dynamics(arrays, start), largest_z=4.5)
    # From one fixed s_bar the increment shows the move: e of the *new* state.
    moved = increments(game, {**start, "population_state": 2}, count, "markov")["mean_field"]
    policy = oracle.softmax(start["follower_logits"])
    phi = oracle.leader_rows(arrays, start["leader_logits"])
    law = oracle.policy_kernel(arrays, phi, policy, start["mean_field"])[2]
    law = law if support == "states" else law[:, None] * policy
    assert_means_are({"mean_field": moved}, {"mean_field": law - start["mean_field"]}, largest_z=4.5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:step sizes")
@pytest.mark.parametrize("support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def test_long_chains_follow_the_stationary_law_and_the_discounted_occupancy(support):
    """Policies frozen, kernel independent of the mean field: the laws of the two chains are known."""
    arrays, game = array_game(7, sizes=(5, 3, 3), support=support, kernel_coupling=0.0, gamma=0.7)
    start = interior_iterate(arrays, 7)
    trace = ac_smfg(
        game,
        num_iterations=4000,
        seeds=range(128),
        schedule=Schedule(leader=0.0, mean_field=1.0, follower=0.0, critic=1.0),
        initial=start,
        checkpoints=np.arange(1000, 4001, 40),
    )
    np.testing.assert_array_equal(trace.follower_logits[:, -1], np.broadcast_to(start["follower_logits"], (128, 5, 3)))
    rows = observed_rows(softmax_policy(start["leader_logits"]), game.leader_observation)
    policy = softmax_policy(start["follower_logits"])
    law = chain(policy, follower_model(tabulate(game, start["mean_field"]), rows).transition)
    occupancy, stationary = exact_laws(game, start["leader_logits"], start["follower_logits"], start["mean_field"])
    assert np.max(np.abs(np.linalg.matrix_power(np.asarray(law), 40) - stationary)) < 1e-6, "samples are independent"
    for states, expected in ((trace.occupancy_state, occupancy), (trace.population_state, stationary)):
        frequency = np.bincount(states.ravel(), minlength=5) / states.size
        z = (frequency - expected) / np.sqrt(expected * (1.0 - expected) / states.size)
        assert np.max(np.abs(z)) < 4.5
    expected = np.asarray(stationary) if support == "states" else np.asarray(stationary)[:, None] * np.asarray(policy)
    final = trace.mean_field[:, -1]
    z = (final.mean(axis=0) - expected) / (final.std(axis=0) / np.sqrt(128))
    assert np.max(np.abs(z)) < 4.5
    np.testing.assert_allclose(final.sum(axis=tuple(range(1, final.ndim))), 1.0, rtol=1e-12)


@pytest.mark.slow
def test_the_follower_critic_with_frozen_policies_reaches_the_value():
    arrays, game = array_game(8, kernel_coupling=0.0, reward_coupling=0.0, leader_coupling=0.0, gamma=0.5, tau_l=0.2)
    start = interior_iterate(arrays, 8)
    trace = ac_smfg(
        game,
        num_iterations=20_000,
        seeds=range(64),
        schedule=Schedule(leader=0.0, mean_field=0.0, follower=0.0, critic=2.0),
        initial=start,
    )
    policy = oracle.softmax(start["follower_logits"])
    phi = oracle.leader_rows(arrays, start["leader_logits"])
    expected = oracle.follower_value(arrays, phi, policy, start["mean_field"])
    final = trace.follower_critic[:, -1]
    z = (final.mean(axis=0) - expected) / (final.std(axis=0) / 8.0)
    assert np.max(np.abs(z)) < 4.5
    assert np.max(np.abs(final.mean(axis=0) - expected)) < 0.05


def test_scatter_and_mask_add_the_same_rows(monkeypatch):
    rng = np.random.default_rng(0)
    index = jax.numpy.asarray([3, 0, 3])
    for shape in ((5, 3), (5, 2, 3)):
        table, value = jax.numpy.asarray(rng.random(shape)), jax.numpy.asarray(rng.random(shape[1:]))
        expected = np.array(table)
        for lane in range(3):
            expected[index[lane], ..., lane] += value[..., lane]
        for limit in (0, 4096):
            monkeypatch.setattr(lanes, "_MAX_MASKED_ROWS", limit)
            np.testing.assert_array_equal(lanes.add_to_row(table, index, value), expected)
