"""Things known by name: one registry for properties, cases, methods and games."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from smfg_verify.errors import InputError
from smfg_verify.suggestions import closest

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Entries by name, in the order they came, each name with one maker: a mapping that only grows.

    Attributes:
        kind: what the entries are, the first word of every refusal.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._makers: dict[str, str] = {}

    def add(self, name: str, entry: T, *, maker: str) -> None:
        """Make an entry known; the same maker may come again, as when its file is read a second time.

        Args:
            name: of the entry.
            entry: what is found under it.
            maker: where it is defined, such as a module or a class by its full name.

        Raises:
            InputError: the name is another maker's.
        """
        owner = self._makers.setdefault(name, maker)
        if owner != maker:
            raise InputError(
                f"{self.kind}: got the name {name!r} for {maker}, expected a new name; it belongs to {owner}. Likely "
                "cause: a copied decorator."
            )
        self._entries[name] = entry

    def find(self, name: object) -> T:
        """The entry of a name, which may come out of a file and be anything.

        Raises:
            InputError: unknown; the closest known name is named.
        """
        if isinstance(name, str) and name in self._entries:
            return self._entries[name]
        known = ", ".join(self._entries)
        raise InputError(
            f"{self.kind}: got unknown name {name!r}{closest(name, self._entries)}; expected one of: {known}."
        )

    def __getitem__(self, name: str) -> T:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
