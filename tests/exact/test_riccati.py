"""Closed form of the linear-quadratic game: its equations by quadrature, optimality, and policy gradient on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.linear_quadratic_order import descents, tail_ratios
from smfg_verify.exact.riccati import (
    GaussianPolicy,
    linear_quadratic_equilibrium,
    policy_leader_objective,
    policy_leader_value,
    policy_objective,
    policy_value,
    population_mean,
)
from smfg_verify.games import LinearQuadratic

LOGITS = np.array([[0.4, -0.3]])
WEIGHTS = np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum()
CASES = {
    "default": {},
    "odd": dict(drift=0.7, control=-1.3, noise=0.9, tracking=2.0, effort=0.3, coupling=1.5, targets=(-1.0, 2.5)),
    "herd": dict(coupling=-0.4, drift=0.9),
    "unstable": dict(drift=1.6, tracking=0.05),
    "free": dict(drift=1.3, tracking=0.0, discount=0.8),
    "myopic": dict(discount=0.0, drift=0.5),
}
EVERY_CASE = pytest.mark.parametrize("changes", CASES.values(), ids=CASES)


def hermite(size=12):
    """Nodes and weights of the standard normal law, exact for polynomials of degree 2 size - 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(size)
    return nodes, weights / weights.sum()


def expected_return(game, value, position, actions, mean):
    """r_f + gamma E V(x') averaged over targets and noise, by quadrature."""
    nodes, weights = hermite()
    moved = float(game.drift) * position + float(game.control) * actions[..., None] + float(game.noise) * nodes
    ahead = np.asarray(value(jnp.asarray(moved))) @ weights
    miss = WEIGHTS @ (position - np.asarray(game.targets)) ** 2
    now = -float(game.tracking) * miss - float(game.coupling) * position * mean - float(game.effort) * actions**2
    return now + float(game.discount) * ahead


@EVERY_CASE
def test_value_and_policy_solve_the_soft_bellman_equation(changes):
    """tau log of the integral of exp(Q / tau) over actions, and the moments of the softmax, by quadrature."""
    game = LinearQuadratic(**changes)
    found = linear_quadratic_equilibrium(game, LOGITS)
    tau, spread = float(game.temperature), float(jnp.sqrt(found.policy.variance))
    for position in (-1.5, 0.0, 0.8):
        centre = float(found.policy.mean(position))
        actions = np.linspace(centre - 9 * spread, centre + 9 * spread, 4001)
        quality = expected_return(game, found.value, position, actions, float(found.mean))
        density = np.exp((quality - quality.max()) / tau)
        total = density.sum() * (actions[1] - actions[0])
        assert quality.max() + tau * np.log(total) == pytest.approx(float(found.value(position)), rel=1e-11)
        policy = density / density.sum()
        assert policy @ actions == pytest.approx(centre, abs=1e-10)
        assert policy @ (actions - centre) ** 2 == pytest.approx(float(found.policy.variance), rel=1e-10)


@EVERY_CASE
def test_population_is_stationary(changes):
    game = LinearQuadratic(**changes)
    found = linear_quadratic_equilibrium(game, LOGITS)
    alpha, beta, gain = float(game.drift), float(game.control), float(found.policy.gain)
    mean, variance = float(found.mean), float(found.variance)
    assert alpha * mean + beta * float(found.policy.mean(mean)) == pytest.approx(mean, abs=1e-12)
    inflow = float(game.noise) ** 2 + beta**2 * float(found.policy.variance)
    assert (alpha - beta * gain) ** 2 * variance + inflow == pytest.approx(variance, rel=1e-12)
    assert float(population_mean(game, found.policy)) == pytest.approx(mean, abs=1e-12)


@EVERY_CASE
def test_value_of_any_policy_solves_its_linear_equation(changes):
    game, mean = LinearQuadratic(**changes), jnp.asarray(0.3)
    found = linear_quadratic_equilibrium(game, LOGITS)
    policy = GaussianPolicy(found.policy.gain + 0.1, found.policy.offset - 0.2, jnp.asarray(0.35))
    value = policy_value(game, LOGITS, policy, mean)
    nodes, weights = hermite()
    entropy = 0.5 * np.log(2 * np.pi * np.e * 0.35)
    for position in (-1.0, 0.0, 2.0):
        actions = float(policy.mean(position)) + np.sqrt(0.35) * nodes
        expected = weights @ expected_return(game, value, position, actions, 0.3)
        assert expected + float(game.temperature) * entropy == pytest.approx(float(value(position)), rel=1e-11)


@EVERY_CASE
def test_value_of_any_policy_to_the_leader_solves_its_linear_equation(changes):
    game = LinearQuadratic(target_cost=0.3, leader_temperature=0.2, **changes)
    policy = linear_quadratic_equilibrium(game, LOGITS).policy._replace(variance=jnp.asarray(0.35))
    value = policy_leader_value(game, LOGITS, policy)
    nodes, weights = hermite()
    cost = 0.3 * WEIGHTS @ np.asarray(game.targets) ** 2 + 0.2 * WEIGHTS @ np.log(WEIGHTS)
    for position in (-1.0, 0.0, 2.0):
        drifted = float(game.drift) * position + float(game.control) * float(policy.mean(position))
        spread = np.sqrt(float(game.noise) ** 2 + float(game.control) ** 2 * 0.35)
        ahead = weights @ np.asarray(value(jnp.asarray(drifted + spread * nodes)))
        expected = -((position - 0.5) ** 2) - cost + float(game.discount) * ahead
        assert expected == pytest.approx(float(value(position)), rel=1e-11)
    objective = np.mean(np.asarray(value(jnp.asarray(game.positions))))
    assert float(policy_leader_objective(game, LOGITS, policy)) == pytest.approx(objective, rel=1e-12)


@EVERY_CASE
def test_the_equilibrium_policy_is_the_best_against_its_own_mean(changes):
    game = LinearQuadratic(**changes)
    found = linear_quadratic_equilibrium(game, LOGITS)

    def objective(gain, offset, variance):
        return policy_objective(game, LOGITS, GaussianPolicy(gain, offset, variance), found.mean)

    slopes = jax.grad(objective, argnums=(0, 1, 2))(*found.policy)
    np.testing.assert_allclose(slopes, 0.0, atol=1e-9)
    curvatures = jax.hessian(objective, argnums=(0, 1, 2))(*found.policy)
    assert np.max(np.linalg.eigvalsh(np.array(curvatures))) < 0.0


@pytest.mark.parametrize("coupling", [-0.3, 0.5, 2.0])
def test_the_mean_is_the_fixed_point_of_the_answers_to_it(coupling):
    """Followers who expect the mean x answer with the mean of the game whose crowd stands at x for certain."""
    game = LinearQuadratic(coupling=coupling)
    found = linear_quadratic_equilibrium(game, LOGITS)
    # A crowd frozen at x pulls as targets moved by -c x / (2 q) would.
    answers = []
    for expected in (0.0, 1.0, float(found.mean)):
        moved = LinearQuadratic(coupling=0.0, targets=game.targets - coupling * expected / (2 * game.tracking))
        answers.append(float(linear_quadratic_equilibrium(moved, LOGITS).mean))
    assert answers[1] - answers[0] == pytest.approx(float(found.mean_response), abs=1e-12)
    assert answers[2] == pytest.approx(float(found.mean), abs=1e-12)


@pytest.mark.wrong_types
def test_a_leader_that_sees_the_state_has_no_closed_form():
    with pytest.raises(ValueError, match="public target"):
        linear_quadratic_equilibrium(LinearQuadratic(), np.zeros((2, 2)))


def test_policy_gradient_converges_linearly_at_the_predicted_rate():
    for name, descent in descents().items():
        ratios = tail_ratios(descent.errors)
        assert len(ratios) >= 8, name
        assert np.max(ratios) < 1.0, name
        np.testing.assert_allclose(ratios, descent.predicted, rtol=1e-3, err_msg=name)
        assert descent.errors[-1] < 1e-9, name
