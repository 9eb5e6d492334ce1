"""Checked inputs of a run: seeds, checkpoints, and the first iterate."""

from collections.abc import Iterable, Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, UInt

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.stochastic.engine.groups import ITERATE_FIELDS, MEMORY_PREFIX, Groups
from smfg_verify.stochastic.engine.uniforms import seed_uniforms
from smfg_verify.stochastic.method import Memory
from smfg_verify.stochastic.sampling import sample_cumulative
from smfg_verify.stochastic.value_bounds import ValueBounds

# A mean field given in single precision sums to one within this.
_SUM_ERROR = 1e-6
# Iterations are counted in int32, seeds are the low word of a key: the same bits with float64 on or off.
_MAX_ITERATIONS = 2**31 - 256
_MAX_SEED = 2**32 - 1

_SEEDS_A_DRAW = 32


def check_seeds(seeds: Iterable[int]) -> UInt[np.ndarray, " seeds"]:
    """Seeds as uint32.

    Raises:
        ValueError: none, doubled ones, or one that is not an integer in [0, 2**32).
    """
    if not isinstance(seeds, Iterable):
        raise InputError(f"seeds: got {seeds!r}, expected a sequence of integers, such as range(8).")
    values = list(seeds)
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= _MAX_SEED:
            raise InputError(f"seeds: got {value!r}, expected integers in [0, 2**32).")
    if not values:
        raise InputError("seeds: got none, expected at least one integer.")
    if len(set(values)) != len(values):
        doubled = next(value for value in values if values.count(value) > 1)
        raise InputError(f"seeds: got {doubled} more than once, expected distinct seeds; a doubled one repeats a run.")
    return np.asarray(values, dtype=np.uint32)


def check_num_iterations(num_iterations: int) -> int:
    """The number of iterations as a Python int.

    Raises:
        ValueError: not an integer, or out of range.
    """
    valid = isinstance(num_iterations, int | np.integer) and not isinstance(num_iterations, bool)
    if not valid or not 1 <= num_iterations <= _MAX_ITERATIONS:
        raise InputError(f"num_iterations: got {num_iterations!r}, expected an integer in [1, {_MAX_ITERATIONS}].")
    return int(num_iterations)


def check_checkpoints(checkpoints: int | Iterable[int], num_iterations: int) -> Int[np.ndarray, " C"]:
    """Iterations to record, increasing; the last iteration is always among them.

    Args:
        checkpoints: how many, at 0 and spaced evenly in the logarithm from 1 on (fewer where rounding makes two
            coincide), or the iterations themselves.
        num_iterations: the last one.

    Raises:
        ValueError: fewer than 2, or an iteration out of [0, num_iterations].
    """
    if isinstance(checkpoints, bool) or not isinstance(checkpoints, int | np.integer | Iterable):
        raise InputError(f"checkpoints: got {checkpoints!r}, expected a count or a sequence of iterations.")
    if isinstance(checkpoints, int | np.integer):
        if checkpoints < 2:
            raise InputError(f"checkpoints: got {checkpoints}, expected at least 2: the first and the last iterate.")
        spaced = np.rint(np.geomspace(1, num_iterations, int(checkpoints) - 1)).astype(np.int64)
        return np.unique(np.concatenate([[0], spaced, [num_iterations]]))
    values = np.asarray(list(checkpoints))
    if values.ndim != 1 or (values.size and not np.issubdtype(values.dtype, np.integer)):
        raise InputError(f"checkpoints: got {values.dtype} of shape {values.shape}, expected a vector of integers.")
    if values.size and not (values.min() >= 0 and values.max() <= num_iterations):
        raise InputError(
            f"checkpoints: got iterations from {values.min()} to {values.max()}, expected them in "
            f"[0, num_iterations = {num_iterations}]."
        )
    return np.unique(np.append(values.astype(np.int64), num_iterations))


def first_iterate(
    game: AbstractGame,
    bounds: ValueBounds,
    seeds: UInt[np.ndarray, " seeds"],
    initial: Mapping[str, ArrayLike] | None,
) -> dict[str, np.ndarray]:
    r"""The first iterate of every seed, seeds first.

    Zero logits (uniform policies), zero critics, a uniform mean field, and both chains' states drawn from rho with
    the seed; the critics are projected to their boxes.

    Args:
        game: the game, with traced leaves.
        bounds: boxes of the critics.
        seeds: (seeds,).
        initial: replacements by name of the field of `Iterate`, each of the shape of one run or with a leading axis
            of seeds.

    Returns:
        Arrays by name, (seeds, ...).

    Raises:
        ValueError: an unknown name, a wrong shape, a number that is not finite, a mean field that is not a
            distribution, or a state out of range.
    """
    shapes = _shapes(game)
    size = int(np.prod(shapes["mean_field"]))
    dtype = jnp.result_type(float)
    states = _first_states(jnp.asarray(game.initial_distribution), seeds)
    values = {name: np.zeros((seeds.size, *shape), dtype) for name, shape in shapes.items()}
    values["mean_field"] += 1.0 / size
    values["occupancy_state"], values["population_state"] = states
    for name, value in (initial or {}).items():
        if name not in shapes:
            raise InputError(f"initial: got the name {name!r}, expected some of: {', '.join(ITERATE_FIELDS)}.")
        values[name] = _replacement(name, value, shapes[name], seeds.size, values[name].dtype, game)
    for player in ("leader", "follower"):
        lower, upper = (np.asarray(getattr(bounds, f"{player}_{side}")) for side in ("lower", "upper"))
        values[f"{player}_critic"] = np.clip(values[f"{player}_critic"], lower, upper).astype(dtype)
    return values


def _shapes(game: AbstractGame) -> dict[str, tuple[int, ...]]:
    shapes = (
        leader_logits_shape(game),
        (game.num_states, game.num_follower_actions),
        (game.num_states,),
        (game.num_states,),
        mean_field_shape(game),
        (),
        (),
    )
    return dict(zip(ITERATE_FIELDS, shapes, strict=True))


def _replacement(
    name: str, value: object, shape: tuple[int, ...], num_seeds: int, dtype: np.dtype, game: AbstractGame
) -> np.ndarray:
    array = np.asarray(value)
    batched = (num_seeds, *shape)
    if array.shape not in (shape, batched):
        raise InputError(f"initial[{name!r}]: got shape {array.shape}, expected {shape} or {batched} (seeds first).")
    if name.endswith("_state"):
        if not (np.issubdtype(array.dtype, np.integer) and np.all((array >= 0) & (array < game.num_states))):
            raise InputError(f"initial[{name!r}]: expected integers in [0, {game.num_states}), the states of the game.")
    elif not np.all(np.isfinite(array)):
        raise InputError(f"initial[{name!r}]: got NaN or an infinite number, expected finite numbers.")
    if name == "mean_field":
        sums = array.sum(axis=tuple(range(array.ndim - len(shape), array.ndim)))
        if array.min() < 0.0 or np.any(np.abs(sums - 1.0) > _SUM_ERROR):
            raise InputError(
                f"initial['mean_field']: got minimum {array.min():.3g} and sums from {np.min(sums):.9g} to "
                f"{np.max(sums):.9g}, expected non-negative entries that sum to 1."
            )
    return np.broadcast_to(array, batched).astype(dtype)


def _first_states(law: Float[Array, " n"], seeds: UInt[np.ndarray, " seeds"]) -> Int[np.ndarray, "2 seeds"]:
    # A fixed width, so that another number of seeds does not recompile.
    groups = Groups.of(seeds.size, _SEEDS_A_DRAW, in_turn=False)
    drawn = [np.asarray(_draw_states(law, jnp.asarray(group))) for group in groups.split(seeds)]
    return groups.join(drawn, axis=1)


@eqx.filter_jit
def _draw_states(law: Float[Array, " n"], seeds: UInt[Array, " lanes"]) -> Int[Array, "2 lanes"]:
    return sample_cumulative(jnp.cumsum(law), seed_uniforms(seeds))


def repeated_memory(memory: Memory, num_seeds: int) -> dict[str, np.ndarray]:
    """What one run remembers at the start, for every seed, by name with its prefix."""
    return {
        MEMORY_PREFIX + name: np.broadcast_to(np.asarray(value), (num_seeds, *value.shape))
        for name, value in memory.items()
    }
