"""Runs in groups, one compiled call each: arrays of all seeds to lanes and back."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Shaped

from smfg_verify.game import AbstractGame
from smfg_verify.processors import processors
from smfg_verify.stochastic.iterate import Iterate
from smfg_verify.stochastic.method import Carry

# Runs that one compiled call advances: side by side, or in turn. The width is the same whatever the number of seeds, so
# that another one does not recompile and a seed's bits do not depend on its company. Two groups of 32 on two threads
# take 0.55 of the time of one group of 64, which XLA runs on one.
LANES = 32
# Fewer where the tables of a run are large: a group that is not full takes the memory of one that is.
_ENTRIES_A_GROUP = 2**22

ITERATE_FIELDS = tuple(Iterate.__dataclass_fields__)
# Before the name of what a method remembers, where it stands beside the fields of the iterate.
MEMORY_PREFIX = "memory_"


class Groups(NamedTuple):
    """How many runs there are in each group.

    Attributes:
        sizes: runs of each group, in order, each at most `capacity`.
        capacity: lanes of a group; those past its runs hold copies of its last one.
    """

    sizes: tuple[int, ...]
    capacity: int

    @classmethod
    def of(cls, num_runs: int, capacity: int, *, in_turn: bool) -> "Groups":
        """Groups of some runs.

        Args:
            num_runs: how many there are.
            capacity: the most of a group.
            in_turn: whether a group's runs go one after another: as many equal groups as use all processors then, where
                runs side by side cost the same however few they are.

        Returns:
            The groups.
        """
        count = math.ceil(num_runs / capacity)
        if in_turn:
            threads = processors()
            count = min(num_runs, threads * math.ceil(num_runs / (capacity * threads)))
            ends = [num_runs * k // count for k in range(count + 1)]
        else:
            ends = [min(capacity * k, num_runs) for k in range(count + 1)]
        return cls(tuple(end - start for start, end in itertools.pairwise(ends)), capacity)

    def split(self, array: Shaped[np.ndarray, " runs *shape"]) -> list[Shaped[np.ndarray, " lanes *shape"]]:
        """The rows of each group, filled up with copies of its last."""
        ends = np.cumsum(self.sizes)
        parts = np.split(array, ends[:-1])
        return [np.concatenate([part, np.repeat(part[-1:], self.capacity - len(part), axis=0)]) for part in parts]

    def join(self, parts: Sequence[np.ndarray], axis: int) -> np.ndarray:
        """All runs' arrays out of the groups'; the inverse of `split` where `axis` is 0."""
        lanes = zip(parts, self.sizes, strict=True)
        return np.concatenate([part.take(range(size), axis=axis) for part, size in lanes], axis=axis)

    def to_lanes(self, values: Mapping[str, np.ndarray]) -> list[Carry]:
        """Arrays by name, runs first, as one carry a group, lanes last, on the device."""
        split = {name: self.split(array) for name, array in values.items()}
        return [_carry({name: parts[k] for name, parts in split.items()}) for k in range(len(self.sizes))]

    def from_lanes(self, carries: Sequence[Carry]) -> dict[str, np.ndarray]:
        """The inverse of `to_lanes`: arrays by name, (runs, ...), on the host."""
        host = [_named(carry) for carry in jax.device_get(list(carries))]
        return {name: np.moveaxis(self.join([named[name] for named in host], -1), -1, 0) for name in host[0]}


def capacity(game: AbstractGame) -> int:
    """Lanes of a group for a game: by its size, so that a seed's bits are a function of game and seed."""
    entries = game.num_states * (game.num_follower_actions + 3)
    return max(1, min(LANES, _ENTRIES_A_GROUP // entries))


def one_lane(values: Mapping[str, np.ndarray]) -> Carry:
    """The first run's arrays as a carry of one lane."""
    return _carry({name: array[:1] for name, array in values.items()})


def _carry(values: Mapping[str, np.ndarray]) -> Carry:
    arrays = {name: jnp.asarray(np.moveaxis(array, 0, -1)) for name, array in values.items()}
    iterate = Iterate(**{name: arrays.pop(name) for name in ITERATE_FIELDS})
    return Carry(iterate, {name.removeprefix(MEMORY_PREFIX): array for name, array in arrays.items()})


def _named(carry: Carry) -> dict[str, np.ndarray]:
    iterate = {name: getattr(carry.iterate, name) for name in ITERATE_FIELDS}
    return iterate | {MEMORY_PREFIX + name: array for name, array in carry.memory.items()}
