"""Formulas as MathML, made when the site is built: no script, no network, and a warning where TeX is not understood."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_LOGGER = logging.getLogger(__name__)
# TeX that docutils does not know, in TeX that it knows.
_SAID_OTHERWISE = ((r"\\(big|Big)(?![a-z])", r"\\\1l"), (r"\\frac(\d)(\d)", r"\\frac{\1}{\2}"), (r"\\mathrel(?={)", ""))

# Delimiters that browsers stretch, and by which TeX command they are meant to be stretched.
_DELIMITERS = {"\u2016": r"\|", "{": r"\{", "}": r"\}", "\u27e8": r"\langle", "\u27e9": r"\rangle", "|": "|"}
_FUNCTION = re.compile(r"<mi>([a-z]{2,})</mi>\s*<mo>&ApplyFunction;</mo>(\s*<mo stretchy=\"false\">\(</mo>)?")


def known(formula: str) -> str:
    """A formula in the part of TeX that docutils knows."""
    for pattern, other in _SAID_OTHERWISE:
        formula = re.sub(pattern, other, formula)
    return formula


def mathml(formula: str, *, as_block: bool) -> str:
    r"""A formula as MathML, with what TeX's typesetting has and docutils leaves out.

    A delimiter is stretched where \left or \right says so; log and its like stand apart from what is beside them.
    """
    text = str(tex2mathml(known(formula), as_block=as_block))
    for sign, tex in _DELIMITERS.items():
        if not re.search(rf"\\(?:left|right|[Bb]ig+[lr]?) ?{re.escape(tex)}", formula):
            text = text.replace(f"<mo>{sign}</mo>", f'<mo stretchy="false" lspace="0" rspace="0">{sign}</mo>')
    return _FUNCTION.sub(_apart, text)


def _apart(found: re.Match[str]) -> str:
    after = "0" if found[2] else "0.17em"
    return f'<mo form="prefix" lspace="0.17em" rspace="{after}">{found[1]}</mo>{found[2] or ""}'


def _mathml(translator: HTML5Translator, node: nodes.Element, *, as_block: bool) -> str:
    try:
        return mathml(node.astext(), as_block=as_block)
    except MathError as error:
        _LOGGER.warning("formula %r: %s", node.astext(), error, location=node)
        return f"<code>{translator.encode(node.astext())}</code>"


def _inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(translator, node, as_block=False))
    raise nodes.SkipNode


def _block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(f"{_mathml(translator, node, as_block=True)}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
