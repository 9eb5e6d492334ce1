"""What a figure shows: its lines by label, its words, and whether titles and small print keep apart."""

import itertools

from matplotlib.text import Text


def lines(axes) -> dict:
    """Lines that a legend names, by label."""
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def words(axes) -> tuple[str, str, str]:
    """Title and labels of the axes."""
    return axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()


def assert_words_keep_apart(figure) -> None:
    """Titles and the figure's small print are inside it, over no other of them and over no axes but their own."""
    figure.draw_without_rendering()
    titles = {title: axes for axes in figure.axes for title in _titles(axes)}
    notes = [text for text in figure.findobj(Text) if text.get_text() and text is getattr(figure, "_supxlabel", None)]
    extents = {text: text.get_window_extent() for text in (*titles, *notes)}
    inside = figure.bbox.padded(1.0)
    for text, extent in extents.items():
        assert inside.containsx(extent.x0), text
        assert inside.containsx(extent.x1), text
        assert inside.containsy(extent.y0), text
        assert inside.containsy(extent.y1), text
    for (one, first), (other, second) in itertools.combinations(extents.items(), 2):
        assert not first.overlaps(second), (one.get_text(), other.get_text())
    for text, extent in extents.items():
        for axes in figure.axes:
            if axes.axison and axes is not titles.get(text):
                assert not extent.overlaps(axes.get_window_extent()), (text.get_text(), words(axes))


def _titles(axes) -> list[Text]:
    """Title texts of the axes that say something; they are the only texts it has above its frame by position."""
    known = {axes.get_title(loc=loc) for loc in ("left", "center", "right")} - {""}
    return [child for child in axes.get_children() if isinstance(child, Text) and child.get_text() in known]
