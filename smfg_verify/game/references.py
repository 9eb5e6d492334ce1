"""What a piece of Python code refers to, read off its bytecode once and kept."""

import builtins
import dis
import functools
import importlib
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_ENCLOSING = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_MISSING = object()


class Reference(NamedTuple):
    """A name that code loads, with the attributes it takes of it at once.

    Attributes:
        kind: "global", "enclosing" (a variable of an enclosing function) or "module" (imported where it is used).
        name: the name, or the module's for "module".
        attributes: a.b.c of `name.a.b.c`.
        level: how many packages up a relative import starts, for "module".
    """

    kind: str
    name: str
    attributes: tuple[str, ...]
    level: int = 0


class CodeFacts(NamedTuple):
    """What of a code object decides its value, nested functions apart.

    Attributes:
        content: bytes that differ where the code does; comments, docstrings, lines and names of variables left out.
        references: in the order of the code.
        attributes: every attribute that is read of anything.
        nested: code of the functions defined inside.
        dynamic: it may read attributes by names that the code does not spell (`getattr`, `__dict__`).
    """

    content: bytes
    references: tuple[Reference, ...]
    attributes: frozenset[str]
    nested: tuple[types.CodeType, ...]
    dynamic: bool


@functools.lru_cache(maxsize=4096)
def facts(code: types.CodeType, docstring: str | None) -> CodeFacts:
    """What a code object refers to.

    Args:
        code: of a function.
        docstring: the function's own, which is a constant of its code and no part of what it does.

    Returns:
        Its facts; computed once for equal code.
    """
    constants, nested = [], []
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            nested.append(constant)
        elif docstring is None or constant != docstring:
            constants.append(repr(constant if not isinstance(constant, frozenset) else sorted(constant, key=repr)))
    arguments = code.co_argcount + code.co_kwonlyargcount
    # Names of arguments count, since callers may use them; names of other variables do not.
    shape = (code.co_varnames[:arguments], code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x0C)
    content = repr((code.co_code, constants, code.co_names, code.co_freevars, code.co_cellvars, shape)).encode()
    instructions = list(dis.get_instructions(code))
    attributes = frozenset(i.argval for i in instructions if i.opname in _ATTRIBUTE)
    references = tuple(_references(instructions))
    return CodeFacts(
        content=content,
        references=references,
        attributes=attributes,
        nested=tuple(nested),
        dynamic="__dict__" in attributes or any(r.kind == "global" and r.name == "getattr" for r in references),
    )


def _references(instructions: list[dis.Instruction]) -> Iterator[Reference]:
    imported: dict[str, Reference] = {}
    pending: Reference | None = None
    for place, instruction in enumerate(instructions):
        name, value = instruction.opname, instruction.argval
        if name == "IMPORT_NAME":
            pending = Reference("module", value, (), _import_level(instructions, place))
            yield pending
        elif name == "IMPORT_FROM" and pending is not None:
            base = pending
            yield base._replace(attributes=(value,))
            if instructions[place + 1].opname.startswith("STORE_FAST"):
                imported[instructions[place + 1].argval] = base._replace(attributes=(value,))
        elif name == "STORE_FAST" and instructions[place - 1].opname == "IMPORT_NAME" and pending is not None:
            imported[value] = pending
        elif name in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield Reference("global", value, _attributes(instructions, place))
        elif name in _ENCLOSING:
            yield Reference("enclosing", value, _attributes(instructions, place))
        elif name.startswith("LOAD_FAST") and value in imported:
            found = imported[value]
            yield found._replace(attributes=found.attributes + _attributes(instructions, place))


def _import_level(instructions: list[dis.Instruction], place: int) -> int:
    # The level is the constant pushed before the list of names.
    level = instructions[place - 2].argval if place >= 2 else 0
    return level if isinstance(level, int) else 0


def _attributes(instructions: list[dis.Instruction], place: int) -> tuple[str, ...]:
    found = []
    for instruction in instructions[place + 1 :]:
        if instruction.opname not in _ATTRIBUTE:
            break
        found.append(instruction.argval)
    return tuple(found)


class Resolved(NamedTuple):
    """What a reference is at this moment.

    Attributes:
        path: the name it is reached by.
        value: the first object on the path that is no module, or the last module.
        module: the module it was found in, None where it was found by its name alone.
    """

    path: str
    value: Any
    module: types.ModuleType | None


def resolve(reference: Reference, function: types.FunctionType) -> Resolved | None:
    """Look a reference up.

    Args:
        reference: of the function's code, or of a function defined inside it.
        function: whose globals and enclosing variables count.

    Returns:
        What it is; None where the name does not exist (code that is never reached may name what is not there).
    """
    value, path, module = _root(reference, function), reference.name, None
    for attribute in reference.attributes:
        if not isinstance(value, types.ModuleType):
            break
        module, path = value, f"{path}.{attribute}"
        value = getattr(module, attribute, _MISSING)
    return None if value is _MISSING else Resolved(path, value, module)


def _root(reference: Reference, function: types.FunctionType) -> Any:
    if reference.kind == "global":
        return function.__globals__.get(reference.name, getattr(builtins, reference.name, _MISSING))
    if reference.kind == "module":
        package = function.__globals__.get("__package__") or None
        try:
            return importlib.import_module("." * reference.level + reference.name, package)
        except ImportError:
            return _MISSING
    names = function.__code__.co_freevars
    if reference.name not in names or function.__closure__ is None:
        return _MISSING  # a variable of an enclosing function that is itself part of this code
    try:
        return function.__closure__[names.index(reference.name)].cell_contents
    except ValueError:  # not filled yet
        return _MISSING
