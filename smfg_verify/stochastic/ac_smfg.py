"""AC-SMFG: the single-loop actor-critic of Stackelberg mean field games, run, recorded, interrupted and resumed."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from smfg_verify.game import AbstractGame, traced, validate
from smfg_verify.stochastic import storage
from smfg_verify.stochastic.advance import advance
from smfg_verify.stochastic.initial import (
    check_checkpoints,
    check_num_iterations,
    check_seeds,
    first_iterate,
    from_lanes,
    seed_groups,
    to_lanes,
)
from smfg_verify.stochastic.schedules import Schedule
from smfg_verify.stochastic.storage import RESUME_GROUP
from smfg_verify.stochastic.trace import Trace, TraceMetadata
from smfg_verify.stochastic.updates import Iterate, Sampling
from smfg_verify.stochastic.value_bounds import value_bounds

Callback = Callable[[int], None]

_CHUNK_SECONDS = 1.0
_FIRST_CHUNK = 256
# Between two saves: at most this long without one, and at least this long where checkpoints come thick.
_SAVE_SECONDS = 10.0
_SAVE_SECONDS_AT_CHECKPOINT = 2.0


def ac_smfg(
    game: AbstractGame,
    *,
    num_iterations: int,
    seeds: Iterable[int],
    schedule: Schedule | None = None,
    sampling: Sampling = "markov",
    checkpoints: int | Iterable[int] = 60,
    initial: Mapping[str, ArrayLike] | None = None,
    checkpoint_file: str | os.PathLike[str] | None = None,
    progress: bool = False,
    callback: Callback | None = None,
) -> Trace:
    r"""Run AC-SMFG on a game for several seeds side by side, and record every iterate at the checkpoints.

    One iteration samples one transition for both players' critics and policies and one for the mean field:
    $\omega \mathrel{+}= \zeta_k \delta_l \nabla \log\phi(b|s)$, $\theta \mathrel{+}= \alpha_k \delta_f \nabla
    \log\pi(a|s)$, $V(s) \mathrel{+}= \beta_k \delta$ projected to a box, $\hat\mu \mathrel{+}= \xi_k (e_{\bar s} -
    \hat\mu)$; see `smfg_verify.stochastic.updates.update`. The result is a function of the arguments alone: a seed's
    numbers do not depend on the other seeds, on the checkpoints, or on interruptions.

    Args:
        game: the game; validated first.
        num_iterations: number of iterations, >= 1.
        seeds: distinct integers in [0, 2**32).
        schedule: step sizes; `Schedule()` if None. A broken order of the time scales warns.
        sampling: "markov" (two chains, the algorithm) or "iid" (s from the exact occupancy, s_bar from the exact
            stationary law of the current policies at mu_hat: the simplified algorithm used in analyses).
        checkpoints: how many iterations to record, at 0 and log-spaced from 1, or the iterations themselves; the
            last iteration is always recorded.
        initial: arrays by name of the field of `Iterate` (leader_logits, follower_logits, leader_critic,
            follower_critic, mean_field, occupancy_state, population_state) that replace the first iterate's, each for
            one run or with a leading axis of seeds.
        checkpoint_file: a new file ending in .nc. The run is saved there at the start, every few seconds, at the end,
            and when it is interrupted; `resume` continues it and `Trace.load` reads what is recorded so far.
        progress: show a progress bar on standard error.
        callback: called between chunks (about one second of work) with the iterations done.

    Returns:
        The trace. A seed whose iterates stop being finite is marked in `Trace.diverged`, the others go on.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: AC-SMFG of Zeng et al., "Learning in Stackelberg Mean Field Games" (arXiv 2509.15392).
    """
    if sampling not in ("markov", "iid"):
        raise ValueError(f"sampling: got {sampling!r}, expected 'markov' or 'iid'.")
    schedule = Schedule() if schedule is None else schedule
    if not isinstance(schedule, Schedule):
        raise ValueError(f"schedule: got {type(schedule).__name__}, expected smfg_verify.stochastic.Schedule.")
    num_iterations = check_num_iterations(num_iterations)
    seeds = check_seeds(seeds)
    points = check_checkpoints(checkpoints, num_iterations)
    path = None if checkpoint_file is None else _new_file(checkpoint_file)
    validate(game)
    schedule.warn_if_misordered()
    metadata = _metadata(game, schedule, sampling, num_iterations)
    game = traced(game)
    first = first_iterate(game, value_bounds(game), seeds, initial)
    run = _Run(game, schedule, metadata, seeds, points, _empty_records(first, points.size), 0, to_lanes(first))
    run.record(0, run.iterates)
    return _complete(run, path, progress, callback)


def resume(
    game: AbstractGame,
    checkpoint_file: str | os.PathLike[str],
    *,
    progress: bool = False,
    callback: Callback | None = None,
) -> Trace:
    """Continue a run from its checkpoint file to the same final bits as if it had never stopped.

    Args:
        game: the same game, parameters included.
        checkpoint_file: the file given to `ac_smfg`; it goes on being saved to. A finished run is returned as it is.
        progress: show a progress bar on standard error.
        callback: called between chunks with the iterations done.

    Returns:
        The trace of the whole run.

    Raises:
        ValueError: the file is missing, truncated, foreign or of another schema version, or was written for another
            game or floating type.
    """
    validate(game)
    trace = Trace.load(checkpoint_file)
    state = storage.read(checkpoint_file, group=RESUME_GROUP)
    metadata = trace.metadata
    if storage.game_hash(game) != metadata.game_hash:
        raise ValueError(
            f"resume: got another game ({type(game).__name__}) than the {metadata.game} of {checkpoint_file}; expected "
            "the same class, parameters and structure, since the run would otherwise change game half-way."
        )
    if metadata.dtype != str(jnp.result_type(float)):
        raise ValueError(
            f"resume: the run of {checkpoint_file} is in {metadata.dtype} and JAX now in {jnp.result_type(float)}; set "
            "jax_enable_x64 as it was."
        )
    current = {name: state[name].values for name in Iterate.__dataclass_fields__}
    points = state["checkpoints"].values
    records = _empty_records(current, points.size)
    for name, record in records.items():
        record[:, : trace.iterations.size] = getattr(trace, name)
    constants = (metadata.leader_step, metadata.mean_field_step, metadata.follower_step, metadata.critic_step)
    done = int(state.attrs["iterations_done"])
    run = _Run(traced(game), Schedule(*constants), metadata, trace.seeds, points, records, done, to_lanes(current))
    return _complete(run, Path(checkpoint_file), progress, callback)


@dataclasses.dataclass
class _Run:
    """A run in progress: what it is, what it has recorded, and where it stands."""

    game: AbstractGame
    schedule: Schedule
    metadata: TraceMetadata
    seeds: np.ndarray
    checkpoints: np.ndarray
    records: dict[str, np.ndarray]
    done: int
    iterates: list[Iterate]

    def __post_init__(self) -> None:
        self.bounds = value_bounds(self.game)
        self.groups = [jnp.asarray(group) for group in seed_groups(self.seeds)]

    def advance_to(self, target: int) -> None:
        """Run until `target`, record it if it is a checkpoint, and only then take the new position."""
        span = (jnp.asarray(self.done, jnp.int32), jnp.asarray(target, jnp.int32))
        sampling = self.metadata.sampling
        pairs = zip(self.groups, self.iterates, strict=True)
        iterates = [
            advance(self.game, self.bounds, self.schedule, sampling, group, iterate, *span) for group, iterate in pairs
        ]
        jax.block_until_ready(iterates)
        self.record(target, iterates)
        # An interrupt before this line repeats the chunk, one after it does not: the recorded bits are the same.
        self.done, self.iterates = target, iterates

    def record(self, iteration: int, iterates: list[Iterate]) -> None:
        position = int(np.searchsorted(self.checkpoints, iteration))
        if self.checkpoints[position] != iteration:
            return
        for name, values in from_lanes(iterates, self.seeds.size).items():
            self.records[name][:, position] = values

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
            for name, values in from_lanes(self.iterates, self.seeds.size).items()
        }
        state["checkpoints"] = (("checkpoint",), self.checkpoints)
        position = xarray.Dataset(state, attrs={"iterations_done": self.done})
        storage.write_netcdf(path, {None: dataset, RESUME_GROUP: position})


def _complete(run: _Run, path: Path | None, progress: bool, callback: Callback | None) -> Trace:
    """Run to the end in chunks; whatever ends it early, leave a checkpoint file behind."""
    try:
        with _progress_bar(run.metadata.num_iterations, progress) as show:
            _run_chunks(run, path, lambda done: [report(done) for report in (show, callback) if report is not None])
    except BaseException:
        if path is not None:
            run.save(path)
        raise
    if path is not None:
        run.save(path)
    return run.trace()


def _run_chunks(run: _Run, path: Path | None, report: Callable[[int], object]) -> None:
    if path is not None:
        run.save(path)
    chunk, last_save = _FIRST_CHUNK, time.monotonic()
    while run.done < run.metadata.num_iterations:
        next_checkpoint = int(run.checkpoints[np.searchsorted(run.checkpoints, run.done, side="right")])
        target = min(next_checkpoint, run.done + chunk)
        begun, start = time.monotonic(), run.done
        run.advance_to(target)
        now = time.monotonic()
        speed = (target - start) / max(now - begun, 1e-6)
        # The first chunk holds the compilation and short ones are all overhead, so the size grows by steps.
        chunk = int(np.clip(speed * _CHUNK_SECONDS, max(chunk // 8, 1), chunk * 8))
        wait = _SAVE_SECONDS_AT_CHECKPOINT if target == next_checkpoint else _SAVE_SECONDS
        if path is not None and now - last_save >= wait and target < run.metadata.num_iterations:
            run.save(path)
            last_save = time.monotonic()
        report(target)


@contextlib.contextmanager
def _progress_bar(total: int, shown: bool) -> Iterator[Callback | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("AC-SMFG"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("AC-SMFG", total=total)
        yield lambda done: bar.update(task, completed=done)


def _new_file(checkpoint_file: str | os.PathLike[str]) -> Path:
    path = Path(checkpoint_file)
    if path.suffix != ".nc":
        raise ValueError(f"checkpoint_file: got {os.fspath(path)!r}, expected a name ending in .nc (netCDF).")
    if path.exists() and path.stat().st_size > 0:
        raise ValueError(
            f"checkpoint_file: {path} exists; resume(game, checkpoint_file) continues it, or delete it to start anew."
        )
    return path


def _metadata(game: AbstractGame, schedule: Schedule, sampling: Sampling, num_iterations: int) -> TraceMetadata:
    return TraceMetadata(
        game=type(game).__name__,
        game_hash=storage.game_hash(game),
        sampling=sampling,
        **{f"{name}_step": value for name, value in schedule.constants().items()},
        num_iterations=num_iterations,
        dtype=str(jnp.result_type(float)),
        package_version=storage.package_version(),
    )


def _empty_records(first: Mapping[str, np.ndarray], num_checkpoints: int) -> dict[str, np.ndarray]:
    return {
        name: np.zeros((values.shape[0], num_checkpoints, *values.shape[1:]), values.dtype)
        for name, values in first.items()
    }
