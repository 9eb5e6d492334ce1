"""Figures drawn in another process: the same bytes as here, whatever becomes of it."""

import threading

import pytest

from smfg_verify.games import load
from smfg_verify.jobs import pipeline
from smfg_verify.report import drawing_beside as beside
from smfg_verify.report.drawing_beside import Drawing, drawing_beside
from smfg_verify.report.figures.drawing import figure_files
from smfg_verify.report.figures.layout import laid_out, laid_out_later
from smfg_verify.report.show import begin_figures
from tests.report import records
from tests.report.figures.records import every_figure
from tests.report.figures.records.every_figure import FIGURES

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types
NAMES = ("field-line", "contraction")


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(beside, "processors", lambda: 2)


def build(name):
    return lambda: FIGURES[name]("two")


@pytest.fixture(scope="module")
def here():
    """Drawn without any of this."""
    return {name: figure_files(build(name)(), name) for name in NAMES}


def test_a_process_draws_the_same_bytes_and_is_gone_when_the_block_ends(here):
    with drawing_beside() as drawing:
        for name in NAMES:
            drawing.begin(name, build(name))
        process = drawing._process
        assert process.poll() is None
        assert drawing.files(NAMES) == here[NAMES[0]] | here[NAMES[1]]
        assert list(drawing.files(NAMES[::-1])) == [*here[NAMES[1]], *here[NAMES[0]]]
        assert process.poll() is None
    assert process.returncode is not None


@pytest.mark.slow
def test_what_the_process_has_not_come_to_is_drawn_here_meanwhile(here, monkeypatch):
    ask, draw, drawn_here = beside._ask, beside._drawn, []
    at_it, done_here = threading.Event(), threading.Event()

    def slow(process, asked):
        at_it.set()
        assert done_here.wait(60)
        return ask(process, asked)

    def counted(figure, name):
        drawn_here.append(name)
        done_here.set()
        return draw(figure, name)

    monkeypatch.setattr(beside, "_ask", slow)
    monkeypatch.setattr(beside, "_drawn", counted)
    with drawing_beside() as drawing:
        for name in NAMES:
            drawing.begin(name, build(name))
        assert at_it.wait(60)
        assert drawing.files(NAMES) == here[NAMES[0]] | here[NAMES[1]]
    assert drawn_here == [NAMES[1]]


@pytest.mark.parametrize("dies", ["before", "after"])
def test_where_it_dies_figures_are_drawn_here(here, dies):
    name = NAMES[0]
    with drawing_beside() as drawing:
        if dies == "before":
            drawing._process.kill()
            drawing._process.wait()
        drawing.begin(name, build(name))
        if dies == "after":
            drawing._process.kill()
        assert drawing.files([name]) == here[name]


@pytest.mark.parametrize("why", ["cannot be started", "one core", "never asked for"])
def test_without_a_process_they_are_drawn_here(here, why, monkeypatch):
    if why == "cannot be started":
        monkeypatch.setattr(beside.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(beside, "processors", lambda: 1 if why == "one core" else 2)
    name = NAMES[0]
    if why == "never asked for":
        drawing = Drawing()
        drawing.begin(name, build(name))
        assert drawing.files([name]) == here[name]
        return
    with drawing_beside() as drawing:
        assert drawing._process is None
        drawing.begin(name, build(name))
        assert drawing.files([name]) == here[name]


def test_a_name_is_built_once_and_what_has_no_figure_gives_no_file():
    drawing, built = Drawing(), []
    for k in range(2):
        drawing.begin("alignment", lambda k=k: built.append(k))
    assert built == [0, 1]  # there was none to keep
    assert drawing.files(["alignment", "another"]) == {}
    for k in range(2):
        drawing.begin("field-line", lambda k=k: (built.append(k), build("field-line")())[1])
    assert built == [0, 1, 0]


def test_a_layout_put_off_is_done_once_and_later_figures_are_laid_out_at_once(here):
    with laid_out_later():
        figure = build(NAMES[0])()
    height = figure.get_figheight()
    assert laid_out(figure).get_figheight() != height
    height = figure.get_figheight()
    assert laid_out(figure).get_figheight() == height
    assert figure_files(build(NAMES[0])(), NAMES[0]) == here[NAMES[0]]


def test_figures_of_a_check_begin_as_its_parts_are_found():
    game, drawing = load("laffer-tax"), Drawing()
    report = every_figure.contraction_report()
    keep = pipeline._telling(begin_figures(drawing, "two"), game, records.gradient(game), lambda name, make: make())
    assert list(drawing._drawn) == ["equilibrium"]
    found = keep("contraction", lambda: report["contraction"])
    assert found == report["contraction"]
    assert list(drawing._drawn) == ["equilibrium", "contraction"]


def test_what_fails_while_it_is_told_is_not_the_check_s_affair():
    def tell(game, part):
        raise RuntimeError

    keep = pipeline._telling(tell, load("laffer-tax"), None, lambda name, make: make())
    assert keep("coverage", lambda: ()) == ()
