"""Derived formulas as LaTeX: symbols by the names that they have on paper."""

import re
from collections.abc import Iterable

import sympy as sp

# Stem of a symbol's name -> how it is written; what is left of the name is its indices.
_STEMS = {
    "Pbar": r"\bar P",
    "lbar": r"\bar\ell",
    "detN": r"\det(I - \gamma P)",
    "detAinv": r"\det A",
    "Ainv": r"A^{-1}",
    "detS": r"\det(A - C)",
    "rebate": r"\mathrm{rebate}",
}
_WHOLE = {"tau_l": r"\tau_l", "s_next": "s'"}
_DIRECTED = re.compile(r"(q|dV|dQ|dpi|g|dm)(m(\d)|phi(\d)(\d+))((?:_\d+)*)")
_DIRECTED_STEMS = {"q": "q", "dV": r"\dot V", "dQ": r"\dot Q", "dpi": r"\dot\pi", "g": "g", "dm": r"\dot m"}
_INDEXED = re.compile(r"(.+?)((?:_\d+)+)")


def latex(expression: sp.Basic) -> str:
    """An expression as LaTeX.

    Args:
        expression: in symbols of a game, of its equilibrium or of a derivation.

    Returns:
        LaTeX for mathematics mode.

    Examples:
        >>> import sympy as sp
        >>> from smfg_verify.symbolic.latex import latex
        >>> latex(sp.Symbol("dVphi01_0") * sp.Symbol("kappa_1"))
        '\\\\dot V^{(\\\\phi_{01})}_{0} \\\\, \\\\kappa_{1}'
    """
    names = {symbol: symbol_latex(str(symbol)) for symbol in expression.atoms(sp.Symbol)}
    text: str = sp.latex(expression, symbol_names=names, mul_symbol=r" \, ")
    return text


def symbol_latex(name: str) -> str:
    """The name of a symbol as LaTeX.

    Args:
        name: such as kappa_0, Pbar_0_1_0 or dVphi01_0.

    Returns:
        Its stem with indices below; a word of several letters upright.
    """
    if directed := _DIRECTED.fullmatch(name):
        stem, _, by_field, row, action, indices = directed.groups()
        direction = f"m_{{{by_field}}}" if by_field else rf"\phi_{{{row}{action}}}"
        return rf"{_DIRECTED_STEMS[stem]}^{{({direction})}}{_below(indices)}"
    if name in _WHOLE:
        return _WHOLE[name]
    if indexed := _INDEXED.fullmatch(name):
        return f"{_stem(indexed[1])}{_below(indexed[2])}"
    return _stem(name)


def _below(indices: str) -> str:
    digits = indices.strip("_").split("_") if indices else []
    return f"_{{{(',' if any(len(d) > 1 for d in digits) else '').join(digits)}}}" if digits else ""


def _stem(stem: str) -> str:
    if stem in _STEMS:
        return _STEMS[stem]
    if stem.lower() in (
        "kappa",
        "gamma",
        "tau",
        "phi",
        "pi",
        "nu",
        "rho",
        "sigma",
        "beta",
        "alpha",
        "omega",
        "theta",
        "lambda",
    ):
        return f"\\{stem}"
    if len(stem) <= 2:
        return stem
    return rf"\mathrm{{{stem.replace('_', ' ')}}}"


def aligned(lines: Iterable[tuple[str, sp.Basic]]) -> str:
    """Equations below each other.

    Args:
        lines: left side as LaTeX, right side.

    Returns:
        An align* environment, for a document with amsmath.
    """
    rows = [rf"  {left} &= {latex(right)}" for left, right in lines]
    return "\n".join((r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"))
