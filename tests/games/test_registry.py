"""Loading by name: what is found, what is refused and how the refusal reads."""

import importlib.metadata
import textwrap

import jax.numpy as jnp
import pytest

from smfg_verify import games
from smfg_verify.game import validate

SHIPPED = {
    "market-entrance": games.MarketEntrance,
    "shop-positioning": games.ShopPositioning,
    "equilibrium-pricing": games.EquilibriumPricing,
    "two-road-toll": games.TwoRoadToll,
    "laffer-tax": games.LafferTax,
    "independent-leader": games.IndependentLeader,
    "random-game": games.RandomGame,
    "epidemic": games.Epidemic,
    "advertising": games.Advertising,
    "congestion-pricing": games.CongestionPricing,
    "lasry-lions-chain": games.LasryLionsChain,
    "linear-quadratic": games.LinearQuadratic,
}

USER_FILE = """
    import equinox as eqx
    import jax.numpy as jnp
    from smfg_verify.game import AbstractGame, parameter

    class Mine(AbstractGame):
        '''A game of one's own.'''
        strength: object = parameter(default=2.0)
        discount: object = parameter(default=0.5)
        temperature: object = parameter(default=1.0)
        num_states = 2
        num_follower_actions = 2
        num_leader_actions = 1

        def transition(self, s, a, b, m):
            return jnp.where(jnp.arange(2) == a, 0.75, 0.25)

        def follower_reward(self, s, a, b, m):
            return -self.strength * m[s] ** 2

        def leader_reward(self, s, a, b, m):
            return m[0] ** 2

    class Needy(Mine):
        needed: object = eqx.field(kw_only=True)

    class NotAGame:
        pass
"""


@pytest.fixture
def user_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(USER_FILE))
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_names_load_their_class(name):
    assert name in games.names()
    assert type(games.load(name)) is SHIPPED[name]


@pytest.mark.parametrize("name", SHIPPED)
def test_description_agrees_with_the_game(name):
    entry, game = games.describe(name), games.load(name)
    assert (entry.num_states, entry.num_follower_actions) == (game.num_states, game.num_follower_actions)
    assert entry.num_leader_actions == game.num_leader_actions
    assert entry.mean_field_support == game.mean_field_support
    assert entry.source.endswith(".")
    assert entry.summary.endswith(".")
    assert entry.num_parameters == len({parameter.name for parameter in entry.parameters})
    assert {"discount", "temperature", "leader_temperature", "initial_distribution"} <= {
        p.name for p in entry.parameters
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_described_defaults_reproduce_the_default_game(name):
    """What the listing calls a default is what loading without parameters uses, and is itself a legal value."""
    defaults = {p.name: p.default for p in games.describe(name).parameters}
    assert bool(games.load(name, **defaults) == games.load(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_described_parameter_says_its_values(name):
    assert all(parameter.values for parameter in games.describe(name).parameters)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("name", "parameters", "parts"),
    [
        ("market-entrence", {}, ["unknown name", "'market-entrance'", "laffer-tax", "file.py:ClassName"]),
        (3, {}, ["got 3 (int)", "expected a name"]),
        ("market-entrance", {"kapa": 2}, ["unknown parameter 'kapa'", "did you mean 'kappa'", "scarcity"]),
        ("random-game", {"base_kernel": [1]}, ["unknown parameter 'base_kernel'", "seed"]),
        ("market-entrance", {"kappa": [1, 2, 3]}, ["kappa", "(3,)", "(num_states)", "(2)"]),
        ("market-entrance", {"kappa": "abc"}, ["kappa", "'abc' (str)", "array of shape (num_states)"]),
        ("market-entrance", {"kappa": True}, ["kappa", "True (bool)"]),
        ("market-entrance", {"kappa": [[1], [2, 3]]}, ["kappa", "[[1], [2, 3]]", "ragged"]),
        ("market-entrance", {"kappa": -1}, ["kappa", "[-1.0, -1.0]", "[0, inf)"]),
        ("market-entrance", {"rebate": [1, 2]}, ["rebate", "(2,)", "one number"]),
        ("market-entrance", {"rebate": float("nan")}, ["rebate", "nan", "finite"]),
        ("market-entrance", {"rebate": float("inf")}, ["rebate", "inf", "finite"]),
        ("market-entrance", {"discount": 1.0}, ["discount", "1.0", "[0, 1)", "infinite"]),
        ("market-entrance", {"temperature": 0}, ["temperature", "0.0", "(0, inf)"]),
        ("market-entrance", {"inertia": 20}, ["inertia", "20.0", "[0, 1]", "percentage"]),
        ("market-entrance", {"target": [0.5, 0.6]}, ["target", "1.1", "summing to one"]),
        ("market-entrance", {"target": [0.0, 1.0]}, ["target", "(0, 1]", "no target mass"]),
        ("market-entrance", {"scarcity": "logg"}, ["scarcity", "'logg'", "'log' or 'quadratic'"]),
        ("market-entrance", {"num_states": 2.5}, ["num_states", "2.5 (float)", "integer"]),
        ("market-entrance", {"num_states": "two"}, ["num_states", "'two' (str)", "integer"]),
        ("market-entrance", {"num_states": True}, ["num_states", "True (bool)", "integer"]),
        ("market-entrance", {"num_states": 1}, ["num_states", "got 1", "at least 2"]),
        ("market-entrance", {"configuration": "skew"}, ["configuration", "'skew'", "sell_skew"]),
        ("market-entrance", {"configuration": "buy_skew", "num_states": 3}, ["configuration", "num_states = 3"]),
        ("market-entrance", {"configuration": "buy_skew", "target": [0.5, 0.5]}, ["configuration", "target", "one of"]),
        ("market-entrance", {"initial_distribution": [1.0, 0.0]}, ["initial_distribution", "full support"]),
        ("shop-positioning", {"locations": [5]}, ["locations", "(5,)", "0..4"]),
        ("shop-positioning", {"locations": []}, ["locations", "0 entries", "one or more"]),
        ("shop-positioning", {"locations": 2}, ["locations", "got 2", "list of one or more integers"]),
        ("shop-positioning", {"base": 5}, ["base", "got 5", "below num_states = 5"]),
        ("shop-positioning", {"noise": [0.5, 0.5]}, ["noise", "(2,)", "(3)"]),
        ("equilibrium-pricing", {"max_inventory": 0}, ["max_inventory", "got 0", "at least 1"]),
        ("equilibrium-pricing", {"costs": 0.1}, ["costs", "()", "(5)", "one number"]),
        ("equilibrium-pricing", {"outside_supply": 0}, ["outside_supply", "0.0", "infinite"]),
        ("two-road-toll", {"observation": [0]}, ["observation", "1 entries", "here 2"]),
        ("two-road-toll", {"tolls": [0.0, 0.5]}, ["tolls", "(2,)", "(any, num_states)"]),
        ("laffer-tax", {"taxes": [0, 50]}, ["taxes", "50.0", "[0, 1]", "percentage"]),
        ("laffer-tax", {"taxes": []}, ["taxes", "(0,)", "(any)"]),
        ("independent-leader", {"decay": -0.1}, ["decay", "-0.1", "[0, 1]"]),
        ("epidemic", {"compartments": "SEIR"}, ["compartments", "'SEIR'", "'SIS' or 'SIRS'"]),
        ("epidemic", {"infection_rate": 5}, ["infection_rate", "got 5", "period = 0.25", "1.25", "exponential"]),
        ("epidemic", {"compartments": "SIRS", "waning_rate": 4.5}, ["waning_rate", "got 4.5", "at most 1"]),
        ("epidemic", {"recovery_rate": 0}, ["recovery_rate", "0.0", "(0, inf)", "recover"]),
        ("epidemic", {"restrictions": [0, 50]}, ["restrictions", "50.0", "[0, 1]", "percentage"]),
        ("epidemic", {"observation": [0, 0, 0]}, ["observation", "3 entries", "here 2"]),
        ("advertising", {"levels": [0.5, 1.5]}, ["levels", "1.5", "[0, 1]"]),
        ("advertising", {"value": [1, 2, 3]}, ["value", "(3,)", "(num_brands)"]),
        ("advertising", {"word": -0.1}, ["word", "-0.1", "[0, 1]"]),
        ("congestion-pricing", {"side": 0}, ["side", "got 0", "at least 1"]),
        ("congestion-pricing", {"side": 2.0}, ["side", "2.0 (float)", "integer"]),
        ("congestion-pricing", {"destination": 9}, ["destination", "got 9", "below num_states = 9"]),
        ("congestion-pricing", {"num_zones": 4}, ["num_zones", "got 4", "at most 3", "width 1", "cell 4"]),
        ("congestion-pricing", {"side": 1}, ["num_zones", "got 2", "at most 1"]),
        ("congestion-pricing", {"zone_width": 0}, ["zone_width", "got 0", "at least 1"]),
        ("linear-quadratic", {"num_states": 1}, ["num_states", "got 1", "at least 2"]),
        ("linear-quadratic", {"noise": 0}, ["noise", "0.0", "(0, inf)", "mix"]),
        ("linear-quadratic", {"targets": 1}, ["targets", "()", "(any)", "one number"]),
        ("linear-quadratic", {"half_width": -1}, ["half_width", "-1.0", "(0, inf)"]),
        ("random-game", {"num_states": "5"}, ["num_states", "'5'", "integer"]),
        ("random-game", {"branching": 6}, ["branching", "got 6", "at most 5"]),
        ("random-game", {"seed": -1}, ["seed", "got -1", "at least 0"]),
        ("random-game", {"dependence": "linear"}, ["dependence", "'linear'", "'affine' or 'general'"]),
        ("random-game", {"mean_field_support": "actions"}, ["mean_field_support", "'state_actions'"]),
        ("random-game", {"transition_coupling": 1.5}, ["transition_coupling", "1.5", "[0, 1]"]),
        ("random-game", {"follower_coupling": -1}, ["follower_coupling", "-1.0", "[0, inf)"]),
    ],
)
def test_bad_input_is_refused_and_named(name, parameters, parts):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        games.load(name, **parameters)
    message = str(caught.value)
    assert all(part in message for part in parts), message
    assert "expected" in message


def test_user_file_is_loaded_with_its_parameters(user_file):
    game = games.load(f"{user_file}:Mine", strength=3, discount=0.25)
    validate(game)
    assert float(game.follower_reward(0, 0, 0, jnp.asarray([0.5, 0.5]))) == -0.75
    assert float(game.discount) == 0.25
    entry = games.describe(f"{user_file}:Mine")
    assert entry.summary == "A game of one's own."
    assert [p.name for p in entry.parameters] == ["strength", "discount", "temperature"]


@pytest.mark.parametrize(
    ("suffix", "parameters", "parts"),
    [
        (":Mien", {}, ["'Mien'", "did you mean 'Mine'"]),
        (":NotAGame", {}, ["NotAGame", "subclass of smfg_verify.game.AbstractGame"]),
        ("", {}, ["holds several", "mine.py:Mine", "mine.py:Needy"]),
        (":", {}, ["expected file.py:ClassName"]),
        (":Mine", {"strenght": 1}, ["unknown parameter 'strenght'", "'strength'"]),
        (":Mine", {"strength": "abc"}, ["strength", "'abc' (str)", "expected a number"]),
        (":Needy", {}, ["needed", "cannot be built"]),
        (":AbstractGame", {}, ["AbstractGame", "cannot be built"]),
    ],
)
def test_unusable_user_class_is_refused(user_file, suffix, parameters, parts):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        games.load(f"{user_file}{suffix}", **parameters)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("import no_such_package_at_all", ["ModuleNotFoundError", "no_such_package_at_all"]),
        ("class Broken(", ["SyntaxError"]),
        ("1 / 0", ["ZeroDivisionError"]),
    ],
)
def test_user_file_that_does_not_import_is_refused(tmp_path, text, parts):
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"importing .* failed") as caught:
        games.load(f"{file}:Mine")
    assert all(part in str(caught.value) for part in parts)


def test_missing_user_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        games.load(f"{tmp_path / 'absent.py'}:Mine")


def test_edited_user_file_is_read_again(user_file):
    before = games.load(f"{user_file}:Mine")
    user_file.write_text(user_file.read_text().replace("default=2.0", "default=20.0"))
    assert (float(before.strength), float(games.load(f"{user_file}:Mine").strength)) == (2.0, 20.0)


def test_installed_games_are_found_by_entry_point(monkeypatch):
    points = [
        importlib.metadata.EntryPoint("theirs", "smfg_verify.games:LafferTax", games.ENTRY_POINT_GROUP),
        importlib.metadata.EntryPoint("laffer-tax", "smfg_verify.games:RandomGame", games.ENTRY_POINT_GROUP),
        importlib.metadata.EntryPoint("gone", "no_such_package_at_all:Game", games.ENTRY_POINT_GROUP),
        importlib.metadata.EntryPoint("function", "smfg_verify.games:load", games.ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [p for p in points if p.group == group])
    assert games.names()[-3:] == ("function", "gone", "theirs")
    assert type(games.load("theirs", wage=2)) is games.LafferTax
    assert type(games.load("laffer-tax")) is games.LafferTax
    with pytest.raises(ValueError, match="failed to import: ModuleNotFoundError"):
        games.load("gone")
    with pytest.raises(ValueError, match="cannot be built from: missing a required argument: 'name'"):
        games.load("function")


def test_a_name_belongs_to_one_class():
    with pytest.raises(ValueError, match="belongs to"):
        games.register("laffer-tax", source="A copy.")(games.RandomGame)
    assert games.register("laffer-tax", source=games.describe("laffer-tax").source)(games.LafferTax) is games.LafferTax
