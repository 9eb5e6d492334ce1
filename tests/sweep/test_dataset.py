"""The dataset of a sweep: every cell at its place, NaN and a status where it has no number; the same from the disk."""

from pathlib import Path

import numpy as np
import pytest

from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.conduct import Swept
from smfg_verify.sweep.dataset import open_dataset, to_dataset, write_dataset
from smfg_verify.sweep.kinds.outcome import CellStatus, Outcome
from smfg_verify.sweep.settings import settings_of
from smfg_verify.sweep.store import CellRecord
from tests.support.sweeping import dozing

CHECKS = {
    "what": "check",
    "games": ["laffer-tax", {"name": "laffer-tax", "label": "colder", "parameters": {"temperature": 0.1}}],
    "parameters": {"discount": [0.8, 0.9]},
    "check": {"properties": ["coverage"]},
}


def swept(settings, outcome_of):
    """A sweep whose cells came to what a function of their place says; None where it is not computed yet."""
    plan = make_plan(settings)
    records = {}
    for kind, keys in plan.places.items():
        cells = {cell.key: cell for bundle in plan.bundles for cell in bundle.cells}
        for place, key in np.ndenumerate(keys):
            outcome = outcome_of(kind, place)
            if outcome is not None and key in cells:
                records[key] = CellRecord(cells[key], outcome, attempts=2, seconds=0.5)
    return Swept(plan, records, 0)


def test_statements_of_different_games_stand_side_by_side():
    """Each cell has its own statements; the dataset has all of them, and no flag where a cell has none."""

    def outcome(kind, place):
        names = ("p/first", "p/second") if place[0] == 0 else ("p/second", "p/third")
        values = {"constant": np.array([1.0, 2.0]) + 10 * place[0] + 100 * place[1], "verdict": np.array([0, 2])}
        return Outcome(CellStatus.DONE, values=values, labels={"statement": names, "property": ()})

    dataset = to_dataset(swept(settings_of(CHECKS, Path()), outcome))
    assert dataset["statement"].values.tolist() == ["p/first", "p/second", "p/third"]
    assert dataset["game"].values.tolist() == ["laffer-tax", "colder"]
    constants = dataset["check_constant"]
    assert constants.sel(game="laffer-tax", discount=0.9, statement="p/second") == 102.0
    assert constants.sel(game="colder", discount=0.8, statement="p/second") == 11.0
    assert np.isnan(constants.sel(game="colder", statement="p/first")).all()
    assert dataset["check_verdict"].sel(game="colder", discount=0.8).values.tolist() == [-1, 0, 2]


@pytest.mark.parametrize("name", ["sweep.zarr", "sweep.nc"])
def test_it_is_the_same_from_the_disk(name, tmp_path):
    def outcome(kind, place):
        if place == (0, 1, 1):
            return None
        status = CellStatus.NOT_CONVERGED if place == (0, 0, 0) else CellStatus.DONE
        return Outcome(status, values={} if status else {"value": float(sum(place))})

    dataset = to_dataset(swept(dozing(tmp_path / "folder", seeds=2), outcome))
    path = write_dataset(dataset, tmp_path / name)
    read = open_dataset(path)
    assert read.attrs["format"] == "smfg-verify sweep dataset"
    for name, array in dataset.variables.items():
        np.testing.assert_array_equal(read[name].values, array.values)
    statuses = read["doze_status"].values[0]
    assert statuses[0, 0] == CellStatus.NOT_CONVERGED
    assert statuses[1, 1] == CellStatus.MISSING
    assert np.isnan(read["doze_value"].values[0][statuses != 0]).all()
    assert np.isfinite(read["doze_value"].values[0][statuses == 0]).all()
    assert read["doze_attempts"].values[0].tolist() == [[2, 2], [2, 0], [2, 2], [2, 2]]
    codes = dict(zip(read["doze_status"].flag_meanings.split(), read["doze_status"].flag_values, strict=True))
    assert codes["not-converged"] == CellStatus.NOT_CONVERGED
    write_dataset(dataset, path)  # again, over what stands there


def test_a_random_design_has_its_draws_as_coordinates(tmp_path):
    settings = settings_of(
        {
            "what": "solve",
            "games": ["laffer-tax"],
            "design": "random",
            "samples": 5,
            "parameters": {"discount": [0.8, 0.9]},
        },
        tmp_path,
    )
    dataset = to_dataset(swept(settings, lambda kind, place: Outcome(CellStatus.DONE, values={"objective": 1.0})))
    assert dataset["solve_objective"].dims == ("game", "sample")
    assert dataset["discount"].dims == ("sample",)
    assert dataset["discount"].values.tolist() == [point.parameters["discount"] for point in make_plan(settings).points]


def test_a_point_without_a_game_is_refused_and_nan(tmp_path):
    tables = {"what": "solve", "games": ["laffer-tax"], "parameters": {"discount": [0.8, 1.5]}}
    found = swept(
        settings_of(tables, tmp_path), lambda kind, place: Outcome(CellStatus.DONE, values={"objective": 1.0})
    )
    dataset = to_dataset(found)
    assert dataset["solve_status"].values[0].tolist() == [CellStatus.DONE, CellStatus.REFUSED]
    assert np.isnan(dataset["solve_objective"].values[0, 1])
    assert ["discount" in reason for reason in found.failures] == [True]


@pytest.mark.parametrize("name", ["none.zarr", "none.nc", "sweep.txt"])
def test_what_is_no_dataset_of_a_sweep_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="path: got"):
        open_dataset(tmp_path / name)
