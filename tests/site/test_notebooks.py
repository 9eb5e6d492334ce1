"""The notebooks say what their cells say now: the first cells by default, all of them in the slow version."""

import json

import pytest

from experiments.notebook import code_cells, run_cell, run_notebook, text_of
from tests.support.locks import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
# Load, equilibrium, gradient: seconds.
FIRST = 3
# Kept under version control, so small.
LARGEST = 100_000


@pytest.mark.parametrize("number", [FIRST, pytest.param(None, marks=pytest.mark.slow)], ids=["first", "all"])
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_the_cells_print_what_the_notebook_shows(notebook, number):
    names = {}
    for cell in code_cells(notebook)[:number]:
        printed, value = run_cell("".join(cell["source"]), names)
        assert printed == text_of(cell), "".join(cell["source"])
        shows = any("image/png" in output.get("data", {}) for output in cell["outputs"])
        assert shows == (value is not None)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_small_was_run_from_top_to_bottom_and_shows_no_error(notebook):
    cells, record = code_cells(notebook), json.loads(notebook.read_text())
    assert (record["nbformat"], len({cell["id"] for cell in record["cells"]})) == (4, len(record["cells"]))
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert {output["output_type"] for cell in cells for output in cell["outputs"]} <= {"stream", "display_data"}
    assert notebook.stat().st_size < LARGEST


def test_running_a_notebook_writes_what_its_cells_say_and_raises_what_they_raise(tmp_path):
    def notebook(*codes):
        cells = [{"cell_type": "code", "source": [code], "outputs": [], "execution_count": None} for code in codes]
        path = tmp_path / "some.ipynb"
        path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Title"]}, *cells]}))
        return path

    drawing = "import matplotlib.figure\nfigure = matplotlib.figure.Figure()\nprint('drawn')\nfigure.add_subplot()"
    path = notebook("x = 2\nprint(x)", "print(x + 1)\nx", drawing)
    run_notebook(path)
    first, second, third = code_cells(path)
    assert (text_of(first), text_of(second), text_of(third)) == ("2\n", "3\n", "drawn\n")
    assert [len(cell["outputs"]) for cell in (first, second, third)] == [1, 1, 2]
    with pytest.raises(ZeroDivisionError):
        run_notebook(notebook("print('never kept')", "1 / 0"))
    assert [cell["outputs"] for cell in code_cells(path)] == [[], []]
