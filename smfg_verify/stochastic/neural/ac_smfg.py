"""AC-SMFG with function approximation: checked inputs, a run of several seeds, its record."""

from collections.abc import Iterable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, ArrayLike, Float, UInt

from smfg_verify.errors import InputError
from smfg_verify.game import as_parameter
from smfg_verify.games.continuous_linear_quadratic import ContinuousLinearQuadratic
from smfg_verify.stochastic.engine.initial import check_checkpoints, check_num_iterations, check_seeds
from smfg_verify.stochastic.neural.network_advance import LANES, advance, first_iterates, snapshot
from smfg_verify.stochastic.neural.network_trace import NeuralTrace
from smfg_verify.stochastic.neural.network_updates import Iterate
from smfg_verify.stochastic.neural.networks import AbstractNetworks, MLPNetworks
from smfg_verify.stochastic.schedules import Schedule, warn_if_misordered

# Step constants of leader, mean field, follower and critics; networks take smaller ones than tables do.
_DEFAULT_STEPS = (0.02, 0.05, 0.05, 0.1)
# One object, so that two runs by default share their compilation.
_ADAM = optax.scale_by_adam()


def neural_ac_smfg(
    game: ContinuousLinearQuadratic,
    *,
    num_iterations: int,
    seeds: Iterable[int],
    networks: AbstractNetworks | None = None,
    schedule: Schedule | Sequence[Schedule] | None = None,
    delay: int = 400,
    optimiser: optax.GradientTransformation | None = None,
    num_chains: int = 32,
    checkpoints: int | Iterable[int] = 30,
    positions: Float[ArrayLike, " m"] | None = None,
    leader_logits: Float[ArrayLike, " B"] | None = None,
) -> NeuralTrace:
    r"""Run single-loop AC-SMFG with learned functions in place of tables, for several seeds side by side.

    See `smfg_verify.stochastic.neural.network_updates`. The step sizes are $c / \sqrt{k + 1 + k_0}$; they scale
    the optimiser's moves, so with Adam a constant says how far a parameter may go in an iteration, whatever the size of
    the rewards. The result is a function of the arguments alone: a seed's numbers do not depend on the other seeds or
    on the checkpoints.

    Args:
        game: the game.
        num_iterations: number of iterations, >= 1.
        seeds: distinct integers in [0, 2**32).
        networks: which functions are learned; `MLPNetworks()` if None.
        schedule: step sizes, one for all seeds or one a seed; constants 0.02 (leader), 0.05 (mean field), 0.05
            (follower) and 0.1 (critics) if None. A leader's constant of 0 freezes the leader. A broken order warns.
        delay: k_0, >= 0. Networks do not bear the first steps of $c / \sqrt{k + 1}$ with a c that serves later.
        optimiser: from the directions of AC-SMFG to moves of unit step size; `optax.scale_by_adam()` if None, and
            `optax.identity()` for the plain directions.
        num_chains: chains of each kind that a run moves side by side, >= 1; the paper's algorithm has 1.
        checkpoints: as in `smfg_verify.stochastic.ac_smfg`.
        positions: where to record the learned functions, lengths, (m,); the grid's positions if None.
        leader_logits: the first omega, (B,); 0 if None.

    Returns:
        The trace. A seed whose iterates stop being finite is marked in `NeuralTrace.diverged`, the others go on.

    Raises:
        ValueError: a bad argument; what was got, what was expected and the likely cause.

    Source: AC-SMFG of Zeng et al. (arXiv 2509.15392); networks, chains side by side and optimiser are our choices.
    """
    num_iterations = check_num_iterations(num_iterations)
    seeds = check_seeds(seeds)
    points = check_checkpoints(checkpoints, num_iterations)
    optimiser = _ADAM if optimiser is None else optimiser
    networks = MLPNetworks() if networks is None else networks
    _check_kinds(game, networks, optimiser)
    for name, value, least in (("delay", delay, 0), ("num_chains", num_chains, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{name}: got {value!r}, expected an integer >= {least}.")
    schedules = _schedules(schedule, seeds.size)
    places = _vector("positions", game.grid.positions if positions is None else positions, None)
    size = game.num_leader_actions
    logits = _vector("leader_logits", np.zeros(size) if leader_logits is None else leader_logits, size)
    groups = []
    for first in range(0, seeds.size, LANES):
        lanes = np.minimum(np.arange(first, first + LANES), seeds.size - 1)
        group, steps = jnp.asarray(seeds[lanes]), jax.tree.map(lambda leaf, chosen=lanes: leaf[chosen], schedules)
        start = first_iterates(game, networks, optimiser, logits, group, num_chains)
        groups.append(_run(game, optimiser, steps, delay, group, start, points, places))
    return _trace(groups, seeds, points, places)


class _Group(eqx.Module):
    """What `LANES` runs leave: arrays by name, (lanes, C, ...), and the last iterate, lanes first."""

    records: dict[str, np.ndarray]
    last: Iterate


def _run(
    game: ContinuousLinearQuadratic,
    optimiser: optax.GradientTransformation,
    schedules: Schedule,
    delay: int,
    seeds: UInt[Array, " lanes"],
    iterate: Iterate,
    points: np.ndarray,
    places: Array,
) -> _Group:
    rows, done = [], 0
    for point in points:
        span = (jnp.asarray(done, jnp.int32), jnp.asarray(point, jnp.int32))
        iterate = advance(game, optimiser, schedules, jnp.asarray(delay, jnp.int32), seeds, iterate, *span)
        rows.append(jax.device_get(snapshot(game, iterate, places)))
        done = point
    return _Group({name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]}, iterate)


def _trace(groups: list[_Group], seeds: np.ndarray, points: np.ndarray, places: Float[Array, " m"]) -> NeuralTrace:
    def joined(*leaves: object) -> object:
        """Arrays of the groups as one; what else an iterate holds, such as an activation, is the same in all."""
        arrays = [leaf for leaf in leaves if isinstance(leaf, (jax.Array, np.ndarray))]
        return np.concatenate(arrays)[: seeds.size] if arrays else leaves[0]

    records = jax.tree.map(joined, *(group.records for group in groups))
    players = jax.tree.map(joined, *(jax.device_get(group.last.players) for group in groups))
    arrays = [*records.values(), *jax.tree.leaves(eqx.filter(players, eqx.is_array))]
    finite = [np.isfinite(array).reshape(seeds.size, -1).all(axis=1) for array in arrays]
    return NeuralTrace(seeds, points, np.asarray(places), **records, diverged=~np.all(finite, axis=0), players=players)


def _check_kinds(game: object, networks: object, optimiser: object) -> None:
    expected = {
        "game": (game, ContinuousLinearQuadratic),
        "networks": (networks, AbstractNetworks),
        "optimiser": (optimiser, optax.GradientTransformation),
    }
    for name, (value, kind) in expected.items():
        if not isinstance(value, kind):
            raise InputError(f"{name}: got {type(value).__name__}, expected {kind.__module__}.{kind.__name__}.")


def _schedules(schedule: Schedule | Sequence[Schedule] | None, num_seeds: int) -> Schedule:
    """Step sizes with leaves (seeds,)."""
    if schedule is None:
        schedule = Schedule(*map(as_parameter, _DEFAULT_STEPS))
    many = [schedule] * num_seeds if isinstance(schedule, Schedule) else list(schedule)
    if len(many) != num_seeds or not all(isinstance(one, Schedule) for one in many):
        raise InputError(f"schedule: got {schedule!r}, expected one Schedule, or {num_seeds}: one a seed.")
    for one in {id(one): one for one in many}.values():
        warn_if_misordered(one)
    result: Schedule = jax.tree.map(lambda *leaves: jnp.stack(leaves), *many)
    return result


def _vector(name: str, value: ArrayLike, size: int | None) -> Float[Array, " k"]:
    array = np.asarray(value, dtype=float)
    if array.ndim != 1 or array.size == 0 or (size is not None and array.size != size) or not np.isfinite(array).all():
        wanted = "one or more finite numbers" if size is None else f"{size} finite numbers"
        raise InputError(f"{name}: got shape {array.shape}, minimum {array.min(initial=np.inf):g}, expected {wanted}.")
    return as_parameter(array)
