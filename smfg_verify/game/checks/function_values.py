"""The values of a game's three functions: finite, probabilities where they must be, and of the declared dependence."""

import functools
import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, AnyArray, mean_field_shape
from smfg_verify.game.checks.value_causes import cause_of_infinite, cause_of_row_sum
from smfg_verify.game.compiling import compiled_for_game
from smfg_verify.game.tables import over_indices, reads

_MAX_VERTICES, _MIN_VERTICES = 1024, 16
# Entries of a function's tables over all vertices tried, so that a large game of local moves is checked in seconds.
_MAX_ENTRIES = 2**28
_NUM_RANDOM_FIELDS = 16
# Entries of a mean field up to which its test fields are kept for the next game of that size.
_LARGEST_KEPT = 2**14
SIZES = ("num_states", "num_follower_actions", "num_leader_actions")


# Module-level, so that their identity is stable and the jitted check compiles once for all games of a structure.
FUNCTIONS: dict[str, Callable[..., Array]] = {
    "transition": lambda g, s, a, b, m: jnp.asarray(g.transition(s, a, b, m)),
    "follower_reward": lambda g, s, a, b, m: jnp.asarray(g.follower_reward(s, a, b, m)),
    "leader_reward": lambda g, s, a, b, m: jnp.asarray(g.leader_reward(s, a, b, m)),
}


def check_function_values(game: AbstractGame) -> None:
    """Evaluate the functions at vertices and random mean fields, and refuse what breaks the contract.

    Args:
        game: the game, prepared by `traced`, with numbers.

    Raises:
        ValueError: values that are not finite, rows that are no probabilities, or a declared dependence that is not so.
    """
    rows = row_shape(game)
    sizes = tuple(getattr(game, size) for size in SIZES)
    shapes = {name: rows if name == "transition" else () for name in FUNCTIONS}
    made = {shape: _test_fields(mean_field_shape(game), sizes, shape) for shape in set(shapes.values())}
    fields = {name: made[shape] for name, shape in shapes.items()}
    for name, (summaries, bend) in jax.device_get(_extremes(game, fields)).items():
        worst = {**dict(zip(_SUMMARY, summaries.T, strict=True)), "bend": bend}
        _check_values(game, name, worst, fields[name][:2])
        _check_dependence(getattr(game, f"{name}_dependence"), name, worst)


def row_shape(game: AbstractGame) -> tuple[int, ...]:
    """Of a row of the transition: all states, or the successors, which are checked here."""
    successors = getattr(game, "successors", None)
    if successors is None:
        return (game.num_states,)
    # By one compiled program: tracing `successors` again at every choice of numbers would cost more than all it says.
    listed, *ends = _successor_range(game)
    if len(listed.shape) != 1 or not jnp.issubdtype(listed.dtype, jnp.integer):
        raise InputError(f"successors: got {listed.dtype} of shape {listed.shape}, expected a vector of integers.")
    low, high = (int(end) for end in ends)
    if low < 0 or high >= game.num_states:
        raise InputError(
            f"successors: got states from {low} to {high}, expected them in [0, {game.num_states}); likely cause: a "
            "wall that is stepped through."
        )
    result: tuple[int, ...] = listed.shape
    return result


@compiled_for_game
def _successor_range(game: AbstractGame) -> tuple[Array, Array, Array]:
    """The successors of the first pair, which tell shape and type, and the smallest and largest of all."""
    listed = over_indices(game, lambda s, a, b: jnp.asarray(game.successors(s, a, b)))  # type: ignore[attr-defined]
    return listed[0, 0, 0], jnp.min(listed), jnp.max(listed)


def _test_fields(
    field_shape: tuple[int, ...], sizes: tuple[int, ...], result_shape: tuple[int, ...]
) -> tuple[Float[np.ndarray, "V M"], Float[np.ndarray, "R M"], Float[np.ndarray, " R"]]:
    """`_made_fields`; kept where they are small: those of 10^6 states are half a gigabyte."""
    make = _kept_fields if math.prod(field_shape) <= _LARGEST_KEPT else _made_fields
    return make(field_shape, sizes, result_shape)


def _made_fields(
    field_shape: tuple[int, ...], sizes: tuple[int, ...], result_shape: tuple[int, ...]
) -> tuple[Float[np.ndarray, "F M"], Float[np.ndarray, "R M"], Float[np.ndarray, " R"]]:
    """Vertices of the simplex, random mean fields, and mixing weights, from a fixed seed."""
    size = math.prod(field_shape)
    generator = np.random.default_rng(0)
    vertices = np.arange(size)
    entries = math.prod((*sizes, *result_shape))
    affordable = int(np.clip(_MAX_ENTRIES // entries, _MIN_VERTICES, _MAX_VERTICES))
    if size > affordable:
        vertices = generator.choice(size, affordable, replace=False)
    random = generator.dirichlet(np.ones(size), _NUM_RANDOM_FIELDS)
    corners = (vertices[:, None] == np.arange(size)).astype(float)
    return corners, random, generator.random(_NUM_RANDOM_FIELDS)


_kept_fields = functools.lru_cache(maxsize=256)(_made_fields)


# Columns of what `_extremes` returns for each mean field.
_SUMMARY = ("finite", "lowest", "scale", "row_error", "row_sum", "worst_row", "moved")


@compiled_for_game
def _extremes(
    game: AbstractGame, fields: Mapping[str, tuple[AnyArray, AnyArray, AnyArray]]
) -> dict[str, tuple[Array, Array]]:
    """Worst deviations of each function over its test fields; one program for all three."""
    return {name: _extremes_of(game, name, *fields[name]) for name in FUNCTIONS}


def _extremes_of(
    game: AbstractGame, name: str, vertices: AnyArray, random: AnyArray, weights: AnyArray
) -> tuple[Array, Array]:
    """Worst deviations of one function over the test fields; one mean field at a time, to bound memory.

    Only those are looked for that what is declared rules out: the rest of the program is not compiled. What a function
    whose program reads no mean field does at one, it does at all.
    """
    shape, function, declared = mean_field_shape(game), FUNCTIONS[name], getattr(game, f"{name}_dependence")

    def table(field: Array) -> Array:
        return over_indices(game, lambda s, a, b: function(game, s, a, b, field.reshape(shape)))

    reference = table(random[0]) if declared == "none" else None

    def summary(field: Array) -> Array:
        values = table(field)
        total = jnp.sum(values, axis=-1) if values.ndim == 4 else jnp.ones(())
        columns = {
            "finite": jnp.all(jnp.isfinite(values)),
            "lowest": jnp.min(values),
            "scale": jnp.max(jnp.abs(values)),
            "row_error": jnp.max(jnp.abs(total - 1.0)),
            "row_sum": total.ravel()[jnp.argmax(jnp.abs(total - 1.0))],
            "worst_row": jnp.argmax(jnp.abs(total - 1.0)),
            "moved": jnp.zeros(()) if reference is None else jnp.max(jnp.abs(values - reference)),
        }
        return jnp.stack([columns[column].astype(float) for column in _SUMMARY])

    def bend(pair: tuple[Array, Array, Array]) -> Array:
        first, second, weight = pair
        ends = jnp.stack([first, second, weight * first + (1.0 - weight) * second])
        at_first, at_second, between = jax.lax.map(table, ends)
        return jnp.max(jnp.abs(between - weight * at_first - (1.0 - weight) * at_second))

    if not reads(table, jnp.asarray(random[0])):
        once = summary(random[0])
        return jnp.broadcast_to(once, (len(vertices) + len(random), len(_SUMMARY))), jnp.zeros(())
    summaries = jax.lax.map(summary, jnp.concatenate([vertices, random]))
    if declared != "affine":
        return summaries, jnp.zeros(())
    corners = vertices[jnp.arange(random.shape[0]) % vertices.shape[0]]
    return summaries, jnp.max(jax.lax.map(bend, (corners, random, weights)))


def _check_values(
    game: AbstractGame,
    name: str,
    worst: Mapping[str, np.ndarray],
    fields: tuple[Float[np.ndarray, "V M"], Float[np.ndarray, "R M"]],
) -> None:
    if not np.all(worst["finite"]):
        where = int(worst["finite"].argmin())
        number, cause = cause_of_infinite(game, FUNCTIONS[name], _field(fields, where))
        raise InputError(
            f"{name}: got NaN or an infinite number at mean field {_field_name(where, worst)} ({number}), expected "
            f"finite numbers everywhere on the simplex; the likely cause is {cause}."
        )
    if name != "transition":
        return
    where = int(worst["row_error"].argmax())
    if worst["row_error"][where] > (1e-9 if jnp.result_type(float) == jnp.float64 else 1e-5):
        n, actions, leader_actions = (getattr(game, size) for size in SIZES)
        row = tuple(int(i) for i in np.unravel_index(int(worst["worst_row"][where]), (n, actions, leader_actions)))
        raise InputError(
            f"transition: got a row that sums to {worst['row_sum'][where]:.9g} at (state, action, leader action) = "
            f"{row}, mean field {_field_name(where, worst)}, expected 1; the likely cause is "
            f"{cause_of_row_sum(game, FUNCTIONS[name], _field(fields, where), row)}."
        )
    if worst["lowest"].min() < -1e-12:
        where = int(worst["lowest"].argmin())
        raise InputError(
            f"transition: got a probability of {worst['lowest'][where]:.3g} at mean field {_field_name(where, worst)}, "
            "expected no negative entry; mean-field terms must keep every row a distribution at every vertex."
        )


def _field(fields: tuple[Float[np.ndarray, "V M"], Float[np.ndarray, "R M"]], index: int) -> Float[np.ndarray, " M"]:
    """The mean field of a number: vertices first. Not out of one array of all, which takes seconds at 10^6 states."""
    vertices, random = fields
    found: Float[np.ndarray, " M"] = vertices[index] if index < len(vertices) else random[index - len(vertices)]
    return found


def _field_name(index: int, worst: Mapping[str, np.ndarray]) -> str:
    vertices = worst["finite"].shape[0] - _NUM_RANDOM_FIELDS
    return f"vertex {index}" if index < vertices else f"random field {index - vertices} (seed 0)"


def _check_dependence(declared: str, name: str, worst: Mapping[str, np.ndarray]) -> None:
    relative = 1e-9 if jnp.result_type(float) == jnp.float64 else 1e-4
    tolerance = relative * max(1.0, float(worst["scale"].max()))
    if declared == "none" and worst["moved"].max() > tolerance:
        raise InputError(
            f"{name}_dependence: declared 'none', but {name} changes by {worst['moved'].max():.3g} between two mean "
            "fields; declare 'affine' or 'general', or remove the mean field from the function."
        )
    if declared == "affine" and worst["bend"] > tolerance:
        raise InputError(
            f"{name}_dependence: declared 'affine', but {name} differs by {float(worst['bend']):.3g} from its affine "
            "interpolation between two mean fields; declare 'general'."
        )
