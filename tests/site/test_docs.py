"""Links of the pages written in Markdown lead to files and headings that exist."""

import ast
import itertools
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from smfg_verify.report.formats.templates import text_of
from tests.support.locks import ROOT
from tests.support.pages import PAGES, is_made, page_name


def tokens(text: str) -> list[Token]:
    parsed = MarkdownIt().enable("table").parse(text)
    return [child for token in parsed for child in (token, *(token.children or []))]


def targets_of(text: str) -> list[str]:
    """Where the links and images of a text lead."""
    found = [
        token.attrGet("href") or token.attrGet("src") for token in tokens(text) if token.type in ("link_open", "image")
    ]
    return [str(target) for target in found]


def anchors_of(text: str) -> set[str]:
    """Anchors of the headings, as the usual hosts of Markdown make them: words in lower case, joined by hyphens."""
    every = MarkdownIt().parse(text)
    titles = [after.content for token, after in itertools.pairwise(every) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path) -> list[str]:
    return [target for target in targets_of(page.read_text()) if not _leads_somewhere(page, target)]


def _leads_somewhere(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return target.startswith("https://")
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and file.is_relative_to(ROOT) and (not anchor or anchor in anchors_of(file.read_text()))


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page):
    assert broken(page) == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_files_that_are_named_exist(page):
    named = re.findall(r"`((?:tests|smfg_verify|experiments|benchmarks|docs|requirements)/[\w./-]+)`", page.read_text())
    assert [file for file in named if not (ROOT / file).exists() and not is_made(ROOT / file)] == []


def test_broken_links_are_seen():
    page = ROOT / "docs" / "methods.md"
    assert _leads_somewhere(page, "../README.md#from-the-command-line")
    assert not _leads_somewhere(page, "../README.md#no-such-heading")
    assert not _leads_somewhere(page, "no-such-page.md")
    assert not _leads_somewhere(page, "../../outside.md")
    assert not _leads_somewhere(page, "http://plain.example")


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_what_is_written_as_a_table_is_one(page):
    """A bar in a cell of the heading, such as that of a norm, makes a paragraph of a whole table."""
    paragraphs = [token.content for token in MarkdownIt().enable("table").parse(page.read_text()) if token.content]
    assert not [text for text in paragraphs if re.search(r"^\|( *-+ *\|)+$", text, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_row_of_a_table_has_as_many_cells_as_its_heading(page):
    assert ragged_rows(page.read_text()) == []


def ragged_rows(text: str) -> list[str]:
    """Rows of tables that a reader of Markdown cuts, or fills up, to the width of the heading."""
    lines, ragged = text.splitlines(), []
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "table_open":
            first, end = token.map or (0, 0)
            counts = {number: _cells(lines[number]) for number in range(first, end)}
            ragged += [lines[number] for number, count in counts.items() if count != counts[first]]
    return ragged


def _cells(line: str) -> int:
    """How many cells a line of a table has, by the parser's own rule."""
    cells = escapedSplit(line.strip())
    return len(cells) - (cells[0] == "") - (cells[-1] == "")


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("| 1 | 2 |", 0),
        ("| 1 | `a\\|b` |", 0),
        ("| 1 |  |", 0),
        ("| 1 | ||g|| |", 1),
        ("| 1 | `a|b` |", 1),
        ("| 1 |", 1),
        ("| 1 | 2 | 3 |", 1),
    ],
)
def test_ragged_rows_are_seen(row, found):
    assert len(ragged_rows(f"| a | b |\n| --- | --- |\n{row}\n")) == found


def test_rows_of_tables_are_written_in_one_place():
    """Whoever writes a table in Markdown calls what escapes bars and refuses ragged rows; no separator stands alone."""
    folders = ("smfg_verify", "experiments", "benchmarks")
    writers = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if _writes_rows(path.read_text())]
    assert [path.relative_to(ROOT).as_posix() for path in writers] == ["smfg_verify/report/tables/markdown.py"]


def _writes_rows(code: str) -> bool:
    """Whether a text in the code is, or holds, the line between heading and rows."""
    texts = [node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)]
    return any(re.search(r"\| *:?-{3}|^:?-{3,}:?$", text) for text in texts if isinstance(text, str))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "examples").glob("*.html")), ids=lambda page: page.name)
def test_an_example_of_a_report_looks_as_reports_do(page):
    """`make example` makes it again where the templates change."""
    text = page.read_text()
    for name in ("report.css", "report.js"):
        assert text_of(name) in text
