"""A document as one HTML file that needs nothing else: no network, no fonts, no other file."""

import base64
import dataclasses
import hashlib

from markupsafe import Markup

from smfg_verify.report.formats.document import Document, Picture, Section
from smfg_verify.report.formats.svg import inlined
from smfg_verify.report.formats.templates import template, text_of


def html_page(document: Document) -> str:
    """The document as HTML.

    Args:
        document: of a job's results; its texts are data, whatever stands in them.

    Returns:
        The page: styles, a script that sorts tables and the figures are in it, and a policy that forbids all else.

    Raises:
        ValueError: a figure that is not SVG.
    """
    script = text_of("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return template("report.html").render(
        document=document,
        sections=[_drawn(section) for section in document.sections],
        style=Markup(text_of("report.css")),
        script=Markup(script),
        script_digest=digest,
    )


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """A section and the elements of its figures."""

    section: Section
    figures: tuple[tuple[Picture, Markup], ...]


def _drawn(section: Section) -> _Drawn:
    with_svg = [picture for picture in section.pictures if picture.svg]
    elements = [Markup(inlined(one.svg, one.name, one.title, one.description)) for one in with_svg]
    return _Drawn(section, tuple(zip(with_svg, elements, strict=True)))
