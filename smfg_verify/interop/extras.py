"""Packages that only a part of the users need: imported where they are used, and named where they are missing."""

import importlib
from types import ModuleType

from smfg_verify.errors import MissingPackageError


def require(module: str, extra: str, wanted_by: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: its import name, which may be a submodule.
        extra: of this package that brings it.
        wanted_by: the function that needs it, for the message.

    Returns:
        The module.

    Raises:
        ImportError: one line with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingPackageError(
            f"{wanted_by}: the package {package} cannot be imported ({error}); install it with "
            f"`python -m pip install 'smfg-verify[{extra}]'`."
        ) from error
