import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray

from smfg_verify import games
from smfg_verify.stochastic import Trace, ac_smfg
from tests.stochastic.games_for_runs import assert_same_bits


@pytest.fixture(scope="module")
def trace():
    return ac_smfg(games.load("equilibrium-pricing"), num_iterations=50, seeds=[7, 3, 12], checkpoints=8)


def test_the_dataset_names_its_dimensions_and_holds_the_same_numbers(trace):
    dataset = trace.to_xarray()
    assert dataset["follower_logits"].dims == ("seed", "iteration", "state", "action")
    assert dataset["mean_field"].dims == ("seed", "iteration", "state", "action")
    assert dataset["leader_logits"].dims == ("seed", "iteration", "observation", "leader_action")
    assert dataset["leader_critic"].dims == ("seed", "iteration", "state")
    assert dataset["seed"].values.tolist() == [7, 3, 12]
    last = dataset["mean_field"].sel(seed=3, iteration=50).values
    np.testing.assert_array_equal(last, trace.mean_field[1, -1])
    assert dataset.attrs["game"] == "EquilibriumPricing"
    assert dataset.attrs["transitions_per_iteration"] == 2


def test_a_saved_trace_loads_to_the_same_bits(trace, tmp_path):
    trace.save(tmp_path / "trace.nc")
    assert_same_bits(Trace.load(tmp_path / "trace.nc"), trace)
    with xarray.open_dataset(tmp_path / "trace.nc") as opened:
        xarray.testing.assert_identical(opened.load(), trace.to_xarray())
    assert [path.name for path in tmp_path.iterdir()] == ["trace.nc"]


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(trace, tmp_path, fraction):
    path = tmp_path / "trace.nc"
    trace.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match="truncated"):
        Trace.load(path)


def test_foreign_files_and_other_schemas_are_refused_by_name(trace, tmp_path):
    text = tmp_path / "notes.nc"
    text.write_text("not a trace, at any length " * 100)
    with pytest.raises(ValueError, match="another program"):
        Trace.load(text)
    foreign = tmp_path / "foreign.nc"
    xarray.Dataset({"temperature": ("time", [1.0])}).to_netcdf(foreign, engine="h5netcdf")
    with pytest.raises(ValueError, match="not a trace of smfg-verify"):
        Trace.load(foreign)
    older = tmp_path / "older.nc"
    trace.save(older)
    with h5py.File(older, "a") as file:
        file.attrs["schema_version"] = 0
    with pytest.raises(ValueError, match="schema version 0, expected 2"):
        Trace.load(older)
    cut = tmp_path / "cut.nc"
    trace.to_xarray().drop_vars("mean_field").to_netcdf(cut, engine="h5netcdf")
    with pytest.raises(ValueError, match="mean_field missing"):
        Trace.load(cut)
    with pytest.raises(ValueError, match="does not exist"):
        Trace.load(tmp_path / "none.nc")


def test_other_endings_and_missing_zarr_are_refused(trace, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"ending in \.nc"):
        trace.save(tmp_path / "trace.csv")
    with pytest.raises(ValueError, match="directory does not exist"):
        trace.save(tmp_path / "missing" / "trace.nc")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install zarr"):
        trace.save(tmp_path / "trace.zarr")


def test_a_failed_write_leaves_the_old_file(trace, tmp_path, monkeypatch):
    path = tmp_path / "trace.nc"
    trace.save(path)
    before = path.read_bytes()

    def fail(*arguments, **keywords):
        raise OSError("disk full")

    monkeypatch.setattr(xarray.DataTree, "to_netcdf", fail)
    with pytest.raises(OSError, match="disk full"):
        trace.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["trace.nc"]


def test_metadata_says_what_the_run_was(trace):
    metadata = trace.metadata
    assert metadata.method == "ac-smfg"
    assert metadata.sampling == "markov"
    assert metadata.num_iterations == 50
    assert metadata.step_constants == {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
    assert json.loads(trace.to_xarray().attrs["method_options"]) == metadata.options


def test_importing_the_stochastic_side_does_not_import_xarray():
    script = (
        "import sys; import smfg_verify.stochastic; print([m for m in ('xarray', 'rich', 'h5py') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
