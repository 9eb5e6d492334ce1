"""Annotations checked at run time: shapes by jaxtyping, everything else by beartype; see `--typed` in conftest.py."""

import collections.abc
import types
import typing

import jax
import numpy as np
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, ArrayLike

_CONTAINERS = (tuple, list, dict)
# A parameter that is said to be a float takes an int, as every type checker has it.
_CONF = BeartypeConf(is_pep484_tower=True)


def checked(function, **options):
    """The function, or dataclass, that checks what it is given and what it returns.

    A parameter that is annotated with a JAX array takes what JAX takes for one: NumPy arrays and numbers of that kind
    and shape; among many integers there may be NumPy's, as in an array of them. A result has to be what its annotation
    says, but an array of NumPy without axes may be one of its numbers, which is what NumPy's own functions give.
    """
    if isinstance(function, types.FunctionType):
        hints = dict(function.__annotations__)
        function.__annotations__ = {name: checkable(hint, wide=name != "return") for name, hint in hints.items()}
    return beartype(conf=_CONF)(function)


def checkable(hint, *, wide):
    """The annotation as beartype can check it; `wide` replaces arrays of JAX by whatever JAX takes for them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is jax.Array:
        return ArrayLike if wide else hint
    if hint is np.ndarray:
        return _wide(hint)
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        change = wide or hint.array_type is np.ndarray
        return hint.dtype[_wide(hint.array_type), hint.dim_str] if change else hint
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(checkable(argument, wide=wide) for argument in arguments)]  # noqa: UP007
    if origin is collections.abc.Iterable and arguments == (int,):
        return collections.abc.Iterable[int | np.integer]
    if origin in _CONTAINERS:
        return origin[tuple(part if part is ... else checkable(part, wide=wide) for part in arguments)]
    kind = origin or hint
    if isinstance(kind, type) and issubclass(kind, tuple) and issubclass(kind, typing.Generic):
        return tuple  # a generic named tuple, which beartype cannot tell from any other
    return hint


def _wide(kind):
    return ArrayLike if kind is jax.Array else np.ndarray | np.generic
