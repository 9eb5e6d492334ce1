"""A game is what its functions do now: whatever they reach is part of its digest and of every program's key."""

import functools
import importlib
import itertools
import os
import random
import sys
import threading
import time
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify.game import AbstractGame, game_hash, parameter, traced
from smfg_verify.game.prepared import digest_of

TOLL = 0.0
TABLE = np.array([0.0, 1.0])
OPTIONS = {"toll": 0.0, "names": ["a"]}
SETTINGS = types.SimpleNamespace(toll=0.0)


class Prices:
    toll = 0.0

    def of(self, state):
        return self.toll * state


PRICES = Prices()


def helper(state):
    return TOLL * state


@jax.jit
def jitted(state):
    return TOLL * state


def body(carry, _):
    return carry + TOLL, None


def scanned(state):
    return state * jax.lax.scan(body, 0.0, None, length=2)[0]


@functools.lru_cache
def cached_factor():
    return 1.0


def defaulted(state, tolls=[0.0]):  # noqa: B006
    return tolls[0] * state


class Road(AbstractGame):
    """Two roads; `cost` of a subclass is what the second one costs."""

    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=0.5)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    weight = 0.0

    def cost(self, state):
        return 0.0 * state

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -mean_field[state] - self.cost(state)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


def road(cost, **body):
    """A game whose follower pays `cost(self, state)`."""
    return type("Road", (Road,), {"cost": cost, **body})()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's, beside the game."""
    (tmp_path / "beside.py").write_text("TOLL = 0.0\ndef toll(state):\n    return TOLL * state\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("beside")
    del sys.modules["beside"]


def set_global(name, value):
    return lambda game, beside: globals().__setitem__(name, value)


def patched(game, beside):
    type(game).follower_reward = lambda self, s, a, b, m: -m[s] - 2.0 * s


def cell(game, beside):
    functions = [f for f in vars(type(game)).values() if isinstance(f, types.FunctionType) and f.__closure__]
    functions[0].__closure__[0].cell_contents = 2.0


def over_closure():
    toll = 0.0
    return lambda self, state: toll * state


def imported_inside(self, state):
    import beside

    return beside.TOLL * state


def imported_name_inside(self, state):
    from beside import toll

    return toll(state)


CHANGES = {
    "global": (lambda self, s: TOLL * s, set_global("TOLL", 2.0)),
    "global of a helper": (lambda self, s: helper(s), set_global("TOLL", 2.0)),
    "global of a jitted helper": (lambda self, s: jitted(s), set_global("TOLL", 2.0)),
    "global of the body of a scan": (lambda self, s: scanned(s), set_global("TOLL", 1.0)),
    "array in place": (lambda self, s: jnp.asarray(TABLE)[s], lambda g, b: TABLE.__setitem__(1, 2.0)),
    "entry of a dictionary": (lambda self, s: OPTIONS["toll"] * s, lambda g, b: OPTIONS.__setitem__("toll", 2.0)),
    "attribute of an object": (lambda self, s: SETTINGS.toll * s, lambda g, b: setattr(SETTINGS, "toll", 2.0)),
    "attribute of a class": (lambda self, s: PRICES.of(s), lambda g, b: setattr(Prices, "toll", 2.0)),
    "attribute of the game's class": (lambda self, s: self.weight * s, lambda g, b: setattr(type(g), "weight", 2.0)),
    "of a base class, by getattr": (
        lambda self, s: getattr(self, "wei" + "ght") * s,
        lambda g, b: setattr(type(g), "weight", 2.0),
    ),
    "method": (lambda self, s: 0.0 * s, patched),
    "method that a method calls": (
        lambda self, s: 0.0 * s,
        lambda g, b: setattr(type(g), "cost", lambda self, s: 2.0 * s),
    ),
    "enclosing variable": (over_closure(), cell),
    "default argument": (lambda self, s: defaulted(s), lambda g, b: defaulted.__defaults__[0].__setitem__(0, 2.0)),
    "imported module": (imported_inside, lambda g, b: setattr(b, "TOLL", 2.0)),
    "function of an imported module": (imported_name_inside, lambda g, b: setattr(b, "TOLL", 2.0)),
    "partial of a helper": (lambda self, s: functools.partial(helper)(s), set_global("TOLL", 2.0)),
    "nested function": (lambda self, s: (lambda x: TOLL * x)(s), set_global("TOLL", 2.0)),
    "comprehension": (lambda self, s: sum([TOLL * s for _ in range(1)]), set_global("TOLL", 2.0)),
}


@pytest.fixture(autouse=True)
def restore():
    yield
    globals()["TOLL"] = Prices.toll = SETTINGS.toll = OPTIONS["toll"] = defaulted.__defaults__[0][0] = 0.0
    TABLE[1] = 1.0
    Road.weight = 0.0


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_function_reaches_is_what_the_answers_are_about(what, module):
    cost, change = CHANGES[what]
    game = road(cost)
    field = np.array([0.5, 0.5])
    before, hashed = sv.tabulate(game, field).follower_reward, game_hash(game)
    assert game_hash(game) == hashed
    change(game, module)
    after = sv.tabulate(game, field).follower_reward
    # The second road costs 2 now, and what JAX would compute afresh is the oracle.
    expected = -0.5 - np.array([0.0, 2.0])[:, None, None] * np.ones((2, 2, 2))
    np.testing.assert_allclose(after, expected)
    assert np.abs(np.asarray(after) - np.asarray(before)).max() > 0.5
    assert game_hash(game) != hashed


def test_the_exact_side_and_the_sampled_side_follow_a_changed_global():
    game, logits = road(lambda self, s: TOLL * s), np.zeros((2, 2))
    before = sv.solve_equilibrium(game, logits).mean_field
    runs = sv.ac_smfg(game, num_iterations=50, seeds=[0], checkpoints=2)
    globals()["TOLL"] = 2.0
    np.testing.assert_allclose(
        sv.solve_equilibrium(game, logits).mean_field,
        sv.solve_equilibrium(road(lambda self, s: 2.0 * s), logits).mean_field,
        atol=1e-12,
    )
    assert np.abs(sv.solve_equilibrium(game, logits).mean_field - before).max() > 0.1
    again = sv.ac_smfg(game, num_iterations=50, seeds=[0], checkpoints=2)
    assert np.abs(np.asarray(again.follower_critic) - np.asarray(runs.follower_critic)).max() > 1e-3


def test_a_run_of_a_game_that_closes_over_another_number_is_refused(tmp_path):
    def game(toll):
        return road(lambda self, s: toll * s)

    class Stop(Exception):
        pass

    def stop(iteration):
        raise Stop

    file = tmp_path / "run.nc"
    with pytest.raises(Stop):
        sv.ac_smfg(game(0.0), num_iterations=4_000_000, seeds=[0], checkpoints=5, checkpoint_file=file, callback=stop)
    with pytest.raises(ValueError, match="another game"):
        sv.resume(game(3.0), file)


def test_two_games_share_a_helper_and_the_second_sees_its_new_global():
    sv.tabulate(road(lambda self, s: scanned(s)), np.array([0.5, 0.5]))
    globals()["TOLL"] = 1.0
    second = sv.tabulate(road(lambda self, s: 1.0 * scanned(s)), np.array([0.5, 0.5]))
    np.testing.assert_allclose(second.follower_reward[1], -2.5)


def test_numbers_of_the_contract_in_the_class_are_leaves_and_compile_once():
    class Plain(AbstractGame):
        discount = 0.5
        temperature = 0.3
        num_states = num_follower_actions = num_leader_actions = 2
        transition, follower_reward, leader_reward = Road.transition, Road.follower_reward, Road.leader_reward
        cost = Road.cost

    sv.solve_equilibrium(Plain(), np.zeros((2, 2)))
    before, program = digest_of(traced(Plain())), jax.tree.structure(traced(Plain()))
    Plain.temperature = 0.01
    assert float(traced(Plain()).temperature) == 0.01
    assert digest_of(traced(Plain())) == before
    assert jax.tree.structure(traced(Plain())) == program


def test_a_number_in_a_class_that_its_field_hides_is_refused():
    class Colder(Road):
        temperature = 0.1  # the field of the same name keeps its default, 0.5

    with pytest.raises(ValueError, match=r"temperature: got 0.1 .*of Colder, which the field"):
        sv.validate(Colder())


def test_equal_games_have_equal_keys_and_the_numbers_are_no_part_of_it():
    def make():
        return road(lambda self, s: TOLL * s)

    first, second = make(), make()
    assert digest_of(traced(first)) == digest_of(traced(second))
    assert jax.tree.structure(traced(Road(temperature=0.1))) == jax.tree.structure(traced(Road(temperature=0.2)))
    ready = traced(first)
    assert jax.tree.structure(traced(ready)) == jax.tree.structure(ready)


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
