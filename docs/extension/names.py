"""A public name in code font, in a page or a docstring, is a link to its entry in the reference."""

import functools
import importlib
import inspect
from collections.abc import Mapping

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform

from experiments.api_page import MODULES, PublicName, exported, public_names
from smfg_verify.cli.app import app as program

_PACKAGE = "smfg_verify."


@functools.cache
def entries() -> Mapping[int, PublicName]:
    """Public names by the identity of what they stand for."""
    return {id(public.value): public for public in public_names()}


def target(public: PublicName) -> str:
    """The dotted name under which the reference has it."""
    return f"{public.module}.{public.name}"


@functools.cache
def links() -> Mapping[str, PublicName]:
    """What may stand in code font for a public name: its dotted names, and the bare one where it is no other's.

    A bare word that is a command of the program too, such as `check`, is mostly that.
    """
    dotted, bare = {}, {}
    for module in MODULES:
        for name in exported(importlib.import_module(module)):
            public = entries().get(id(getattr(importlib.import_module(module), name)))
            if public is not None:
                full = f"{module}.{name}"
                inside = full.removeprefix(_PACKAGE)
                dotted |= dict.fromkeys((full, f"sv.{inside}", *([inside] if "." in inside else [])), public)
                bare.setdefault(name, set()).add(id(public.value))
    commands = {name for found in program.subapps for name in found.name}
    unique = {name: entries()[next(iter(ids))] for name, ids in bare.items() if len(ids) == 1 and name not in commands}
    return {**{name: public for name, public in unique.items() if public.documented or name.isupper()}, **dotted}


def named(text: str, module: str = "") -> PublicName | None:
    """The public name that a word in code font stands for: itself, or as the owner of an attribute."""
    text = text.removesuffix("()")
    found = links().get(f"{module}.{text}") or links().get(text)
    if found is None and "." in text:
        owner = links().get(text.rpartition(".")[0])
        attribute = text.rpartition(".")[2]
        if owner is not None and inspect.isclass(owner.value) and has(owner.value, attribute):
            return owner
    return found


def has(owner: type, attribute: str) -> bool:
    """Whether a class has an attribute, a field without a default included."""
    return any(attribute in (*vars(base), *vars(base).get("__annotations__", ())) for base in owner.__mro__)


class _LinkNames(SphinxTransform):
    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        for node in list(self.document.findall(nodes.literal)):
            if not _inside(node, (nodes.reference, nodes.title, pending_xref, nodes.term)):
                public = named(node.astext(), _module_of(node))
                if public is not None:
                    node.replace_self(_link(node, public, self.env.docname))


def _inside(node: nodes.Node, kinds: tuple[type[nodes.Node], ...]) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def _module_of(node: nodes.Node) -> str:
    """The module that the heading above names, on the page of public names."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.section) and node.children:
            title = node.children[0].astext()
            if title in MODULES:
                return title
    return ""


def _link(node: nodes.literal, public: PublicName, page: str) -> pending_xref:
    reference = pending_xref(
        "", node.deepcopy(), refdomain="py", reftype="obj", reftarget=target(public), refexplicit=True, refdoc=page
    )
    reference["refwarn"] = True
    return reference


def _resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.Node) -> nodes.Node | None:
    """Names in signatures: of where something is defined, which the reference has where it is exported."""
    if node.get("refdomain") != "py":
        return None
    found, value = _imported(node["reftarget"])
    if not found:
        return None
    public = entries().get(id(value))
    if public is None or node.get("refwarn"):
        return None if node.get("refwarn") else shown
    node["reftarget"] = target(public)
    return env.domains["py"].resolve_xref(env, node["refdoc"], app.builder, "obj", node["reftarget"], node, shown)


def _imported(name: str) -> tuple[bool, object]:
    """What a dotted name, or one of Python's own, stands for."""
    parts = name.split(".") if "." in name else ["builtins", name]
    for length in range(len(parts) - 1, 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
            for attribute in parts[length:]:
                value = getattr(value, attribute)
        except (ImportError, AttributeError):
            continue
        return True, value
    return False, None


def setup(app: Sphinx) -> None:
    app.add_transform(_LinkNames)
    app.connect("missing-reference", _resolve)
