"""A run in progress: chunks, records, and the file it is saved to."""

import dataclasses
import functools
import time
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt

from smfg_verify.game import AbstractGame
from smfg_verify.progress import Callback
from smfg_verify.stochastic.engine import storage
from smfg_verify.stochastic.engine.advance import advance_on_thread, goes_in_turn
from smfg_verify.stochastic.engine.groups import Groups, capacity, one_lane
from smfg_verify.stochastic.engine.threads import CompiledThenThreads
from smfg_verify.stochastic.method import Carry, Method
from smfg_verify.stochastic.trace import Trace, TraceMetadata
from smfg_verify.stochastic.value_bounds import ValueBounds

# The least that a clock tells apart, about, in seconds.
_TICK = 1e-6
# A chunk is long enough for its call not to count, short enough for a person to see progress; its size follows the
# speed seen by this factor at most.
_CHUNK_SECONDS = 1.0
_FIRST_CHUNK = 64
_LARGEST_CHANGE = 8
# Between two saves: at most this long without one, and at least this long where checkpoints come thick.
_SAVE_SECONDS = 10.0
_SAVE_SECONDS_AT_CHECKPOINT = 2.0


@dataclasses.dataclass
class Run:
    """A run in progress: what it is, what it has recorded, and where it stands.

    `bounds` are `value_bounds(game)`; `current` holds the carries of all seeds by name, as in a checkpoint file, at
    iteration `done`.
    """

    game: AbstractGame
    bounds: ValueBounds
    method: Method
    metadata: TraceMetadata
    seeds: np.ndarray
    checkpoints: np.ndarray
    records: dict[str, np.ndarray]
    done: int
    current: dataclasses.InitVar[Mapping[str, np.ndarray]]

    def __post_init__(self, current: Mapping[str, np.ndarray]) -> None:
        self.in_turn = goes_in_turn(self.game, self.bounds, self.method, one_lane(current))
        self.groups = Groups.of(self.seeds.size, capacity(self.game), in_turn=self.in_turn)
        self.keys = [jnp.asarray(group) for group in self.groups.split(self.seeds)]
        self.carries = self.groups.to_lanes(current)

    def advanced(self, seeds: UInt[Array, " lanes"], carry: Carry, size: int, target: int) -> Carry:
        """One group of seeds after `target` iterations; a target already reached only compiles."""
        job = (self.game, self.bounds, self.method, seeds, carry, self.done, target, size)
        return advance_on_thread(*job, in_turn=self.in_turn, float64=self.metadata.dtype == "float64")

    def advance_to(self, target: int, threads: CompiledThenThreads) -> None:
        """Run until `target`, record it if it is a checkpoint, and only then take the new position."""
        advanced = functools.partial(self.advanced, target=target)
        carries = list(threads.map(advanced, self.keys, self.carries, self.groups.sizes))
        self.record(target, carries)
        # An interrupt before this line repeats the chunk, one after it does not: the recorded bits are the same.
        self.done, self.carries = target, carries

    def record(self, iteration: int, carries: list[Carry]) -> None:
        position = int(np.searchsorted(self.checkpoints, iteration))
        if self.checkpoints[position] != iteration:
            return
        stood_for = [Carry(self.method.iterate(carry), {}) for carry in carries]
        current = self.groups.from_lanes(stood_for)
        for name, record in self.records.items():
            record[:, position] = current[name]

    def trace(self) -> Trace:
        """What is recorded so far."""
        reached = int(np.searchsorted(self.checkpoints, self.done, side="right"))
        arrays = {name: record[:, :reached] for name, record in self.records.items()}
        finite = [np.isfinite(array).reshape(self.seeds.size, -1).all(axis=1) for array in arrays.values()]
        return Trace(
            seeds=self.seeds,
            iterations=self.checkpoints[:reached],
            **arrays,
            diverged=~np.all(finite, axis=0),
            metadata=self.metadata,
        )

    def save(self, path: Path) -> None:
        import xarray

        trace = self.trace()
        dataset = trace.to_xarray()
        state = {
            name: (("seed", *(f"{name}_{axis}" for axis in range(1, values.ndim))), values)
            for name, values in self.groups.from_lanes(self.carries).items()
        }
        state["checkpoints"] = (("checkpoint",), self.checkpoints)
        position = xarray.Dataset(state, attrs={"iterations_done": self.done})
        storage.write_netcdf(path, {None: dataset, storage.RESUME_GROUP: position})


def complete(run: Run, path: Path | None, report: Callback) -> Trace:
    """Run to the end in chunks; whatever ends it early, leave a checkpoint file behind."""
    try:
        with CompiledThenThreads(len(run.carries)) as threads:
            _run_chunks(run, threads, path, report)
    except BaseException:
        if path is not None:
            run.save(path)
        raise
    if path is not None:
        run.save(path)
    return run.trace()


def _run_chunks(run: Run, threads: CompiledThenThreads, path: Path | None, report: Callback) -> None:
    # No iteration, so that speeds are not of compiling.
    threads.alone(run.advanced, run.keys[0], run.carries[0], run.groups.sizes[0], run.done)
    if path is not None:
        run.save(path)
    chunk, last_save = _FIRST_CHUNK, time.monotonic()
    while run.done < run.metadata.num_iterations:
        next_checkpoint = int(run.checkpoints[np.searchsorted(run.checkpoints, run.done, side="right")])
        target = min(next_checkpoint, run.done + chunk)
        begun, start = time.monotonic(), run.done
        run.advance_to(target, threads)
        now = time.monotonic()
        speed = (target - start) / max(now - begun, _TICK)
        # The speed seen over a short chunk is a poor guess, so the size changes by steps.
        chunk = int(np.clip(speed * _CHUNK_SECONDS, max(chunk // _LARGEST_CHANGE, 1), chunk * _LARGEST_CHANGE))
        wait = _SAVE_SECONDS_AT_CHECKPOINT if target == next_checkpoint else _SAVE_SECONDS
        if path is not None and now - last_save >= wait and target < run.metadata.num_iterations:
            run.save(path)
            last_save = time.monotonic()
        report(target)


def empty_records(first: Mapping[str, np.ndarray], num_checkpoints: int) -> dict[str, np.ndarray]:
    """Arrays for the records of a run, (seeds, checkpoints, ...) for each array (seeds, ...) of its iterate."""
    return {
        name: np.zeros((values.shape[0], num_checkpoints, *values.shape[1:]), values.dtype)
        for name, values in first.items()
    }
