"""The gallery of figures: every panel of `smfg_verify.plot` on one small job, and the figures that the pages show."""

import functools
import inspect
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import jax

# Before the first figure, and before the exact side, which never does it itself.
os.environ.setdefault("MPLBACKEND", "agg")
jax.config.update("jax_enable_x64", True)

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

import smfg_verify as sv  # noqa: E402
from docs.extension.markdown import described  # noqa: E402
from smfg_verify import plot  # noqa: E402

DOCS = Path(__file__).resolve().parents[1]
GAME, SEEDS, ITERATIONS, LEADERS = "laffer-tax", 8, 3000, 256
_MADE = re.compile(r"^(\w+) = ", re.MULTILINE)
_IMAGE = re.compile(r"!\[([^\]]*)\]\((figures/[^)]+)\)")
JOB = f"""import jax

jax.config.update("jax_enable_x64", True)
import tempfile
from pathlib import Path

import numpy as np
import smfg_verify as sv
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.dataset import to_dataset
from smfg_verify.sweep.settings import settings_of

game = sv.games.load("{GAME}")
equilibrium = sv.solve_equilibrium(game, np.zeros((1, 2)))
trace = sv.ac_smfg(game, num_iterations={ITERATIONS}, seeds=range({SEEDS}))
residuals = sv.exact_residuals(game, trace)
bounds = sv.validate_bounds(game, trace, residuals=residuals)
report = sv.check(game, ["contraction", "gradient-alignment"], budget="quick", num_leaders={LEADERS})
axes = {{"discount": [0.7, 0.8, 0.9], "temperature": [0.3, 0.6, 1.0]}}
plan = make_plan(settings_of({{"what": "solve", "games": ["{GAME}"], "parameters": axes}}, Path()))
folder = tempfile.TemporaryDirectory()
dataset = to_dataset(conduct(plan, Path(folder.name), How(), say=print))
folder.cleanup()
"""
_HEAD = f"""# Gallery of figures

Written when the site is built. A command's figures put panels together; each panel is a function of `smfg_verify.plot`
as well, and draws on axes of yours.

## Panels

All of one small job, computed when the site is built: the game {GAME}, {SEEDS} seeds of {ITERATIONS} iterations of
AC-SMFG, and a check of two properties at its quick budget with {LEADERS} leaders. What the seeds say of a rate at this
size is little; what the figures are of is the point here.

```python
{JOB}```

"""


class Figure(NamedTuple):
    """A figure by the name of its file, and what draws it."""

    name: str
    draw: Callable[[], Axes]

    def write(self, folder: Path) -> None:
        """Draw it, unless what is there is newer than all code of the package and what draws here."""
        path = folder / f"{self.name}.svg"
        if not path.exists() or path.stat().st_mtime < _last_change():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.draw().figure.savefig(path, bbox_inches="tight")
            plt.close("all")


@functools.cache
def _last_change() -> float:
    package = Path(inspect.getfile(sv)).parent
    drawers = (Path(__file__), Path(__file__).with_name("games.py"))
    return max(path.stat().st_mtime for path in (*package.rglob("*.py"), *drawers))


@functools.cache
def records() -> dict[str, object]:
    """The one small job, by the names that the panels' parameters have."""
    found: dict[str, object] = {}
    exec(JOB, found)
    return found


def needed(panel: Callable[..., Axes]) -> list[str]:
    """The records that a panel cannot do without: its parameters without a default."""
    return [one.name for one in _parameters(panel) if one.default is inspect.Parameter.empty]


def also_taken(panel: Callable[..., Axes]) -> list[str]:
    """Records of the job that a panel takes if they are there, by keyword."""
    optional = {one.name for one in _parameters(panel)} - set(needed(panel))
    return sorted(optional & set(_MADE.findall(JOB)))


def _parameters(panel: Callable[..., Axes]) -> Iterable[inspect.Parameter]:
    return inspect.signature(panel).parameters.values()


def figures() -> list[Figure]:
    """A figure a panel."""
    panels = {name: getattr(plot, name) for name in plot.__all__}
    return [Figure(f"panel-{name}", functools.partial(_drawn, panel)) for name, panel in panels.items()]


def _drawn(panel: Callable[..., Axes]) -> Axes:
    return panel(*(records()[name] for name in needed(panel)), **{name: records()[name] for name in also_taken(panel)})


def page() -> str:
    """The page."""
    return _HEAD + "".join(map(_section, plot.__all__)) + _kept()


def _section(name: str) -> str:
    panel = getattr(plot, name)
    taken = [*needed(panel), *(f"{record}={record}" for record in also_taken(panel))]
    call = f"sv.plot.{name}({', '.join(taken)})"
    image = f"![{described(panel).splitlines()[0]}](figures/panel-{name}.svg)"
    return f"### {name}\n\n{described(panel)}\n\n```python\n{call}\n```\n\n{image}\n\n"


def _kept() -> str:
    """Figures that stand in the repository, as the pages show them."""
    parts = ["## Figures of the pages\n\nKept in the repository; the pages say by which command each was made.\n"]
    for source in sorted(DOCS.glob("*.md")):
        for caption, path in _IMAGE.findall(source.read_text()):
            parts.append(f"![{caption}](/{path})\n\n{caption}. From [this page](/{source.name}).\n")
    return "\n".join(parts)
