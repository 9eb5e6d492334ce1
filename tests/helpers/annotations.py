"""Annotations checked at run time: shapes by jaxtyping, everything else by beartype; see `--typed` in conftest.py."""

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
    and shape. A result has to be what its annotation says.
    """
    if isinstance(function, types.FunctionType):
        hints = function.__annotations__
        function.__annotations__ = {
            name: hint if name == "return" else widened(hint) for name, hint in dict(hints).items()
        }
    return beartype(conf=_CONF)(function)


def widened(hint):
    """The annotation with arrays of JAX replaced by whatever JAX takes for them."""
    if hint is jax.Array:
        return ArrayLike
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        wide = ArrayLike if hint.array_type is jax.Array else np.ndarray | np.generic
        return hint.dtype[wide, hint.dim_str]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(widened(argument) for argument in arguments)]  # noqa: UP007
    if origin in _CONTAINERS:
        return origin[tuple(argument if argument is ... else widened(argument) for argument in arguments)]
    return hint
