"""Cells are known by what they are: what changes the number changes the key, and nothing else does."""

from pathlib import Path

import pytest

from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.settings import settings_of

TABLES = {
    "what": ["solve", "run"],
    "games": ["laffer-tax"],
    "seeds": 2,
    "parameters": {"discount": [0.8, 0.9]},
    "run": {"iterations": 50},
}
MINE = """
import jax.numpy as jnp
from smfg_verify import games
from smfg_verify.games import LafferTax

class Mine(LafferTax):
    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return {factor} * super().leader_reward(state, follower_action, leader_action, mean_field)
"""


def keys(folder=Path(), **changes):
    tables = {name: value for name, value in {**TABLES, **changes}.items() if value is not None}
    plan = make_plan(settings_of(tables, folder))
    return {kind: places.ravel().tolist() for kind, places in plan.places.items()}


def test_every_cell_has_a_place_and_is_computed_once():
    plan = make_plan(settings_of(TABLES, Path()))
    assert plan.places["solve"].shape == (1, 2)
    assert plan.places["run"].shape == (1, 2, 2)
    computed = [cell.key for bundle in plan.bundles for cell in bundle.cells]
    placed = [key for places in plan.places.values() for key in places.ravel()]
    assert sorted(computed) == sorted(placed)
    assert len(set(computed)) == plan.num_cells == 2 + 4


@pytest.mark.parametrize(
    ("changes", "solve", "run"),
    [
        ({"run": {"iterations": 60}}, True, False),  # of the run alone
        ({"schedule": {"leader": 0.1}}, True, False),
        ({"parameters": {"discount": [0.8, 0.9], "temperature": 0.7}}, False, False),
        ({"solve": {"leader": "best"}}, False, True),
        ({"games": [{"name": "laffer-tax", "label": "another word"}]}, True, True),
        ({"run": {"iterations": 50, "sampling": "markov", "checkpoints": 24}}, True, True),  # the defaults, written out
    ],
)
def test_a_key_changes_with_what_is_computed_and_with_nothing_else(changes, solve, run):
    before, after = keys(), keys(**changes)
    assert (before["solve"] == after["solve"], before["run"] == after["run"]) == (solve, run)
    assert run or not set(before["run"]) & set(after["run"])


def test_more_seeds_and_more_points_keep_the_cells_that_were():
    assert set(keys()["run"]) < set(keys(seeds=3)["run"])
    assert set(keys()["run"]) < set(keys(parameters={"discount": [0.7, 0.8, 0.9]})["run"])


def test_a_key_follows_the_code_of_a_game_and_not_its_place(tmp_path):
    found = []
    for folder, factor in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(MINE.format(factor=factor))
        found.append(keys(tmp_path / folder, games=["mine.py:Mine"]))
    assert found[0] == found[1]
    assert not set(found[0]["solve"]) & set(found[2]["solve"])


def test_cells_that_are_the_same_are_computed_once():
    """A random design draws the same choice often."""
    tables = {**TABLES, "design": "random", "samples": 30}
    plan = make_plan(settings_of(tables, Path()))
    assert plan.places["solve"].shape == (1, 30)
    assert plan.num_cells == 2 + 4


def test_programs_are_shared_where_numbers_alone_differ():
    plan = make_plan(settings_of({**TABLES, "games": ["laffer-tax", "market-entrance"]}, Path()))
    groups = {(bundle.kind, bundle.game.label): {bundle.group} for bundle in plan.bundles}
    for bundle in plan.bundles:
        groups[bundle.kind, bundle.game.label].add(bundle.group)
    assert [len(found) for found in groups.values()] == [1] * 4
    assert len(set().union(*groups.values())) == 4


def test_a_point_without_a_game_is_a_cell_that_is_refused():
    plan = make_plan(settings_of({**TABLES, "parameters": {"discount": [0.8, 1.5]}}, Path()))
    refused = {key for key in plan.places["solve"][:, 1]} | set(plan.places["run"][:, 1].ravel())
    assert set(plan.refused) == refused
    assert all("discount" in reason for reason in plan.refused.values())


@pytest.mark.parametrize("games", [["lafer-tax"], ["laffer-tax", "no.py:Game"]])
def test_a_game_that_can_be_made_nowhere_is_refused(games):
    with pytest.raises(ValueError, match="games: "):
        keys(games=games)


def test_a_misspelt_parameter_is_refused():
    with pytest.raises(ValueError, match="did you mean 'discount'"):
        keys(parameters={"discont": [0.8, 0.9]})


def test_a_bundle_is_split_by_its_cells():
    bundle = next(bundle for bundle in make_plan(settings_of(TABLES, Path())).bundles if bundle.kind == "run")
    assert [(single.seeds, single.cells) for single in bundle.apart()] == [
        ((0,), bundle.cells[:1]),
        ((1,), bundle.cells[1:]),
    ]
    assert bundle.only(frozenset(cell.key for cell in bundle.cells)) == bundle
