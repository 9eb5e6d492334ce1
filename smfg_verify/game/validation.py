"""The checks of a game that every entry point runs once, outside jit."""

import collections
import contextlib
import dataclasses
import inspect
import weakref
from collections.abc import Callable, Hashable
from typing import SupportsFloat

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from smfg_verify.errors import InputError
from smfg_verify.game.base import AbstractGame, is_traced, mean_field_shape
from smfg_verify.game.checks.contract_names import check_labels, check_names, require_instance
from smfg_verify.game.checks.derivatives import check_derivatives, custom_rules
from smfg_verify.game.checks.determinism import check_repeatable
from smfg_verify.game.checks.function_values import FUNCTIONS, SIZES, check_function_values, row_shape
from smfg_verify.game.prepared import class_of, fields_of, numbers_of, traced
from smfg_verify.game.user_code import blamed_on_user_code

# Games already found valid, by identity, with what their functions and numbers were then; only those whose arrays
# cannot be changed in place.
_VALID: dict[int, tuple[weakref.ref[AbstractGame], object, tuple[object, ...]]] = {}
# Structures (functions and shapes of numbers) already found valid, with the functions whose derivatives are not known
# to be exact.
_STRUCTURES: collections.OrderedDict[Hashable, tuple[str, ...]] = collections.OrderedDict()
_MAX_STRUCTURES = 1024
_OUTSIDE_KINDS = frozenset(AbstractGame.__mro__)


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

    Examples:
        >>> from smfg_verify import games, validate
        >>> validate(games.load("laffer-tax"))
        >>> try:
        ...     validate(games.load("laffer-tax", discount=1.5))
        ... except ValueError as error:
        ...     print("refused:", "discount" in str(error))
        refused: True
    """
    require_instance(game)
    # Inside a program of the caller's that is being traced numbers are numbers still, and looked at now.
    with jax.ensure_compile_time_eval():
        prepared = traced(game)
    if is_traced(prepared) or _is_known(game, prepared):
        return
    with blamed_on_user_code(), _numbers_at_once():
        custom = _check_functions_once(prepared)
        _check_numbers(prepared)
        check_function_values(prepared)
        for name in custom:
            check_derivatives(prepared, name)
    numbers = numbers_of(game)
    if not any(isinstance(leaf, np.ndarray) for leaf in numbers):
        key = id(game)
        _VALID[key] = (weakref.ref(game, lambda _: _VALID.pop(key, None)), jax.tree.structure(prepared), numbers)


def _numbers_at_once() -> contextlib.AbstractContextManager[None]:
    """Inside a program that is being traced, what depends on numbers alone is computed now.

    Nowhere else: JAX would take every constant of the programs that the checks trace for such a number, and compile
    each on its own.
    """
    if isinstance(jax.device_put(0.0), jax.core.Tracer):
        return jax.ensure_compile_time_eval()
    return contextlib.nullcontext()


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
    for name, function in FUNCTIONS.items():
        _check_traceable(game, name, function, row_shape(game) if name == "transition" else ())
    check_repeatable(game, FUNCTIONS)
    custom = _STRUCTURES[key] = tuple(name for name in FUNCTIONS if custom_rules(game, name))
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
    for name in SIZES:
        size = getattr(game, name)
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise InputError(
                f"{name}: got {size!r}, expected a positive Python int; sizes fix shapes, so they cannot be arrays "
                "(declare the field with equinox.field(static=True))."
            )
    if game.mean_field_support not in ("states", "state_actions"):
        raise InputError(f"mean_field_support: got {game.mean_field_support!r}, expected 'states' or 'state_actions'.")
    for function in FUNCTIONS:
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


def _check_scalar(name: str, value: SupportsFloat, accept: Callable[[float], bool], expected: str) -> None:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {value!r}, expected {expected}.") from error
    if not (np.isfinite(number) and accept(number)):
        raise InputError(f"{name}: got {number:g}, expected {expected}.")


def _check_traceable(game: AbstractGame, name: str, function: Callable[..., Array], shape: tuple[int, ...]) -> None:
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
