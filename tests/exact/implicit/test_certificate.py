"""Gradients through equations that are no games: against closed forms, and refused where there is none."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from smfg_verify.errors import NumericalError
from smfg_verify.exact import implicit_certificate, stackelberg_gradient
from smfg_verify.exact.implicit import ImplicitVerdict
from smfg_verify.games import load
from smfg_verify.policies import softmax_policy

RNG = np.random.default_rng(0)
MATRIX = np.eye(3) + 0.3 * RNG.normal(size=(3, 3))
CHAIN = RNG.dirichlet(np.ones(3), 3)
DATA, LABELS = RNG.normal(size=(12, 2)), RNG.choice([-1.0, 1.0], 12)
WEIGHTS = 0.4 * RNG.normal(size=(3, 3))


def first(x, p):
    return jnp.ravel(x)[0]


def total(x, p):
    return jnp.sum(x * x)


def stationary(x, p):
    tilted = CHAIN * jnp.exp(p)
    rows = tilted / tilted.sum(axis=1, keepdims=True)
    return x - x @ rows + (x.sum() - 1.0) / 3.0


def logistic(x, p):
    margins = LABELS * (DATA @ x)
    return -(DATA.T @ (LABELS * jax.nn.sigmoid(-margins))) / 12.0 + p * x


# Equation, guess, parameters, objective. Solved by SciPy, and again at parameters beside them for the gradient.
SMOOTH = {
    "cosine": (lambda x, p: x - p * jnp.cos(x), 0.7, 1.0, first),
    "Babylonian root": (lambda x, p: x - 0.5 * (x + p / x), 1.4, 2.0, first),
    "linear system": (lambda x, p: MATRIX @ x - p, np.ones(3), np.array([1.0, 2.0, 3.0]), total),
    "Kepler": (lambda x, p: x - p[0] * jnp.sin(x) - p[1], 1.0, np.array([0.6, 0.9]), first),
    "Lambert": (lambda x, p: x * jnp.exp(x) - p, 0.8, 2.0, first),
    "Curie and Weiss": (lambda x, p: x - jnp.tanh(p[0] * x + p[1]), 0.9, np.array([1.6, 0.1]), first),
    "stationary law": (stationary, np.full(3, 1.0 / 3.0), np.array([0.1, -0.3, 0.2]), first),
    "discounted value": (lambda x, p: x - p - 0.9 * CHAIN @ x, np.ones(3), np.array([1.0, 0.0, -1.0]), total),
    "Riccati": (lambda x, p: p[0] + x - x * x / (p[1] + x) - x, 1.0, np.array([1.0, 0.5]), first),
    "ridge": (lambda x, p: DATA.T @ (DATA @ x - LABELS) + p * x, np.zeros(2), 0.7, total),
    "logistic regression": (logistic, np.zeros(2), 0.05, total),
    "Lyapunov": (
        lambda x, p: MATRIX @ x + x @ MATRIX.T - p * jnp.eye(3) - jnp.ones((3, 3)),
        np.eye(3),
        1.5,
        total,
    ),
    "cubic": (lambda x, p: x**3 + x - p, 0.5, 1.0, first),
    "matrix root": (lambda x, p: x @ x - jnp.array([[2.0, 0.3], [0.3, 1.0]]) * p, np.eye(2), 1.2, first),
    "implicit Euler": (lambda x, p: x - 1.0 + p * 1e4 * (x - jnp.cos(0.3)), 0.9, 0.1, first),
    "equilibrium layer": (lambda x, p: x - jnp.tanh(WEIGHTS @ x + p), np.zeros(3), np.array([0.5, -0.2, 0.1]), total),
    "diode": (lambda x, p: (5.0 - x) / p - 1e-12 * jnp.expm1(x / 0.025), 0.6, 1e3, first),
    "Michaelis and Menten": (lambda x, p: p[0] * x / (p[1] + x) - 0.3, 0.1, np.array([1.0, 0.2]), first),
    "tangent of tanh": (lambda x, p: jnp.log1p(jnp.exp(x)) - p, 0.1, 1.3, first),
    "steep units": (lambda x, p: jnp.array([1e9, 1e-9]) * x - p, np.array([1e-9, 1e9]), np.array([3.0, 2.0]), total),
}


def solution(equation, guess, p):
    shape = np.shape(guess)
    # In units of the guess, so that SciPy's tolerances mean something.
    unit = np.where(np.abs(np.ravel(guess)) > 0.0, np.abs(np.ravel(guess)), 1.0)
    row = 1.0 / np.maximum(np.abs(np.ravel(equation(jnp.asarray(guess) * 1.1 + 0.1 * unit.reshape(shape), p))), 1e-300)
    found = scipy.optimize.root(
        lambda flat: row * np.ravel(equation(jnp.asarray((flat * unit).reshape(shape)), p)),
        np.ravel(guess) / unit,
        tol=1e-15,
    )
    return (found.x * unit).reshape(shape)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_of_smooth_equations_are_trusted_and_are_the_differences(name):
    equation, guess, p, objective = SMOOTH[name]
    found = implicit_certificate(equation, solution(equation, guess, p), p, objective)
    assert found.verdict is ImplicitVerdict.TRUSTED
    assert found.adjoint_residual < 1e-12
    flat, moves = np.ravel(np.asarray(p, dtype=float)), []
    for place in range(flat.size):
        step = 1e-5 * max(1e-2, abs(flat[place])) * np.eye(flat.size)[place]
        ends = [(flat + side * step).reshape(np.shape(p)) for side in (1.0, -1.0)]
        values = [float(objective(jnp.asarray(solution(equation, guess, end)), end)) for end in ends]
        moves.append((values[0] - values[1]) / (2.0 * step[place]))
    np.testing.assert_allclose(np.ravel(found.gradient), moves, rtol=2e-4, atol=1e-7 * (1.0 + np.max(np.abs(moves))))


ROOT = 0.73908513321516067
REFUSED = {
    "not converged": (lambda x, p: x - p * jnp.cos(x), 0.739, 1.0, first, "NOT_CONVERGED"),
    "nothing to converge to": (lambda x, p: x * x + 1.0 + p, 0.1, 0.0, first, "NOT_CONVERGED"),
    "no number": (lambda x, p: x - p, np.nan, 1.0, first, "NOT_CONVERGED"),
    "double zero": (lambda x, p: (x - p) ** 2, 1.0 + 1e-9, 1.0, first, "NOT_LOCALLY_UNIQUE"),
    "at a fold": (lambda x, p: x * x - p, 0.0, 0.0, first, "NOT_LOCALLY_UNIQUE"),
    "a line of zeros": (
        lambda x, p: jnp.array([[1.0, 1.0], [1.0, 1.0]]) @ x - p,
        np.array([1.0, 0.0]),
        np.array([1.0, 1.0]),
        first,
        "NOT_LOCALLY_UNIQUE",
    ),
    "nearly a line of zeros": (
        lambda x, p: jnp.array([[1.0, 1.0], [1.0, 1.0 + 1e-14]]) @ x - p,
        np.array([1.0, 0.0]),
        np.array([1.0, 1.0]),
        first,
        "NOT_LOCALLY_UNIQUE",
    ),
    "kink in the parameter": (lambda x, p: x - jnp.abs(p - 1.0), 0.0, 1.0, first, "NOT_DIFFERENTIABLE"),
    "kink in the unknown": (lambda x, p: x + jnp.maximum(x, 0.0) - p, 0.0, 0.0, first, "NOT_DIFFERENTIABLE"),
    "kink of the objective": (
        lambda x, p: x - p,
        0.3,
        0.3,
        lambda x, p: jnp.maximum(x - 0.3, 0.0),
        "NOT_DIFFERENTIABLE",
    ),
    "small jump": (lambda x, p: x - p - 1e-5 * jnp.floor(p), 1.0 + 1e-5, 1.0, first, "NOT_DIFFERENTIABLE"),
    "jump nearby": (
        lambda x, p: x - p - 1e-5 * jnp.floor(p * (1.0 - 1e-11)),
        1.0,
        1.0,
        first,
        "NOT_DIFFERENTIABLE",
    ),
    "jump": (lambda x, p: x - jnp.floor(p), 1.0, 1.0, first, "NOT_DIFFERENTIABLE"),
    "infinite slope": (lambda x, p: x - jnp.sqrt(jnp.abs(p)), 0.0, 0.0, first, "NOT_DIFFERENTIABLE"),
    "a rule that is not its own": (
        lambda x, p: x - p * jnp.cos(jax.lax.stop_gradient(x)),
        ROOT,
        1.0,
        first,
        "NOT_DIFFERENTIABLE",
    ),
    # Slopes at x are those of the other side of a kink.
    "kink on the way": (
        lambda x, p: x + 0.1 * jnp.abs(x - 1.0) - p,
        1.0 - 8e-7,
        1.0 + 1e-7,
        first,
        "NOT_DIFFERENTIABLE",
    ),
    "kink on the way of what parameters hardly move": (
        lambda x, p: x - 1.0 - 1e-3 * (p - 1.0),
        1.0 - 9e-8,
        1.0 + 1e-5,
        lambda x, p: jnp.abs(x - 1.0),
        "NOT_DIFFERENTIABLE",
    ),
    "kink in small units": (
        lambda x, p: jnp.array([1e12, 1.0]) * (x - jnp.stack([p[0], jnp.abs(p[1] - 1.0)])),
        np.array([1.0, 0.0]),
        np.ones(2),
        total,
        "NOT_DIFFERENTIABLE",
    ),
    "none in reverse": (
        lambda x, p: x - jnp.where(p > 0.5, p, jnp.sqrt(p - 1.0)),
        0.75,
        0.75,
        first,
        "NOT_DIFFERENTIABLE",
    ),
    "near a fold, not near enough": (
        lambda x, p: (x - 1.0) ** 2 - (p - 1.0),
        1.0 + 5e-6,
        1.0 + 1e-12,
        first,
        "NOT_CONVERGED",
    ),
    "small beside its neighbour": (
        lambda x, p: jnp.stack([x[0] - p[0], x[1] ** 2 - p[1]]),
        np.array([1.0, 5e-7]),
        np.array([1.0, 1e-14]),
        lambda x, p: x[1],
        "NOT_CONVERGED",
    ),
    "as parameters would move it": (
        lambda x, p: 1e-6 * (x - 1.0) - (p - 1.0),
        1.5,
        1.0,
        lambda x, p: x**3,
        "NOT_CONVERGED",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_there_is_no_gradient_none_is_given(name):
    *problem, verdict = REFUSED[name]
    found = implicit_certificate(*problem, throw=False)
    assert found.verdict.name == verdict
    assert np.all(np.isnan(found.gradient))
    with pytest.raises(NumericalError, match=found.verdict.label):
        implicit_certificate(*problem)


@pytest.mark.parametrize("seed", range(4))
def test_zeros_on_one_side_alone_are_seen_whatever_is_drawn(seed):
    found = implicit_certificate(lambda x, p: jnp.where(x >= p, x - p, 0.0), 1.0, 1.0, first, seed=seed, throw=False)
    assert found.verdict is ImplicitVerdict.NOT_LOCALLY_UNIQUE


def test_at_an_optimum_nothing_is_held_against_a_gradient_of_zero():
    for off in (0.0, 1e-9):
        found = implicit_certificate(lambda x, p: x - p, 1.0 + off, 1.0, lambda x, p: (x - 1.0) ** 2)
        assert abs(found.gradient) <= 2.1 * off
    # Zero as a solver finds it.
    found = implicit_certificate(lambda x, p: x - jnp.tanh(p[0] * x + p[1]), 1e-9, np.array([0.5, 0.0]), first)
    np.testing.assert_allclose(found.gradient, [0.0, 2.0], atol=1e-8)


def test_units_of_unknowns_and_equations_change_nothing():
    equation, guess, p, _ = SMOOTH["linear system"]
    x = solution(equation, guess, p)
    rows, columns = np.array([1e-8, 1.0, 1e6]), np.array([1e5, 1e-3, 1.0])
    plain = implicit_certificate(equation, x, p, first)
    scaled = implicit_certificate(
        lambda y, p: rows * equation(columns * y, p), x / columns, p, lambda y, p: columns[0] * y[0]
    )
    assert scaled.condition == pytest.approx(plain.condition)
    np.testing.assert_allclose(scaled.gradient, plain.gradient, rtol=1e-9)


def test_a_tolerance_says_what_counts_as_converged():
    off = ROOT * (1.0 + 1e-5)
    problem = (lambda x, p: x - p * jnp.cos(x), off, 1.0, first)
    assert implicit_certificate(*problem, throw=False).verdict is ImplicitVerdict.NOT_CONVERGED
    loose = implicit_certificate(*problem, tolerance=1e-4)
    assert loose.error == pytest.approx(1e-5, rel=1e-3)
    # What the gradient is off by is what it changes by at the solution.
    exact = np.cos(ROOT) / (1.0 + np.sin(ROOT))
    assert abs(loose.gradient - exact) == pytest.approx(loose.gradient_error, rel=1e-3)


def test_a_loose_tolerance_hides_no_kink():
    problem = (lambda x, p: x - p, 1.0 - 1e-3, 1.0 + 1e-3, lambda x, p: jnp.abs(x - 1.0))
    found = implicit_certificate(*problem, tolerance=1e-2, throw=False)
    assert found.verdict is ImplicitVerdict.NOT_CONVERGED


def test_trees_go_in_and_come_out():
    found = implicit_certificate(
        lambda x, p: {"u": x["u"] - p["a"] * x["v"], "v": x["v"] - p["b"]},
        {"u": np.array(6.0), "v": np.array(3.0)},
        {"a": 2.0, "b": 3.0},
        lambda x, p: x["u"],
    )
    assert {key: float(value) for key, value in found.gradient.items()} == pytest.approx({"a": 3.0, "b": 2.0})


@jax.custom_vjp
def one_way(p):
    return jnp.sin(p)


one_way.defvjp(lambda p: (jnp.sin(p), p), lambda p, weight: (weight * jnp.cos(p),))


@pytest.mark.parametrize(
    ("equation", "x", "p", "objective", "words"),
    [
        (lambda x, p: jnp.stack([x, x]) - p, 1.0, 1.0, first, "2 equations, 1 unknowns"),
        (lambda x, p: x - 1.0, np.zeros(2), np.zeros(0), first, "0 parameters"),
        (lambda x, p: x - p, np.ones(2), 1.0, lambda x, p: x, "shape \\(2,\\)"),
        (lambda x, p: x - p, 1.0 + 1.0j, 1.0, first, "complex"),
        (lambda x, p: x - one_way(p), np.sin(1.0), 1.0, first, "custom_vjp"),
        (lambda x, p: x - jax.lax.while_loop(lambda y: y > 1.0, jnp.sqrt, p), 1.0, 1.0, first, "fixed length"),
    ],
)
def test_what_does_not_fit_is_refused(equation, x, p, objective, words):
    with pytest.raises(ValueError, match=words):
        implicit_certificate(equation, x, p, objective)


@pytest.mark.slow
def test_a_game_is_an_equation_like_others():
    """The best response of a game, as anybody would write it down, has the gradient of the exact solver."""
    game = load("laffer-tax")
    solved = stackelberg_gradient(game, np.zeros((1, 2)))
    indices = jnp.indices((game.num_states, game.num_follower_actions, game.num_leader_actions)).reshape(3, -1)
    shape = (game.num_states, game.num_follower_actions, game.num_leader_actions)

    def tables(m):
        def at(name):
            return jax.vmap(lambda s, a, b: getattr(game, name)(s, a, b, m))(*indices)

        rows = at("transition")
        return rows.reshape(*shape, -1), at("follower_reward").reshape(shape), at("leader_reward").reshape(shape)

    def faced(x, logits):
        phi = softmax_policy(logits)[np.asarray(game.leader_observation)]
        rows, reward, leader = tables(x["m"])
        rows, reward = jnp.einsum("sb,sabt->sat", phi, rows), jnp.einsum("sb,sab->sa", phi, reward)
        scores = (reward + game.discount * rows @ x["V"]) / game.temperature
        policy = jax.nn.softmax(scores, axis=1)
        chain = jnp.einsum("sa,sat->st", policy, rows)
        return scores, chain, jnp.einsum("sa,sb,sab->s", policy, phi, leader)

    def equation(x, logits):
        scores, chain, _ = faced(x, logits)
        mass = (jnp.sum(x["m"]) - 1.0) / game.num_states
        return {
            "m": x["m"] - x["m"] @ chain + mass,
            "V": x["V"] - game.temperature * jax.nn.logsumexp(scores, axis=1),
        }

    def objective(x, logits):
        _, chain, reward = faced(x, logits)
        worth = jnp.linalg.solve(jnp.eye(game.num_states) - game.discount * chain, reward)
        return game.initial_distribution @ worth

    x = {"m": solved.equilibrium.mean_field, "V": solved.equilibrium.follower_value}
    found = implicit_certificate(equation, x, np.zeros((1, 2)), objective)
    np.testing.assert_allclose(found.gradient, solved.total, rtol=1e-8, atol=1e-12)
    assert found.gradient_error < 1e-8
