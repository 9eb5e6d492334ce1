"""How every benchmark of this folder measures: after one call that compiles, medians with their spread."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import jax


class Seconds(NamedTuple):
    """Wall time of a call.

    Attributes:
        median, least, most: over the repeats, seconds.
        repeats: how many.
        first: of the call before them, which compiles.
    """

    median: float
    least: float
    most: float
    repeats: int
    first: float


def seconds(function: Callable[[], object], repeats: int = 15) -> Seconds:
    """Time a function, its results waited for.

    Args:
        function: without arguments; what it returns may hold JAX arrays.
        repeats: calls after the first.

    Returns:
        The median, and the range.
    """
    first = once(function)
    times = [once(function) for _ in range(repeats)]
    return Seconds(statistics.median(times), min(times), max(times), repeats, first)


def in_turns(functions: dict[str, Callable[[], object]], repeats: int = 7) -> dict[str, Seconds]:
    """Time several functions in turns, so that all meet the same load of the machine.

    Args:
        functions: by name.
        repeats: rounds after the first.

    Returns:
        The times of each.
    """
    first = {name: once(function) for name, function in functions.items()}
    rounds = [{name: once(function) for name, function in functions.items()} for _ in range(repeats)]
    found = {}
    for name in functions:
        times = [taken[name] for taken in rounds]
        found[name] = Seconds(statistics.median(times), min(times), max(times), repeats, first[name])
    return found


def once(function: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start
