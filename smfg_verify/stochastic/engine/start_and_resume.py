"""Starting a run of any method, and resuming one from its checkpoint file."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Required, TypedDict

import jax.numpy as jnp
from jaxtyping import ArrayLike

from smfg_verify.errors import InputError
from smfg_verify.files import require_place
from smfg_verify.game import AbstractGame, game_hash, game_name, require_source_agrees, traced, validate
from smfg_verify.progress import Callback, told
from smfg_verify.records.codec import encode
from smfg_verify.records.documents import line
from smfg_verify.records.frozen import thawed
from smfg_verify.stochastic.engine import storage
from smfg_verify.stochastic.engine.groups import ITERATE_FIELDS, MEMORY_PREFIX
from smfg_verify.stochastic.engine.initial import (
    check_checkpoints,
    check_num_iterations,
    check_seeds,
    first_iterate,
    repeated_memory,
)
from smfg_verify.stochastic.engine.run import Run, complete, empty_records
from smfg_verify.stochastic.method import Method, method_named
from smfg_verify.stochastic.trace import Trace, TraceMetadata
from smfg_verify.stochastic.value_bounds import value_bounds
from smfg_verify.version import __version__


class RunOptions(TypedDict, total=False):
    """Options that every method's run takes, as in `ac_smfg`."""

    num_iterations: Required[int]
    seeds: Required[Iterable[int]]
    checkpoints: int | Iterable[int]
    initial: Mapping[str, ArrayLike] | None
    checkpoint_file: str | os.PathLike[str] | None
    overwrite: bool
    progress: bool
    callback: Callback | None


def run_method(
    game: AbstractGame,
    method: Method,
    *,
    num_iterations: int,
    seeds: Iterable[int],
    checkpoints: int | Iterable[int] = 60,
    initial: Mapping[str, ArrayLike] | None = None,
    checkpoint_file: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: bool = False,
    callback: Callback | None = None,
) -> Trace:
    """Run a method on a game for several seeds side by side, and record every iterate at the checkpoints.

    The result is a function of the arguments alone: a seed's numbers do not depend on the other seeds, on the
    checkpoints, or on interruptions.

    Args:
        game: the game; validated first.
        method: a registered method.
        num_iterations, seeds, checkpoints, initial, checkpoint_file, overwrite, progress, callback: as in `ac_smfg`.

    Returns:
        The trace. A seed whose iterates stop being finite is marked in `Trace.diverged`, the others go on.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Examples:
        >>> from smfg_verify import Schedule, games
        >>> from smfg_verify.stochastic import run_method
        >>> from smfg_verify.stochastic.baselines import NestedLoop
        >>> method = NestedLoop(schedule=Schedule(), inner_iterations=5, leader_samples=1)
        >>> run_method(games.load("laffer-tax"), method, num_iterations=2, seeds=[0], checkpoints=[1]).metadata.method
        'nested-loop'
    """
    num_iterations = check_num_iterations(num_iterations)
    seeds = check_seeds(seeds)
    points = check_checkpoints(checkpoints, num_iterations)
    path = None if checkpoint_file is None else _new_file(checkpoint_file, overwrite)
    validate(game)
    metadata = _metadata(game, method, num_iterations)
    game = traced(game)
    bounds = value_bounds(game)
    first = first_iterate(game, bounds, seeds, initial)
    records = empty_records(first, points.size)
    current = first | repeated_memory(method.first_memory(game), seeds.size)
    run = Run(game, bounds, method, metadata, seeds, points, records, 0, current)
    run.record(0, run.carries)
    return _completed(run, path, progress, callback)


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
        checkpoint_file: the file given to the method; it goes on being saved to. A finished run is returned as it is.
        progress: show a progress bar on standard error.
        callback: called between chunks with the iterations done.

    Returns:
        The trace of the whole run.

    Raises:
        ValueError: the file is missing, truncated, foreign or of another schema version, or was written for another
            game or floating type, or by a method that is not registered.

    Examples:
        >>> from smfg_verify import ac_smfg, games, resume
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10], checkpoint_file="run.nc")
        >>> bool((resume(game, "run.nc").leader_logits == trace.leader_logits).all())
        True
    """
    validate(game)
    trace = Trace.load(checkpoint_file)
    state = storage.read(checkpoint_file, group=storage.RESUME_GROUP)
    metadata = trace.metadata
    if metadata.dtype != str(jnp.result_type(float)):
        raise InputError(
            f"resume: the run of {checkpoint_file} is in {metadata.dtype} and JAX now in {jnp.result_type(float)}; set "
            "jax_enable_x64 as it was."
        )
    kept = [name for name in state.variables if name in ITERATE_FIELDS or str(name).startswith(MEMORY_PREFIX)]
    current = {str(name): state[name].values for name in kept}
    points = state["checkpoints"].values
    records = empty_records({name: current[name] for name in ITERATE_FIELDS}, points.size)
    for name, record in records.items():
        record[:, : trace.iterations.size] = getattr(trace, name)
    if game_hash(game) != metadata.game_hash:
        raise InputError(
            f"resume: got another game ({game_name(game)}) than the {metadata.game} of {checkpoint_file}; expected "
            "the same class, parameters and structure, since the run would otherwise change game half-way."
        )
    method = method_named(metadata.method).from_options(metadata.options)
    done = int(state.attrs["iterations_done"])
    game = traced(game)
    run = Run(game, value_bounds(game), method, metadata, trace.seeds, points, records, done, current)
    return _completed(run, Path(checkpoint_file), progress, callback)


def _completed(run: Run, path: Path | None, bar: bool, callback: Callback | None) -> Trace:
    with told(f"{run.metadata.method} iterations", run.metadata.num_iterations, bar=bar, callback=callback) as report:
        return _confirmed(run.game, complete(run, path, report))


def _confirmed(game: AbstractGame, trace: Trace) -> Trace:
    """The trace, unless the code that the game's tables were read from says something else at its first or last mean
    fields: the file, if any, is kept."""
    require_source_agrees(game, trace.mean_field[:, [0, -1]])
    return trace


def _new_file(checkpoint_file: str | os.PathLike[str], overwrite: bool) -> Path:
    path = Path(checkpoint_file)
    if path.suffix != ".nc":
        raise InputError(f"checkpoint_file: got {os.fspath(path)!r}, expected a name ending in .nc (netCDF).")
    require_place(path)
    if not overwrite and path.exists() and path.stat().st_size > 0:
        raise InputError(
            f"checkpoint_file: {path} exists; resume(game, checkpoint_file) continues it, or delete it to start anew."
        )
    return path


def _metadata(game: AbstractGame, method: Method, num_iterations: int) -> TraceMetadata:
    return TraceMetadata(
        game=game_name(game),
        game_hash=game_hash(game),
        method=method.name,
        method_options=line(encode(thawed(method.options()))),
        num_iterations=num_iterations,
        dtype=str(jnp.result_type(float)),
        package_version=__version__,
        transitions_per_iteration=method.transitions_per_iteration(game),
    )
