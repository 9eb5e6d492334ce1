"""Programs of a game that outlive their process: found in a store, they are neither traced nor compiled again.

Nothing is kept unless `keep_programs` was called, which the command line does and importing the package does not.
"""

import functools
import gc
import io
import pickle
import re
import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxlib.lapack
from jax.experimental.serialize_executable import deserialize_and_load, serialize

from smfg_verify.game.base import AbstractGame
from smfg_verify.game.programs.making_ahead import Made, is_ahead
from smfg_verify.game.programs.program_keys import NotKept, program_key
from smfg_verify.game.programs.program_memory import drop_programs_if_many
from smfg_verify.game.programs.program_store import ProgramStore

# The store of this process, and the programs that it took from there or left there.
_STORE: list[ProgramStore] = []
# Functions that compiled code calls by name, and those of them that are the same in every process.
_CALLED, _KNOWN_CALLS = re.compile(r"custom_call @(\w+)"), ("lapack_",)
_PROGRAMS: dict[Hashable, "Future[KeptProgram | None]"] = {}
# Held to look up who makes a program, not while it is made.
_LOCK = threading.Lock()


class _GivenUp(Exception):
    """Who made a program failed; who waited makes it."""


def keep_programs(store: ProgramStore | None) -> None:
    """Keep the programs of games in a store from now on, and take them from there; in none if None.

    Args:
        store: of files that no one else may write.
    """
    _STORE[:] = [] if store is None else [store]
    forget_programs()


def forget_programs() -> None:
    """Drop the programs that are loaded; what is needed again is read again."""
    with _LOCK:
        _PROGRAMS.clear()


def is_keeping() -> bool:
    """Whether programs are kept: not where JAX's own cache serves, whose programs cannot be written again."""
    return bool(_STORE) and not jax.config.values["jax_compilation_cache_dir"]


def make_room() -> None:
    """Drop all programs, those that are kept in files too, where they have taken half of the memory maps there are.

    Who makes programs ahead drops none: another thread may be at work with them.
    """
    if not is_ahead() and drop_programs_if_many():
        forget_programs()
        gc.collect()


class _Slot(NamedTuple):
    """The place of an array in what a function returns."""

    number: int


class KeptProgram:
    """A compiled program with what it takes and returns.

    Args:
        compiled: takes the arrays among the arguments, in order, and returns a list of arrays.
        result: what the function returns, a `_Slot` for each array.
    """

    def __init__(self, compiled: Callable[..., list[jax.Array]], result: object):
        self._compiled = compiled
        self._leaves, self._tree = jax.tree.flatten(result, is_leaf=_is_slot)

    def __call__(self, leaves: list[object]) -> object:
        """What the function returns for arguments that have these leaves."""
        arrays = self._compiled(*(leaf for leaf in leaves if eqx.is_array(leaf)))
        found = [arrays[leaf.number] if isinstance(leaf, _Slot) else leaf for leaf in self._leaves]
        return jax.tree.unflatten(self._tree, found)


def _is_slot(value: object) -> bool:
    return isinstance(value, _Slot)


def kept_program(
    function: Callable[..., Any],
    options: Mapping[str, bool | int],
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    made: Callable[[], None],
) -> Callable[[], Any] | None:
    """The program of a function for such arguments: loaded, read from the store, or compiled and left there.

    Args:
        function: of arguments as `equinox.filter_jit` takes them.
        options: of the compiler.
        arguments: by position and by name; games in them are prepared.
        made: called when a program was compiled, before it is kept; may raise.

    Returns:
        What carries it out; None where nothing is kept, while another function is being traced, or where the arguments
        or the program are of a kind that no file can hold.
    """
    if not is_keeping():
        return None
    leaves, tree = jax.tree.flatten(arguments)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return None
    known = (function, *options.items(), tree, jax.config.read("jax_enable_x64"), *map(_description, leaves))
    program = _once(known, lambda: _found_or_made(_STORE[0], function, options, arguments, made))
    if is_ahead():
        raise Made
    return None if program is None else functools.partial(program, leaves)


def _once(known: Hashable, make: Callable[[], KeptProgram | None]) -> KeptProgram | None:
    """What is made once in all threads; one that makes programs ahead does not wait for another."""
    while True:
        with _LOCK:
            place = _PROGRAMS.get(known)
            mine: Future[KeptProgram | None] = Future()
            if place is None:
                _PROGRAMS[known] = mine
        if place is None:
            return _made_in(mine, known, make)
        if is_ahead():
            raise Made
        try:
            return place.result()
        except _GivenUp:
            continue


def _made_in(
    place: "Future[KeptProgram | None]", known: Hashable, make: Callable[[], KeptProgram | None]
) -> KeptProgram | None:
    try:
        program = make()
    except BaseException:
        with _LOCK:
            _PROGRAMS.pop(known, None)
        place.set_exception(_GivenUp())
        raise
    make_room()
    with _LOCK:
        _PROGRAMS[known] = place
    place.set_result(program)
    return program


def _description(leaf: object) -> Hashable:
    """What a program depends on of an argument: of an array its kind alone."""
    return jax.typeof(leaf) if eqx.is_array(leaf) else (type(leaf), leaf)


def _found_or_made(
    store: ProgramStore,
    function: Callable[..., Any],
    options: Mapping[str, bool | int],
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
    made: Callable[[], None],
) -> KeptProgram | None:
    try:
        key = program_key(function, options, arguments)
    except NotKept:
        return None
    found = _read(store, key)
    if found is None:
        compiled, result, keepable = _compiled(function, options, arguments)
        made()
        found = KeptProgram(compiled, result)
        if keepable:
            _write(store, key, compiled, result)
    return found


def _read(store: ProgramStore, key: str) -> KeptProgram | None:
    content = store.get(key)
    if content is None:
        return None
    _initialise_lapack()
    try:
        program, inputs, result = pickle.loads(content)
        outputs = jax.tree.structure([0] * len(_slots(result)))
        return KeptProgram(deserialize_and_load(program, jax.tree.structure(((0,) * inputs, {})), outputs), result)
    except Exception:  # of whatever kind: a program that cannot be read is compiled
        store.drop(key)
        return None


@functools.cache
def _initialise_lapack() -> None:
    """Let JAX look up the routines that compiled code calls, as it does for a program that it lowers itself."""
    look_up = getattr(getattr(jaxlib.lapack, "_lapack", None), "initialize", None)
    if look_up is not None:  # a tenth of a second sooner, in the versions that have it
        look_up()
        return
    jax.jit(jax.scipy.linalg.lu_factor).lower(jax.ShapeDtypeStruct((1, 1), jnp.result_type(float)))


# Of `serialize`, which names no errors of its own, of the compiler, and of pickling.
_NOT_WRITTEN = (
    NotKept,
    pickle.PicklingError,
    TypeError,
    AttributeError,
    ValueError,
    NotImplementedError,
    jax.errors.JaxRuntimeError,
)


def _write(store: ProgramStore, key: str, compiled: jax.stages.Compiled, result: object) -> None:
    """Keep a program, unless what it returns or how it was made is of a kind that no file can hold."""
    written = io.BytesIO()
    try:
        program, inputs, _ = serialize(compiled)
        _Results(written, protocol=5).dump((program, inputs.num_leaves, result))
    except _NOT_WRITTEN:
        return
    store.put(key, written.getvalue())


class _Results(pickle.Pickler):
    """Writes what functions return; of a game its class would come back, which is another one in another process."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, AbstractGame):
            raise NotKept("a game among the results")
        return NotImplemented


def _slots(result: object) -> list[_Slot]:
    return [leaf for leaf in jax.tree.leaves(result, is_leaf=_is_slot) if _is_slot(leaf)]


def _compiled(
    function: Callable[..., Any],
    options: Mapping[str, bool | int],
    arguments: tuple[tuple[Any, ...], dict[str, Any]],
) -> tuple[jax.stages.Compiled, object, bool]:
    """A program of arrays alone, what the function returns around them, and whether all of it is traced code."""
    arrays, rest = eqx.partition(arguments, eqx.is_array)
    leaves, tree = jax.tree.flatten(arrays)
    results: list[object] = []

    def of_arrays(*values: jax.Array) -> list[jax.Array]:
        positional, named = eqx.combine(jax.tree.unflatten(tree, values), rest)
        found, static = eqx.partition(function(*positional, **named), eqx.is_array)
        returned, structure = jax.tree.flatten(found)
        slots = jax.tree.unflatten(structure, [_Slot(number) for number in range(len(returned))])
        results.append(eqx.combine(slots, static, is_leaf=_is_slot))
        return returned

    of_arrays.__name__ = of_arrays.__qualname__ = function.__name__
    lowered = jax.jit(of_arrays, compiler_options=dict(options)).lower(*leaves)
    calls_known = all(target.startswith(_KNOWN_CALLS) for target in _CALLED.findall(lowered.as_text()))
    return lowered.compile(), results[-1], calls_known
