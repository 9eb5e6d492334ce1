"""Roundings within a game's own functions, against the same game without them."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath import mp

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.gradient import grain
from smfg_verify.exact.gradient.grain import _median, grain_of
from smfg_verify.game import AbstractGame, parameter


class Grained(AbstractGame):
    """Both players see the crowd m1 through sums whose other terms cancel in the real numbers."""

    leader_number: float = parameter(default=0.0)
    follower_number: float = parameter(default=0.0)
    kernel_number: float = parameter(default=0.0)
    form: str = eqx.field(static=True, default="shift")
    discount: float = parameter(default=0.6)
    temperature: float = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 2, 2, 2

    def transition(self, s, a, b, m):
        go = 0.1 + 0.6 * (a == 1) + 0.2 * ((m[1] + self.kernel_number) - self.kernel_number)
        return jnp.stack([1.0 - go, go])

    def follower_reward(self, s, a, b, m):
        return (a == 1) * (0.7 + 0.3 * b - 1.3 * ((m[1] + self.follower_number) - self.follower_number))

    def leader_reward(self, s, a, b, m):
        x, number = m[1], self.leader_number
        seen = {
            "shift": lambda: (x + number) - number,
            "square": lambda: ((x + number) ** 2 - number**2 - x**2) / jnp.maximum(2.0 * number, 1.0),
            "root": lambda: jnp.sqrt((x + number) - number),
            "dot": lambda: jnp.dot(jnp.array([1.0, 1.0, 1.0]), jnp.stack([number, x, -number])),
        }
        return seen[self.form]() + 0.2 * s - 0.1 * b


LOGITS = np.array([[0.2, -0.3], [0.4, 0.1]])


def objective(form, logits):
    """Phi in real arithmetic, where the added numbers cancel: the damped fixed point of the plain equations."""
    discount, temperature = mp.mpf(0.6), mp.mpf(0.5)
    second = [1 / (1 + mpmath.exp(row[0] - row[1])) for row in logits]
    m, value = mp.mpf("0.5"), [mp.mpf(0)] * 2
    for _ in range(220):
        go = [mp.mpf(0.1) + mp.mpf(0.6) * a + mp.mpf(0.2) * m for a in (0, 1)]
        on = [(1 - g) * value[0] + g * value[1] for g in go]
        pull = [mp.mpf(0.7) + mp.mpf(0.3) * second[s] - mp.mpf(1.3) * m for s in (0, 1)]
        weights = [[mpmath.exp((pull[s] * a + discount * on[a]) / temperature) for a in (0, 1)] for s in (0, 1)]
        value = [temperature * mpmath.log(sum(row)) for row in weights]
        moves = [mpmath.fdot(row, go) / sum(row) for row in weights]
        m = (m + (1 - m) * moves[0] + m * moves[1]) / 2
    seen = mpmath.sqrt(m) if form == "root" else m
    reward = [seen + mp.mpf(0.2) * s - mp.mpf(0.1) * second[s] for s in (0, 1)]
    system = mp.matrix([[(s == t) - discount * [1 - moves[s], moves[s]][t] for t in (0, 1)] for s in (0, 1)])
    return mpmath.fsum(mp.lu_solve(system, mp.matrix(reward))) / 2


@functools.cache
def exact(form):
    """Phi and its gradient, to 25 digits."""
    with mp.workdps(45):
        logits, step = np.vectorize(mp.mpf)(LOGITS), mp.mpf(10) ** -15
        gradient = []
        for index in np.ndindex(LOGITS.shape):
            moved = np.zeros(LOGITS.shape, dtype=object)
            moved[index] = step
            gradient.append((objective(form, logits + moved) - objective(form, logits - moved)) / (2 * step))
        return objective(form, logits), gradient


def distance(table, exactly):
    """Euclidean distance."""
    return mpmath.norm([float(a) - b for a, b in zip(np.ravel(table), exactly, strict=True)])


def step_of(form, number):
    """The step of floats where the number is taken away again, in units of the crowd."""
    return np.spacing(number**2) / (2.0 * number) if form == "square" else np.spacing(number)


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("shift", (0.0, 1e4, 1e6, 3e7, 1e8, 3e8)),
        pytest.param("root", (0.0, 1e4, 3e7, 1e8), marks=pytest.mark.slow),
        pytest.param("square", (1e2, 1e4, 1e6, 1e7), marks=pytest.mark.slow),
        pytest.param("dot", (1e4, 1e6, 1e8), marks=pytest.mark.slow),
    ],
)
def test_roundings_of_a_leaders_reward_count_in_its_bounds(form, numbers):
    value, gradient = exact(form)
    for number in numbers:
        found = stackelberg_gradient(Grained(form=form, leader_number=number), LOGITS, throw=False)
        certificate = found.certificate
        bound = float(certificate.objective_error_bound)
        assert abs(float(found.objective) - value) <= bound <= 1e-12 + 100.0 * step_of(form, number), number
        if bool(certificate.differentiable):
            assert distance(found.total, gradient) <= float(certificate.error_bound), number


@pytest.mark.parametrize("names", [("follower_number",), ("kernel_number",), ("follower_number", "kernel_number")])
def test_roundings_of_what_followers_see_count_too(names):
    value, gradient = exact("shift")
    for number in (1e3, 1e5, 1e6):
        found = stackelberg_gradient(Grained(**dict.fromkeys(names, number)), LOGITS, throw=False)
        if not bool(found.equilibrium.converged):
            assert number == 1e6
            continue
        certificate = found.certificate
        assert abs(float(found.objective) - value) <= float(certificate.objective_error_bound) < 1e-5
        assert distance(found.total, gradient) <= float(certificate.error_bound), number


def test_a_staircase_with_steps_out_of_sight_has_no_bound():
    for number in (1e12, 1e15):
        certificate = stackelberg_gradient(Grained(leader_number=number), LOGITS, throw=False).certificate
        assert np.isinf(certificate.objective_error_bound)
        assert np.isinf(certificate.error_bound)


class Plain(AbstractGame):
    """Functions whose only roundings are common ones, smooth or with a kink at the point."""

    kind: str = eqx.field(static=True, default="smooth")
    discount, temperature = 0.6, 0.5
    num_states, num_follower_actions, num_leader_actions = 2, 1, 1

    def transition(self, s, a, b, m):
        return jax.nn.softmax(jnp.array([3.0, -2.0]) * m)

    def follower_reward(self, s, a, b, m):
        return jnp.exp(5.0 * m[0]) - jnp.log(m[1])

    def leader_reward(self, s, a, b, m):
        return jnp.sin(20.0 * m[0]) if self.kind == "smooth" else jnp.abs(m[1] - 0.5) + jnp.maximum(m[0], 0.5)


@pytest.mark.parametrize(("kind", "crowd"), [("smooth", 0.5), ("smooth", 1e-6), ("kink", 0.5)])
def test_curvature_kinks_and_common_roundings_are_no_grain(kind, crowd):
    found = grain_of(Plain(kind=kind), jnp.array([1.0 - crowd, crowd]))
    assert not found.hidden
    for table in jax.tree.leaves(found.size):
        assert np.max(table) < 1e-14


@pytest.mark.parametrize("number", [1e3, 1e5, 1e7, 1e8, 1e9])
def test_the_grain_seen_is_that_of_the_machine(number):
    """The largest rounding error of (m + c) - c is half a step of floats beside c."""
    found = grain_of(Grained(leader_number=number), jnp.array([0.37, 0.63]))
    seen = np.max(found.size.leader_reward)
    assert 0.25 * np.spacing(number) <= seen <= 8.0 * np.spacing(number)
    assert np.max(found.size.follower_reward) < 1e-14


@pytest.mark.parametrize("number", [2, 4, 12])
def test_median_is_that_of_numpy(number):
    values = np.random.default_rng(number).normal(size=(number, 5, 3)).round(1)
    values[0, 0, 0] = np.nan
    values[:, 1, 1] = np.sort(values[:, 1, 1])[::-1]
    np.testing.assert_array_equal(_median(jnp.asarray(values)), np.median(values, axis=0))


@pytest.mark.parametrize("number", [0.0, 100.0, 1e3, 1e9])
def test_the_first_look_leaves_nothing_out(number, monkeypatch):
    """Where it sees no departure all grains are zero, and what it sees is measured as if it were not there."""
    field = jnp.array([0.37, 0.63])
    found = grain_of(Grained(leader_number=number), field)
    monkeypatch.setattr(grain, "_departs", lambda *at: jnp.asarray(True))
    for first, second in zip(
        jax.tree.leaves(found), jax.tree.leaves(grain_of(Grained(leader_number=number), field)), strict=True
    ):
        np.testing.assert_array_equal(first, second)
