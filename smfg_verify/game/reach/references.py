"""What a piece of Python code refers to, read off its bytecode once and kept."""

import builtins
import dis
import functools
import importlib
import itertools
import re
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})
_GLOBAL = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_ENCLOSING = frozenset({"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"})
_CALL = frozenset({"PRECALL", "CALL"})
# Python 3.13 fuses neighbours, and 3.14 has cheaper loads: they do what these do.
_FAST = re.compile(r"(LOAD|STORE)_FAST(?:_BORROW|_CHECK|_AND_CLEAR)?")
_BY_NAME = frozenset({"getattr", "hasattr"})  # their second argument is a name
# Reading what has a name that the code does not spell: what stands in a dictionary, or anything.
_ANY_VALUE = frozenset({"vars", "__dict__"})
_ANY_NAME = frozenset({"dir", "__getattribute__", "attrgetter", "methodcaller", "getmembers", "getattr_static"})
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
        any_value: it may read values in a class or module by names that it does not spell (`vars`, `__dict__`).
        any_name: it may read anything by a name that it does not spell (`getattr` of a computed name).
    """

    content: bytes
    references: tuple[Reference, ...]
    attributes: frozenset[str]
    nested: tuple[types.CodeType, ...]
    any_value: bool
    any_name: bool


class _Step(NamedTuple):
    """One instruction, in the words of every Python version."""

    name: str
    value: Any
    operand: object  # what of it counts: an index for a variable, whose name says nothing


@functools.lru_cache(maxsize=4096)
def facts(code: types.CodeType) -> CodeFacts:
    """What a code object refers to; computed once for equal code."""
    steps = list(_steps(code))
    arguments = code.co_argcount + code.co_kwonlyargcount
    # Names of arguments count, since callers may use them.
    shape = (code.co_varnames[:arguments], code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & 0x0C)
    # Constants by what loads them: a docstring is a constant that nothing loads.
    program = [(step.name, step.operand) for step in steps]
    references = tuple(_references(steps))
    spelt, computed = _names_of_getattr(steps)
    patterns = {name for step, _ in _pairs(steps, "MATCH_CLASS") for name in _words(step.value)}
    attributes = frozenset(step.value for step in steps if step.name in _ATTRIBUTE) | spelt | patterns
    spelt_anywhere = attributes | {reference.name for reference in references if reference.kind == "global"}
    return CodeFacts(
        content=repr((program, code.co_freevars, shape, code.co_exceptiontable)).encode(errors="surrogatepass"),
        references=references,
        attributes=attributes,
        nested=tuple(constant for constant in code.co_consts if isinstance(constant, types.CodeType)),
        any_value=bool(_ANY_VALUE & spelt_anywhere),
        any_name=computed or bool(_ANY_NAME & spelt_anywhere),
    )


def _steps(code: types.CodeType) -> Iterator[_Step]:
    for instruction in dis.get_instructions(code):
        name, value = instruction.opname, instruction.argval
        if name in ("EXTENDED_ARG", "NOP", "CACHE"):
            continue
        fused = _FAST.findall(name) if _FAST.match(name) else []
        values = value if len(fused) > 1 else (value,)
        for which, each in zip(fused, values, strict=True) if fused else ():
            yield _Step(f"{which}_FAST", each, code.co_varnames.index(each) if each in code.co_varnames else each)
        if not fused:
            yield _Step("LOAD_CONST" if name == "LOAD_SMALL_INT" else name, value, _operand(instruction, value))


def _operand(instruction: dis.Instruction, value: object) -> object:
    if instruction.arg is None:
        return None
    if isinstance(value, types.CodeType):
        return "code"
    if isinstance(value, tuple | frozenset):
        return _constant(value)
    return f"{type(value).__name__}:{value!r}"


def _constant(value: object) -> str:
    """A constant's text, whatever the order of its sets."""
    if isinstance(value, frozenset):
        return f"frozenset{sorted(map(_constant, value))}"
    if isinstance(value, tuple):
        return f"tuple{[_constant(each) for each in value]}"
    return f"{type(value).__name__}:{value!r}"


def _pairs(steps: list[_Step], name: str) -> Iterator[tuple[_Step, _Step]]:
    return ((before, step) for before, step in itertools.pairwise(steps) if step.name == name)


def _words(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else ()


def _names_of_getattr(steps: list[_Step]) -> tuple[frozenset[str], bool]:
    """Names that `getattr` and `hasattr` are given as constants, and whether some are computed."""
    found, computed = set(), False
    for place, step in enumerate(steps):
        if step.name not in _GLOBAL or step.value not in _BY_NAME:
            continue
        rest = itertools.islice(steps, place + 2, None)  # after the object's own load
        name, *then = [*itertools.islice((s for s in rest if s.name not in (*_ATTRIBUTE, "PUSH_NULL")), 3), step]
        constant = name.name == "LOAD_CONST" and isinstance(name.value, str)
        called = then[0].name in _CALL or (then[0].name.startswith("LOAD_") and then[1].name in _CALL)
        if constant and called:
            found.add(name.value)
        else:
            computed = True
    return frozenset(found), computed


def _references(steps: list[_Step]) -> Iterator[Reference]:
    imported: dict[str, Reference] = {}
    pending: Reference | None = None
    for place, (name, value, _) in enumerate(steps):
        stored = steps[place + 1] if place + 1 < len(steps) else None
        to = stored.value if stored is not None and stored.name in ("STORE_FAST", "STORE_DEREF") else None
        if name == "IMPORT_NAME":
            pending = Reference("module", value, (), _import_level(steps, place))
            yield pending
            if to is not None:
                imported[to] = pending
        elif name == "IMPORT_FROM" and pending is not None:
            found = pending._replace(attributes=(value,))
            yield found
            if to is not None:
                imported[to] = found
        elif value in imported and (name == "LOAD_FAST" or name in _ENCLOSING):
            found = imported[value]
            yield found._replace(attributes=found.attributes + _attributes(steps, place))
        elif name in _GLOBAL:
            yield Reference("global", value, _attributes(steps, place))
        elif name in _ENCLOSING:
            yield Reference("enclosing", value, _attributes(steps, place))


def _import_level(steps: list[_Step], place: int) -> int:
    # The level is the constant pushed before the list of names.
    level = steps[place - 2].value if place >= 2 else 0
    return level if isinstance(level, int) else 0


def _attributes(steps: list[_Step], place: int) -> tuple[str, ...]:
    taken = itertools.takewhile(lambda step: step.name in _ATTRIBUTE, itertools.islice(steps, place + 1, None))
    return tuple(step.value for step in taken)


class Resolved(NamedTuple):
    """What a reference is at this moment.

    Attributes:
        path: the name it is reached by.
        value: the first object on the path that is no module, or the last module.
        module: the module it was found in, None where it was found by its name alone.
    """

    path: str
    value: object
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


def _root(reference: Reference, function: types.FunctionType) -> object:
    if reference.kind == "global":
        return function.__globals__.get(reference.name, getattr(builtins, reference.name, _MISSING))
    if reference.kind == "module":
        package = function.__globals__.get("__package__") or None
        try:
            return importlib.import_module("." * reference.level + reference.name, package)
        except Exception:  # whatever a module raises when it is imported, the function raises too where it gets there
            return _MISSING
    names = function.__code__.co_freevars
    if reference.name not in names or function.__closure__ is None:
        return _MISSING  # a variable of an enclosing function that is itself part of this code
    try:
        return function.__closure__[names.index(reference.name)].cell_contents
    except ValueError:  # not filled yet
        return _MISSING
