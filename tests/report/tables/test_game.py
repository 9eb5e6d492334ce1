"""What a game is: labels, sizes and parameters are its own, and an equilibrium that was not found is not a number."""

import dataclasses

import numpy as np
import pytest

from smfg_verify.game import TabularGame, game_hash
from smfg_verify.games import describe, load, names
from smfg_verify.report.tables import game as tables
from tests.helpers.random_arrays import random_array_game
from tests.report.records import gradient
from tests.support.screens import cells, heads, pairs, printed, tables_in

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


@pytest.fixture
def game():
    return load("two-road-toll")


def large(support="states"):
    """More states than a table shows."""
    arrays = random_array_game(np.random.default_rng(0), 14, 2, 2, support=support, kernel_coupling=0.0)
    bare = dataclasses.replace(
        arrays, follower_rewards_mean_field=None, leader_rewards_mean_field=None, observation=np.zeros(14, int)
    )
    return TabularGame.from_arrays(**bare.from_arrays_arguments(), name="[large] one")


def test_all_games_stand_in_one_table_with_their_sizes():
    entries = [describe(name) for name in names()]
    rows = cells(tables.games_table(entries))
    assert [row[0] for row in rows] == list(names())
    for row, entry in zip(rows, entries, strict=True):
        sizes = (entry.num_states, entry.num_follower_actions, entry.num_leader_actions, entry.num_parameters)
        assert row[1:5] == tuple(map(str, sizes))
        assert row[6] == f"{entry.summary}\n{entry.source}"


def test_sizes_labels_and_constants_are_the_game_s(game):
    rows = pairs(tables.sizes_table(game, "shown as", game_hash(game)))
    assert rows["class"] == type(game).__name__
    assert rows["states"] == f"{game.num_states}: {', '.join(game.state_labels)}"
    assert rows["follower actions"] == f"{game.num_follower_actions}: {', '.join(game.follower_action_labels)}"
    assert rows["leader actions"] == f"{game.num_leader_actions}: {', '.join(game.leader_action_labels)}"
    assert rows["discount gamma"] == f"{float(game.discount):g}"
    assert game_hash(game).startswith(rows["content"])


def test_of_many_states_the_first_are_shown_and_the_rest_counted():
    game = large()
    rows = pairs(tables.sizes_table(game, "x", "0" * 32))
    assert rows["states"] == "14: " + ", ".join(map(str, range(12))) + ", ..."
    assert rows["leader observes"] == "1: any state"
    assert rows["name"] == "[large] one"
    (table,) = tables_in(tables.equilibrium_tables(game, gradient(game)))
    assert len(cells(table)) == 12
    assert table.caption == "the first 12 of 14 states"


def test_parameters_have_their_values_and_what_is_allowed(game):
    allowed = {entry.name: entry.values for entry in describe("two-road-toll").parameters}
    rows = {row[0]: row[1:] for row in cells(tables.parameters_table(game, allowed))}
    assert set(rows) == {field.name for field in dataclasses.fields(game)}
    for name, (_, said) in rows.items():
        assert said == allowed.get(name, "")
    assert rows["discount"][0] == f"{float(game.discount):g}"
    assert str(tables.documentation(game)).startswith(type(game).__doc__.splitlines()[0])


def test_an_equilibrium_is_shown_state_by_state_under_its_labels(game):
    found = gradient(game)
    (table,) = tables_in(tables.equilibrium_tables(game, found))
    assert heads(table) == ["state", "m(s)", *(f"pi({action}|s)" for action in game.follower_action_labels)]
    for row, label, mass, policy in zip(
        cells(table), game.state_labels, found.equilibrium.mean_field, found.equilibrium.follower_policy, strict=True
    ):
        assert row == (label, f"{mass:.6f}", *(f"{p:.4f}" for p in policy))


def test_norms_of_the_gradient_and_its_parts_are_told_apart(game):
    rows = pairs(tables_in(tables.gradient_table(gradient(game), "At a leader"))[0])
    for k, name in enumerate(("||grad Phi||", "  direct part", "  policy response", "  mean field response")):
        assert rows[name].split()[0] == f"{5.0 * (k + 1):.6g}"
    assert rows["objective Phi"] == "0.123456789"
    assert rows["policy-space gap"].startswith("0.375 ")
    assert rows["equilibrium"].startswith("converged, 7 steps, ")
    assert "<= 2.00e-13" in rows["certificate"]


def test_what_has_not_converged_says_so_and_shows_no_number(game):
    lost = gradient(game, converged=False)
    rows = pairs(tables_in(tables.gradient_table(lost, "At a leader"))[0])
    assert rows["equilibrium"].startswith("NOT CONVERGED")
    assert rows["objective Phi"] == rows["||grad Phi||"].split()[0] == "nan"
    assert "nan" in printed(tables.equilibrium_tables(game, lost))


def test_a_condition_number_that_is_not_known_is_not_told_as_nan():
    found = gradient(load("two-road-toll"))
    assert "condition number" in pairs(tables_in(tables.gradient_table(found, ""))[0])["certificate"]
    found.certificate.condition = np.nan
    row = pairs(tables_in(tables.gradient_table(found, ""))[0])["certificate"]
    assert "estimated" in row
    assert "nan" not in row
