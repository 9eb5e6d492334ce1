"""Files of runs: whole or not at all, and refused by name."""

import h5py
import pytest
import xarray

from smfg_verify.stochastic import Trace


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
    with pytest.raises(ValueError, match="schema version 0, expected 3"):
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


def test_a_zarr_store_holds_the_same_run_and_is_replaced_as_a_whole(trace, tmp_path):
    path = tmp_path / "trace.zarr"
    for _ in range(2):
        trace.save(path)
        assert Trace.load(path).to_xarray().identical(trace.to_xarray())
    assert [entry.name for entry in tmp_path.iterdir()] == ["trace.zarr"]
