"""Certificates about games whose functions the machine computes otherwise than real arithmetic would."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import Verdict, check, search_settings
from smfg_verify.assumptions.constants.certified_rows import certified_rows
from smfg_verify.assumptions.constants.suprema import lipschitz_bound
from smfg_verify.assumptions.enclosure import affine_table, enclose, enclose_slopes
from smfg_verify.assumptions.enclosure import table_enclosures as tables
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.tables_at_fields import tables_at
from smfg_verify.game import AbstractGame

QUICK = {"budget": "quick", "num_leaders": 4, "num_starts": 4, "num_steps": 4, "num_boxes": 40}


class TwoStates(AbstractGame):
    """Each action leads to its own state; what a class below adds is the follower's reward of the first action."""

    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 1
    discount = 0.5
    temperature = 0.3

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.95, 0.05)

    def bonus(self, m):
        return 0.0 * m[0]

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return self.bonus(mean_field) * (follower_action == 0)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


class Wrapping(TwoStates):
    def bonus(self, m):
        return jnp.where(jnp.uint32(1) - (3 * m[0]).astype(jnp.uint32) > 1000, 5.0, 0.0)


class NarrowSum(TwoStates):
    def bonus(self, m):
        return jnp.where(jnp.uint8(250) + (9 * m[0]).astype(jnp.uint8) < 100, 5.0, 0.0)


class OutOfRange(TwoStates):
    def bonus(self, m):
        return ((m[0] * 8e9).astype(jnp.int32) < 0) + 5.0 * ((m[0] * 8e9).astype(jnp.int32) > 2_000_000_000)


class SinglePrecision(TwoStates):
    def bonus(self, m):
        return 5.0 * jnp.dot(m, jnp.array([1e8, 1.0]), preferred_element_type=jnp.float32) - 5e8 * m[0]


class Product(TwoStates):
    def bonus(self, m):
        return ((m[0] + 1e8) * (m[1] + 1e8) - 1e16) / 1e8


class Exponentials(TwoStates):
    def bonus(self, m):
        return 1e-2 * (jnp.exp(36.0 + 1e-14 * m[0]) - jnp.exp(36.0))


class Shift(TwoStates):
    def bonus(self, m):
        return (m[0] + 1e12) - 1e12


class TruthValues(TwoStates):
    def bonus(self, m):
        return jnp.where((m[0] > 0.5) == (m[1] < 0.5), 1.0, 0.0)


STEPPED = (Wrapping, NarrowSum, OutOfRange, SinglePrecision, Product, Exponentials, Shift)


QUICKLY = (Wrapping, SinglePrecision)


@pytest.mark.parametrize(
    "kind", [pytest.param(k, id=k.__name__, marks=[pytest.mark.slow] * (k not in QUICKLY)) for k in STEPPED]
)
def test_a_staircase_has_neither_slope_nor_table(kind):
    """No finite Lipschitz constant is certified, nothing is proved affine, and the machine's values are enclosed."""
    game = checked(kind())
    assert affine_table(game, "follower_reward") is None
    assert lipschitz_bound(game, "follower_reward", search_settings(**QUICK)).upper == np.inf
    if kind is SinglePrecision:
        return
    grid = np.linspace(0.0, 1.0, 200)
    values = tables_at(game, np.stack([grid, 1.0 - grid], axis=1))["follower_reward"]
    ends = enclose(game, "follower_reward", np.zeros((1, 2)), np.ones((1, 2)))
    assert np.all(ends.lower[0] <= values.min(axis=0))
    assert np.all(values.max(axis=0) <= ends.upper[0])
    slopes = enclose_slopes(game, "follower_reward", np.zeros((1, 2)), np.ones((1, 2)))
    assert np.max(slopes.upper - slopes.lower) == np.inf


def iterated(game, field):
    """A fixed point of the best-response map, found by going round it in NumPy."""
    tables = None
    for _ in range(60):
        tables = tables_at(game, field[None])
        reward, kernel = tables["follower_reward"][0, :, :, 0], tables["transition"][0, :, :, 0]
        value = np.zeros(2)
        for _ in range(200):
            quality = reward + float(game.discount) * kernel @ value
            value = float(game.temperature) * np.log(np.exp(quality / float(game.temperature)).sum(axis=1))
        policy = np.exp((quality - value[:, None]) / float(game.temperature))
        before, field = field, 0.5 * field + 0.5 * field @ np.einsum("sa,sat->st", policy, kernel)
    np.testing.assert_allclose(field, before, atol=1e-12)
    return field


@pytest.mark.slow
def test_a_game_that_wraps_is_never_proved_to_have_one_equilibrium():
    """It has two, near (.95, .05) and at (.5, .5): certified unique it was, and refuted one line below."""
    game = Wrapping()
    fields = np.array([iterated(checked(game), np.array([x, 1.0 - x])) for x in (0.95, 0.5)])
    assert np.abs(fields[0] - fields[1]).sum() > 0.5
    found = check(game, "uniqueness", **QUICK)
    assert found.finding("uniqueness", "contraction").verdict is Verdict.INCONCLUSIVE
    assert found.verdict("uniqueness") is not Verdict.CERTIFIED


def test_equal_truth_values_have_a_rule():
    game = checked(TruthValues())
    ends = enclose(game, "follower_reward", np.array([[0.6, 0.3]]), np.array([[0.7, 0.4]]))
    np.testing.assert_allclose(ends.lower, ends.upper, atol=1e-14)
    np.testing.assert_allclose(ends.lower[0, 0, :, 0], (1.0, 0.0), atol=1e-14)


def test_a_plain_game_keeps_its_certificates():
    """The margins are far below what a certificate is made of."""
    game = checked(TwoStates())
    assert affine_table(game, "follower_reward") is not None
    assert lipschitz_bound(game, "follower_reward", search_settings(**QUICK)).upper == 0.0
    assert certified_rows(game, search_settings(**QUICK)).unproved == ""


# Rows that are no probabilities, where sampled mean fields show nothing of it


def test_the_error_of_an_affine_table_holds_the_machine():
    """constant + m slope is off from the tables by no more than the error, and not by much less than rounding."""

    class Weighted(TwoStates):
        def bonus(self, m):
            return 0.1 * m[0] + (m @ jnp.array([0.7, 1.0 / 3.0]) + 2.0) * 3.0 - 1.0 / 7.0

    game = checked(Weighted())
    table = affine_table(game, "follower_reward")
    fields = np.random.default_rng(0).dirichlet([1.0, 1.0], 200)
    values = tables_at(game, fields)["follower_reward"]
    predicted = table.constant + np.tensordot(fields, table.slope, axes=1)
    assert np.all(np.abs(values - predicted) <= table.error + 1e-15)
    assert np.max(table.error) <= 1e-13


def test_a_rough_function_is_told_from_its_size_over_the_whole_simplex(monkeypatch):
    """A smooth function that is tiny in a small box is no staircase, however small the box."""

    class Parabola(TwoStates):
        def bonus(self, m):
            return m[0] ** 2 - m[0] + 0.25

    game = checked(Parabola())
    lower, upper = np.array([[0.5 - 1e-7, 0.5 - 1e-7]]), np.array([[0.5 + 1e-7, 0.5 + 1e-7]])
    slopes = enclose_slopes(game, "follower_reward", lower, upper)
    assert np.max(np.abs(slopes.upper)) <= 1e-5
    monkeypatch.setattr(tables, "attained_size", lambda game, name: 0.0)
    assert np.max(enclose_slopes(game, "follower_reward", lower, upper).upper) == np.inf
