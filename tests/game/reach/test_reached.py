"""A game is what its functions do now: whatever they reach is part of its digest and of every program's key."""

import functools
import importlib
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify.game import AbstractGame, game_hash, traced
from smfg_verify.game.prepared import digest_of
from tests.game.reach.roads import Road, road

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
    off, on = np.asarray(sv.solve_equilibrium(game, logits).mean_field)
    # Rewards are of the present state alone, so that the values of the roads differ as their rewards do.
    assert on == pytest.approx(0.1 + 0.8 / (1.0 + np.exp(0.8 * (on - off + 2.0))), abs=1e-12)
    assert abs(on - before[1]) > 0.1
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
