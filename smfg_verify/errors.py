"""What can go wrong, told apart by whose it is: the caller's input, the numbers, or this package."""


class InputError(ValueError):
    """What was given cannot be used: the message says what was got, what was expected and the likely cause.

    Raised at the border of the package only, so that a bare ValueError from inside it, or from a library under it, is
    known for the fault of this package that it is.
    """


class NumericalError(RuntimeError):
    """A computation on good input that did not come to an answer: not converged, or singular."""


class MissingPackageError(InputError, ImportError):
    """A package that only a part of the users need is not installed; the message has the command that installs it."""
