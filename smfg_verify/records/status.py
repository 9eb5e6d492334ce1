"""How a search, a fit or a plan ended: one way for every status to name itself."""

from typing import Any, TypeVar

from smfg_verify.errors import InputError

S = TypeVar("S", bound="NamedStatus")


class NamedStatus:
    """A mixin for enumerations of statuses; tables and JSON write the label of a member.

    A value that is a text was chosen for readers, and is the label; where it is an integer, which compiled code can
    trace, the label is the member's name in small letters: NOT_CONVERGED is "not-converged".
    """

    name: str
    value: Any  # as the enumeration has it: a text or an integer
    __members__: Any

    @property
    def label(self) -> str:
        """What tables and JSON call the status."""
        return self.value if isinstance(self.value, str) else self.name.lower().replace("_", "-")

    @classmethod
    def labelled(cls: type[S], label: str) -> S:
        """The member of a label.

        Raises:
            ValueError: there is none.
        """
        members: dict[str, S] = dict(cls.__members__)
        for member in members.values():
            if member.label == label:
                return member
        known = ", ".join(member.label for member in members.values())
        raise InputError(f"{cls.__name__}: got {label!r}, expected one of: {known}.")
