"""Files of stochastic runs: atomic netCDF writing, and reading that names what is wrong."""

import importlib.util
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from smfg_verify.errors import InputError
from smfg_verify.files import replacing_folder, require_place, write_atomically
from smfg_verify.records.documents import named
from smfg_verify.records.entries import Entries, Record

if TYPE_CHECKING:
    import xarray

FORMAT = "smfg-verify trace"
# Raised when a variable or attribute changes, and when the bits of a run do: an older file then cannot be resumed.
SCHEMA_VERSION = 3

# Group of a checkpoint file that holds where the run stands.
RESUME_GROUP = "resume"


def format_attributes() -> Record:
    """Attributes by which a file of ours is known."""
    return {"format": FORMAT, "schema_version": SCHEMA_VERSION}


def check_format(attributes: Entries, where: str) -> None:
    """Refuse a dataset that is not a trace, or one of another schema version.

    Raises:
        ValueError: which of the two.
    """
    if attributes.get("format") != FORMAT:
        raise InputError(
            f"{where}: not a trace of smfg-verify (attribute format is {attributes.get('format')!r}, expected "
            f"{FORMAT!r}); likely cause: the file was written by another program."
        )
    version = attributes.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{where}: got schema version {version}, expected {SCHEMA_VERSION}; likely cause: the file was written by "
            "another version of smfg-verify. Read it with that version, or run again."
        )


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a Zarr store; other endings than .zarr and .nc are refused.

    Raises:
        ValueError: another ending, or Zarr without the package zarr.
    """
    suffix = Path(path).suffix
    if suffix not in (".nc", ".zarr"):
        raise InputError(f"path: got {os.fspath(path)!r}, expected a name ending in .nc (netCDF) or .zarr (Zarr).")
    if suffix == ".zarr" and importlib.util.find_spec("zarr") is None:
        raise InputError("path: Zarr needs the package zarr, which is not installed; `pip install zarr`, or use .nc.")
    return suffix == ".zarr"


def write_netcdf(path: str | os.PathLike[str], groups: Mapping[str | None, "xarray.Dataset"]) -> None:
    """Write datasets as groups of one netCDF file (None is the root), completely or not at all.

    The file is put together in memory: where HDF5 itself meets a full disk, its clean-up ends the process.

    Args:
        path: where the file is to stand.
        groups: the root first.

    Raises:
        ValueError: a path that is a folder, or whose folder does not exist.
        OSError: the disk is full or the folder cannot be written; nothing is left of the attempt.
    """
    import xarray

    require_place(path)
    content = io.BytesIO()
    tree = xarray.DataTree.from_dict({f"/{group or ''}": dataset for group, dataset in groups.items()})
    tree.to_netcdf(content, engine="h5netcdf")
    write_atomically(path, content.getvalue())


def write_zarr(path: Path, dataset: "xarray.Dataset") -> None:
    """Write a dataset as a Zarr store, completely or not at all.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old store is as it was.
    """
    with replacing_folder(path) as temporary:
        # Format 2 has texts, and all metadata in one place: the specification of format 3 has neither so far.
        dataset.to_zarr(temporary, mode="w", zarr_format=2, consolidated=True)


def read(path: str | os.PathLike[str], group: str | None = None) -> "xarray.Dataset":
    """Read one group of a file into memory.

    Raises:
        ValueError: no such file, not a trace, truncated, or of another schema version; the message says which.
    """
    import xarray

    path = Path(path)
    zarr = path.suffix == ".zarr" and is_zarr(path)
    if not path.exists():
        raise InputError(f"path: got {os.fspath(path)!r}, which does not exist.")
    engine = "zarr" if zarr else "h5netcdf"
    try:
        with xarray.open_dataset(path, engine=engine) as root:
            check_format(root.attrs, str(path))
            if group is None:
                return root.load()
        if not _has_group(path, group):
            raise InputError(
                f"{path}: has no group {group!r}, expected the checkpoint file of a run; likely cause: it was written "
                "by Trace.save, which keeps the record but not where the run stands."
            )
        with xarray.open_dataset(path, engine=engine, group=group) as dataset:
            return dataset.load()
    except InputError:
        raise
    except Exception as error:  # the libraries below raise OSError, KeyError, RuntimeError and their own kinds
        if (kind := named(path)) is not None:
            raise InputError(f"{path}: is {kind}; expected a trace, such as the trace.nc of a run.") from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: cannot be read as {'Zarr' if zarr else 'netCDF'} ({type(error).__name__}: {reason}); likely "
            "cause: the file is truncated, or was written by another program."
        ) from error


def _has_group(path: Path, group: str) -> bool:
    import h5py

    with h5py.File(path, "r") as file:
        return group in file
