"""Every kind of figure looks as it did when it was looked at; and pictures tell what they should."""

import json
import pickle

import pytest

from tests.report.figures.records.every_figure import PICTURED, figure_of
from tests.support.pictures import PICTURES, TOLERANCE, VERSIONS, difference, kept, picture, versions

# Records made by hand stand in for those that a job makes.
pytestmark = [
    pytest.mark.wrong_types,
    pytest.mark.skipif(
        versions() != json.loads(VERSIONS.read_text()),
        reason=f"pictures are of {VERSIONS.read_text().strip()}, letters of {versions()} differ in size",
    ),
]


@pytest.mark.parametrize(("name", "width"), PICTURED)
def test_a_figure_looks_as_its_picture(name, width):
    drawn = difference(picture(figure_of(name, width)), kept(f"{name}-{width}"))
    assert drawn <= TOLERANCE, f"differs by {drawn:.0f}; if it should: python -m tests.support.pictures, and look"


def test_there_is_no_picture_of_nothing():
    assert {path.stem for path in PICTURES.glob("*.png")} == {f"{name}-{width}" for name, width in PICTURED}


def renamed(figure):
    figure.legends[0].get_texts()[0].set_text("something else")


def without_legend(figure):
    figure.legends[0].remove()


def without_label(figure):
    figure.axes[0].set_xlabel("")


def with_another_letter(figure):
    axes = figure.axes[1]
    axes.set_title(axes.get_title(loc="left").replace("(b)", "(d)"), loc="left", fontsize=7.5)


def with_another_colour(figure):
    figure.axes[0].lines[-3].set_color("red")


def without_a_line(figure):
    figure.axes[0].lines[2].remove()


@pytest.mark.parametrize(
    "broken", [renamed, without_legend, without_label, with_another_letter, with_another_colour, without_a_line]
)
def test_a_broken_figure_is_told_from_its_picture(broken):
    figure = pickle.loads(pickle.dumps(figure_of("contraction", "one")))
    broken(figure)
    assert difference(picture(figure), kept("contraction-one")) > TOLERANCE
