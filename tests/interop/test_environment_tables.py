"""Environments that are not affine, called at every evaluation: a stand-in for torch, and the same game in JAX."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import check
from smfg_verify.exact import solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.game import AbstractGame, game_hash, parameter, untraced_functions, validate
from smfg_verify.interop import AddedLeader, from_mfglib
from smfg_verify.interop.environment_tables import CalledTable
from tests.interop.fake_torch import Tensor, fake_torch

# What an environment reaches is read from the code as it is, the package's own around it too.
pytestmark = pytest.mark.untyped

N = 2
OPTIONS = {"discount": 0.9, "temperature": 0.5, "mean_field_support": "states"}
START = np.zeros((N, 2))


def leader_reward(s, a, b, m):
    return m[0] - 0.2 * b


def follower_reward(r, s, a, b, m):
    return r - 0.5 * b * (a == 0)


LEADER = AddedLeader(2, leader_reward, follower_reward)


class Curved:
    """Two places with a cost that is quadratic in the crowd; stays are leaky by what the crowd does."""

    S, A, T = (N,), (N,), 3
    cost = 3.0

    def __init__(self):
        self.mu0 = Tensor(np.full(N, 0.5))

    def prob(self, t, joint):
        m = joint.values.sum(axis=1)
        right = np.array([0.1 + 0.2 * m[1], 0.9 - 0.3 * m[0] ** 2])
        return Tensor(np.broadcast_to(np.stack([1.0 - right, right])[:, None, :], (N, N, N)))

    def reward(self, t, joint):
        m = joint.values.sum(axis=1)
        return Tensor(np.repeat(-self.cost * m[:, None] ** 2, N, axis=1))


class InJax(AbstractGame):
    num_states, num_follower_actions, num_leader_actions = N, N, 2
    discount: float = parameter(default=0.9)
    temperature: float = parameter(default=0.5)

    def transition(self, s, a, b, m):
        right = jnp.where(a == 1, 0.9 - 0.3 * m[0] ** 2, 0.1 + 0.2 * m[1])
        return jnp.stack([1.0 - right, right])

    def follower_reward(self, s, a, b, m):
        return follower_reward(-3.0 * m[s] ** 2, s, a, b, m)

    def leader_reward(self, s, a, b, m):
        return leader_reward(s, a, b, m)


@pytest.fixture
def imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    return from_mfglib(Curved(), LEADER, **OPTIONS)


def test_its_tables_are_those_of_the_same_game_in_jax(imported):
    assert isinstance(imported.transition_table, CalledTable)
    field = jnp.asarray([0.3, 0.7])
    found, expected = (tabulate(game, field) for game in (imported, InJax()))
    for name in ("transition", "follower_reward", "leader_reward"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-13)
    assert untraced_functions(imported) == ("transition", "follower_reward")


def test_its_hash_is_about_itself_alone(imported):
    before = game_hash(imported)
    other = Curved()
    other.cost = 2.0
    assert game_hash(from_mfglib(other, LEADER, **OPTIONS)) != before
    assert game_hash(imported) == before
    assert game_hash(from_mfglib(Curved(), LEADER, **OPTIONS)) == before
    validate(imported)


@pytest.mark.slow
def test_equilibrium_gradient_and_verdicts(imported):
    expected = stackelberg_gradient(InJax(), START)
    found = stackelberg_gradient(imported, START)
    np.testing.assert_allclose(found.equilibrium.mean_field, expected.equilibrium.mean_field, atol=1e-9)
    np.testing.assert_allclose(found.total, expected.total, atol=1e-6)
    # One program serves every environment, and each calls its own.
    other = Curved()
    other.cost = 2.0
    dearer = from_mfglib(other, LEADER, **OPTIONS)
    first, second, third = (np.asarray(solve_equilibrium(g, START).mean_field) for g in (imported, dearer, imported))
    np.testing.assert_array_equal(first, third)
    assert np.max(np.abs(first - second)) > 1e-3
    report = check(imported, "lipschitz", budget="quick")
    assert {f.statement for f in report["lipschitz"] if f.verdict.value == "certified"} == {"leader-reward"}
