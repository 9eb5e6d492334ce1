"""The site as it is built: no warning, links and anchors lead somewhere, nothing is fetched, it fits a phone."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.browser import browser
from tests.support.locks import ROOT

pytestmark = pytest.mark.slow

MAIN = ("index", "first-look", "theory", "leader-parameters", "generated/games", "generated/reference/smfg_verify")
LINKS = {"a": "href", "img": "src", "script": "src", "link": "href"}
FETCHED = ("img", "script", "link")


class Read(HTMLParser):
    """The anchors of a page, and what it links to or fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.targets: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {str(found[key]) for key in ("id", "name") if found.get(key)}
        target = found.get(LINKS.get(tag, ""))
        if target:
            self.targets.append((tag, target))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    words = ["-m", "sphinx", "-b", "html", "-W", "--keep-going", "-n", "-d", f"{folder}/doctrees", "docs"]
    done = subprocess.run(
        [sys.executable, *words, f"{folder}/html"],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Read(path.read_text()) for path in site.rglob("*.html") if path.parent.name != "_downloads"}


def broken(pages: dict[Path, Read], site: Path) -> list[str]:
    """Links within the site that lead nowhere."""
    found = []
    for path, read in pages.items():
        for _, target in read.targets:
            parts = urlsplit(target)
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            inside = not parts.scheme and not parts.netloc
            if inside and not (file.exists() and file.is_relative_to(site)):
                found.append(f"{path.name}: {target}")
            elif inside and file in pages and parts.fragment and unquote(parts.fragment) not in pages[file].anchors:
                found.append(f"{path.name}: {target}, no such anchor")
    return found


def test_links_and_anchors_lead_somewhere(pages, site):
    assert len(pages) > 30
    assert broken(pages, site) == []


def test_a_broken_link_is_seen(pages, site):
    path = site / "index.html"
    for target in ("no-such-page.html", "theory.html#no-such-anchor", "#no-such-anchor", "../outside.html"):
        assert broken({**pages, path: Read(f'<a href="{target}">')}, site)


def test_nothing_is_fetched_from_elsewhere(pages):
    fetched = {target for read in pages.values() for tag, target in read.targets if tag in FETCHED}
    assert [
        target for target in fetched if urlsplit(target).scheme not in ("", "data") or urlsplit(target).netloc
    ] == []


def test_formulas_are_set_and_functions_linked(pages, site):
    text = (site / "theory.html").read_text()
    assert text.count("<math ") > 100
    assert "\\frac" not in text
    linked = {target for tag, target in pages[site / "theory.html"].targets if "generated/reference/" in target}
    assert len({target for target in linked if "#" in target}) > 30


def test_an_example_of_a_report_is_opened_by_a_click(pages, site):
    for name in ("first-look", "reports"):
        assert ("a", "laffer-tax.html") in pages[site / f"{name}.html"].targets
    assert (site / "laffer-tax.html").read_text() == (ROOT / "docs" / "examples" / "laffer-tax.html").read_text()


@pytest.mark.parametrize("width", [1200, 390])
def test_pages_open_without_a_complaint_and_fit(site, width, tmp_path):
    with browser(tmp_path) as page:
        for name in MAIN:
            page.open(site / f"{name}.html", width=width)
            assert page.complaints() == []
            assert page.run("document.documentElement.scrollWidth") <= width
