"""What may differ at the next call, and fields of any kind: refused by name, or part of the game."""

import functools
import itertools
import os
import random
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify.game import game_hash
from tests.game.reach.roads import Road, road


@functools.lru_cache
def cached_factor():
    return 1.0


def counted(self, state):
    COUNTS.append(1)
    return float(len(COUNTS)) * state


def generator(self, state):
    return next(NUMBERS) * state


COUNTS: list[int] = []
NUMBERS = iter(itertools.count(0.5))
LOCK = threading.Lock()
GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("cost", "named"),
    [
        (lambda self, s: np.random.rand() * s, "np.random.rand"),  # noqa: NPY002
        (lambda self, s: np.random.normal(0.0, 1.0) * s, "np.random.normal"),  # noqa: NPY002
        (lambda self, s: random.random() * s, "random.random"),
        (lambda self, s: GENERATOR.random() * s, "GENERATOR"),
        (lambda self, s: time.time() * s, "time.time"),
        (lambda self, s: float(os.environ.get("TOLL", 0.0)) * s, "os.environ"),
        (lambda self, s: float(open("toll").read()) * s, "open"),  # noqa: SIM115
        (lambda self, s: globals()["TOLL"] * s, "globals"),
        (lambda self, s: s * LOCK.locked(), "LOCK"),
        (generator, "two calls|NUMBERS"),  # from Python 3.14 on where an iterator stands cannot be read
        (counted, "COUNTS|two calls|change something"),
    ],
)
def test_what_may_differ_at_the_next_call_is_refused_by_name(cost, named):
    with pytest.raises(ValueError, match=named):
        sv.validate(road(cost))


def test_a_seeded_generator_made_inside_the_function_is_a_number():
    sv.validate(road(lambda self, s: np.random.default_rng(0).random() * s))


def test_a_jitted_helper_and_library_functions_are_followed_by_name():
    sv.validate(road(lambda self, s: jax.nn.softplus(jax.vmap(jnp.tanh)(jnp.ones(2) * s)).sum() * cached_factor()))


class Fields(Road):
    """Fields that are no numbers, all of which decide the cost."""

    crowd: bool = True
    power: int = 2
    kind: str = "power"
    function: object = jnp.tanh
    pair: tuple = (1.0, "steep")
    words: list = None  # type: ignore[assignment]

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        sign = -1.0 if self.crowd else 1.0
        steep = 2.0 if self.pair[1] == "steep" and "flat" not in (self.words or []) else 1.0
        base = self.function(mean_field[state]) if self.kind == "power" else mean_field[state]
        return sign * steep * self.pair[0] * sum(base ** (i + 1) for i in range(self.power))


@pytest.mark.parametrize(
    "change",
    [
        dict(crowd=False),
        dict(power=3),
        dict(kind="linear"),
        dict(function=jnp.sin),
        dict(pair=(1.0, "flat")),
        dict(pair=(2.0, "steep")),
        dict(words=["flat"]),
        dict(function=lambda x: x * x),
    ],
)
def test_fields_of_any_kind_work_and_count(change):
    field = np.array([0.3, 0.7])
    game = Fields(**change)
    direct = [[game.follower_reward(s, 0, 0, jnp.asarray(field)) for s in range(2)]]
    np.testing.assert_allclose(sv.tabulate(game, field).follower_reward[:, 0, 0], np.ravel(direct), rtol=1e-12)
    assert game_hash(game) != game_hash(Fields())


@pytest.mark.slow
def test_a_game_with_fields_of_any_kind_is_solved_and_differentiated():
    gradient = sv.stackelberg_gradient(Fields(), np.zeros((2, 2)))
    assert gradient.equilibrium.converged
    assert np.all(np.isfinite(gradient.total))
    assert sv.ac_smfg(Fields(), num_iterations=10, seeds=[0], checkpoints=2).leader_logits.shape == (1, 3, 2, 2)


def test_an_array_changed_in_place_is_looked_at_again():
    class Held(Road):
        tolls: np.ndarray = None  # type: ignore[assignment]

        def cost(self, state):
            return jnp.asarray(self.tolls)[state]

    game = Held(tolls=np.array([0.0, 1.0]))
    sv.validate(game)
    game.tolls[1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        sv.validate(game)
