"""The numbers that `benchmarks.collect` kept, as the page reads them."""

from collections.abc import Mapping
from typing import Any


class Parts:
    """Results by the name of their part; those that failed or were not carried out are empty."""

    def __init__(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        self._parts = parts

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._parts)

    def get(self, name: str, otherwise: Any = None) -> Any:
        """What a part wrote; `otherwise`, an empty mapping if not given, where there is nothing."""
        result = self._parts.get(name, {}).get("result")
        return result or ({} if otherwise is None else otherwise)

    def trouble(self, name: str) -> str:
        """Why a part has no result, or not all of it."""
        return str(self._parts[name]["trouble"])


def duration(seconds: float) -> str:
    """In the unit that makes the number one between 1 and 1000."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= 0.9995 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def spread(times: Mapping[str, float]) -> str:
    """Median and range of several calls."""
    middle, least, most = (duration(times[name]) for name in ("median", "least", "most"))
    return f"{middle} ({least} to {most})" if times["repeats"] > 1 else middle
