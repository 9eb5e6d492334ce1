"""A page for each property: it names every statement with the part that the code gives it, and reproduces a witness.

That the code of a page prints what stands below it is tested with that of all pages.
"""

import re

import pytest

from smfg_verify.assumptions import Verdict, find_property, property_names
from tests.support.locks import ROOT

FOLDER = ROOT / "docs" / "properties"
SECTIONS = (
    "What the theory asks",
    "What is computed",
    "Verdicts",
    "Example",
    "The witness by hand",
    "Where it is inconclusive",
    "Source",
)
PARTS = ("proves", "decides", "aside")


def page(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text()


def section(name: str, title: str) -> str:
    return page(name).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_there_is_a_page_for_each_property_and_no_other():
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(property_names())


@pytest.mark.parametrize("name", property_names())
def test_a_page_says_all_there_is_to_say(name):
    assert re.findall(r"^## (.+)$", page(name), re.MULTILINE) == list(SECTIONS)
    assert page(name).startswith(f"# {name}\n")
    assert all(section(name, title).strip() for title in SECTIONS)
    assert "$$" in section(name, "What the theory asks")
    # The formulas of every statement stand on one page, which this one leads to.
    assert f"(../assumptions.md#{name})" in page(name)


@pytest.mark.parametrize("name", property_names())
def test_every_statement_has_the_part_that_the_code_gives_it(name):
    entry, told = find_property(name), {}
    for line in section(name, "What is computed").splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if len(cells) == 4 and cells[1] in PARTS:
            told |= dict.fromkeys(re.findall(r"`([\w.-]+)`", cells[0]), cells[1])
            (where,) = re.findall(r"`([\w/.]+)`", cells[3])
            assert (ROOT / "smfg_verify" / where).exists()
    answered = told.pop("...-field-held", None)
    expected = {
        statement: "proves" if statement in entry.sufficient else "aside" if statement in entry.aside else "decides"
        for statement in entry.recompute
        if answered is None or not statement.endswith("-field-held")
    }
    assert told == expected


@pytest.mark.parametrize("name", property_names())
def test_a_page_says_what_makes_each_verdict_and_shows_one(name):
    told = re.findall(r"^- \*\*([\w-]+)\*\*: ", section(name, "Verdicts"), re.MULTILINE)
    assert told == [verdict.value for verdict in Verdict if verdict is not Verdict.NOT_APPLICABLE]
    for title in ("Example", "The witness by hand"):
        assert re.search(r"```python\n.+?```\n\n```text\n.+?```", section(name, title), re.DOTALL)
    by_hand = section(name, "The witness by hand")
    assert "witness" in by_hand
    assert ".reproduce(" not in re.findall(r"```python\n(.+?)```", by_hand, re.DOTALL)[0]
