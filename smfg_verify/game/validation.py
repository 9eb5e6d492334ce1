"""The checks of a game that every entry point runs once, outside jit."""

import collections
import dataclasses
import functools
import inspect
import math
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, is_traced, mean_field_shape, over_indices
from smfg_verify.game.contract_names import check_labels, check_names, require_instance
from smfg_verify.game.derivatives import check_derivatives, custom_rules
from smfg_verify.game.determinism import check_repeatable
from smfg_verify.game.prepared import class_of, fields_of, numbers_of, traced
from smfg_verify.game.user_code import blamed_on_user_code
from smfg_verify.game.value_causes import cause_of_infinite, cause_of_row_sum

# Games already found valid, by identity, with what their functions and numbers were then; only those whose arrays
# cannot be changed in place.
_VALID: dict[int, tuple[weakref.ref, Any, tuple[Any, ...]]] = {}
# Structures (functions and shapes of numbers) already found valid, with the functions whose derivatives are not known
# to be exact.
_STRUCTURES: collections.OrderedDict[Any, tuple[str, ...]] = collections.OrderedDict()
_MAX_STRUCTURES = 1024
_OUTSIDE_KINDS = frozenset(AbstractGame.__mro__)

_MAX_VERTICES, _MIN_VERTICES = 1024, 16
# Entries of a function's tables over all vertices tried, so that a large game of local moves is checked in seconds.
_MAX_ENTRIES = 2**28
_NUM_RANDOM_FIELDS = 16
_SIZES = ("num_states", "num_follower_actions", "num_leader_actions")


# Module-level, so that their identity is stable and the jitted check compiles once for all games of a structure.
_FUNCTIONS: dict[str, Callable] = {
    "transition": lambda g, s, a, b, m: jnp.asarray(g.transition(s, a, b, m)),
    "follower_reward": lambda g, s, a, b, m: jnp.asarray(g.follower_reward(s, a, b, m)),
    "leader_reward": lambda g, s, a, b, m: jnp.asarray(g.leader_reward(s, a, b, m)),
}


def validate(game: AbstractGame) -> None:
    """Check that a game satisfies its contract, or say what does not.

    Rows, rewards and declared dependences are evaluated at the vertices of the simplex (at most 1024 of them, fewer
    where the tables are large) and at random mean fields: once for a game whose arrays cannot change in place, and
    again as soon as something that its functions reach has changed. What depends on the functions alone is checked
    once for each digest of them. A game whose leaves are being traced by JAX has no numbers to check and is passed.

    Args:
        game: any game.

    Raises:
        ValueError: what was got, what was expected and the likely cause.
    """
    require_instance(game)
    prepared = traced(game)
    if is_traced(prepared) or _is_known(game, prepared):
        return
    with blamed_on_user_code():
        custom = _check_functions_once(prepared)
        _check_numbers(prepared)
        _check_function_values(prepared)
        for name in custom:
            check_derivatives(prepared, name)
    numbers = numbers_of(game)
    if not any(isinstance(leaf, np.ndarray) for leaf in numbers):
        key = id(game)
        _VALID[key] = (weakref.ref(game, lambda _: _VALID.pop(key, None)), jax.tree.structure(prepared), numbers)


def _is_known(game: AbstractGame, prepared: AbstractGame) -> bool:
    known = _VALID.get(id(game))
    if known is None or known[0]() is not game or known[1] != jax.tree.structure(prepared):
        return False
    # A list in a field, or a number that stands in the class, is given another value without another game.
    numbers = numbers_of(game)
    return len(numbers) == len(known[2]) and all(a is b for a, b in zip(numbers, known[2], strict=True))


def _check_functions_once(game: AbstractGame) -> tuple[str, ...]:
    """What holds for every choice of numbers: declarations, shapes and types, and that functions repeat themselves.

    Returns:
        Names of the functions whose derivatives must be compared with differences at every choice of numbers.
    """
    leaves, structure = jax.tree.flatten(game)
    key = (structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves))
    if key in _STRUCTURES:
        return _STRUCTURES[key]
    _check_hidden_attributes(game)
    check_names(game)
    _check_declarations(game)
    check_labels(game)
    for name, function in _FUNCTIONS.items():
        _check_traceable(game, name, function, _row_shape(game) if name == "transition" else ())
    check_repeatable(game, _FUNCTIONS)
    custom = _STRUCTURES[key] = tuple(name for name in _FUNCTIONS if custom_rules(game, name))
    if len(_STRUCTURES) > _MAX_STRUCTURES:
        _STRUCTURES.popitem(last=False)
    return custom


def _check_hidden_attributes(game: AbstractGame) -> None:
    """A plain attribute in a subclass does not change the default of a field that a base declares: it does nothing."""
    declared: set[str] = set()
    held = fields_of(game)
    for kind in reversed(class_of(game).__mro__):
        here = set(inspect.get_annotations(kind))
        for name in (declared & held.keys() - here) & vars(kind).keys():
            value = vars(kind)[name]
            if not (callable(value) or hasattr(value, "__get__")):
                raise InputError(
                    f"{name}: got {value!r} as a plain attribute of {kind.__name__}, which the field {name} of a base "
                    f"hides (this game's is {held[name]}); expected an annotated default, `{name}: float = "
                    f"parameter(default={value!r})`, or the number when the game is made."
                )
        if kind not in _OUTSIDE_KINDS and dataclasses.is_dataclass(kind):
            # Names that are annotated as of the class alone, or as abstract, are no fields.
            declared |= here & {field.name for field in dataclasses.fields(kind)}


def _check_declarations(game: AbstractGame) -> None:
    for name in _SIZES:
        size = getattr(game, name)
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise InputError(
                f"{name}: got {size!r}, expected a positive Python int; sizes fix shapes, so they cannot be arrays "
                "(declare the field with equinox.field(static=True))."
            )
    if game.mean_field_support not in ("states", "state_actions"):
        raise InputError(f"mean_field_support: got {game.mean_field_support!r}, expected 'states' or 'state_actions'.")
    for function in _FUNCTIONS:
        declared = getattr(game, f"{function}_dependence")
        if declared not in ("none", "affine", "general"):
            raise InputError(f"{function}_dependence: got {declared!r}, expected 'none', 'affine' or 'general'.")


def _check_numbers(game: AbstractGame) -> None:
    _check_scalar("discount", game.discount, lambda x: 0.0 <= x < 1.0, "a number in [0, 1)")
    _check_scalar(
        "temperature",
        game.temperature,
        lambda x: x > 0.0,
        "a positive number; the unregularised game (temperature 0) has no softmax best response",
    )
    _check_scalar("leader_temperature", game.leader_temperature, lambda x: x >= 0.0, "a number >= 0")
    _check_observation(game)
    law = np.asarray(game.initial_distribution, dtype=float)
    if law.shape != (game.num_states,):
        raise InputError(f"initial_distribution: got shape {law.shape}, expected ({game.num_states},).")
    if not (np.all(law > 0.0) and abs(law.sum() - 1.0) <= 1e-6):
        raise InputError(
            f"initial_distribution: got minimum {law.min():.3g} and sum {law.sum():.9g}, expected all entries > 0 and "
            "sum 1: without full support some states are never started from and their policy is not identified."
        )


def _check_observation(game: AbstractGame) -> None:
    observation = np.asarray(game.leader_observation)
    if observation.shape != (game.num_states,) or not np.issubdtype(observation.dtype, np.integer):
        raise InputError(
            f"leader_observation: got {observation.dtype} of shape {observation.shape}, expected integers of shape "
            f"({game.num_states},): one row of the leader's logits for each state."
        )
    values = sorted(set(observation.tolist()))
    if values != list(range(len(values))):
        raise InputError(
            f"leader_observation: got the values {values}, expected 0, 1, ..., O-1 with none left out: "
            "an observation no state uses is a row of logits without effect."
        )


def _check_scalar(name: str, value: Any, accept: Callable[[float], bool], expected: str) -> None:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {value!r}, expected {expected}.") from error
    if not (np.isfinite(number) and accept(number)):
        raise InputError(f"{name}: got {number:g}, expected {expected}.")


def _check_function_values(game: AbstractGame) -> None:
    rows = _row_shape(game)
    found, fields = {}, {}
    for name in _FUNCTIONS:
        vertices, random, weights = _test_fields(
            mean_field_shape(game), tuple(getattr(game, size) for size in _SIZES), rows if name == "transition" else ()
        )
        found[name] = _extremes(game, name, vertices, random, weights)
        fields[name] = (vertices, random)
    for name, (summaries, bend) in jax.device_get(found).items():
        worst = {**dict(zip(_SUMMARY, summaries.T, strict=True)), "bend": bend}
        _check_values(game, name, worst, np.concatenate(fields[name]))
        _check_dependence(getattr(game, f"{name}_dependence"), name, worst)


def _row_shape(game: AbstractGame) -> tuple[int, ...]:
    """Of a row of the transition: all states, or the successors, which are checked here."""
    successors = getattr(game, "successors", None)
    if successors is None:
        return (game.num_states,)
    index = jax.ShapeDtypeStruct((), jnp.int32)
    listed = jax.eval_shape(successors, index, index, index)
    if len(listed.shape) != 1 or not jnp.issubdtype(listed.dtype, jnp.integer):
        raise InputError(f"successors: got {listed.dtype} of shape {listed.shape}, expected a vector of integers.")
    low, high = (int(end) for end in _successor_range(game))
    if low < 0 or high >= game.num_states:
        raise InputError(
            f"successors: got states from {low} to {high}, expected them in [0, {game.num_states}); likely cause: a "
            "wall that is stepped through."
        )
    return listed.shape


@jax.jit
def _successor_range(game: AbstractGame) -> tuple[Array, Array]:
    listed = over_indices(game, lambda s, a, b: jnp.asarray(game.successors(s, a, b)))  # type: ignore[attr-defined]
    return jnp.min(listed), jnp.max(listed)


def _check_traceable(game: AbstractGame, name: str, function: Callable, shape: tuple[int, ...]) -> None:
    index = jax.ShapeDtypeStruct((), jnp.int32)
    field = jax.ShapeDtypeStruct(mean_field_shape(game), jnp.result_type(float))
    try:
        out = jax.eval_shape(lambda s, a, b, m: function(game, s, a, b, m), index, index, index, field)
    except Exception as error:  # whatever a user's function raises while JAX traces it
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name}: JAX cannot trace it ({type(error).__name__}: {reason}). State, actions and mean field arrive as "
            "traced arrays: use jax.numpy, jnp.where and indexing in place of NumPy, if and Python dictionaries."
        ) from error
    if getattr(out, "shape", None) != shape:
        raise InputError(
            f"{name}: got a result of shape {getattr(out, 'shape', type(out))}, expected {shape}"
            + ("" if shape else ": a scalar")
            + "; one call answers for one (state, follower action, leader action)."
        )
    if not jnp.issubdtype(out.dtype, jnp.floating):
        raise InputError(f"{name}: got a result of type {out.dtype}, expected floats; write 1.0 rather than 1.")


@functools.lru_cache(maxsize=256)
def _test_fields(
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


# Columns of what `_extremes` returns for each mean field.
_SUMMARY = ("finite", "lowest", "scale", "row_error", "row_sum", "worst_row", "moved")


# A prepared game is arrays and one static part: no filter is needed, and the call costs a quarter of one with it.
@functools.partial(jax.jit, static_argnames="name")
def _extremes(game: AbstractGame, name: str, vertices: Array, random: Array, weights: Array) -> tuple[Array, Array]:
    """Worst deviations of one function over the test fields; one mean field at a time, to bound memory."""
    shape, function = mean_field_shape(game), _FUNCTIONS[name]

    def table(field):
        return over_indices(game, lambda s, a, b: function(game, s, a, b, field.reshape(shape)))

    reference = table(random[0])

    def summary(field):
        values = table(field)
        total = jnp.sum(values, axis=-1) if values.ndim == 4 else jnp.ones(())
        columns = {
            "finite": jnp.all(jnp.isfinite(values)),
            "lowest": jnp.min(values),
            "scale": jnp.max(jnp.abs(values)),
            "row_error": jnp.max(jnp.abs(total - 1.0)),
            "row_sum": total.ravel()[jnp.argmax(jnp.abs(total - 1.0))],
            "worst_row": jnp.argmax(jnp.abs(total - 1.0)),
            "moved": jnp.max(jnp.abs(values - reference)),
        }
        return jnp.stack([columns[column].astype(float) for column in _SUMMARY])

    def bend(pair):
        first, second, weight = pair
        mixed = table(weight * first + (1.0 - weight) * second)
        return jnp.max(jnp.abs(mixed - weight * table(first) - (1.0 - weight) * table(second)))

    fields = jnp.concatenate([vertices, random])
    corners = vertices[jnp.arange(random.shape[0]) % vertices.shape[0]]
    bends = jax.lax.map(bend, (corners, random, weights))
    return jax.lax.map(summary, fields), jnp.max(bends)


def _check_values(game: AbstractGame, name: str, worst: dict, fields: Float[np.ndarray, "F M"]) -> None:
    if not np.all(worst["finite"]):
        where = worst["finite"].argmin()
        number, cause = cause_of_infinite(game, _FUNCTIONS[name], fields[where])
        raise InputError(
            f"{name}: got NaN or an infinite number at mean field {_field_name(where, worst)} ({number}), expected "
            f"finite numbers everywhere on the simplex; the likely cause is {cause}."
        )
    if name != "transition":
        return
    where = worst["row_error"].argmax()
    if worst["row_error"][where] > (1e-9 if jnp.result_type(float) == jnp.float64 else 1e-5):
        n, actions, leader_actions = (getattr(game, size) for size in _SIZES)
        row = tuple(int(i) for i in np.unravel_index(int(worst["worst_row"][where]), (n, actions, leader_actions)))
        raise InputError(
            f"transition: got a row that sums to {worst['row_sum'][where]:.9g} at (state, action, leader action) = "
            f"{row}, mean field {_field_name(where, worst)}, expected 1; the likely cause is "
            f"{cause_of_row_sum(game, _FUNCTIONS[name], fields[where], row)}."
        )
    if worst["lowest"].min() < -1e-12:
        where = worst["lowest"].argmin()
        raise InputError(
            f"transition: got a probability of {worst['lowest'][where]:.3g} at mean field {_field_name(where, worst)}, "
            "expected no negative entry; mean-field terms must keep every row a distribution at every vertex."
        )


def _field_name(index: int, worst: dict) -> str:
    vertices = worst["finite"].shape[0] - _NUM_RANDOM_FIELDS
    return f"vertex {index}" if index < vertices else f"random field {index - vertices} (seed 0)"


def _check_dependence(declared: str, name: str, worst: dict) -> None:
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
