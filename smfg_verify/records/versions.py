"""The versions that every record names."""

import importlib.metadata
import platform

from smfg_verify.version import __version__

_PACKAGES = ("jax", "jaxlib", "equinox", "jaxtyping", "numpy", "scipy", "xarray", "h5netcdf")


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the packages its numbers depend on."""
    # Another library may have put finders of its own in the way, whose distributions are of their own class.
    found = [one for name in _PACKAGES for one in importlib.metadata.distributions(name=name)]
    installed = {one.metadata["Name"].lower(): one.version for one in found}
    own = {"python": platform.python_version(), "smfg-verify": __version__}
    return own | {name: installed.get(name, "not installed") for name in _PACKAGES}
