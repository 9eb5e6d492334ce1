"""What a class calls by another name than the contract's, and what this model has not: said, never passed over."""

import functools
import shutil
import subprocess
import sys
import types
import warnings
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

import smfg_verify
from smfg_verify import check, games
from smfg_verify.game import AbstractGame, TabularGame, parameter, validate
from smfg_verify.game.checks.contract_names import check_labels, check_names, missing_names


class Two(AbstractGame):
    num_states, num_follower_actions, num_leader_actions = 2, 2, 1
    discount: float = parameter(default=0.5)
    temperature: float = parameter(default=1.0)

    def transition(self, s, a, b, m):
        return jnp.where(jnp.arange(2) == a, 0.75, 0.25)

    def follower_reward(self, s, a, b, m):
        return -m[s]

    def leader_reward(self, s, a, b, m):
        return m[0]


def with_attributes(**attributes):
    return type("Mine", (Two,), attributes)()


REFUSED = {
    "state_names": (("left", "right"), "expected 'state_labels'"),
    "action_names": (("left", "right"), "expected 'follower_action_labels'"),
    "leader_action_names": (("free",), "expected 'leader_action_labels'"),
    "gamma": (0.99, r"expected 'discount', as it is called here \(now 0.5\)"),
    "discount_factor": (0.99, "expected 'discount'"),
    "discont": (0.99, "expected 'discount'"),
    "tau": (0.1, r"expected 'temperature', as it is called here \(now 1.\)"),
    "n_states": (3, "expected 'num_states'"),
    "reward": (lambda self, s, a, b, m: 1.0, "expected 'follower_reward'"),
    "follower_rewards": (np.zeros((2, 2, 1)), "expected 'follower_reward'"),
    "transitions": (np.zeros((2, 2, 1, 2)), "expected 'transition'"),
    "mu0": (np.array([0.9, 0.1]), "expected 'initial_distribution'"),
    "inital_distribution": (np.array([0.9, 0.1]), "expected 'initial_distribution'"),
    "leader_observations": ([0, 0], "expected 'leader_observation'"),
    "follower_reward_dependance": ("affine", "expected 'follower_reward_dependence'"),
    "mean_field_suport": ("state_actions", "expected 'mean_field_support'"),
    "neighbours": (lambda self, s, a, b: jnp.array([0, 1]), "expected 'successors'"),
    "horizon": (50, "this model has none: time has no end here"),
    "num_follower_types": (2, "there is one population"),
    "common_noise": (0.3, "deterministic"),
    "terminal_states": ([1], "episodes never end"),
    "is_terminal": (lambda self, s: s == 1, "episodes never end"),
    "action_mask": (np.array([[1, 0], [1, 1]]), "every action can be taken"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_passed_over_is_refused(name):
    value, message = REFUSED[name]
    with pytest.raises(ValueError, match=rf"^{name}: an attribute of Mine that nothing reads.*{message}"):
        check_names(with_attributes(**{name: value}))


def test_all_of_them_are_said_at_once():
    with pytest.raises(ValueError, match=r"gamma: .*; horizon: .*; state_names: .* Rename it"):
        check_names(with_attributes(horizon=3, gamma=0.9, state_names="ab"))


@pytest.mark.parametrize("name", ["gamma", "horizon"])
def test_a_field_is_an_attribute_too_and_validate_says_it(name):
    kind = type("Mine", (Two,), {name: eqx.field(static=True, default=7), "__annotations__": {name: int}})
    with pytest.raises(ValueError, match=rf"^{name}: an attribute of Mine"):
        validate(kind())


def _shape(game):
    return game.gamma_shape


class Read(Two):
    """Every suspicious name is read by something."""

    gamma: float = parameter(default=0.5)
    horizon: int = eqx.field(static=True, default=2)
    state_names: tuple = eqx.field(static=True, default=("left", "right"))
    rewards: np.ndarray = parameter(default=(1.0, 2.0))
    gamma_shape: float = parameter(default=0.1)
    tau: float = parameter(default=0.1)
    observation: tuple = eqx.field(static=True, default=(0, 0))

    @property
    def state_labels(self):
        return self.state_names

    @property
    def leader_observation(self):
        return np.asarray(self.observation)

    def kernel(self, a):
        return jnp.where(jnp.arange(2) == a, self.gamma, 1.0 - self.gamma)

    def transition(self, s, a, b, m):
        return self.kernel(a) ** 1

    def follower_reward(self, s, a, b, m):
        return functools.partial(lambda game: game.rewards[s] ** (1 / game.horizon), self)() + _shape(self)

    def leader_reward(self, s, a, b, m):
        return getattr(self, "tau") * m[0]  # noqa: B009


def test_what_is_read_may_be_called_anything():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_names(Read())
        validate(Read())


def _rows(game):
    return np.asarray(game.observation)


DECORATED = {
    "jitted property": lambda: property(eqx.filter_jit(_rows)),
    "cached property": lambda: property(functools.lru_cache(_rows)),
    "partial property": lambda: property(functools.partial(_rows)),
    "twice decorated property": lambda: property(functools.lru_cache(jaxtyping.jaxtyped(typechecker=None)(_rows))),
    "twice decorated method": lambda: functools.lru_cache(functools.partial(_rows)),
}


@pytest.mark.parametrize("kind", DECORATED)
def test_what_a_decorated_function_reads_is_read(kind):
    check_names(with_attributes(observation=(0, 0), leader_observation=DECORATED[kind]()))


PLACES = ("<stdin>", "<string>", "<ipython-input-3-0123>", "/venv/lib/site-packages/beach_games/two.py")
MADE_ANYWHERE = """
class Anywhere(Two):
    observation = (0, 0)

    @property
    def leader_observation(self):
        return np.asarray(self.{read})
"""


@pytest.mark.parametrize("place", PLACES)
def test_what_a_class_reads_is_read_wherever_its_code_stands(place, monkeypatch):
    """At a prompt, in a string, in an installed package of games."""
    package = types.ModuleType("beach_games")
    package.__file__ = "/venv/lib/site-packages/beach_games/__init__.py"
    monkeypatch.setitem(sys.modules, "beach_games", package)

    def made(read):
        names = {"Two": Two, "np": np, "__name__": "beach_games.two" if "/" in place else "__main__"}
        exec(compile(MADE_ANYWHERE.format(read=read), place, "exec"), names)
        return names["Anywhere"]()

    check_names(made("observation"))
    with pytest.raises(ValueError, match="observation: an attribute of Anywhere that nothing reads"):
        check_names(made("num_states * (0,)"))


def test_no_shipped_game_is_refused_where_the_package_is_installed(tmp_path):
    installed = tmp_path / "site-packages"
    shutil.copytree(
        Path(smfg_verify.__file__).parent, installed / "smfg_verify", ignore=shutil.ignore_patterns("*.pyc")
    )
    lines = (
        f"import sys; sys.path.insert(0, {str(installed)!r})",
        "from smfg_verify import game, games",
        "from smfg_verify.game.checks.contract_names import check_names",
        "assert 'site-packages' in games.__file__",
        "for name in games.names(): check_names(games.load(name))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", games.names())
def test_no_shipped_game_is_refused(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_names(games.load(name))


@pytest.mark.parametrize(
    "attributes",
    [
        {"gamma_shape": 2.0, "transition_rate": 0.1, "follower_reward_scale": 3.0, "num_zones": 2, "kappa": 1.0},
        {"horizon": None, "common_noise": 0.0, "terminal_states": (), "num_follower_types": 1, "action_mask": None},
        {"_gamma": 0.9, "_horizon": 3, "colour": "red", "plot": lambda self: None},
        {"name": "mine", "successor": 3},
    ],
)
def test_what_is_no_part_of_any_model_is_let_be(attributes):
    if "successor" in attributes:
        with pytest.raises(ValueError, match="expected 'successors'"):
            check_names(with_attributes(**attributes))
        return
    check_names(with_attributes(**attributes))


def test_a_number_of_players_is_said_and_let_be():
    with pytest.warns(UserWarning, match="num_players: .* simulate_population"):
        check_names(with_attributes(num_players=100))


def test_missing_parts_are_named_with_what_may_be_meant():
    class Half(AbstractGame):
        n_states = 2
        gamma: float = parameter(default=0.5)

        def reward(self, s, a, b, m):
            return m[0]

    told = missing_names(Half)
    assert "num_states (is 'n_states' meant?)" in told
    assert "discount (is 'gamma' meant?)" in told
    assert "follower_reward (is 'reward' meant?)" in told
    assert "temperature," in told
    assert missing_names(Two) == ""


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("state_labels", ("only one",), r"got 1 names \(only one\), expected 2, one for each of num_states"),
        ("follower_action_labels", list("abcdefg"), r"got 7 names \(a, b, c, d, ...\), expected 2"),
        ("leader_action_labels", (), r"got 0 names .* expected 1"),
        ("state_labels", "ab", r"got 'ab', expected a list of 2 names"),
        ("state_labels", {"a": 0, "b": 1}, r"got .*, expected a list of 2 names"),
        ("state_labels", 2, r"got 2, expected a list"),
    ],
)
def test_labels_are_one_for_each(name, labels, message):
    with pytest.raises(ValueError, match=rf"^{name}: {message}"):
        check_labels(with_attributes(**{name: labels}))


ARRAYS = {
    "kernel": np.full((2, 2, 1, 2), 0.5),
    "follower_rewards": np.zeros((2, 2, 1)),
    "leader_rewards": np.zeros((2, 2, 1)),
    "discount": 0.5,
    "temperature": 1.0,
}
LABELS = {
    "state_labels": ["left", "right"],
    "follower_action_labels": ["stay", "go"],
    "leader_action_labels": np.array(["free"]),
}


def test_arrays_carry_a_name_and_labels_through_reports():
    from smfg_verify.report.labels import labels_of
    from smfg_verify.report.tables.game import sizes_table

    game = TabularGame.from_arrays(**ARRAYS, name="two banks", **LABELS)
    assert labels_of(game)[:3] == (("left", "right"), ("stay", "go"), ("free",))
    assert check(game, "coverage", budget="quick").game_name == "two banks"
    assert "two banks" in str(list(sizes_table(game, "x", "y").columns[1].cells))
    assert check(TabularGame.from_arrays(**ARRAYS), "coverage", budget="quick").game_name == "TabularGame"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"state_labels": ["left"]}, "state_labels: got 1 names"),
        ({"leader_action_labels": "free"}, "leader_action_labels: got 'free', expected a list of names"),
        pytest.param({"name": 3}, r"name: got 3 \(int\), expected a word", marks=pytest.mark.wrong_types),
    ],
)
def test_labels_of_arrays_are_checked(given, message):
    with pytest.raises(ValueError, match=message):
        TabularGame.from_arrays(**ARRAYS, **given)


THIRDS = np.full((3, 2, 1, 3), 1 / 3)


@pytest.mark.wrong_types
def test_a_class_is_no_instance():
    for entry in (validate, lambda game: check(game, "coverage")):
        with pytest.raises(ValueError, match=r"game: got the class Two, expected an instance of it; write Two\(...\)"):
            entry(Two)
