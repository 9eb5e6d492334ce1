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
        if result is None or isinstance(result, str):
            return {} if otherwise is None else otherwise
        return result

    def trouble(self, name: str) -> str:
        """Why a part has no result."""
        result = self._parts[name]["result"]
        return result if isinstance(result, str) else ""


def duration(seconds: float) -> str:
    """Milliseconds below a second, with three digits."""
    return f"{1e3 * seconds:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def spread(times: Mapping[str, float]) -> str:
    """Median and range of several calls."""
    middle, least, most = (duration(times[name]) for name in ("median", "least", "most"))
    return f"{middle} ({least} to {most})" if times["repeats"] > 1 else middle
