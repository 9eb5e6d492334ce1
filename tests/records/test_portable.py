"""Every record that the package returns survives pickling, copying and a new process, with every bit."""

import copy
import dataclasses
import json
import multiprocessing
import pickle
import re

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import smfg_verify as sv
from smfg_verify import games
from smfg_verify.bounds import BoundReport, plan_power, validate_bounds
from smfg_verify.bounds.steps.sweep import StepPlane
from smfg_verify.cases import run_case
from smfg_verify.exact.exploitability import exploitability
from smfg_verify.game import AbstractGame, TabularGame, game_hash, parameter
from smfg_verify.jobs.settings import CheckSettings, GameSettings, RunSettings
from smfg_verify.records.codec import decode, encode
from smfg_verify.records.frozen import FrozenMapping, frozen
from smfg_verify.records.portable import Portable
from tests.bounds.rates.test_validate_bounds import residuals_of
from tests.report.records import comparison

WAYS = {
    "pickle": lambda record: pickle.loads(pickle.dumps(record)),
    "cloudpickle": lambda record: cloudpickle.loads(cloudpickle.dumps(record)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


class Mine(AbstractGame):
    """A user's game: a field, a plain float, and labels."""

    discount: float = parameter(default=0.5)
    temperature: float = 0.5
    num_states, num_follower_actions, num_leader_actions = 2, 2, 2
    state_labels = ("out", "in")

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return 0.5 * leader_action * (state == 1) - mean_field[state]

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


def tabular():
    kernel = np.full((2, 2, 2, 2), 0.5)
    rewards = np.arange(8.0).reshape(2, 2, 2) / 3.0
    return TabularGame.from_arrays(
        kernel=kernel, follower_rewards=rewards, leader_rewards=-rewards, discount=0.9, temperature=0.3
    )


@pytest.fixture(scope="module")
def records():
    """One of each kind, by name; that of a drift report is where one is computed, in tests/bounds/drift."""
    game, leader = games.load("laffer-tax"), np.array([[0.0, 1.0]])
    trace = sv.ac_smfg(game, num_iterations=60, seeds=range(5), checkpoints=12)
    sizes = np.random.default_rng(0).uniform(0.1, 1.0, (5, trace.iterations.size))
    residuals = residuals_of(sizes, trace.iterations)
    policy = np.full((game.num_states, game.num_follower_actions), 1.0 / game.num_follower_actions)
    gradient = sv.stackelberg_gradient(game, leader)
    report = sv.check(game, ["lipschitz", "coverage"], budget="quick")
    return {
        "equilibrium": sv.solve_equilibrium(game, leader),
        "gradient": gradient,
        "exploitability": exploitability(game, np.full((1, 2), 0.5), policy),
        "kernel": sv.tabulate(game, gradient.equilibrium.mean_field),
        "assumptions": report,
        "finding": report.findings[0],
        "trace": trace,
        "residuals": residuals,
        "bounds": validate_bounds(game, trace, residuals=residuals),
        "plan": plan_power(residuals.e_omega, residuals.iterations, num_simulations=100, num_resamples=100),
        "comparison": comparison(),
        "case": run_case("policy-lipschitz").record,
        "population": sv.simulate_population(
            game, gradient.equilibrium.follower_policy, 3, leader_logits=leader, num_steps=4
        ),
        "schedule": sv.Schedule(),
        "step sizes": sv.Schedule().at(3),
        "plane": StepPlane("leader", "critic", np.array([1.0]), np.array([2.0])),
        "settings": (GameSettings("laffer-tax", {"kappa": 0.2}), RunSettings(), CheckSettings()),
    }


def assert_same(one, other):
    """Leaf by leaf: types, floating types and bits."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict | FrozenMapping):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, np.ndarray | jax.Array):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    else:
        assert one == other or (one != one and other != other)


@pytest.mark.parametrize("way", WAYS)
def test_every_record_survives(records, way):
    for name, record in records.items():
        try:
            again = WAYS[way](record)
        except TypeError as error:
            raise AssertionError(f"{name}: {error}") from error
        assert_same(again, record)


@pytest.mark.slow
def test_an_optimum_survives():
    optimum = sv.optimise_leader(games.load("laffer-tax"), np.zeros((1, 2)), max_steps=2)
    for way in WAYS.values():
        assert_same(way(optimum), optimum)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [*(lambda name=name: games.load(name) for name in games.names()), tabular, Mine])
def test_every_game_survives_with_its_identity(make, way):
    game = make()
    again = WAYS[way](game)
    assert_same(again, game)
    assert game_hash(again) == game_hash(game)


def _arrived(record):
    """In a new process, where jax_enable_x64 is off as the record arrives."""
    arrays = [leaf for leaf in jax.tree.leaves(record) if isinstance(leaf, jax.Array)]
    types = sorted({str(leaf.dtype) for leaf in arrays})
    return types, [np.asarray(leaf).tobytes() for leaf in arrays], jax.config.jax_enable_x64


def test_what_is_sent_to_a_new_process_keeps_its_precision(records):
    """JAX alone makes float32 of float64 there, and int64 modulo 2^32, without a word."""
    sent = [records["gradient"], records["step sizes"], records["population"], games.load("random-game"), tabular()]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for record, (types, content, exact) in zip(sent, pool.map(_arrived, sent), strict=True):
            assert not exact
            leaves = [leaf for leaf in jax.tree.leaves(record) if isinstance(leaf, jax.Array)]
            assert types == sorted({str(leaf.dtype) for leaf in leaves})
            assert content == [np.asarray(leaf).tobytes() for leaf in leaves]


def _objective(game):
    jax.config.update("jax_enable_x64", True)
    return np.asarray(sv.tabulate(game, np.array([0.25, 0.75])).follower_reward).tobytes(), game_hash(game)


@pytest.mark.untyped
def test_a_game_of_a_users_file_goes_to_a_new_process(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("from smfg_verify.games import LafferTax\nclass Mine(LafferTax):\n    pass\n")
    game = games.load(f"{file}:Mine", kappa=0.25)
    for way in WAYS.values():
        assert_same(way(game), game)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_objective, (game,)) == _objective(game)


def test_a_class_of_a_notebook_survives_and_gives_the_same_number():
    source = {}
    exec("from tests.records.test_portable import Mine\nclass Local(Mine):\n    extra: float = 1.0\n", source)
    game, leader = source["Local"](), np.zeros((2, 2))
    again = cloudpickle.loads(cloudpickle.dumps(game))
    assert float(sv.leader_objective(again, leader)) == float(sv.leader_objective(game, leader))


def test_a_users_own_state_is_respected_and_tracers_are_left_alone():
    class Counted(Portable):
        def __init__(self):
            self.array, self.nested, self.handle = jnp.ones(2), {"a": [jnp.zeros(1)]}, object()

        def __getstate__(self):
            return {**super().__getstate__(), "handle": None}

    again = pickle.loads(cloudpickle.dumps(Counted()))
    assert again.handle is None
    assert isinstance(again.nested["a"][0], jax.Array)
    game = games.load("laffer-tax")
    inside = jax.jit(lambda game: copy.copy(game).discount * 2.0)
    assert float(inside(game)) == 2.0 * float(game.discount)
    weak = pickle.loads(pickle.dumps(_Holder(jnp.asarray(0.5))))
    assert weak.value.weak_type


class _Holder(Portable):
    def __init__(self, value):
        self.value = value


def test_a_frozen_record_stays_frozen():
    record = frozen({"a": {"b": np.arange(3.0)}, "c": (1, "x")})
    for way in WAYS.values():
        again = way(record)
        assert_same(again, record)
        assert not again["a"]["b"].flags.writeable
        with pytest.raises(TypeError):
            again["a"] = 1
        with pytest.raises(AttributeError):
            again.other = 1
    assert record | {"d": 1} == {**record, "d": 1}
    assert {"d": 1} | record == {"d": 1, **record}


def assert_the_codec_loses_nothing(record):
    text = json.dumps(encode(record), allow_nan=False)
    again = decode(json.loads(text))
    assert type(again) is type(record)
    assert json.dumps(encode(again), allow_nan=False) == text  # floats are written with every bit


def test_the_codec_of_parts_loses_nothing(records):
    for name in ("assumptions", "residuals", "bounds", "plan", "comparison", "case", "plane"):
        assert_the_codec_loses_nothing(records[name])
    odd = {"nan": float("nan"), "minus": -np.inf, ("a", 1): [None, True, np.float32([0.1])], "empty": ()}
    assert_same(decode(encode(odd)), odd)


@pytest.mark.parametrize("name", ["os:system", "smfg_verify.cli:main", "smfg_verify.files:Path", "eval", "Verdict", 1])
def test_a_file_of_parts_can_name_nothing_but_records_of_ours(name):
    with pytest.raises((ValueError, TypeError), match="record: got"):
        decode({"$record": name, "fields": {}})
    with pytest.raises(ValueError, match="'Finding', which is a record; expected an enumeration"):
        decode({"$enum": "Finding", "name": "mro"})
    with pytest.raises(TypeError, match="expected a record"):
        encode(object())


def test_reports_load_from_the_record_of_a_command(records, tmp_path):
    bounds, assumptions = records["bounds"], records["assumptions"]
    outer = {"format": "smfg-verify report", "schema_version": 2, "command": "validate"}
    path = tmp_path / "report.json"
    path.write_text(
        json.dumps({**outer, "assumptions": json.loads(assumptions.to_json()), "bounds": json.loads(bounds.to_json())})
    )
    assert BoundReport.load(path).to_json() == bounds.to_json()
    assert sv.AssumptionReport.load(path, games.load("laffer-tax")).to_json() == assumptions.to_json()
    path.write_text(json.dumps({**outer, "command": "run"}))
    for kind, word in ((BoundReport, "bounds"), (sv.AssumptionReport, "assumptions")):
        with pytest.raises(ValueError, match=rf"of `run`, which holds no {word}"):
            kind.load(path)


def test_a_file_of_an_earlier_version_is_refused_by_name_in_one_line(tmp_path):
    """Their numbers that are not finite were null, or had other names."""
    path = tmp_path / "old.json"
    earlier = {
        "a bound report of schema version 3, expected 5": (
            BoundReport,
            {"schema": "smfg-verify/bound-report", "schema_version": 3, "rows": []},
        ),
        "an assumption report of schema version 2, expected 3": (
            sv.AssumptionReport,
            {"format": "smfg-verify assumption report", "schema_version": 2, "findings": []},
        ),
    }
    for said, (kind, record) in earlier.items():
        for content in (record, {"format": "smfg-verify report", "bounds": record, "assumptions": record}):
            path.write_text(json.dumps(content))
            with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}: [a-z ]*: got {said}; .*\Z"):
                kind.load(path)


def test_another_kind_of_file_is_refused_by_name(records, tmp_path):
    path = tmp_path / "file"
    records["trace"].save(tmp_path / "trace.nc")
    contents = {
        "bound report": records["bounds"].to_json().encode(),
        "plan.json": records["plan"].to_json().encode(),
        "atlas.json": b'{"format": "smfg-verify atlas", "schema_version": 1}',
        "netCDF": (tmp_path / "trace.nc").read_bytes(),
        "picture": b"\x89PNG\r\n\x1a\n",
        "not JSON": b"",
        "without format": b"[]",
    }
    for word, content in contents.items():
        path.write_bytes(content)
        with pytest.raises(ValueError, match=word):
            sv.AssumptionReport.load(path)
    path.write_text(records["assumptions"].to_json())
    with pytest.raises(ValueError, match="an assumption report"):
        BoundReport.load(path)
    with pytest.raises(ValueError, match="is an assumption report; expected a trace"):
        sv.Trace.load(path)
    for load in (BoundReport.load, sv.AssumptionReport.load):
        with pytest.raises(ValueError, match="does not exist"):
            load(tmp_path / "none")
        with pytest.raises(ValueError, match="folder"):
            load(tmp_path)
