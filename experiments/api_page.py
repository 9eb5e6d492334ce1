"""The page of public names: every name that a public module exports, with the one line its docstring begins with."""

import argparse
import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from smfg_verify.report.tables.markdown import markdown_row, markdown_table

_COLUMNS = ("name", "what it is")
_ROOT = Path(__file__).resolve().parents[1]
PAGE = _ROOT / "docs" / "api.md"

# In the order in which a reader meets them.
MODULES = (
    "smfg_verify",
    "smfg_verify.exact",
    "smfg_verify.game",
    "smfg_verify.games",
    "smfg_verify.assumptions",
    "smfg_verify.stochastic",
    "smfg_verify.stochastic.baselines",
    "smfg_verify.bounds",
    "smfg_verify.policies",
    "smfg_verify.cases",
    "smfg_verify.comparison",
    "smfg_verify.symbolic",
    "smfg_verify.interop",
    "smfg_verify.theorems",
    "smfg_verify.symbolic.rates",
    "smfg_verify.symbolic.constants",
    "smfg_verify.plot",
)
_HEAD = """# Public names

Written by `python -m experiments.api_page`; a test holds it against the package. `help(name)` prints arguments with
their shapes and units, what is returned and raised, the source, and an example that the tests run; on the site of the
documentation each name is a link to the same.

The exact side computes in 64 bits and never switches them on by itself. Before the first array is made:

```python
import jax

jax.config.update("jax_enable_x64", True)
```
"""


class PublicName(NamedTuple):
    """A name, where it is exported, and what it stands for."""

    module: str
    name: str
    value: Any

    @property
    def documented(self) -> bool:
        """Whether it is a class or a function: what else is exported has a comment in place of a docstring."""
        return inspect.isclass(self.value) or inspect.isroutine(inspect.unwrap(self.value))


def public_names() -> Iterator[PublicName]:
    """Every public name once, in the module that comes first in `MODULES`."""
    seen = set()
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in exported(module):
            value = getattr(module, name)
            key = (name, id(value))
            if not inspect.ismodule(value) and key not in seen:
                seen.add(key)
                yield PublicName(module_name, name, value)


def exported(module: Any) -> tuple[str, ...]:
    """What `__all__` lists; else what is imported under its own name, or defined in a module without such imports."""
    if hasattr(module, "__all__"):
        return tuple(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    imported = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    ]
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return tuple(imported or [name for name in defined if not name.startswith("_")])


def summary(public: PublicName) -> str:
    """The first line of a docstring, or the comment above the assignment of a constant."""
    if public.documented:
        return (inspect.getdoc(public.value) or "").split("\n\n")[0].replace("\n", " ")
    return _comment_of_constant(public)


def _comment_of_constant(public: PublicName) -> str:
    path = _where_imported_from(public)
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.split(":")[0].split(" = ")[0] == public.name:
            first = number
            while lines[first - 1].startswith("# "):
                first -= 1
            return " ".join(text[2:] for text in lines[first:number])
    raise LookupError(f"{public.name} is not assigned in {path}")


def _where_imported_from(public: PublicName) -> Path:
    module = importlib.import_module(public.module)
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == public.name for alias in node.names):
            return Path(inspect.getfile(importlib.import_module(str(node.module))))
    raise LookupError(f"{public.module} does not import {public.name}")


def page() -> str:
    """The page."""
    parts = [_HEAD]
    module = ""
    for public in public_names():
        if public.module != module:
            module = public.module
            parts.append(f"\n## `{module}`\n\n{markdown_table(_COLUMNS, ())}")
        parts.append(markdown_row([f"`{public.name}`", summary(public)]))
    return "".join(parts)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
