"""An SVG file as an element that can stand within a page beside others: safe, nameable, without a style of its own."""

import re
from xml.etree import ElementTree

from smfg_verify.errors import InputError
from smfg_verify.report.formats.document import slug

# What draws. Everything else is left out: scripts, styles (which would hold for the whole page), metadata, links.
_ELEMENTS = frozenset(
    {
        *("svg", "g", "defs", "use", "symbol", "clipPath", "mask", "marker", "pattern", "title", "desc"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "image"),
        *("linearGradient", "radialGradient", "stop"),
    }
)
_HREF = "href"
_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[\sA-Za-z0-9+/=]*")
_REFERENCE = re.compile(r"url\(#(?P<target>[\w.:-]+)\)")
# The rule that matplotlib writes for every element of its file.
_LARGER = 1.3
_JOINS = "stroke-linejoin: round; stroke-linecap: butt"


def inlined(svg: str, name: str, title: str, description: str) -> str:
    """An SVG document as an element of a page.

    Args:
        svg: the document.
        name: of the figure; begins every identifier in it, so that two figures of a page share none.
        title: of the figure, for those who cannot see it.
        description: of what it shows, likewise.

    Returns:
        The element, with elements that draw and attributes that reach nothing outside it; the same for the same input.

    Raises:
        ValueError: not an SVG document, or one with entities of its own.
    """
    if "<!ENTITY" in svg:
        raise InputError(f"figure {name}: got a document with entities of its own, expected a figure of ours.")
    try:
        root = ElementTree.fromstring(svg.encode())
    except ElementTree.ParseError as error:
        raise InputError(f"figure {name}: got text that is not SVG ({error}); the file is damaged.") from error
    if _local(root.tag) != "svg":
        raise InputError(f"figure {name}: got a document of <{_local(root.tag)}>, expected <svg>.")
    prefix = f"figure-{slug(name)}-"
    _clean(root, prefix)
    _describe(root, prefix, title, description)
    return ElementTree.tostring(root, encoding="unicode")


def _describe(root: ElementTree.Element, prefix: str, title: str, description: str) -> None:
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}title {prefix}description")
    root.set("style", f"{_JOINS}; {_size(root)}")
    for position, (tag, said) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{prefix}{'title' if tag == 'title' else 'description'}"})
        element.text = said
        root.insert(position, element)


def _size(root: ElementTree.Element) -> str:
    """Larger than on paper where there is room, and never so small that its letters could not be read."""
    width = re.fullmatch(r"([\d.]+)pt", root.attrib.pop("width", ""))
    root.attrib.pop("height", None)
    return f"width: {_LARGER * float(width[1]):.0f}pt; min-width: {float(width[1]):.0f}pt" if width else "width: 40rem"


def _clean(element: ElementTree.Element, prefix: str) -> None:
    element.tag = _local(element.tag)
    attributes = {_local(key): value for key, value in element.attrib.items()}
    element.attrib.clear()
    for key, value in attributes.items():
        kept = _kept(key, value, prefix)
        if kept is not None:
            element.set(key, kept)
    for child in list(element):
        if isinstance(child.tag, str) and _local(child.tag) in _ELEMENTS:
            _clean(child, prefix)
        else:
            element.remove(child)


def _kept(key: str, value: str, prefix: str) -> str | None:
    """The value of an attribute in the page; None for one that is left out."""
    if key.lower().startswith("on") or key == "class":
        return None
    if key == "id":
        return prefix + value
    if key == _HREF:
        return f"#{prefix}{value[1:]}" if value.startswith("#") else value if _PICTURE.fullmatch(value) else None
    # What refers to anything but a place in the document is left out: with all references of that kind taken away, no
    # other way to write one (nor an escape that might hide it) may be left.
    rest = _REFERENCE.sub("", value).lower()
    if "\\" in rest or re.search(r"[a-z-]*(url|image|src|import)[a-z-]*\s*\(", rest):
        return None
    return _REFERENCE.sub(rf"url(#{prefix}\g<target>)", value)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
