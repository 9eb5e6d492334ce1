"""What figures share: bands of seeds, numbers and labels as text, files that follow from the data."""

import re

import numpy as np

from smfg_verify.report.figures.alignment import alignment_figure
from smfg_verify.report.figures.drawing import plain_text, save_figure, seeds_band, signed
from smfg_verify.report.figures.layout import new_figure
from tests.report.figures.test_alignment import cosine_finding


def test_a_saved_figure_is_a_function_of_its_data(tmp_path):
    finding = cosine_finding(np.linspace(-1.0, 1.0, 50), -1.0)
    (tmp_path / "again").mkdir()
    first = save_figure(alignment_figure(finding, game="g"), tmp_path, "alignment")
    save_figure(alignment_figure(finding, game="g"), tmp_path / "again", "alignment")
    assert first == ("alignment.png", "alignment.svg", "alignment.pdf")
    for name in first:
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert not re.search(r"<dc:date>", (tmp_path / "alignment.svg").read_text())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", *sorted(first)]


def test_minus_is_a_minus_and_zero_has_none():
    written = [signed(number) for number in (-0.5, 0.5, -0.001, -10.0)]
    assert written == ["\N{MINUS SIGN}0.50", "0.50", "0.00", "\N{MINUS SIGN}10.00"]


def test_the_band_holds_the_middle_nine_tenths_of_the_seeds_that_have_a_number():
    values = np.random.default_rng(0).random((21, 5))
    values[:, 3] = np.nan
    values[4, 2] = np.nan
    axes = new_figure("one").subplots()
    seeds_band(axes, np.arange(1, 6), values)
    corners = axes.collections[0].get_paths()[0].vertices
    for k in (0, 1, 2, 4):
        seen = np.sort(corners[corners[:, 0] == k + 1, 1])
        np.testing.assert_allclose(seen[[0, -1]], np.nanquantile(values[:, k], (0.05, 0.95)))
    assert 4.0 not in corners[:, 0]


def test_a_label_is_letters_whatever_stands_in_it():
    figure = new_figure("one")
    shown = [figure.text(0.1, 0.1, plain_text(label)) for label in ("a $ b", "$5 to $6", "$\\frac$")]
    figure.draw_without_rendering()
    assert all(text.get_window_extent().width > 0.0 for text in shown)
