"""One iteration with function approximation against NumPy, where every gradient is known in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from smfg_verify.games import LinearQuadratic
from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.stochastic.neural.network_updates import GaussianField, Iterate, Players, Samples, directions, update
from smfg_verify.stochastic.neural.networks import LinearPolicy, MLPNetworks, QuadraticCritic, QuadraticNetworks
from smfg_verify.stochastic.schedules import StepSizes

GAME = ContinuousLinearQuadratic(LinearQuadratic(drift=0.9, leader_temperature=0.2, targets=(-0.5, 0.3, 1.0)))
PLAYERS = Players(
    leader_logits=jnp.asarray([0.1, -0.4, 0.7]),
    policy=LinearPolicy(jnp.asarray([0.2, -0.5]), jnp.asarray(-0.3)),
    follower_critic=QuadraticCritic(jnp.asarray([-0.3, 0.2, -0.1])),
    leader_critic=QuadraticCritic(jnp.asarray([-0.2, 0.1, -0.4])),
)
FIELD = GaussianField(jnp.asarray(0.35), jnp.asarray(0.6))


def expected_directions(x, a, b, ahead):
    """The formulas of AC-SMFG by hand: (leader, policy's mean, policy's log std, critics), averaged over the chains."""
    critic, leader_critic = (np.polynomial.Polynomial(c) for c in ([-3.0, 2.0, -1.0], [-2.0, 1.0, -4.0]))
    phi = np.exp([0.1, -0.4, 0.7]) / np.exp([0.1, -0.4, 0.7]).sum()
    target, std = np.array([-0.5, 0.3, 1.0])[b], np.exp(-0.3)
    scaled = (a - 0.2 + 0.5 * x) / std
    log_density = -0.5 * scaled**2 + 0.3 - 0.5 * np.log(2 * np.pi)
    reward = -0.5 * (x - target) ** 2 - 0.5 * x * 0.35 - 0.5 * a**2 - 0.3 * log_density
    delta = reward + 0.9 * critic(ahead) - critic(x)
    leader_reward = -((x - 0.5) ** 2) - 0.1 * target**2 - 0.2 * np.log(phi[b])
    leader_delta = leader_reward + 0.9 * leader_critic(ahead) - leader_critic(x)
    powers = np.stack([x**0, x, x**2])
    return (
        (leader_delta * (np.eye(3)[:, b] - phi[:, None])).mean(axis=1),
        (delta * scaled / std * powers[:2]).mean(axis=1),
        (delta * (scaled**2 - 1.0)).mean(),
        (delta * powers).mean(axis=1),
        (leader_delta * powers).mean(axis=1),
    )


def test_directions_are_those_of_ac_smfg():
    rng = np.random.default_rng(0)
    x, a, ahead, b = *rng.normal(size=(3, 7)), rng.integers(3, size=7)
    found = directions(GAME, PLAYERS, FIELD, Samples(*map(jnp.asarray, (x, a, b, ahead))))
    leader, mean, log_std, critic, leader_critic = expected_directions(x, a, b, ahead)
    np.testing.assert_allclose(found.leader_logits, leader, rtol=1e-12)
    np.testing.assert_allclose(found.policy.coefficients, mean, rtol=1e-12)
    np.testing.assert_allclose(found.policy.log_std, log_std, rtol=1e-12)
    np.testing.assert_allclose(found.follower_critic.coefficients, critic, rtol=1e-12)
    np.testing.assert_allclose(found.leader_critic.coefficients, leader_critic, rtol=1e-12)


def iterate(chains):
    optimiser = optax.sgd(1.0)
    state = optimiser.init(eqx.filter(PLAYERS, eqx.is_inexact_array))
    return optimiser, Iterate(PLAYERS, state, FIELD, jnp.full(chains, 0.4), jnp.full(chains, -3.0))


def test_each_learner_moves_by_its_own_step_size():
    """Directions go through the optimiser (here their negatives) and each is scaled by one step size."""
    optimiser, before = iterate(5)
    moves = []
    for steps in (StepSizes(1.0, 0.0, 10.0, 100.0), StepSizes(0.5, 0.0, 0.0, 1.0)):
        after = update(GAME, optimiser, steps, before, jax.random.key(1))
        moves.append(jax.tree.map(lambda new, old: new - old, after.players, before.players))
    np.testing.assert_allclose(moves[0].leader_logits, 2.0 * moves[1].leader_logits, rtol=1e-9)
    np.testing.assert_allclose(
        moves[0].leader_critic.coefficients, 100.0 * moves[1].leader_critic.coefficients, rtol=1e-9
    )
    np.testing.assert_allclose(
        moves[0].follower_critic.coefficients, 100.0 * moves[1].follower_critic.coefficients, rtol=1e-9
    )
    assert np.all(np.asarray(moves[0].policy.coefficients) != 0.0)
    assert np.all(np.asarray(moves[1].policy.coefficients) == 0.0)


def test_chains_and_mean_field_move_as_the_game_says():
    """Both chains by the policy and the noise, the first with restarts, and mu_hat towards the second's moments."""
    number = 200_000
    optimiser, before = iterate(number)
    steps = StepSizes(*map(jnp.asarray, (0.0, 0.25, 0.0, 0.0)))
    after = update(GAME, optimiser, steps, before, jax.random.key(2))
    spread = 0.16 + np.exp(-0.6)
    moved = np.asarray(after.population_position)
    assert moved.mean() == pytest.approx(0.9 * -3.0 + 0.2 + 0.5 * 3.0, abs=0.01)
    assert moved.var() == pytest.approx(spread, rel=0.02)
    np.testing.assert_allclose(after.mean_field.mean, 0.75 * 0.35 + 0.25 * moved.mean(), rtol=1e-12)
    np.testing.assert_allclose(after.mean_field.second_moment, 0.75 * 0.6 + 0.25 * (moved**2).mean(), rtol=1e-12)
    occupancy = np.asarray(after.occupancy_position)
    restarted = np.isin(occupancy, np.linspace(-1.0, 1.0, 5))
    assert restarted.mean() == pytest.approx(0.1, abs=0.004)
    assert occupancy[~restarted].mean() == pytest.approx(0.9 * 0.4 + 0.2 - 0.5 * 0.4, abs=0.01)
    np.testing.assert_allclose(np.histogram(occupancy[restarted], 5)[0] / restarted.sum(), 0.2, atol=0.02)


def test_every_network_starts_at_the_standard_normal_policy_and_a_zero_critic():
    key = jax.random.key(3)
    for networks in (MLPNetworks(8, 2), QuadraticNetworks()):
        law = networks.policy(key)(jnp.asarray(0.7))
        assert [float(law.mean), float(law.log_std), float(networks.critic(key)(jnp.asarray(0.7)))] == [0.0, 0.0, 0.0]
        assert float(law.log_density(jnp.asarray(0.5))) == pytest.approx(-0.125 - 0.5 * np.log(2 * np.pi))
    hidden = [MLPNetworks(8, 2).policy(jax.random.key(seed)).network.layers[0].weight for seed in (0, 1)]
    assert np.all(np.asarray(hidden[0]) != np.asarray(hidden[1]))
