"""AC-SMFG: the single-loop actor-critic of Stackelberg mean field games, run, recorded, interrupted and resumed."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import jax.numpy as jnp
from jaxtyping import ArrayLike

from smfg_verify.game import AbstractGame, game_hash, traced, validate
from smfg_verify.stochastic import storage
from smfg_verify.stochastic.initial import (
    ITERATE_FIELDS,
    check_checkpoints,
    check_num_iterations,
    check_seeds,
    first_iterate,
    to_lanes,
)
from smfg_verify.stochastic.run import Callback, Run, complete, empty_records
from smfg_verify.stochastic.schedules import Schedule, warn_if_misordered
from smfg_verify.stochastic.trace import Trace, TraceMetadata
from smfg_verify.stochastic.updates import Sampling
from smfg_verify.stochastic.value_bounds import value_bounds


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
    warn_if_misordered(schedule)
    metadata = _metadata(game, schedule, sampling, num_iterations)
    game = traced(game)
    first = first_iterate(game, value_bounds(game), seeds, initial)
    run = Run(game, schedule, metadata, seeds, points, empty_records(first, points.size), 0, to_lanes(first))
    run.record(0, run.iterates)
    return complete(run, path, progress, callback)


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
    state = storage.read(checkpoint_file, group=storage.RESUME_GROUP)
    metadata = trace.metadata
    if metadata.dtype != str(jnp.result_type(float)):
        raise ValueError(
            f"resume: the run of {checkpoint_file} is in {metadata.dtype} and JAX now in {jnp.result_type(float)}; set "
            "jax_enable_x64 as it was."
        )
    current = {name: state[name].values for name in ITERATE_FIELDS}
    points = state["checkpoints"].values
    records = empty_records(current, points.size)
    for name, record in records.items():
        record[:, : trace.iterations.size] = getattr(trace, name)
    if game_hash(game) != metadata.game_hash:
        raise ValueError(
            f"resume: got another game ({type(game).__name__}) than the {metadata.game} of {checkpoint_file}; expected "
            "the same class, parameters and structure, since the run would otherwise change game half-way."
        )
    schedule = Schedule.from_constants(metadata.step_constants)
    done = int(state.attrs["iterations_done"])
    run = Run(traced(game), schedule, metadata, trace.seeds, points, records, done, to_lanes(current))
    return complete(run, Path(checkpoint_file), progress, callback)


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
    constants = schedule.constants()
    return TraceMetadata(
        game=type(game).__name__,
        game_hash=game_hash(game),
        sampling=sampling,
        leader_step=constants["leader"],
        mean_field_step=constants["mean_field"],
        follower_step=constants["follower"],
        critic_step=constants["critic"],
        num_iterations=num_iterations,
        dtype=str(jnp.result_type(float)),
        package_version=storage.package_version(),
    )
