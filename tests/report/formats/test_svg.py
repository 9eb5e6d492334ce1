"""A figure within a page: it draws the same, shares no identifier with another, and reaches nothing outside itself."""

import re
from xml.etree import ElementTree

import pytest

from smfg_verify.errors import InputError
from smfg_verify.report.figures.drawing import figure_files, finish_axes
from smfg_verify.report.figures.layout import new_figure
from smfg_verify.report.formats.svg import inlined

ATTACKS = (
    "<script>alert(1)</script>",
    '<path d="M 0 0" onload="alert(1)"/>',
    '<g ONCLICK="alert(1)"><path d="M 0 0"/></g>',
    '<a href="javascript:alert(1)"><path d="M 0 0"/></a>',
    '<image href="https://elsewhere.example/x.png"/>',
    '<image xlink:href="data:image/svg+xml;base64,PHN2Zy8+" xmlns:xlink="http://www.w3.org/1999/xlink"/>',
    '<use href="https://elsewhere.example/x.svg#a"/>',
    '<path d="M 0 0" style="fill: url(https://elsewhere.example/x)"/>',
    '<path d="M 0 0" style="fill: url(\'//elsewhere.example/x\')"/>',
    '<path d="M 0 0" style="fill: u\\72l(//elsewhere.example/x)"/>',
    '<path d="M 0 0" style="background: image-set(&quot;//elsewhere.example/x&quot; 1x)"/>',
    "<style>@import url(//elsewhere.example/x.css); * { display: none }</style>",
    "<foreignObject><iframe src='//elsewhere.example'/></foreignObject>",
    '<animate attributeName="href" values="javascript:alert(1)"/>',
    '<set attributeName="onload" to="alert(1)"/>',
)


def drawn(slope=1.0):
    figure = new_figure("one")
    axes = figure.subplots()
    axes.plot([0.0, 1.0], [0.0, slope], marker="o")
    axes.imshow([[0.0, 1.0]], extent=(0.0, 1.0, 0.0, 0.5))
    finish_axes(axes, r"$\tau$ < 1 & more", "x", "y")
    return figure_files(figure, "a")["a.svg"].decode()


def around(inner):
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt">{inner}</svg>'


def elements(svg):
    return list(ElementTree.fromstring(svg).iter())


def identifiers(svg):
    return [element.get("id") for element in elements(svg) if element.get("id")]


def references(svg):
    """Identifiers that attributes refer to."""
    every = [value for element in elements(svg) for value in element.attrib.values()]
    return [name for value in every for name in re.findall(r"(?:^|url\()#([^)]+)", value)]


def test_it_draws_what_the_file_draws():
    """The same shapes in the same order with the same paint: only names, metadata and the rule for all are gone."""
    source, page = ElementTree.fromstring(drawn()), ElementTree.fromstring(inlined(drawn(), "a", "t", "d"))
    for kind in ("path", "use", "image", "clipPath", "rect"):
        before = list(source.iter(f"{{http://www.w3.org/2000/svg}}{kind}"))
        after = list(page.iter(kind))
        assert len(before) == len(after) > 0
        for name in ("d", "style", "transform", "x", "y"):
            assert [one.get(name) for one in before] == [one.get(name) for one in after]


def test_every_reference_stays_and_two_figures_share_no_name():
    one, other = inlined(drawn(), "one", "t", "d"), inlined(drawn(), "other", "t", "d")
    for svg in (one, other):
        assert len(identifiers(svg)) == len(set(identifiers(svg)))
        assert len(references(svg)) > 10
        assert set(references(svg)) <= set(identifiers(svg))
    assert not set(identifiers(one)) & set(identifiers(other))


def test_who_cannot_see_it_is_told_what_it_is():
    root, *inner = elements(inlined(drawn(), "a", "Title <b>", "Words & more"))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in inner if element.tag in ("title", "desc")}
    assert [named[name] for name in root.get("aria-labelledby").split()] == ["Title <b>", "Words & more"]


def test_nothing_of_it_depends_on_when_or_by_what_it_was_drawn():
    page = inlined(drawn(), "a", "t", "d")
    assert page == inlined(drawn(), "a", "t", "d")
    assert not re.search("metadata|matplotlib v|<style|<\\?xml|DOCTYPE|xmlns", page, re.IGNORECASE)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_does_not_draw_or_reaches_outside_is_left_out(attack):
    page = inlined(around(f'<g id="kept">{attack}</g>'), "a", "t", "d")
    assert 'id="figure-a-kept"' in page
    assert not re.search(r"elsewhere|alert|<script|javascript|@import|iframe|on\w+=|svg\+xml", page, re.IGNORECASE)


def test_what_is_no_figure_is_named():
    with pytest.raises(InputError, match=r"figure x: got text that is not SVG .* damaged"):
        inlined("<svg", "x", "t", "d")
    with pytest.raises(InputError, match="got a document of <html>"):
        inlined("<html/>", "x", "t", "d")
    with pytest.raises(InputError, match="entities of its own"):
        inlined(f'<!DOCTYPE svg [<!ENTITY a "b">]>{around("&a;")}', "x", "t", "d")
