"""The properties `check` knows: one file a property, one entry each."""

import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.game import AbstractGame

Witness = Mapping[str, Any]
Recompute = Callable[[AbstractGame, Witness], float]


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """How hard to search, the same for every property.

    Attributes:
        num_leaders: random leaders.
        num_starts: starts of each worst-case search and of each flow to a rest point.
        num_steps: steps of a worst-case search.
        seed: of all random draws.
        leader_scale: standard deviation of the random leaders' logits.
        trajectory: leader logits met along a run, (..., O, B), or None.
    """

    num_leaders: int = 1024
    num_starts: int = 16
    num_steps: int = 150
    seed: int = 0
    leader_scale: float = 1.5
    trajectory: Float[ArrayLike, "... O B"] | None = None

    def __post_init__(self) -> None:
        for name, low in (("num_leaders", 1), ("num_starts", 1), ("num_steps", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < low:
                raise ValueError(
                    f"{name}: got {value!r}, expected an integer, at least {low}; likely cause: a float such as 1e3."
                )
        scale = self.leader_scale
        number = isinstance(scale, int | float | np.number) and not isinstance(scale, bool)
        if not (number and math.isfinite(scale) and scale > 0.0):
            raise ValueError(
                f"leader_scale: got {scale!r}, expected a positive number, the spread of random logits; likely cause: "
                "a scale of 0, which draws the uniform policy again and again."
            )


@dataclasses.dataclass(frozen=True)
class Property:
    """A property of a game: how it is checked, and for each of its statements how a witness is evaluated again."""

    name: str
    check: Callable[[AbstractGame, SearchSettings], list]
    recompute: Mapping[str, Recompute]


_PROPERTIES: dict[str, Property] = {}


def register_property(name: str, *, recompute: Mapping[str, Recompute]) -> Callable:
    """Function decorator: make `function(game, settings) -> list of findings` the check of a property.

    Args:
        name: of the property, words joined by hyphens.
        recompute: for each statement, the constant from (game, witness) alone.

    Returns:
        The decorator, which returns the function unchanged.
    """

    def decorate(function: Callable) -> Callable:
        _PROPERTIES[name] = Property(name, function, dict(recompute))
        return function

    return decorate


def property_names() -> tuple[str, ...]:
    """Names of all properties that `check` knows."""
    return tuple(_PROPERTIES)


def find_property(name: str) -> Property:
    """The property of that name.

    Raises:
        ValueError: unknown; the closest known name is named.
    """
    if name in _PROPERTIES:
        return _PROPERTIES[name]
    raise ValueError(f"property: got unknown name {name!r}{closest(name, _PROPERTIES)}; expected one of: {_listed()}.")


def closest(name: Any, known: Iterable[str]) -> str:
    """In words, the known name nearest to a misspelt one; empty where none is near."""
    match = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.4)
    return f" (did you mean {match[0]!r}?)" if match else ""


def _listed() -> str:
    return ", ".join(_PROPERTIES)
