"""Values as plain JSON can hold them, and the versions that every record names."""

import dataclasses
import importlib.metadata
import math
import platform
from typing import Any

import jax
import numpy as np

from smfg_verify.version import __version__

_PACKAGES = ("jax", "jaxlib", "equinox", "jaxtyping", "numpy", "scipy", "xarray", "h5netcdf")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: arrays as nested lists, records as mappings, NaN and infinities as null."""
    if isinstance(value, jax.Array | np.ndarray | np.generic):
        return plain(np.asarray(value).tolist())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the packages its numbers depend on."""
    installed = {distribution.metadata["Name"].lower(): distribution.version for distribution in _distributions()}
    own = {"python": platform.python_version(), "smfg-verify": __version__}
    return own | {name: installed.get(name, "not installed") for name in _PACKAGES}


def _distributions() -> list[importlib.metadata.Distribution]:
    return [found for name in _PACKAGES for found in importlib.metadata.distributions(name=name)]
