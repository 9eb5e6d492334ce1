"""The mean dynamics against the oracle's enumeration, against sampled updates, and its Jacobian against differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.bounds.local.components import Components, flattened, movable_directions, step_constants, unflattened
from smfg_verify.bounds.local.mean_dynamics import mean_dynamics, mean_dynamics_at, mean_dynamics_jacobian
from smfg_verify.exact.objective import leader_value
from smfg_verify.game import traced
from smfg_verify.policies import softmax_policy
from smfg_verify.stochastic import Schedule
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.samples import num_uniforms
from smfg_verify.stochastic.schedules import StepSizes
from smfg_verify.stochastic.updates import update
from smfg_verify.stochastic.value_bounds import ValueBounds
from tests.helpers import oracle
from tests.stochastic.games_for_runs import array_game, interior_iterate

CASES = [("states", 2, 0.4), ("state_actions", None, 0.0)]
CASES_ONE_QUICK = pytest.mark.parametrize(
    ("support", "observations", "tau_l"), [CASES[0], pytest.param(*CASES[1], marks=pytest.mark.slow)]
)


def pair(support, observations, tau_l, seed=0):
    arrays, game = array_game(seed, support=support, observations=observations, tau_l=tau_l, gamma=0.8)
    return arrays, game, Components(**interior_iterate(arrays, seed))


@pytest.mark.parametrize(("support", "observations", "tau_l"), CASES)
def test_agrees_with_the_enumeration_of_all_samples(support, observations, tau_l):
    arrays, game, x = pair(support, observations, tau_l)
    expected = oracle.mean_dynamics(
        arrays, x.leader_logits, x.follower_logits, x.follower_critic, x.leader_critic, x.mean_field
    )
    found = mean_dynamics(game, x)
    np.testing.assert_allclose(found.leader_logits, expected.leader_logits, atol=1e-14)
    np.testing.assert_allclose(found.follower_logits, expected.follower_logits, atol=1e-14)
    np.testing.assert_allclose(found.leader_critic, expected.leader_value, atol=1e-14)
    np.testing.assert_allclose(found.follower_critic, expected.follower_value, atol=1e-14)
    np.testing.assert_allclose(found.mean_field, expected.mean_field, atol=1e-14)


@CASES_ONE_QUICK
def test_is_the_mean_of_the_update_that_runs(support, observations, tau_l):
    """The very function `update`, each component over its own step size, 40 000 draws."""
    _, game, x = pair(support, observations, tau_l, seed=1)
    lanes = 40_000
    steps = StepSizes(leader=0.01, mean_field=0.02, follower=0.03, critic=0.04)
    wide = ValueBounds(*(jnp.asarray(bound) for bound in (-1e6, 1e6, -1e6, 1e6)))
    many = [jnp.repeat(jnp.asarray(component)[..., None], lanes, axis=-1) for component in x]
    states = jnp.zeros(lanes, jnp.int32)
    uniforms = jax.random.uniform(jax.random.key(0), (num_uniforms(game, "iid"), lanes))
    moved = eqx.filter_jit(update)(traced(game), wide, steps, "iid", Iterate(*many, states, states), uniforms)
    scales = (steps.leader, steps.follower, steps.critic, steps.critic, steps.mean_field)
    for name, before, scale, expected in zip(x._fields, x, scales, mean_dynamics(game, x), strict=True):
        draws = (np.asarray(getattr(moved, name)) - np.asarray(before)[..., None]) / scale
        error = draws.std(axis=-1) / np.sqrt(lanes)
        assert np.max(np.abs(draws.mean(axis=-1) - expected) / error) < 5.0, name


@CASES_ONE_QUICK
def test_jacobian_is_that_of_central_differences(support, observations, tau_l):
    _, game, x = pair(support, observations, tau_l)
    point, basis = flattened(x), movable_directions(game)

    @jax.jit
    def along(direction, step):
        moved = unflattened_in_jax(game, point + step * direction)
        return jnp.concatenate([jnp.ravel(part) for part in mean_dynamics_at(traced(game), moved)])

    step = 1e-4
    differences = [(along(v, step) - along(v, -step)) / (2 * step) for v in basis.T]
    found = mean_dynamics_jacobian(game, x)
    np.testing.assert_allclose(found @ basis, np.array(differences).T, atol=1e-7)


def unflattened_in_jax(game, vector):
    sizes = [int(np.prod(part.shape)) for part in unflattened(game, np.zeros(len(vector)))]
    shapes = [part.shape for part in unflattened(game, np.zeros(len(vector)))]
    parts = jnp.split(vector, np.cumsum(sizes)[:-1])
    return Components(*(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)))


def test_moves_only_along_the_movable_directions_and_ignores_shifts_of_logits():
    _, game, x = pair("states", 2, 0.4)
    basis = movable_directions(game)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-14)
    assert basis.shape == (28, 28 - 2 - 4 - 1)
    direction = flattened(mean_dynamics(game, x))
    np.testing.assert_allclose(basis @ (basis.T @ direction), direction, atol=1e-14)
    shifted = x._replace(leader_logits=x.leader_logits + 3.0, follower_logits=x.follower_logits - 2.0)
    np.testing.assert_allclose(flattened(mean_dynamics(game, shifted)), direction, atol=1e-13)
    np.testing.assert_array_equal(flattened(unflattened(game, flattened(x))), flattened(x))


@CASES_ONE_QUICK
def test_at_an_equilibrium_with_exact_critics_only_the_leader_moves_along_the_direct_gradient(
    support, observations, tau_l
):
    arrays, game, x = pair(support, observations, tau_l)
    gradient = oracle.gradient(arrays, x.leader_logits)
    found = gradient.equilibrium
    policy, field = np.asarray(found.follower_policy, float), np.asarray(found.mean_field, float)
    critic = leader_value(game, softmax_policy(x.leader_logits), policy, field.reshape(np.shape(x.mean_field)))
    at = Components(
        x.leader_logits,
        np.log(policy),
        critic,
        np.asarray(found.follower_value, float),
        field.reshape(x.mean_field.shape),
    )
    h = mean_dynamics(game, at)
    np.testing.assert_allclose(h.leader_logits, (1.0 - game.discount) * np.asarray(gradient.direct, float), atol=1e-10)
    assert np.max(np.abs(h.leader_logits)) > 1e-3, "a leader at rest would prove nothing"
    for component in h[1:]:
        np.testing.assert_allclose(component, 0.0, atol=1e-10)


def test_works_under_vmap_and_grad():
    _, game, x = pair("states", 2, 0.4)
    game, steps = traced(game), jnp.asarray([0.0, 0.1])

    def moved(step):
        return x._replace(leader_critic=jnp.asarray(x.leader_critic) + step)

    together = jax.jit(jax.vmap(lambda step: mean_dynamics_at(game, moved(step)).leader_critic))(steps)
    for row, step in zip(together, steps, strict=True):
        np.testing.assert_allclose(row, mean_dynamics(game, moved(step)).leader_critic, atol=1e-14)
    # D_d (T V - V) of a constant: d (gamma - 1), and the occupancy adds up to one.
    slope = jax.grad(lambda step: jnp.sum(mean_dynamics(game, moved(step)).leader_critic))(0.0)
    np.testing.assert_allclose(slope, game.discount - 1.0, atol=1e-12)


@pytest.mark.wrong_types
def test_bad_input_is_refused():
    _, game, x = pair("states", 2, 0.4)
    with pytest.raises(ValueError, match=r"iterate\.leader_critic: got shape \(3,\)"):
        mean_dynamics(game, x._replace(leader_critic=np.zeros(3)))
    with pytest.raises(ValueError, match=r"iterate\.follower_logits: got NaN"):
        mean_dynamics(game, x._replace(follower_logits=np.full((4, 3), np.nan)))
    with pytest.raises(ValueError, match=r"iterate\.mean_field: got minimum"):
        mean_dynamics_jacobian(game, x._replace(mean_field=np.ones(4)))
    with pytest.raises(ValueError, match="schedule: got zero for leader"):
        step_constants(game, Schedule(leader=0.0))
    with pytest.raises(ValueError, match="schedule: got dict"):
        step_constants(game, {})
    with jax.enable_x64(False), pytest.raises(ValueError, match="float64"):
        mean_dynamics(game, x)
