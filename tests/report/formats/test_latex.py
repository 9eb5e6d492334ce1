"""A fragment that a paper includes: whatever stands in a record is printed, and TeX takes all of it."""

import copy
import re
import shutil
import subprocess

import pytest

from smfg_verify.records.latex_text import escaped
from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.latex import latex_fragment
from smfg_verify.report.formats.saved import read_saved
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types

HOSTILE = (r"\input{/etc/passwd}", r"\end{tabular}", "50% $x_1$ & #2", "--- ''", "μ ≤ 中 é\x00\n\n", r"\\[9cm]")
PAPER = r"""\documentclass%s{article}
\usepackage[T1]{fontenc}
\usepackage{array,booktabs,longtable,graphicx}
\newcommand{\smfgpath}{results/}
\begin{document}
Before it.
\input{results/report}
After it, see Table~\ref{tab:laffer-tax-coverage} and Figure~\ref{fig:laffer-tax-equilibrium}.
\end{document}
"""


@pytest.fixture(scope="module")
def record():
    return record_of_all_stages()


def hostile(record):
    found = copy.deepcopy(record)
    found["game"]["labels"]["states"] = list(HOSTILE[:2])
    found["game"]["labels"]["leader_actions"] = list(HOSTILE[2:4])
    found["game"]["parameters"] = {HOSTILE[4]: HOSTILE[5]}
    found["warnings"] = list(HOSTILE)
    return found


@pytest.mark.parametrize(("points", "inches", "place"), [(237.6, "3.30", "figure"), (496.8, "6.90", "figure*")])
def test_a_figure_stands_in_the_columns_it_was_drawn_for_and_is_never_enlarged(record, tmp_path, points, inches, place):
    save(tmp_path, record)
    svg = f'<svg height="9pt" width="{points}pt" xmlns="http://www.w3.org/2000/svg"/>'
    (tmp_path / "equilibrium.svg").write_text(svg)
    text = latex_fragment(contents(read_saved(tmp_path, "today")))
    (found,) = re.findall(
        r"\\begin\{(figure\*?)\}\[htbp\]\n\\centering\n\\ifdim\\linewidth<([\d.]+)in .*\n"
        r".*\\includegraphics\[width=\\smfgwidth.*equilibrium\.pdf\}(?:.*\n)*?\\end\{\1\}",
        text,
    )
    assert found == (place, inches)


def test_tables_and_figures_are_the_document_s(record, tmp_path):
    document = contents(read_saved(save(tmp_path, record), "today"))
    fragment = latex_fragment(document)
    tables = [table for section in document.sections for table in section.tables]
    for mark in (r"\toprule", r"\bottomrule", r"\caption{"):
        assert fragment.count(mark) >= len(tables)
    for table in tables:
        assert rf"\label{{tab:laffer-tax-{table.identifier}}}" in fragment
        for row in table.rows:
            assert " & ".join(escaped(cell.text) for cell in row) + r" \\" in fragment
    assert re.findall(r"\\includegraphics\[.*\]\{\\smfgpath (.*)\}", fragment) == ["equilibrium.pdf", "convergence.pdf"]


def test_a_figure_without_a_pdf_is_included_as_pixels(record, tmp_path):
    save(tmp_path, record)
    (tmp_path / "equilibrium.pdf").unlink()
    assert r"\smfgpath equilibrium.png}" in latex_fragment(contents(read_saved(tmp_path, "today")))


@pytest.mark.parametrize("options", ["", "[twocolumn]"])
@pytest.mark.parametrize("make", [lambda record: record, hostile], ids=["plain", "hostile"])
def test_a_paper_with_it_compiles(make, options, record, tmp_path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("no pdflatex on this machine")
    results = tmp_path / "results"
    results.mkdir()
    fragment = latex_fragment(contents(read_saved(save(results, make(record)), "today")))
    (results / "report.tex").write_text(fragment, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(PAPER % options)
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    for _ in range(2):
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert made.returncode == 0, made.stdout[-2000:].decode(errors="replace")
    log = (tmp_path / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert "multiply defined" not in log
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
