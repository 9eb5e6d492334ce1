"""Run a notebook's cells in one process and keep what they say: text, tables and figures, as a notebook server would.

`python -m experiments.notebook docs/notebooks/first_look.ipynb` runs it and writes the outputs into the file; a test
runs the same function and compares. Needs no server: a notebook is JSON, and these cells are plain Python.
"""

import argparse
import ast
import base64
import contextlib
import io
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from smfg_verify.files import write_atomically

Cell = dict[str, Any]
_DPI = 72


def code_cells(path: Path) -> list[Cell]:
    """The cells of a notebook that are code, in order."""
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def run_cell(code: str, names: dict[str, Any]) -> tuple[str, object]:
    """Run one cell: what it printed, and the value of its last line where that is an expression.

    Args:
        code: of the cell.
        names: what earlier cells defined; it is added to.

    Returns:
        The text, and the value or None.
    """
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return printed.getvalue(), value


def text_of(cell: Cell) -> str:
    """What a cell has printed, as it stands in the notebook."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def _outputs(printed: str, value: object) -> list[Cell]:
    outputs: list[Cell] = []
    if printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.splitlines(keepends=True)})
    figure = value.figure if isinstance(value, Axes) else value
    if isinstance(figure, Figure):
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DPI, metadata={"Software": None})
        data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ["a figure"]}
        outputs.append({"output_type": "display_data", "data": data, "metadata": {}})
        plt.close(figure)
    return outputs


def run_notebook(path: Path) -> None:
    """Run every cell of a notebook and write what they say into it.

    Args:
        path: of the notebook.
    """
    notebook, names = json.loads(path.read_text()), {}
    for number, cell in enumerate((cell for cell in notebook["cells"] if cell["cell_type"] == "code"), start=1):
        cell["outputs"], cell["execution_count"] = _outputs(*run_cell("".join(cell["source"]), names)), number
    write_atomically(path, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    run_notebook(parser.parse_args().notebook)
