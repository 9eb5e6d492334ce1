"""What a cell comes to: a status, a reason where it is none of the good ones, and numbers by name."""

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np

from smfg_verify.records.codec import kept
from smfg_verify.records.status import NamedStatus

# A verdict, a status or a flag where a cell has none.
NO_FLAG = -1


@kept
class CellStatus(NamedStatus, enum.IntEnum):
    """What became of a cell. Only DONE has all its numbers; of the others, those that are missing are NaN.

    MISSING is a cell that was not computed yet. REFUSED is bad input, FAULT an error of this package, and WORKER_DIED a
    cell whose worker died each time, as often as was allowed.
    """

    MISSING = -1
    DONE = 0
    NOT_CONVERGED = 1
    NOT_DIFFERENTIABLE = 2
    DIVERGED = 3
    REFUSED = 4
    FAULT = 5
    WORKER_DIED = 6

    @property
    def answered(self) -> bool:
        """Whether the computation itself ended, with or without numbers: the same would come out again."""
        return self in (self.DONE, self.NOT_CONVERGED, self.NOT_DIFFERENTIABLE, self.DIVERGED)


@kept
@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What a cell came to.

    Attributes:
        status: a `CellStatus`.
        reason: in words, where the computation refused or failed; empty otherwise.
        values: name of a variable -> its number, or one for each label of its inner dimension.
        labels: name of an inner dimension -> its labels, in order.
    """

    status: CellStatus
    reason: str = ""
    values: Mapping[str, float | np.ndarray] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, tuple[str | int, ...]] = dataclasses.field(default_factory=dict)
