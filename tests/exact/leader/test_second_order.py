"""The leader's ascent ends at maxima: on games whose objective along the one free parameter is a known polynomial."""

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from scipy.optimize import minimize_scalar

from smfg_verify.errors import InputError
from smfg_verify.exact import AscentStatus, leader_objective, optimise_leader, stackelberg_gradient
from smfg_verify.exact.leader import curvature as leader_curvature
from smfg_verify.exact.leader.ascent_steps import Iterate
from smfg_verify.exact.leader.curvature import largest_curvature
from smfg_verify.exact.leader.pure_leaders import pure_actions
from smfg_verify.game import AbstractGame, parameter, traced
from tests.exact.cases import pair

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


@pytest.mark.parametrize("scale", [1.0, 1e-7])
@pytest.mark.parametrize("kind", MINIMA)
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


def test_a_maximum_stays_one_and_its_curvature_is_the_second_difference():
    """-x^2 + x^3 at x = 0: the curvature is that of Phi along the unit tangent (-1, 1) / sqrt(2) of the policy."""
    of = game(0.0, -1.0, 1.0, 0.0)
    found = optimise_leader(of, UNIFORM)
    assert found.converged
    assert found.escapes == ()
    assert found.leader_logits.shape == (1, 2)

    def along(t):
        policy = 0.5 + t * np.array([[-1.0, 1.0]]) / np.sqrt(2.0)
        return float(leader_objective(of, np.log(policy)))

    second = [(along(h) - 2.0 * along(0.0) + along(-h)) / h**2 for h in (0.02, 0.01)]
    assert found.curvature == pytest.approx((4.0 * second[1] - second[0]) / 3.0, rel=1e-6)


def test_a_better_pure_leader_is_reported_and_taken():
    """x + 20 x^2 from x < 0: the end at the lower vertex is a maximum, and the other vertex is higher."""
    of, start = game(0.2, 20.0, 0.0, 0.0), np.array([[3.0, -3.0]])
    local = optimise_leader(of, start, pure_budget=0)
    assert local.converged
    assert local.best_pure is None
    assert np.isnan(local.best_pure_objective)
    found = optimise_leader(of, start)
    pure = [objective(of)(x) for x in (-80.0, 80.0)]
    assert found.pure.complete
    np.testing.assert_allclose(np.sort(found.pure.objectives), np.sort(pure), rtol=1e-9)
    np.testing.assert_array_equal(found.best_pure, [[0.0, 1.0]])
    assert float(local.gradient.objective) == pytest.approx(pure[0], rel=1e-9)
    assert float(found.gradient.objective) == pytest.approx(pure[1], rel=1e-9)
    assert found.restarts == (len(local.objective_history),)
    assert [end.converged for end in found.ends] == [True, True]
    assert np.all(np.diff(found.objective_history) >= -1e-12)


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


def test_lanczos_finds_the_largest_eigenvalue_of_the_dense_hessian(monkeypatch):
    arrays_game, _, logits = pair(31, sizes=(4, 2, 3))
    at = stackelberg_gradient(arrays_game, logits)
    policy = np.asarray(jnp.exp(logits) / jnp.sum(jnp.exp(logits), axis=1, keepdims=True))
    dense = largest_curvature(traced(arrays_game), Iterate(policy, at), 1e-12)
    monkeypatch.setattr(leader_curvature, "LARGEST_DENSE", 1)
    lanczos = largest_curvature(traced(arrays_game), Iterate(policy, at), 1e-12)
    assert lanczos.largest == pytest.approx(dense.largest, rel=1e-6)
    overlap = abs(np.sum(lanczos.directions[0] * dense.directions[0]))
    assert overlap == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(np.sum(dense.directions, axis=2), 0.0, atol=1e-12)


def test_a_saddle_that_cannot_be_left_is_not_called_converged(monkeypatch):
    """Steps that go nowhere stand for a curvature whose rise is lost in rounding."""
    monkeypatch.setattr("smfg_verify.exact.leader.ascent._moved", lambda _, policy, __: policy)
    found = optimise_leader(game(*MINIMA["square"]), UNIFORM, pure_budget=0)
    assert found.status is AscentStatus.SADDLE
    assert not found.converged
    assert found.curvature > found.curvature_resolution


def test_pure_leaders_within_a_budget_are_all_or_the_neighbours_first():
    policy = np.array([[0.7, 0.3], [0.1, 0.9], [0.4, 0.6]])
    every, complete = pure_actions(policy, 8)
    assert complete
    assert len({tuple(row) for row in every}) == 8
    some, complete = pure_actions(policy, 7)
    assert not complete
    assert len(some) <= 7
    assert tuple(some[0]) == (0, 1, 1)
    assert len({tuple(row) for row in some}) == len(some)


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
