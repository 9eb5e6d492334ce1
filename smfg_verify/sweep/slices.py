"""A figure's worth of a sweep: one variable over one axis or two, everything else held at a value that is said."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smfg_verify.errors import InputError
from smfg_verify.suggestions import closest
from smfg_verify.sweep.kinds.outcome import NO_FLAG

if TYPE_CHECKING:
    import xarray

_INNER = ("seed", "iteration", "statement", "property", "residual", "method")


class Slice(NamedTuple):
    """One variable over axes of a sweep.

    Attributes:
        name, words, units: of the variable.
        flags: labels of a flag's codes; none of a number.
        x, y: names of the axes; y empty where there is one.
        x_values, y_values: along them: of a grid one for each column and row, of a random design one for each sample.
        values: (rows, columns) of a grid, (columns,) of one axis, (samples,) of a random design; NaN where a cell, or
            any of the seeds that a mean is over, has no number.
        scattered: whether it is of a random design.
        held: what else the variable depends on -> what was taken of it.
    """

    name: str
    words: str
    units: str
    flags: tuple[str, ...]
    x: str
    y: str
    x_values: np.ndarray
    y_values: np.ndarray
    values: np.ndarray
    scattered: bool
    held: Mapping[str, str]


def slice_of(
    dataset: "xarray.Dataset", value: str = "", x: str = "", y: str = "", at: Mapping[str, str] | None = None
) -> Slice:
    """A variable over one axis or two.

    Args:
        dataset: of a sweep.
        value: name of a variable; the first with an axis if empty.
        x, y: names of axes; those that the variable varies along first if x is empty.
        at: name of another axis -> the value to hold it at. Where one is left open, the last iteration is taken and the
            mean over seeds.

    Returns:
        The slice.

    Raises:
        ValueError: an unknown name or value, or an axis left open that is neither of these two.
    """
    name = value or _first_with_axis(dataset)
    if name not in dataset.data_vars:
        names = [str(known) for known in dataset.data_vars]
        raise InputError(f"--value: got {name!r}{closest(name, names)}, expected one of: {', '.join(names)}.")
    array, held = dataset[name], {}
    for axis, text in (at or {}).items():
        array = _held_at(array, axis, text)
        held[axis] = text
    flags = _flags(array)
    array = array.astype(float).where(array != NO_FLAG) if flags else array
    x, y = _axes(array, x, y)
    dims = dict.fromkeys(str(dim) for axis in (x, y) if axis for dim in array[axis].dims)
    for dim in [str(dim) for dim in array.dims if dim not in dims]:
        array, held[dim] = _reduced(array, dim)
    scattered = "sample" in dims
    values = np.asarray((array if scattered else array.transpose(*reversed(list(dims)))).values, dtype=float)
    words, units = str(array.attrs.get("long_name", name)), str(array.attrs.get("units", ""))
    along_x, along_y = (np.asarray(array[axis].values) if axis else np.zeros(1) for axis in (x, y))
    said = {axis: text for axis, text in held.items() if text}
    return Slice(name, words, units, flags, x, y, along_x, along_y, values, scattered, said)


def _first_with_axis(dataset: "xarray.Dataset") -> str:
    for name, array in dataset.data_vars.items():
        if not str(name).endswith(("_status", "_seconds", "_attempts")) and _varied(array):
            return str(name)
    raise InputError("dataset: got one in which nothing varies, expected an axis to draw along.")


def _varied(array: "xarray.DataArray") -> list[str]:
    """Axes that a variable can be drawn along, by themselves: those of the design with several values."""
    if "sample" in array.dims:
        return [str(name) for name, found in array.coords.items() if found.dims == ("sample",) and name != "sample"]
    return [str(dim) for dim in array.dims if dim not in _INNER and array.sizes[dim] > 1]


def _axes(array: "xarray.DataArray", x: str, y: str) -> tuple[str, str]:
    if not x:
        varied = [axis for axis in _varied(array) if axis != y]
        if not varied:
            raise InputError(f"--x: got none, and {array.name} varies along no axis; expected one of: {_known(array)}.")
        # Games beside one other axis are lines of a table, not of a map: numbers first.
        varied.sort(key=lambda axis: array[axis].dtype.kind not in "iuf")
        x, y = varied[0], y or (varied[1] if len(varied) > 1 else "")
    for option, axis in (("--x", x), ("--y", y)):
        if axis and axis not in array.coords:
            known = [str(name) for name in array.coords]
            raise InputError(f"{option}: got {axis!r}{closest(axis, known)}, expected one of: {_known(array)}.")
    if x == y:
        raise InputError(f"--y: got {y!r} for both axes, expected two.")
    if y and ("sample" in array[x].dims) != ("sample" in array[y].dims):
        raise InputError(
            f"--x, --y: got {x} and {y}, expected two axes of the design: their values were drawn together."
        )
    return x, y


def _known(array: "xarray.DataArray") -> str:
    return ", ".join(str(name) for name in array.coords)


def _held_at(array: "xarray.DataArray", axis: str, text: str) -> "xarray.DataArray":
    if axis not in array.dims:
        dims = [str(dim) for dim in array.dims]
        raise InputError(f"--at: got {axis!r}{closest(axis, dims)}, expected one of: {', '.join(dims)}.")
    values = array[axis].values
    for place, value in enumerate(values.tolist()):
        if str(value) == text or (isinstance(value, int | float) and _number(text) == value):
            return array.isel({axis: place})
    raise InputError(f"--at: got {axis}={text}, expected one of: {', '.join(str(value) for value in values.tolist())}.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _reduced(array: "xarray.DataArray", dim: str) -> tuple["xarray.DataArray", str]:
    """The variable without a dimension that no axis is along, and what was taken of it."""
    values = array[dim].values.tolist()
    if len(values) == 1:
        return array.isel({dim: 0}), "" if dim == "game" else str(values[0])
    if dim == "iteration":
        return array.isel({dim: -1}), f"{values[-1]:,}"
    if dim == "seed":
        attrs = array.attrs
        return array.mean(dim, skipna=False).assign_attrs(attrs), f"mean of {len(values)}"
    raise InputError(
        f"--at: got no {dim}, expected --at {dim}=... with one of: {', '.join(str(value) for value in values)}; "
        "a figure has two axes."
    )


def _flags(array: "xarray.DataArray") -> tuple[str, ...]:
    meanings = str(array.attrs.get("flag_meanings", ""))
    return tuple(word.replace("_", " ") for word in meanings.split())[1:]
