"""A game exported as an environment of gymnasium: its checker, the defaults, and what is refused."""

import importlib

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from smfg_verify.interop import to_gymnasium
from tests.helpers.oracle import softmax
from tests.stochastic.games_for_runs import array_game

FIELD = np.array([0.5, 0.3, 0.2])


def follower_problem(gamma=0.5):
    """A game of three states, its leader, and the follower's tables at one mean field, by the oracle."""
    arrays, game = array_game(3, sizes=(3, 2, 2), gamma=gamma)
    logits = np.random.default_rng(0).normal(size=(3, 2))
    phi = softmax(logits)[arrays.observation]
    return arrays, game, logits, phi


@pytest.mark.parametrize("horizon", [None, 7])
def test_the_checker_of_gymnasium_passes(horizon):
    _, game, logits, _ = follower_problem()
    check_env(to_gymnasium(game, logits, FIELD, horizon=horizon), skip_render_check=True)


def test_the_mean_field_of_the_equilibrium_is_the_default():
    _, game, logits, _ = follower_problem()
    env = to_gymnasium(game, logits, horizon=3)
    assert isinstance(env, gymnasium.Env)
    env.reset(seed=0)
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon: got 0"),
        ({"mean_field": [1.0, 1.0, 1.0]}, "mean_field: got minimum 1 and sum 3"),
        ({"entropy_policy": [[1.0, 0.0]] * 3}, "entropy_policy: got a probability of 0"),
        ({"leader_logits": np.zeros((1, 2))}, "leader_logits: got shape"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    _, game, logits, _ = follower_problem()
    with pytest.raises(ValueError, match=message):
        to_gymnasium(game, **{"leader_logits": logits, "mean_field": FIELD, **arguments})


def test_without_gymnasium_the_message_has_the_command(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    _, game, logits, _ = follower_problem()
    with pytest.raises(ImportError, match=r"^to_gymnasium: .*pip install 'smfg-verify\[gymnasium\]'`\.$"):
        to_gymnasium(game, logits, FIELD)
