"""Second derivatives with the linear equations held, against those through the solutions of these equations."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, residual
from smfg_verify.exact.gradient.lagrangian import Change, known_place, residual_near, slopes_along
from smfg_verify.exact.kernel import follower_model, tabulate
from smfg_verify.exact.objective import leader_value
from smfg_verify.exact.population import chain
from smfg_verify.game import mean_field_shape, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import pair

RNG = np.random.default_rng(0)


def drawn(*shape):
    return jnp.asarray(RNG.normal(size=shape))


def with_leader(setting, policy):
    return eqx.tree_at(lambda s: s.leader_policy, setting, policy)


@pytest.fixture(scope="module", params=["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def place(request):
    """Not an equilibrium: the derivatives are those of the equations anywhere."""
    game, _, logits = pair(2, support=request.param, observations=2, tau_l=0.3)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), jnp.asarray(0.4))
    size = int(np.prod(mean_field_shape(game)))
    point = Point(jnp.asarray(RNG.dirichlet(np.ones(size))), drawn(game.num_states))
    model = follower_model(tabulate(game, point.mean_field.reshape(mean_field_shape(game))), setting.leader_rows)
    matrix = jnp.eye(game.num_states) - game.discount * chain(follower_policy(setting, point), model.transition)
    solves = (lambda right: jnp.linalg.solve(matrix, right), lambda right: jnp.linalg.solve(matrix.T, right))
    return known_place(setting, point, *solves)


def gradients(setting, multiplier, leader, followers, point, log_policy, reward, initial):
    """Of J - lambda F, every equation solved; and of J itself."""

    def lagrangian(leader, followers, point):
        game, moved = setting.game, with_leader(setting, followers)
        rows = follower_policy(moved, point) * (1.0 + log_policy)
        value = leader_value(game, leader, rows, point.mean_field.reshape(mean_field_shape(game)), reward)
        objective = jnp.dot(jnp.asarray(game.initial_distribution) + initial, value)
        missed = residual(moved, point)
        return objective - missed.mean_field @ multiplier.mean_field - missed.value @ multiplier.value, objective

    return jax.grad(lagrangian, argnums=(0, 1, 2), has_aux=True)(leader, followers, point)


@pytest.mark.slow
def test_slopes_are_those_through_the_solutions(place):
    setting, point = place.setting, place.point
    shape, size = follower_policy(setting, point).shape, point.mean_field.size
    multiplier, held = Point(drawn(size), drawn(shape[0])), drawn(shape[0])
    shift = Point(point.mean_field * drawn(size), drawn(shape[0]))
    change = Change(shift, drawn(*shape), drawn(shape[0]), drawn(shape[0]))
    found = slopes_along(place, multiplier, held, change)
    policy = setting.leader_policy
    at = (policy, policy, point, jnp.zeros(shape), jnp.zeros(shape[0]), jnp.zeros(shape[0]))
    along = (jnp.zeros_like(policy), jnp.zeros_like(policy), *change)
    field_held = Point(jnp.zeros(size), held)
    (total, objective), (alone, _) = (
        jax.jit(lambda by: jax.jvp(lambda *at: gradients(setting, by, *at), at, along)[1])(by)
        for by in (multiplier, field_held)
    )
    pairs = zip(jax.tree.leaves(found), (*jax.tree.leaves(total), alone[1], alone[2].value, objective), strict=True)
    for first, second in pairs:
        assert np.max(np.abs(second)) > 1e-2
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9 * np.max(np.abs(second)))


def test_the_residual_about_a_place_is_the_residual_to_first_order(place):
    policy, direction = place.setting.leader_policy, drawn(*place.setting.leader_policy.shape)
    near = jax.jvp(lambda phi: residual_near(place, phi), (policy,), (direction,))
    exact = jax.jvp(lambda phi: residual(with_leader(place.setting, phi), place.point), (policy,), (direction,))
    for first, second in zip(jax.tree.leaves(near), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-12)
