"""The wall clock in a proof: off unless it is asked for, and said wherever it cut one short."""

import dataclasses
import time
from collections.abc import Collection

from smfg_verify.assumptions.finding import Finding


class Deadline:
    """Whether a time limit has passed; without one it never has.

    Args:
        time_limit: seconds from now on, or None.
    """

    def __init__(self, time_limit: float | None):
        self._end = None if time_limit is None else time.monotonic() + time_limit

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end


def cut_short(finding: Finding, cut: Collection[str], *used: str) -> Finding:
    """A finding that says which of the bounds it builds on a time limit cut short; as it was where none was.

    Args:
        finding: as it is without a word about time.
        cut: names of all bounds that were cut short.
        used: names of the bounds that the finding builds on.

    Returns:
        The finding with `cut_by_time_limit` among what was searched, which its sentence tells.
    """
    here = [name for name in used if name in cut]
    if not here:
        return finding
    bounds = ", ".join(name.replace("_", " ") for name in here)
    searched = {**finding.searched, "cut_by_time_limit": bounds}
    return dataclasses.replace(finding, searched=searched)
