"""The house's rule of docstrings, held against every public class and function, and the page of their names."""

import ast
import enum
import functools
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import NamedTuple

import pytest

from experiments.api_page import PAGE, page, public_names, summary
from smfg_verify.game import AbstractGame

SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Source", "Examples")
RAISED = {"InputError", "NumericalError", "ValueError", "RuntimeError", "ImportError"}
NAMES = [public for public in public_names() if public.documented]
IDS = [f"{public.module}.{public.name}" for public in NAMES]


class Member(NamedTuple):
    """A public method or property of a public class that fills in no contract of a base."""

    owner: type
    name: str
    function: Callable
    is_property: bool


def _members():
    classes = dict.fromkeys(public.value for public in NAMES if inspect.isclass(public.value))
    for owner in classes:
        bases = [vars(base) for base in owner.__mro__[1:]]
        contract = {name for held in bases for name in (*held, *held.get("__annotations__", ()))}
        if owner is not AbstractGame and issubclass(owner, AbstractGame):
            contract |= AbstractGame.__abstractvars__
        for name, value in vars(owner).items():
            function = _behind(value)
            if not name.startswith("_") and name not in contract and inspect.isfunction(function):
                yield Member(owner, name, function, isinstance(value, property | functools.cached_property))


def _behind(value):
    """The function that a method or a property of any kind calls."""
    for holder in ("__func__", "fget", "func"):
        value = getattr(value, holder, value)
    return inspect.unwrap(value) if callable(value) else value


MEMBERS = list(_members())
MEMBER_IDS = [f"{member.owner.__name__}.{member.name}" for member in MEMBERS]

# Solvers, checkers and published algorithms beside the games and the baselines: who says so, or "ours".
NEED_SOURCE = {
    "AbstractGame",
    "Schedule",
    "ac_smfg",
    "change_point",
    "check",
    "expected_residuals",
    "exact_residuals",
    "find_limit_points",
    "from_mfglib",
    "leader_objective",
    "linear_noise",
    "linear_quadratic_equilibrium",
    "local_prediction",
    "mean_dynamics",
    "optimise_leader",
    "paired_difference",
    "plan_power",
    "sample_index",
    "simulate_population",
    "solve_equilibrium",
    "stackelberg_gradient",
    "step_laboratory",
    "step_region",
    "update_noise",
    "validate_bounds",
    "validate_drift",
}


def _docstring(public):
    return inspect.getdoc(public.value) or ""


def _section(text, name):
    """The lines of a section: from its head to the next one."""
    heads = "|".join(SECTIONS)
    found = re.search(rf"^{name}:(.*?)(?=^(?:{heads}):|\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else None


def _function(public):
    value = inspect.unwrap(public.value)
    return None if inspect.isclass(value) else value


def _parameters(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def _fields(cls):
    """Public fields that the class itself annotates."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    names = [node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)]
    own = [node for node in tree.body if isinstance(node, ast.AnnAssign)]
    kept = [node.target.id for node in own if "ClassVar" not in ast.unparse(node.annotation)]
    return [name for name in names if name in kept and not name.startswith("_")]


def _named(section, name):
    """Whether an entry of the section, "a, b: what they are", names it."""
    heads = re.findall(r"^    (\*{0,2}\w[\w,* \n]*):", section, re.MULTILINE)
    return name in {part.strip(" *\n") for head in heads for part in head.split(",")}


@functools.cache
def _functions_of(module_file):
    with open(module_file) as file:
        tree = ast.parse(file.read())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _raises(node, functions, seen=frozenset()):
    """What a function raises, itself or by private helpers of its own module."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Raise) and isinstance(part.exc, ast.Call) and isinstance(part.exc.func, ast.Name):
            found |= {part.exc.func.id} & RAISED
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            helper = part.func.id
            if helper.startswith("_") and helper in functions and helper not in seen:
                found |= _raises(functions[helper], functions, seen | {helper})
    return found


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_it_begins_with_one_line(public):
    first, *rest = _docstring(public).split("\n")
    assert len(first) > 15
    assert first.endswith(".")
    assert not rest or rest[0] == ""


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_its_sections_stand_in_order(public):
    heads = re.findall(r"^(\w+):", _docstring(public), re.MULTILINE)
    order = [SECTIONS.index(head) for head in heads if head in SECTIONS]
    assert order == sorted(set(order))


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_every_parameter_or_field_is_described(public):
    text = _docstring(public)
    function = _function(public)
    if function is not None:
        missing = [name for name in _parameters(function) if not _named(_section(text, "Args") or "", name)]
    elif issubclass(public.value, enum.Enum):
        missing = []
    else:
        described = (_section(text, "Args") or "") + (_section(text, "Attributes") or "")
        missing = [name for name in _fields(public.value) if not _named(described, name)]
    assert not missing


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_what_it_returns_is_described(public):
    function = _function(public)
    if function is None or inspect.signature(function).return_annotation in (None, "None"):
        return
    assert (_section(_docstring(public), "Returns") or "").strip()


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_what_it_raises_is_described(public):
    function = _function(public)
    if function is None:
        return
    functions = _functions_of(inspect.getfile(function))
    if _raises(functions[function.__name__], functions):
        assert re.search(r"^    \w+(Error|Contradiction): ", _section(_docstring(public), "Raises") or "", re.MULTILINE)


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_its_source_is_named(public):
    game = (
        public.module == "smfg_verify.games" and inspect.isclass(public.value) and hasattr(public.value, "transition")
    )
    if game or public.module == "smfg_verify.stochastic.baselines" or public.name in NEED_SOURCE:
        assert (_section(_docstring(public), "Source") or "").strip()


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_it_has_an_example(public):
    assert ">>> " in (_section(_docstring(public), "Examples") or "")


@pytest.mark.parametrize("public", NAMES, ids=IDS)
def test_it_claims_no_number_of_the_paper(public):
    assert not re.search(r"(Assumption|Theorem|Lemma) \d+ of the paper", _docstring(public))


@pytest.mark.parametrize("member", MEMBERS, ids=MEMBER_IDS)
def test_a_method_says_what_it_does_takes_and_gives(member):
    text, signature = inspect.getdoc(member.function) or "", inspect.signature(member.function)
    first, *rest = text.split("\n")
    assert first.endswith(".")
    assert len(first) > 2
    assert not rest or rest[0] == ""
    parameters = _parameters(member.function)
    assert [name for name in parameters if not _named(_section(text, "Args") or "", name)] == []
    if parameters and not member.is_property and signature.return_annotation not in (None, "None"):
        assert (_section(text, "Returns") or "").strip()
    node = ast.parse(textwrap.dedent(inspect.getsource(member.function))).body[0]
    if _raises(node, _functions_of(inspect.getfile(member.function))):
        assert re.search(r"^    \w+(Error|Contradiction): ", _section(text, "Raises") or "", re.MULTILINE)


def test_there_are_methods_of_every_kind():
    assert {"AbstractGame.transition", "Trace.load", "Finding.meaning", "Schedule.at"} <= set(MEMBER_IDS)


def test_every_name_that_needs_a_source_exists():
    assert {public.name for public in public_names()} >= NEED_SOURCE


def test_the_page_of_names_is_complete_and_current():
    written = PAGE.read_text()
    assert written == page()
    for public in public_names():
        assert f"| `{public.name}` | " in written
        assert summary(public) or not public.documented
