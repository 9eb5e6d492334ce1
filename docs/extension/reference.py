"""The reference: a page for each public module, an entry for each public name, out of its docstring."""

import enum
import importlib
import inspect
import itertools

from experiments.api_page import MODULES, PublicName, public_names, summary

_INDEX = """Reference
=========

What every public name takes, gives and raises, with an example; :doc:`/api` lists them with one line each. Signatures
are shown without their annotations: shapes and units stand in the text, and ``help(name)`` shows both.

.. toctree::

"""


def pages() -> dict[str, str]:
    """The pages' texts by file name."""
    by_module = itertools.groupby(public_names(), key=lambda public: public.module)
    return {f"reference/{module}.rst": _page(module, list(names)) for module, names in by_module} | {
        "reference/index.rst": _INDEX + "".join(f"   {module}\n" for module in MODULES)
    }


def _page(module: str, names: list[PublicName]) -> str:
    title = f"``{module}``"
    about = (inspect.getdoc(importlib.import_module(module)) or "").splitlines()[0].replace("`", "``")
    head = f"{title}\n{'=' * len(title)}\n\n{about}\n\n.. py:module:: {module}\n\n.. currentmodule:: {module}\n"
    return "\n".join([head, *map(_entry, names)])


def _entry(public: PublicName) -> str:
    if not public.documented:
        return f".. py:data:: {public.name}\n\n   {summary(public)}\n"
    if not inspect.isclass(public.value):
        return f".. autofunction:: {public.name}\n"
    undocumented = "   :undoc-members:\n" if issubclass(public.value, enum.Enum) else ""
    return f".. autoclass:: {public.name}\n   :members:\n{undocumented}"
