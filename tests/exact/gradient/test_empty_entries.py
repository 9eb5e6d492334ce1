"""States that nobody is in and that a game is steep at: gradients, and bounds that are of use, by 40 digits."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from mpmath import mp

from smfg_verify.exact import stackelberg_gradient
from smfg_verify.exact.equilibrium.residual import Point, Setting, inside, jacobian
from smfg_verify.exact.gradient.empty_entries import stays_empty
from smfg_verify.game import AbstractGame, parameter


class Steep(AbstractGame):
    """State 2 is left at once and never entered; both players dislike company by a power of it, others by a pull."""

    power: float = parameter(default=0.5)
    pull: float = parameter(default=0.0)
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 3, 2, 2

    def transition(self, s, a, b, m):
        go = jnp.where(a == 0, 0.2, 0.7) + self.pull * m[0]
        return jnp.stack([1.0 - go, go, 0.0 * go])

    def follower_reward(self, s, a, b, m):
        return -(m[s] ** self.power) + 0.3 * b * (a == 1)

    def leader_reward(self, s, a, b, m):
        return m[1] - 0.1 * b - m[s] ** self.power - 2.0 * m[2] ** self.power


LOGITS = np.array([[0.0, 0.5], [0.3, -0.2], [0.1, 0.4]])


def objective(power, pull, discount, temperature, logits):
    """Phi of a `Steep` game: the damped fixed point of its plain equations, where nobody is in state 2."""
    favoured = [1 / (1 + mpmath.exp(row[0] - row[1])) for row in logits]
    crowd = lambda m: [m[0] ** power, m[1] ** power, mp.mpf(0)]  # noqa: E731
    m, value = [mp.mpf("0.5")] * 2, [mp.mpf(0)] * 3
    for _ in range(260):
        go = [mp.mpf(0.2) + pull * m[0], mp.mpf(0.7) + pull * m[0]]
        on = [(1 - g) * value[0] + g * value[1] for g in go]
        gain = lambda s, a: -crowd(m)[s] + mp.mpf(0.3) * favoured[s] * a + discount * on[a]  # noqa: B023, E731
        weights = [[mpmath.exp(gain(s, a) / temperature) for a in (0, 1)] for s in range(3)]
        value = [temperature * mpmath.log(mpmath.fsum(row)) for row in weights]
        moves = [mpmath.fdot(row, go) / mpmath.fsum(row) for row in weights]
        there = m[0] * moves[0] + m[1] * moves[1]
        m = [1 - (m[1] + there) / 2, (m[1] + there) / 2]
    reward = [m[1] - mp.mpf(0.1) * favoured[s] - crowd(m)[s] for s in range(3)]
    system = mp.matrix([[(s == t) - discount * [1 - moves[s], moves[s], 0][t] for t in range(3)] for s in range(3)])
    return mpmath.fsum(mp.lu_solve(system, mp.matrix(reward))) / 3


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(dict(), marks=pytest.mark.slow),
        dict(power=0.3, pull=0.2),
        pytest.param(dict(power=0.75, pull=-0.1, discount=0.8), marks=pytest.mark.slow),
        pytest.param(dict(power=0.5, pull=0.25, temperature=0.3), marks=pytest.mark.slow),
        dict(power=1.5, pull=0.1),
    ],
)
def test_bounds_beside_a_steep_empty_state_are_above_the_errors_and_near_them(parameters):
    found = stackelberg_gradient(Steep(**parameters), LOGITS)
    full = dict(power=0.5, pull=0.0, discount=0.5, temperature=0.5) | parameters
    with mp.workdps(45):
        numbers = [mp.mpf(full[name]) for name in ("power", "pull", "discount", "temperature")]
        logits = np.vectorize(mp.mpf)(LOGITS)
        step, gradient = mp.mpf(10) ** -15, np.zeros(LOGITS.shape, dtype=object)
        for index in np.ndindex(LOGITS.shape):
            moved = np.zeros(LOGITS.shape, dtype=object)
            moved[index] = step
            ends = [objective(*numbers, logits + moved), objective(*numbers, logits - moved)]
            gradient[index] = (ends[0] - ends[1]) / (2 * step)
        error = mpmath.norm([float(a) - b for a, b in zip(np.ravel(found.total), gradient.ravel(), strict=True)])
        value_error = abs(float(found.objective) - objective(*numbers, logits))
    assert error <= float(found.certificate.error_bound) < 1e-11
    assert value_error <= float(found.certificate.objective_error_bound) < 1e-11


class Entered(AbstractGame):
    """State 2 is empty while nobody is there, or while the leader does not play its second action, or for ever."""

    by_crowd: float = parameter(default=0.0)
    by_leader: float = parameter(default=0.0)
    discount, temperature = 0.5, 0.5
    num_states, num_follower_actions, num_leader_actions = 3, 2, 2

    def transition(self, s, a, b, m):
        enter = 0.2 * (self.by_crowd * m[2] + self.by_leader * b)
        go = (1.0 - enter) * jnp.where(a == 0, 0.2, 0.7)
        return jnp.stack([1.0 - enter - go, go, enter])

    def follower_reward(self, s, a, b, m):
        return -jnp.sqrt(m[s])

    def leader_reward(self, s, a, b, m):
        return m[1]


@pytest.mark.parametrize(("by_crowd", "by_leader", "fixed"), [(0.0, 0.0, True), (1.0, 0.0, False), (0.0, 1.0, False)])
def test_a_state_that_can_be_entered_is_not_held_empty(by_crowd, by_leader, fixed):
    game = Entered(by_crowd=by_crowd, by_leader=by_leader)
    policy = jnp.array([[1.0, 0.0]] * 3)
    setting = Setting(game, policy, jnp.asarray(0.5))
    point = Point(inside(jnp.array([0.5, 0.5, 0.0])), jnp.zeros(3))
    held = jax.jit(lambda: stays_empty(setting, point, jacobian(setting, point)))()
    np.testing.assert_array_equal(held, [False, False, fixed])
