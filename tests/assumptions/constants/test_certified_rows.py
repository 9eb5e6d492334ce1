"""Rows that are proved to be probabilities."""

import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions import Verdict, check, search_settings
from smfg_verify.assumptions.constants.certified_rows import certified_rows
from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.exact.gradient.at_leaders import checked
from tests.assumptions.test_machine_games import QUICK, TwoStates


class Leaking(TwoStates):
    """Near one mean field, which no sample is near, the row of state 0 sums to less than one."""

    depth = 0.3

    def transition(self, state, follower_action, leader_action, mean_field):
        row = jnp.where(jnp.arange(2) == follower_action, 0.95, 0.05)
        notch = jnp.maximum(1.0 - 1e7 * jnp.abs(mean_field[0] - 0.34726159), 0.0)
        return row * (1.0 - self.depth * notch)


class Negative(Leaking):
    """There an entry is below zero, and the row still sums to one."""

    def transition(self, state, follower_action, leader_action, mean_field):
        notch = 0.2 * jnp.maximum(1.0 - 1e7 * jnp.abs(mean_field[0] - 0.34726159), 0.0)
        return jnp.stack([0.9 + notch, 0.1 - notch])


@pytest.mark.parametrize("kind", [Leaking, pytest.param(Negative, marks=pytest.mark.slow)])
def test_rows_that_leak_where_no_sample_is_are_not_proved_to_be_probabilities(kind):
    assert "not proved" in certified_rows(checked(kind()), search_settings(**QUICK)).unproved


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Leaking, Negative])
def test_rows_are_clipped_only_where_they_are_proved_to_be_probabilities(kind):
    game, settings = checked(kind()), search_settings(**QUICK)
    constants = game_constants(game, settings)
    assert constants.unproved["rows"]
    assert (constants.one_step, constants.mixing_factor) == (1.0, np.inf)


@pytest.mark.slow
def test_nothing_that_rests_on_the_rows_is_certified_without_their_proof():
    report = check(Leaking(), ["ergodicity", "coverage", "contraction", "gradient-domination"], **QUICK)
    resting = {
        "ergodicity": ("dobrushin", "doeblin"),
        "coverage": ("occupancy", "stationary"),
        "contraction": ("certified-bound",),
        "gradient-domination": ("mei-constant", "near-optimum"),
    }
    for name, statements in resting.items():
        for statement in statements:
            assert report.finding(name, statement).verdict is not Verdict.CERTIFIED


class Mixture(TwoStates):
    """Rows that move with a nonlinear share: they sum to one because the share and its rest do."""

    def transition(self, state, follower_action, leader_action, mean_field):
        share = jnp.sin(mean_field[0]) ** 2
        first, second = jnp.array([0.9, 0.1]), jnp.array([0.3, 0.7])
        return (1.0 - share) * first + share * second


def test_mixtures_of_rows_are_proved_to_be_probabilities():
    rows = certified_rows(checked(Mixture()), search_settings(**QUICK))
    assert rows.unproved == ""
    assert rows.slack <= 1e-11
    assert np.all((rows.lower >= 0.0) & (rows.upper <= 1.0))
