"""The site without building it: pages are listed, formulas understood, names are links, made pages are whole."""

import ast
import fnmatch
import functools
import re

import pytest
from docutils.utils.math.latex2mathml import tex2mathml
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

from docs.extension import cases, commands, figures, games, reference
from docs.extension.formulas import known
from docs.extension.names import named
from experiments.api_page import MODULES, public_names
from smfg_verify import plot
from smfg_verify.cases import case_names
from smfg_verify.games import names as game_names
from tests.site.test_docs import anchors_of, targets_of
from tests.support.locks import ROOT
from tests.support.pages import DOCS, PAGES, page_name, toctree_entries

INDEX = (DOCS / "index.md").read_text()
ON_SITE = [page for page in PAGES if page.is_relative_to(DOCS)]
FORMULAS = ("math_inline", "math_inline_double", "math_block", "math_block_label", "amsmath")
MADE = {
    "generated/cases": cases.page,
    "generated/command-line": commands.page,
    "generated/games": games.page,
}


@functools.cache
def made_page(name):
    return MADE[name]()


def parsed(text):
    reader = MarkdownIt().enable("table").use(dollarmath_plugin).use(amsmath_plugin)
    return [child for token in reader.parse(text) for child in (token, *(token.children or []))]


@pytest.mark.parametrize("page", ON_SITE, ids=page_name)
def test_every_page_is_listed(page):
    name = page.relative_to(DOCS).with_suffix("").as_posix()
    assert name == "index" or any(fnmatch.fnmatchcase(name, entry) for entry in toctree_entries(INDEX))


def test_every_listed_page_exists():
    made = {*MADE, "generated/figures", "generated/reference/index"}
    plain = [entry for entry in toctree_entries(INDEX) if "*" not in entry]
    assert [entry for entry in plain if not (DOCS / f"{entry}.md").exists() and entry not in made] == []


def test_the_readme_names_the_index():
    assert "docs/index.md" in targets_of((ROOT / "README.md").read_text())


@pytest.mark.parametrize("page", ON_SITE, ids=page_name)
def test_formulas_are_read_as_formulas_and_understood(page):
    check_formulas(page.read_text())


def check_formulas(text):
    for token in parsed(text):
        if token.type in FORMULAS:
            assert "<math" in tex2mathml(known(token.content))
        elif token.type == "text":
            assert "$" not in token.content


@pytest.mark.parametrize("text", ["costs $5 and a $x$", "so that $\\nosuchcommand$", "words\n$$ a\n  + b $$\nwords"])
def test_formulas_that_are_none_are_seen(text):
    with pytest.raises(Exception):  # noqa: B017, PT011
        check_formulas(text)


@pytest.mark.parametrize("name", MADE)
def test_a_page_that_is_made_has_formulas_and_links_that_hold(name):
    text = made_page(name)
    check_formulas(text)
    for target in targets_of(text):
        path, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        assert not path or path.startswith("figures/") or (DOCS / path.lstrip("/")).exists(), target
        assert not anchor or anchor in anchors_of(text), target


def test_galleries_and_the_command_line_are_whole():
    assert set(case_names()) <= anchors_of(made_page("generated/cases"))
    shipped = {entry.name for entry in games.shipped()}
    assert shipped <= set(game_names()) & anchors_of(made_page("generated/games"))
    assert len(shipped) >= 11
    printed = made_page("generated/command-line")
    for command in ("show", "check", "validate", "report", "compare"):
        assert f"\n## smfg-verify {command}\n" in printed
        assert f"\nsmfg-verify {command} " in printed
    assert "--budget" in printed


def test_every_panel_is_drawn_of_records_that_the_small_job_makes():
    made = {
        target.id for node in ast.parse(figures.JOB).body if isinstance(node, ast.Assign) for target in node.targets
    }
    for name in plot.__all__:
        assert set(figures.needed(getattr(plot, name))) <= made, f"sv.plot.{name}: add its record to JOB"
    drawn = {f"panel-{name}" for name in plot.__all__}
    assert {figure.name for figure in figures.figures()} == drawn
    assert drawn == set(re.findall(r"figures/(panel-\w+)\.svg", figures.page()))


def test_a_panel_takes_the_records_that_it_can_use():
    def panel(report, *, game=None, width="one"):
        raise AssertionError

    assert (figures.needed(panel), figures.also_taken(panel)) == (["report"], ["game"])


def test_a_figure_of_a_game_is_drawn_and_kept(tmp_path, monkeypatch):
    figure = next(one for one in games.figures() if one.name == "game-two-road-toll")
    figure.write(tmp_path)
    assert "<svg " in (tmp_path / "game-two-road-toll.svg").read_text()
    monkeypatch.setattr(figures.plt, "close", lambda which: pytest.fail("drawn again"))
    figure.write(tmp_path)


def test_the_command_line_is_the_same_however_the_build_was_started(monkeypatch):
    there = made_page("generated/command-line")
    monkeypatch.setattr("sys.argv", ["sphinx build", "-M", "html"])
    assert commands.page() == there


def test_the_reference_has_every_public_name_once():
    pages = reference.pages()
    assert {f"reference/{module}.rst" for module in MODULES} | {"reference/index.rst"} == pages.keys()
    for public in public_names():
        entries = re.findall(rf"^\.\. \S+:: {public.name}$", pages[f"reference/{public.module}.rst"], re.MULTILINE)
        assert len(entries) == 1


class TestTheory:
    TEXT = (DOCS / "theory.md").read_text()
    SECTIONS = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
    # In code font, and no public name: what an option or a property is called.
    WORDS = re.compile(r'"[a-z-]+"|jax\.grad|leader_temperature|sv|smfg_verify')

    @pytest.mark.parametrize("section", SECTIONS, ids=lambda text: text.splitlines()[0])
    def test_a_section_with_formulas_names_functions(self, section):
        assert any(token.type in FORMULAS for token in parsed(section))
        assert [text for text in code(section) if named(text)]

    def test_what_stands_in_code_font_exists(self):
        assert [text for text in code(self.TEXT) if not self.WORDS.fullmatch(text) and named(text) is None] == []


def code(text):
    return [token.content for token in parsed(text) if token.type == "code_inline"]
