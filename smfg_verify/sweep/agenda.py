"""Who computes what next: bundles whose programs a worker has compiled go to that worker, in batches of about a second.

A batch is lost when its worker dies. Its cells are begun again, then each alone: the one that kills its worker is told
apart from those that happened to be with it, and is given up after so many attempts.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable

from smfg_verify.sweep.cells import Bundle, Cell

# A batch is meant to take so long, in seconds: long against what sending one costs, short against what is lost with it.
_SECONDS = 1.0
_LARGEST = 64
# Share of a group's bundles that one batch may take from a worker's fair share: the last ones are spread over all.
_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class Batch:
    """Bundles of one group, on their way to one worker."""

    worker: str
    bundles: tuple[Bundle, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All its cells."""
        return tuple(cell for bundle in self.bundles for cell in bundle.cells)


class Agenda:
    """The bundles that are still to be computed.

    Args:
        bundles: of the sweep.
        attempts: how often a cell is begun, at most.
    """

    def __init__(self, bundles: Iterable[Bundle], attempts: int) -> None:
        self.most = attempts
        self.begun: collections.Counter[str] = collections.Counter()
        self._waiting: dict[str, collections.deque[Bundle]] = {}
        self._alone: collections.deque[Bundle] = collections.deque()
        self._warm: dict[str, set[str]] = {}
        self._seconds: dict[str, float] = {}
        for bundle in bundles:
            self._waiting.setdefault(bundle.group, collections.deque()).append(bundle)

    @property
    def left(self) -> int:
        """Number of bundles that no one has."""
        return len(self._alone) + sum(map(len, self._waiting.values()))

    def next_for(self, worker: str, workers: int) -> Batch | None:
        """What a worker that is free computes next; None where nothing is left.

        Args:
            worker: its name.
            workers: how many there are, so that none is left without work by a large batch.
        """
        if self._alone:
            return self._taken(worker, (self._alone.popleft(),))
        group = self._group_for(worker)
        if group is None:
            return None
        waiting = self._waiting[group]
        size = self._size(group, len(waiting), workers)
        taken = tuple(waiting.popleft() for _ in range(size))
        if not waiting:
            del self._waiting[group]
        return self._taken(worker, taken)

    def finished(self, batch: Batch, seconds: float) -> None:
        """A batch came back after so many seconds."""
        self._seconds[batch.bundles[0].group] = seconds / len(batch.bundles)

    def lost(self, batch: Batch) -> list[Cell]:
        """The worker of a batch died; returns the cells that are given up, the others are begun again, each alone."""
        self._warm.pop(batch.worker, None)
        given_up = [cell for cell in batch.cells if self.begun[cell.key] >= self.most]
        spent = {cell.key for cell in given_up}
        for bundle in batch.bundles:
            self._alone.extend(single for single in bundle.apart() if single.cells[0].key not in spent)
        return given_up

    def _taken(self, worker: str, bundles: tuple[Bundle, ...]) -> Batch:
        self._warm.setdefault(worker, set()).add(bundles[0].group)
        batch = Batch(worker, bundles)
        self.begun.update(cell.key for cell in batch.cells)
        return batch

    def _group_for(self, worker: str) -> str | None:
        """A group that the worker has programs of; else one that no worker has; else the longest."""
        if not self._waiting:
            return None
        warm = self._warm.get(worker, set())
        elsewhere = set().union(*self._warm.values()) if self._warm else set()
        ranks = {group: (group in warm, group not in elsewhere, len(self._waiting[group])) for group in self._waiting}
        return max(ranks, key=lambda group: ranks[group])

    def _size(self, group: str, waiting: int, workers: int) -> int:
        seconds = self._seconds.get(group)
        if seconds is None:
            return 1
        wanted = _LARGEST if seconds <= 0.0 else int(min(_LARGEST, _SECONDS / seconds))
        fair = math.ceil(_SHARE * waiting / max(1, workers))
        return max(1, min(wanted, fair, waiting))
