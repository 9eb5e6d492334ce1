"""Compiled programs take memory maps, of which Linux gives a process 65,530: with none left the compiler dies.

A check of one game compiles some hundred programs and takes five thousand maps, so that a dozen games in one process
would end it. Programs are dropped before: what is needed again is compiled again.
"""

import gc
from pathlib import Path

import jax

_LIMIT = Path("/proc/sys/vm/max_map_count")
_MAPS = Path("/proc/self/maps")
# The largest program takes some hundred maps; other libraries want theirs too.
_SHARE = 0.5


def drop_programs_if_many() -> bool:
    """Drop every compiled program where the process has taken half of the memory maps that the system gives it.

    Nothing is dropped while a function is being traced, whose program they may become part of, nor where the system
    does not tell.

    Returns:
        Whether programs were dropped.
    """
    # Under tracing even a constant is a part of the program; outside of it, to put one there is none.
    if isinstance(jax.device_put(0.0), jax.core.Tracer) or num_maps() <= _SHARE * max_maps():
        return False
    jax.clear_caches()
    gc.collect()
    return True


def num_maps() -> int:
    """Memory maps of this process; 0 where the system does not tell."""
    try:
        with _MAPS.open("rb") as lines:
            return sum(1 for _ in lines)
    except OSError:
        return 0


def max_maps() -> float:
    """How many a process may have; infinite where the system does not tell."""
    try:
        return float(_LIMIT.read_text())
    except (OSError, ValueError):
        return float("inf")
