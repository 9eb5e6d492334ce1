"""The leader's ascent ends at maxima: on games whose objective along the one free parameter is a known polynomial."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from scipy.optimize import minimize_scalar

from smfg_verify.errors import InputError
from smfg_verify.exact import AscentStatus, leader_objective, optimise_leader, stackelberg_gradient
from smfg_verify.game import AbstractGame, parameter

UNIFORM = np.zeros((1, 2))


class Polynomial(AbstractGame):
    """The leader earns c_1 x + ... + c_4 x^4 of x = m[1] - m[0], which its subsidy moves between -0.16 and 0.16."""

    coefficients: Float[Array, " 4"] = parameter()
    leader_temperature: float = parameter(default=0.0)
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    leader_observation = np.zeros(2, int)
    transition_dependence = "none"

    def transition(self, s, a, b, m):
        return jnp.where(jnp.arange(2) == a, 0.9, 0.1)

    def follower_reward(self, s, a, b, m):
        return jnp.where(s == 1, 1.0, 0.0) * (b - 0.5)

    def leader_reward(self, s, a, b, m):
        x = m[1] - m[0]
        return jnp.dot(self.coefficients, jnp.stack([x, x**2, x**3, x**4]))


def game(*coefficients, scale=1.0, leader_temperature=0.0):
    return Polynomial(
        coefficients=scale * np.array(coefficients, dtype=float), leader_temperature=scale * leader_temperature
    )


def highest(objective_of) -> float:
    """Brute force: the best of a fine grid of the one free parameter, polished."""
    grid = np.concatenate([[-40.0], np.linspace(-12.0, 12.0, 49), [40.0]])
    values = [objective_of(x) for x in grid]
    near = grid[int(np.argmax(values))]
    found = minimize_scalar(
        lambda x: -objective_of(x), bounds=(near - 0.6, near + 0.6), method="bounded", options={"xatol": 1e-9}
    )
    return max(-found.fun, *values)


def objective(of):
    return lambda x: float(leader_objective(of, np.array([[0.0, x]])))


MINIMA = {
    "square": (0.0, 1.0, 0.0, 0.0),
    "quartic, without curvature": (0.0, 0.0, 0.0, 100.0),
    "inflection": (0.0, 0.0, 10.0, 0.0),
    "between two inner maxima": (0.0, 2.0, 0.0, -100.0),
}


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        *((kind, 1.0) for kind in MINIMA),
        ("square", 1e-7),
        *(pytest.param(kind, 1e-7, marks=pytest.mark.slow) for kind in list(MINIMA)[1:]),
    ],
)
def test_a_stationary_point_that_is_no_maximum_is_left_whatever_the_unit(kind, scale):
    of = game(*MINIMA[kind], scale=scale)
    assert float(np.linalg.norm(stackelberg_gradient(of, UNIFORM).total)) <= 1e-14 * scale
    found = optimise_leader(of, UNIFORM, pure_budget=0)
    assert found.status is AscentStatus.CONVERGED
    assert found.escapes == (1,)
    assert found.curvature < 0.0
    assert float(found.gradient.objective) == pytest.approx(highest(objective(of)), rel=1e-6, abs=1e-12 * scale)
    assert np.all(np.diff(found.objective_history) >= -1e-12 * scale)


def test_a_reward_that_is_zero_and_curved_at_the_point_is_no_kink():
    """x^2, x^3 and x^4 at x = 0 miss the derivative 0 by less and less, though every entry of the table is zero."""
    for kind in ("square", "quartic, without curvature", "inflection"):
        assert bool(stackelberg_gradient(game(*MINIMA[kind]), UNIFORM).certificate.differentiable)


def test_with_leader_entropy_too():
    of = game(*MINIMA["square"], leader_temperature=1e-3)
    found = optimise_leader(of, UNIFORM, pure_budget=0)
    assert found.converged
    assert found.escapes == (1,)
    assert float(found.gradient.objective) == pytest.approx(highest(objective(of)), abs=1e-9)
    assert float(found.gradient.objective) > objective(of)(0.0) + 1e-3


@pytest.mark.slow
def test_several_starts_list_their_ends_and_each_is_that_of_the_start_alone():
    of = game(0.2, 20.0, 0.0, 0.0)
    starts = np.array([[[3.0, -3.0]], [[-3.0, 3.0]], [[0.3, 0.0]]])
    found = optimise_leader(of, starts=starts, pure_budget=0)
    assert len(found.ends) == 3
    for start, end in zip(starts, found.ends, strict=True):
        alone = optimise_leader(of, start, pure_budget=0)
        assert end.status is alone.status
        np.testing.assert_allclose(end.gradient.objective, alone.gradient.objective, rtol=1e-9)
    heights = [float(end.gradient.objective) for end in found.ends]
    assert float(found.gradient.objective) == max(heights)
    assert max(heights) > min(heights) + 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no start"),
        ({"starts": np.zeros((2, 3, 2))}, "leader_logits"),
        ({"initial_logits": UNIFORM, "tolerance": 0.0}, "tolerance"),
        pytest.param({"initial_logits": UNIFORM, "pure_budget": 1.5}, "pure_budget", marks=pytest.mark.wrong_types),
        ({"initial_logits": UNIFORM, "max_steps": -1}, "max_steps"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(InputError, match=message):
        optimise_leader(game(0.0, 1.0, 0.0, 0.0), **arguments)
