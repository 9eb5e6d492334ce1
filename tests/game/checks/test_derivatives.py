"""Rules of differentiation: refused where differences of the function say otherwise, accepted where they agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.game import AbstractGame, parameter, validate


@jax.custom_jvp
def straight(x):
    return jnp.round(4.0 * x) / 4.0


straight.defjvp(lambda primals, tangents: (straight(primals[0]), tangents[0]))


@jax.custom_jvp
def cube(x):
    return x**3


# Right to first order, but its own derivative is stopped.
cube.defjvp(lambda primals, tangents: (primals[0] ** 3, 3.0 * jax.lax.stop_gradient(primals[0]) ** 2 * tangents[0]))


@jax.custom_jvp
def square(x):
    return x * x


square.defjvp(lambda primals, tangents: (primals[0] ** 2, 2.0 * primals[0] * tangents[0]))


@jax.custom_vjp
def reverse_only(x):
    return x * x


reverse_only.defvjp(lambda x: (x * x, x), lambda x, slope: (2.0 * x * slope,))


def called_back(x):
    return jax.pure_callback(np.square, jax.ShapeDtypeStruct((), x.dtype), x, vmap_method="sequential")


REFUSED = {
    "stopped": lambda m: jax.lax.stop_gradient(m[1]),
    "stopped in a program inside": lambda m: jax.jit(lambda x: 2.0 * jax.lax.stop_gradient(x))(m[1]) + m[0],
    "stopped in a branch": lambda m: jax.lax.cond(m[0] > 0.6, jax.lax.stop_gradient, lambda x: x, m[1]),
    "a thousandth stopped": lambda m: m[0] + 1e-3 * jax.lax.stop_gradient(m[1]),
    "straight through": lambda m: straight(m[1]),
    "second derivative stopped": lambda m: cube(m[1]),
    "fine staircase": lambda m: jnp.floor(1e6 * m[1]) / 1e6,
    "reverse only": lambda m: reverse_only(m[1]),
    "callback": lambda m: called_back(m[1]),
}
# All in one function, so that one program compares them: a wrong one among them would show.
ACCEPTED = {
    "nn": lambda m: jax.nn.softplus(9.0 * m[1] - 3.0) + jax.nn.relu(m[0] - 0.3) + jax.nn.silu(m[1]) + jax.nn.gelu(m[0]),
    "log-sum-exp": lambda m: jax.nn.logsumexp(30.0 * m) + jax.nn.log_softmax(40.0 * m)[0] + jax.nn.softmax(40.0 * m)[0],
    "own rule": lambda m: square(m[1]) + jnp.linalg.norm(m) + jax.scipy.special.xlogy(m[1], m[1]),
    "jumps": lambda m: jnp.round(10.0 * m[1]) / 10.0 + jnp.sign(m[1] - 0.4) + jnp.argmax(m) + (3.0 * m[0]).astype(int),
    "stopped shift": lambda m: m[0] + jax.lax.stop_gradient(m.max()) - jax.lax.stop_gradient(m.max()),
}


def game_with(function):
    class Ruled(AbstractGame):
        scale: float = parameter(default=1.0)
        num_states = 2
        num_follower_actions = 2
        num_leader_actions = 2
        discount = 0.5
        temperature = 0.5

        def transition(self, state, follower_action, leader_action, mean_field):
            return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

        def follower_reward(self, state, follower_action, leader_action, mean_field):
            return self.scale * (state == 0) * function(mean_field) + 0.1 * leader_action

        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return mean_field[1]

    return Ruled


@pytest.mark.parametrize("name", REFUSED)
def test_a_rule_that_differences_contradict_is_refused_by_name(name):
    with pytest.raises(ValueError, match=r"^follower_reward: .*derivative"):
        validate(game_with(REFUSED[name])())


def test_rules_that_agree_are_accepted():
    validate(game_with(lambda m: sum(function(m) for function in ACCEPTED.values()))())


def test_a_rule_is_asked_again_where_a_number_has_changed():
    """At scale 0 the stopped term has no effect; at 1 it has."""
    ruled = game_with(lambda m: jax.lax.stop_gradient(m[1]))
    validate(ruled(scale=0.0))
    with pytest.raises(ValueError, match="first derivative"):
        validate(ruled(scale=1.0))
