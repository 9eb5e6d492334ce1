"""The page in a browser: nothing to complain of, sorting as a reader expects, whole at the width of a phone."""

import pytest

from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.html import html_page
from smfg_verify.report.formats.saved import read_saved
from tests.support.browser import browser
from tests.support.saved_results import record_of_all_stages, save

pytestmark = pytest.mark.wrong_types

PHONE, DESK = 390, 1200
# Text and ground of everything that shows text, and how light each is by the rule of the accessibility guidelines.
CONTRASTS = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
    .map((x) => (x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
    .reduce((sum, x, k) => sum + x * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const shown = (element) => Array.from(element.childNodes).some((n) => n.nodeType === 3 && n.textContent.trim());
  return Array.from(document.querySelectorAll("body *:not(script):not(svg *)")).filter(shown).map((element) => {
    const pair = [light(parse(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    return [element.textContent.slice(0, 40), (pair[0] + 0.05) / (pair[1] + 0.05)];
  });
})()"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = save(tmp_path_factory.mktemp("page"), record_of_all_stages())
    page = folder / "report.html"
    page.write_text(html_page(contents(read_saved(folder, "today"))))
    return page


@pytest.fixture(scope="module")
def page(path, tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def of_table(name):
    """The expression for the table under a heading."""
    return f"document.querySelector('table[aria-labelledby={name}]')"


def column(page, table, place):
    """The texts of one column of the table under a heading, as they stand."""
    cells = f"Array.from({of_table(table)}.tBodies[0].rows).map((row) => row.cells[{place}])"
    return page.run(f"{cells}.map((cell) => cell.innerText.split('\\n')[0].trim())")


def click(page, table, place):
    page.run(f"{of_table(table)}.tHead.rows[0].cells[{place}].querySelector('button').click()")


def directions(page, table):
    return page.run(f"Array.from({of_table(table)}.tHead.rows[0].cells).map((head) => head.getAttribute('aria-sort'))")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_it_loads_without_a_complaint_and_asks_for_nothing(page, path, width, dark):
    page.open(path, width, dark=dark)
    assert page.complaints() == []
    assert page.run("document.title").startswith("laffer-tax")
    assert page.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    drawn = "Array.from(document.querySelectorAll('figure svg')).map((svg) => svg.getBoundingClientRect().height)"
    assert all(height > 100 for height in page.run(drawn))


@pytest.mark.parametrize(
    "fault",
    [
        "<script>nowhere();</script>",
        "<script>console.error('no');</script>",
        "<img src='http://127.0.0.1:9/x.png'>",
        "<link rel='stylesheet' href='http://127.0.0.1:9/x.css'>",
    ],
)
def test_a_complaint_is_seen(page, fault, tmp_path):
    faulty = tmp_path / "faulty.html"
    faulty.write_text(f"<!DOCTYPE html><title>t</title><link rel='icon' href='data:,'>{fault}")
    page.open(faulty)
    assert page.complaints()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_sticks_out_at_the_side(page, path, width):
    page.open(path, width)
    assert page.run("document.documentElement.scrollWidth") <= width
    # What is wider than the page scrolls within a place of its own, which a keyboard reaches.
    outside = """Array.from(document.querySelectorAll("body *")).filter((element) =>
        element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".scroll, nav ul, .skip"))
        .map((element) => element.outerHTML.slice(0, 80))"""
    assert page.run(outside) == []


def test_on_a_phone_the_findings_are_read_without_scrolling_sideways(page, path):
    page.open(path, PHONE)
    wide = """Array.from(document.querySelectorAll(".stacked, .pairs"))
        .filter((table) => table.scrollWidth > table.parentElement.clientWidth + 1)
        .map((table) => table.getAttribute("aria-labelledby"))"""
    assert page.run(wide) == []
    label = f"getComputedStyle({of_table('coverage')}.querySelector('td'), '::before').content"
    assert "verdict" in page.run(label)


def test_a_column_of_numbers_sorts_by_number_and_what_is_missing_stays_last(page, path):
    page.open(path)
    assert column(page, "properties", 3) == ["true = 0", "none"]
    before = column(page, "coverage", 2)
    assert before == ["true = 0", "true <= 0.0625", "true >= 0.49999"]
    click(page, "coverage", 2)
    assert column(page, "coverage", 2) == before
    assert directions(page, "coverage") == [None, None, "ascending", None, None, None]
    click(page, "coverage", 2)
    assert column(page, "coverage", 2) == before[::-1]
    assert directions(page, "coverage") == [None, None, "descending", None, None, None]
    for _ in range(2):
        click(page, "properties", 3)
        assert column(page, "properties", 3)[-1] == "none"


def test_a_column_of_numbers_is_not_sorted_as_text(page, path):
    """The slopes of the rates are negative: as texts they would stand the other way round."""
    page.open(path)
    click(page, "rates", 3)
    slopes = [float(text.split()[0]) for text in column(page, "rates", 3)]
    assert slopes == sorted(slopes)
    assert len(set(slopes)) > 1
    click(page, "rates", 0)
    names = column(page, "rates", 0)
    assert names == sorted(names, key=str.casefold)
    assert directions(page, "rates").count(None) == 7


def test_rows_stay_whole_when_they_are_sorted(page, path):
    page.open(path)
    rows = (
        "Array.from(document.querySelector('table[aria-labelledby=coverage]').tBodies[0].rows).map((r) => r.innerHTML)"
    )
    before = page.run(rows)
    click(page, "coverage", 0)
    assert sorted(page.run(rows)) == sorted(before)


def test_a_keyboard_sorts_too_and_sees_where_it_is(page, path):
    page.open(path)
    page.run(f"{of_table('coverage')}.querySelector('button').focus()")
    page.press("Tab", 9)
    outline = "getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.innerText"
    assert page.run(outline) == "solid verdict"
    page.press("Enter", 13)
    assert directions(page, "coverage")[1] == "ascending"


def test_lists_of_facts_have_no_order_to_choose(page, path):
    page.open(path)
    assert page.run("document.querySelectorAll('.listed button').length") == 0
    assert page.run("document.querySelectorAll('.sortable button').length") > 20


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_words_stand_out_from_their_ground(page, path, dark):
    page.open(path, dark=dark)
    found = page.run(CONTRASTS)
    assert len(found) > 100
    assert [pair for pair in found if pair[1] < 4.5] == []


def test_what_a_reader_has_unfolded_is_printed_and_no_more(page, path):
    page.open(path)
    page.run("document.querySelector('details').open = true")
    page.ask("Emulation.setEmulatedMedia", media="print", features=[])
    shown = "Array.from(document.querySelectorAll('details')).map((entry) => getComputedStyle(entry).display)"
    first, *others = page.run(shown)
    assert first == "block"
    assert set(others) == {"none"}
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.printed().startswith(b"%PDF")
    page.ask("Emulation.setEmulatedMedia", media="", features=[])


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_picture_of_it_is_of_all_of_it(page, path, width, tmp_path):
    page.open(path, width)
    page.picture(tmp_path / "page.png")
    head = (tmp_path / "page.png").read_bytes()[:24]
    size = int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    assert size == (width, page.run("document.documentElement.scrollHeight"))
