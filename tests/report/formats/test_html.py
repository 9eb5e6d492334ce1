"""The page: whatever stands in a record is text, every part has a name, and nothing is fetched."""

import base64
import copy
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.html import html_page
from smfg_verify.report.formats.saved import read_saved
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</td></table>", "{{ 7 * 7 }}", "a & b")
VOID = ("meta", "link", "br", "img", "input", "hr")


class Outline(HTMLParser):
    """Elements with their attributes, the text of each, and whether all are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if not {"script", "style"} & set(self.open):
            self.texts.append(text)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def record():
    return record_of_all_stages()


@pytest.fixture(scope="module")
def page(record, tmp_path_factory):
    return html_page(contents(read_saved(save(tmp_path_factory.mktemp("page"), record), "today")))


def hostile(record):
    found = copy.deepcopy(record)
    found["game"]["name"], found["settings"]["game"]["name"] = HOSTILE[0], HOSTILE[1]
    found["game"]["labels"]["states"] = [HOSTILE[2], HOSTILE[3]]
    found["game"]["labels"]["leader_actions"] = [HOSTILE[1], HOSTILE[4]]
    found["game"]["parameters"] = {HOSTILE[0]: HOSTILE[1]}
    found["warnings"] = list(HOSTILE)
    return found


def test_what_stands_in_a_record_is_text(record, page, tmp_path):
    """The same elements as without it, but for one paragraph a warning and one row a parameter; all of it is read."""
    made = html_page(contents(read_saved(save(tmp_path, hostile(record)), HOSTILE[1])))
    found, plain = Outline(made), Outline(page)
    assert found.open == []
    counts = [
        {tag: [name for name, _ in one.elements].count(tag) for tag in ("script", "img", "table", "h3")}
        for one in (found, plain)
    ]
    assert counts[0] == counts[1]
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    said = "".join(found.texts)
    for words in HOSTILE:
        assert words in said


def test_it_is_a_function_of_the_files_and_the_date(record, page, tmp_path):
    assert html_page(contents(read_saved(save(tmp_path, record), "today"))) == page


def test_every_verdict_constant_and_meaning_of_the_record_is_in_it(record, page):
    said = "".join(Outline(page).texts)
    for finding in record["assumptions"]["findings"]:
        for words in (finding["statement"], finding["meaning"], finding["method"], finding["verdict"]):
            assert words in said
    for row in record["bounds"]["rows"]:
        assert f"{row['slope']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]" in said
    for package, version in record["versions"].items():
        assert package in said
        assert version in said
    for words in (
        record["game"]["identity"],
        "smfg-verify validate laffer-tax",
        "a warning",
        "today",
        "witness, x: 1: 0",
    ):
        assert words in said


def test_it_needs_nothing_else(page):
    outline = Outline(page)
    addresses = [value for _, found in outline.elements for name, value in found.items() if name in ("src", "href")]
    assert [one for one in addresses if not one.startswith(("#", "data:"))] == []
    (policy,) = [found["content"] for found in outline.all("meta") if "http-equiv" in found]
    assert "default-src 'none'" in policy
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert not re.search(r"@import|@font-face|url\((?!#)", page)


def test_identifiers_are_unique_and_links_lead_to_them(page):
    outline = Outline(page)
    identifiers = [found["id"] for _, found in outline.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))
    named = [found[name] for _, found in outline.elements for name in ("aria-labelledby",) if name in found]
    links = [found["href"][1:] for found in outline.all("a")]
    assert {name for value in named for name in value.split()} | set(links) <= set(identifiers)


def test_headings_descend_by_one_and_landmarks_are_there(page):
    outline = Outline(page)
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for tag in ("header", "nav", "main", "footer"):
        assert len(outline.all(tag)) == 1
    assert outline.all("html") == [{"lang": "en"}]
    assert outline.all("title") == [{}] + [found for found in outline.all("title") if "id" in found]


def test_no_two_landmarks_have_one_name(page):
    regions = [found for tag, found in Outline(page).elements if tag == "section" or found.get("role") == "region"]
    names = [found.get("aria-labelledby") or found["aria-label"] for found in regions]
    assert len(names) == len(set(names)) > 10


def test_headings_of_tables_say_what_they_head_and_figures_what_they_show(page):
    outline = Outline(page)
    assert {found["scope"] for found in outline.all("th")} == {"col", "row"}
    assert len(outline.all("figure")) == 2
    drawn = [found for found in outline.all("svg") if found.get("role") == "img"]
    assert len(drawn) == 2
    assert len(outline.all("desc")) == 2
