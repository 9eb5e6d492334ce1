"""The page of tables: a reader of Markdown finds every cell as it stands in the document."""

import copy
import itertools

import pytest
from markdown_it import MarkdownIt

from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.markdown import markdown_page
from smfg_verify.report.formats.saved import read_saved
from tests.report.tables.test_markdown import tables_rendered
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types

HOSTILE = ["a | b", "<b>bold</b> *x* _y_", "[link](x) `code`", "- item | # head", "$x$ ~~z~~ \\|", "two\nlines"]


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    record = copy.deepcopy(record_of_all_stages())
    record["game"]["labels"]["states"] = HOSTILE[:2]
    record["game"]["labels"]["leader_actions"] = HOSTILE[2:4]
    record["game"]["parameters"] = {HOSTILE[4]: HOSTILE[5]}
    record["warnings"] = HOSTILE
    return contents(read_saved(save(tmp_path_factory.mktemp("page"), record), "today"))


def test_every_cell_is_read_as_it_stands(document):
    tables = [table for section in document.sections for table in section.tables]
    found = tables_rendered(markdown_page(document))
    assert len(found) == len(tables)
    for table, (head, *rows) in zip(tables, found, strict=True):
        assert head == [column.name for column in table.columns]
        assert rows == [[" ".join(cell.text.split()) for cell in row] for row in table.rows]


def test_headings_and_sentences_are_read_as_they_stand(document):
    tokens = MarkdownIt().enable("table").parse(markdown_page(document))
    pairs = itertools.pairwise(tokens)
    headings = [(before.tag, after.content) for before, after in pairs if before.type == "heading_open"]
    assert [words for tag, words in headings if tag == "h2"] == [section.title for section in document.sections]
    assert not [token.type for token in tokens if "list" in token.type or "html" in token.type]


def test_figures_stand_beside_it(document):
    tokens = MarkdownIt().parse(markdown_page(document))
    images = [child for token in tokens for child in token.children or () if child.type == "image"]
    assert [image.attrs["src"] for image in images] == ["equilibrium.svg", "convergence.svg"]
    assert all(image.content for image in images)
