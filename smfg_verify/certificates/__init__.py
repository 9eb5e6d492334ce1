"""The verifier of certificates: files that import nothing of this package, and how they are loaded."""

import importlib
from types import ModuleType

from smfg_verify.errors import MissingPackageError


def load_verifier(wanted_by: str) -> ModuleType:
    """The module `verifier`, which needs an optional package.

    Args:
        wanted_by: what needs it, for the message.

    Returns:
        The module.

    Raises:
        ImportError: the package is missing; one line with the command that installs it.
    """
    try:
        importlib.import_module("smfg_verify.certificates.cells")
    except ImportError as error:
        raise MissingPackageError(
            f"{wanted_by}: the package python-flint cannot be imported ({error}); install it with "
            "`python -m pip install 'smfg-verify[certificates]'`."
        ) from error
    return importlib.import_module("smfg_verify.certificates.verifier")
