"""Names as they are on paper, and LaTeX that compiles where there is a TeX."""

import shutil
import subprocess

import pytest
import sympy as sp

from smfg_verify import symbolic
from smfg_verify.symbolic.latex import aligned, latex, symbol_latex


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("kappa", r"\kappa"),
        ("kappa_0", r"\kappa_{0}"),
        ("tolls_0_1", r"\mathrm{tolls}_{01}"),
        ("tolls_10_1", r"\mathrm{tolls}_{10,1}"),
        ("Pbar_0_1_0", r"\bar P_{010}"),
        ("dVphi01_0", r"\dot V^{(\phi_{01})}_{0}"),
        ("gm0_1", r"g^{(m_{0})}_{1}"),
        ("tau_l", r"\tau_l"),
        ("p", "p"),
        ("price_cap", r"\mathrm{price cap}"),
    ],
)
def test_a_symbol_is_written_by_its_name(name, written):
    assert symbol_latex(name) == written


@pytest.mark.parametrize("name", symbolic.names())
def test_braces_of_every_derived_formula_balance_and_no_two_symbols_are_written_alike(name):
    formula = symbolic.stackelberg_formula(symbolic.load(name))
    symbols = {*formula.definitions}.union(*(value.free_symbols for value in formula.definitions.values()))
    assert len({latex(symbol) for symbol in symbols}) == len(symbols)
    for value in (*formula.definitions.values(), *formula.total):
        text = latex(value)
        assert text.count("{") == text.count("}")
        assert text.count(r"\left") == text.count(r"\right")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_it_compiles(tmp_path):
    x = sp.Symbol("dVphi01_0")
    body = aligned([("a", x**2 / sp.Symbol("kappa_1")), ("b", sp.Piecewise((x, x > 0), (0, True)))])
    document = "\n".join((r"\documentclass{article}\usepackage{amsmath}\begin{document}", body, r"\end{document}"))
    (tmp_path / "formulas.tex").write_text(document)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "formulas.tex"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
