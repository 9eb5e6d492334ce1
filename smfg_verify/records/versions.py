"""The versions that every record names."""

import importlib.metadata
import platform

from smfg_verify.version import __version__

_PACKAGES = ("jax", "jaxlib", "equinox", "jaxtyping", "numpy", "scipy", "xarray", "h5netcdf")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the packages its numbers depend on."""
    installed = {distribution.metadata["Name"].lower(): distribution.version for distribution in _distributions()}
    own = {"python": platform.python_version(), "smfg-verify": __version__}
    return own | {name: installed.get(name, "not installed") for name in _PACKAGES}


def _distributions() -> list[importlib.metadata.Distribution]:
    return [found for name in _PACKAGES for found in importlib.metadata.distributions(name=name)]
