"""How a long computation gives away its parts as they are finished, and takes back those of an interrupted one."""

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


@runtime_checkable
class Keep(Protocol):
    """Called with the name of a part and the function that makes it; returns the part, made or kept from before."""

    def __call__(self, name: str, make: Callable[[], T]) -> T: ...


def made_anew(name: str, make: Callable[[], T]) -> T:
    """Make every part, and keep none."""
    return make()
