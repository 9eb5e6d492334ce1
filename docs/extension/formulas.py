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


def known(formula: str) -> str:
    """A formula in the part of TeX that docutils knows."""
    for pattern, other in _SAID_OTHERWISE:
        formula = re.sub(pattern, other, formula)
    return formula


def _mathml(translator: HTML5Translator, node: nodes.Element, *, as_block: bool) -> str:
    try:
        return str(tex2mathml(known(node.astext()), as_block=as_block))
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
