"""What a figure shows: its lines by label, its words, and whether titles and small print keep apart."""

import itertools

import pytest
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


def drawn_texts(figure) -> list[Text]:
    """Every text that drawing the figure draws: ticks out of view and empty texts are none."""
    found = []
    draw = Text.draw

    def recorded(text, renderer, *args, **kwargs):
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        return draw(text, renderer, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", recorded)
        figure.draw_without_rendering()
    return found


def assert_nothing_overlaps(figure, texts=None) -> None:
    """No text lies over another or leaves the figure, and neither head, legend nor small print lie over a panel."""
    texts = drawn_texts(figure) if texts is None else texts
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert _within(box, figure.bbox), f"{text.get_text()!r} leaves the figure: {box} of {figure.bbox}"
    for (one, first), (other, second) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        assert not _overlap(first, second), f"{one.get_text()!r} lies over {other.get_text()!r}"
    panels = [axes.get_window_extent() for axes in figure.axes]
    around = [*figure.legends, *(text for text in texts if text.figure is figure and text.axes is None)]
    for part in around:
        box = part.get_window_extent()
        assert _within(box, figure.bbox), f"{part} leaves the figure"
        assert not any(_overlap(box, panel) for panel in panels), f"{part} lies over a panel"


# Pixels of 300 to the inch: less than the blank rim of a letter.
_RIM = 1.5


def _within(box, frame) -> bool:
    room = frame.padded(_RIM)
    return room.x0 <= box.x0 and room.y0 <= box.y0 and box.x1 <= room.x1 and box.y1 <= room.y1


def _overlap(one, other) -> bool:
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return wide > _RIM and high > _RIM
