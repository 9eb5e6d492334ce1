"""What an object holds, and what of a class decides what it does."""

import copyreg
import dataclasses
import enum
import types
import weakref
from collections.abc import Iterator
from typing import Any

import jax

# Of a class's special attributes, those that decide no value: how it is made known, printed, copied and stored.
_BOOKKEEPING = frozenset(
    """
    __doc__ __module__ __qualname__ __name__ __dict__ __weakref__ __slots__ __annotations__ __annotate__
    __annotate_func__ __annotations_cache__ __abstractmethods__ __abstractvars__ __abstractclassvars__
    __dataclass_fields__ __dataclass_params__ __match_args__ __firstlineno__ __static_attributes__ __orig_bases__
    __parameters__ __type_params__ __classdictcell__ __init_subclass__ __subclasshook__ __repr__ __str__ __format__
    __reduce__ __reduce_ex__ __getstate__ __setstate__ __copy__ __deepcopy__ __dir__ __sizeof__ __del__ __set_name__
    __replace__ __slotnames__ _abc_impl _smfg_prepared
    """.split()  # noqa: SIM905
)
_MAKING = frozenset({"__init__", "__new__", "__post_init__", "__check_init__"})
_JITTED = type(jax.jit(lambda: None))
WRAPPERS = (_JITTED, jax.custom_jvp, jax.custom_vjp)
# What of a wrapper says nothing, or says the wrapped function again.
_OF_WRAPPER = frozenset({"fun", "fn", "_fun", "_jit_info", "_cached", "_signature", "cache_parameters"})


def is_special(name: str) -> bool:
    """Whether Python reads an attribute of a class that no code need spell."""
    return name.startswith("__") and name.endswith("__")


def is_bookkeeping(name: str) -> bool:
    """Whether an attribute of a class decides no value."""
    return name in _BOOKKEEPING


def special_names(kind: type, *, making: bool) -> Iterator[str]:
    """Special methods that a class defines: operators, calls, indexing; with `making`, how its instances are made."""
    for name, value in vars(kind).items():
        if is_special(name) and name not in _BOOKKEEPING and not (name in _MAKING and not making):
            generated = isinstance(value, types.FunctionType) and value.__code__.co_filename == "<string>"
            if not (generated and "__dataclass_fields__" in vars(kind)):
                yield name


def fields_of(kind: type) -> Iterator[tuple[str, object, object]]:
    """Of a dataclass: names, factories of defaults and metadata; the methods that it generates follow from them."""
    for field in vars(kind).get("__dataclass_fields__", {}).values():
        # Not by identity: unpickling makes another MISSING.
        factory = None if isinstance(field.default_factory, type(dataclasses.MISSING)) else field.default_factory
        yield field.name, factory, dict(field.metadata)


def wrapped(value: object) -> Any:
    """The function that a wrapper of a library wraps; None where it is none."""
    if type(value) is _JITTED and not hasattr(value, "__wrapped__"):  # as it comes out of a pickle
        state: Any = value.__getstate__()
        return state["fun"]
    return getattr(value, "__wrapped__", None)


def innermost(value: object) -> Any:
    """What is left of a function when JAX's wrappers are taken off."""
    while type(value) in WRAPPERS:
        value = wrapped(value)
    return value


def wrapper_state(value: object) -> dict[str, object]:
    """What a wrapper of a function holds apart from the function: rules of differentiation, axes."""
    held = getattr(value, "__dict__", {})
    return {name: held[name] for name in sorted(held) if not (is_special(name) or name in _OF_WRAPPER)}


def base_content(value: object) -> tuple[object, ...]:
    """What an instance of a subclass of a built-in type holds as one."""
    if isinstance(value, dict):
        return (dict(value), getattr(value, "default_factory", None))
    bases: tuple[Any, ...] = (list, tuple, set, frozenset, bytes, int, float, complex)
    for base in bases:
        if isinstance(value, base) and not isinstance(value, enum.Enum):
            return (base(value),)
    if isinstance(value, str):
        return (str.__str__(value),)
    return ()


def attributes_of(value: object) -> tuple[object, ...] | None:
    """An object's dictionary, by name, and its slots; None where it has neither."""
    slots = {
        name: getattr(value, name)
        for kind in type(value).__mro__
        for name in _slots(kind)
        if name not in ("__weakref__", "__dict__") and hasattr(value, name)
    }
    if not hasattr(value, "__dict__") and not slots:
        return None
    held = {**getattr(value, "__dict__", {}), **slots}
    return tuple((str(name), held[name]) for name in sorted(held, key=str))


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    # A private slot is kept under a name with the class's.
    return tuple(f"_{kind.__name__.lstrip('_')}{n}" if n.startswith("__") and n[-2:] != "__" else n for n in names)


def rebuilt_from(value: object) -> tuple[object, ...]:
    """What a library's object would be unpickled from, which leaves out what it keeps to be faster."""
    if isinstance(value, weakref.ref):
        return (value(),)
    registered = copyreg.dispatch_table.get(type(value))  # regular expressions
    parts = registered(value) if registered is not None else value.__reduce_ex__(2)
    if isinstance(parts, str):
        return (parts,)
    made, arguments, state, items, pairs = (*parts, None, None, None)[:5]
    return made, arguments, state, *(None if each is None else tuple(each) for each in (items, pairs))
