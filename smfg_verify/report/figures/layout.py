"""How a figure's parts lie on it: head, panels of a height asked for, one legend under them, small print.

Panels are laid out by matplotlib. Head, legend and small print are measured, and the figure grows until the panels have
the heights asked for: nothing lies over anything else, whatever a game's labels are.
"""

import contextlib
import contextvars
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.text import Text

from smfg_verify.report.figures.style import DOTS_PER_INCH, GREY, HEAD, LABEL, SMALL, TITLE
from smfg_verify.report.figures.widths import INCHES, FigureWidth

# Inches: between parts, and between them and the edge.
_PAD = 0.05
_MOST_COLUMNS = 5
# Letters are a little wider in a vector format than in the pixels that are measured.
_SLACK = 0.97
# The first pass folds titles, the second measures them, the third finds all in place.
_PASSES, _CLOSE = 6, 0.005
# Inches for the title and the labels of a panel, at first: more than they take.
_TALLEST = 3.0
# Of places within a figure: less than any pixel.
_DIGITS = 6
_LEGEND = {"fontsize": LABEL, "frameon": False, "borderpad": 0.0, "borderaxespad": 0.0, "handlelength": 2.8}

Row = tuple[Axes, float]
# Whether figures are left without their layout, and where a figure then keeps what `settle` was asked for.
_LATER = contextvars.ContextVar("later", default=False)
_ASKED = "smfg_verify_layout"


@contextlib.contextmanager
def laid_out_later() -> Iterator[None]:
    """Within the block `settle` notes what it is asked for, and `laid_out` does it, in another process if need be."""
    token = _LATER.set(True)
    try:
        yield
    finally:
        _LATER.reset(token)


def laid_out(figure: Figure) -> Figure:
    """The figure, with the layout that was put off, if any was; in the style that it was built in."""
    asked = vars(figure).pop(_ASKED, None)
    if asked is not None:
        settle(figure, **asked)
    return figure


def new_figure(width: FigureWidth) -> Figure:
    """An empty figure with a canvas of its own, outside pyplot; `settle` gives it its height."""
    figure = Figure(figsize=(INCHES[width], INCHES[width]), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def lettered(panels: Sequence[Axes]) -> None:
    """(a), (b), ... before the titles."""
    for letter, axes in zip(string.ascii_lowercase, panels, strict=False):
        axes.set_title(f"({letter}) {axes.get_title(loc='left')}".rstrip(), loc="left", fontsize=TITLE)


def settle(figure: Figure, rows: Sequence[Row], *, head: str = "", note: str = "", fixed: bool = True) -> None:
    """Give a figure its head, its legend and its small print, fold titles, and make it as high as its panels need.

    Args:
        figure: with all panels drawn and titled.
        rows: one panel of each row of panels, from above, and its height in inches.
        head: title of the whole figure; none if empty.
        note: small print; none if empty.
        fixed: everything stays where it is, whatever the figure's size becomes.
    """
    if _LATER.get():
        setattr(figure, _ASKED, {"rows": rows, "head": head, "note": note, "fixed": fixed})
        return
    titles = {axes: title for axes in figure.axes if (title := axes.get_title(loc="left"))}
    for axes in titles:
        axes.set_title("", loc="left")  # one that is not folded yet would push the panels aside
    above, small = _add_head(figure, head), _add_note(figure, note)
    top, bottom = _height(figure, above), _height(figure, small)
    legend = _add_legend(figure)
    below = bottom + _height(figure, legend)
    figure.set_figheight(top + below + sum(height + _TALLEST for _, height in rows))
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    _reserve(engine, figure.get_figheight(), top, below)
    for _ in range(_PASSES):
        engine.execute(figure)
        if _fold_titles(figure, titles):
            continue
        missing = sum(height - axes.get_window_extent().height / figure.dpi for axes, height in rows)
        if abs(missing) < _CLOSE:
            break
        figure.set_figheight(round(figure.get_figheight() + missing, _DIGITS))
        _reserve(engine, figure.get_figheight(), top, below)
    _place(figure, (above, small), legend, bottom)
    if fixed:
        _fix(figure)


def _fix(figure: Figure) -> None:
    """Panels stay at places that are round: each drawing would find them anew, and only up to rounding errors."""
    figure.set_layout_engine("none")
    for axes in figure.axes:
        x, y, width, height = (round(part, _DIGITS) for part in axes.get_position(original=True).bounds)
        axes.set_position((x, y, width, height))


def entries_of(panels: Iterable[Axes]) -> dict[str, Artist]:
    """What a legend of the panels names: label -> the first artist of that label."""
    found: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return found


def legend_beside(axes: Axes) -> None:
    """A legend to the right of axes that are not ours to lay out, if anything is labelled."""
    entries = entries_of([axes])
    if entries:
        axes.legend(list(entries.values()), list(entries), loc="upper left", bbox_to_anchor=(1.02, 1.0), **_LEGEND)


def folded(figure: Figure, text: str, size: float, inches: float, weight: str = "normal") -> str:
    """A text in lines no longer than so many inches, line breaks of its own kept; a word is never broken."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and _width(figure, longer, size, weight) > _SLACK * inches:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return "\n".join(lines)


def _width(figure: Figure, text: str, size: float, weight: str) -> float:
    measured = Text(0, 0, text, figure=figure, fontsize=size, fontweight=weight)
    return float(measured.get_window_extent().width / figure.dpi)


def _height(figure: Figure, artist: Text | Legend | None) -> float:
    """The inches that a part takes, with the room around it."""
    return 0.0 if artist is None else float(artist.get_window_extent().height / figure.dpi) + 2.0 * _PAD


def _add_head(figure: Figure, head: str) -> Text | None:
    if not head:
        return None
    lines = folded(figure, head, HEAD, figure.get_figwidth() - 2.0 * _PAD, "bold")
    text = figure.suptitle(lines, fontsize=HEAD, fontweight="bold", ha="left", va="top", x=0.0, y=1.0)
    text.set_in_layout(False)
    return text


def _add_note(figure: Figure, note: str) -> Text | None:
    if not note:
        return None
    lines = folded(figure, note, SMALL, figure.get_figwidth() - 2.0 * _PAD)
    text = figure.supxlabel(lines, fontsize=SMALL, color=GREY, ha="left", va="bottom", x=0.0, y=0.0)
    text.set_in_layout(False)
    return text


def _add_legend(figure: Figure) -> Legend | None:
    """One legend of all panels in as many columns as fit; None where nothing is labelled."""
    entries = entries_of(figure.axes)
    if not entries:
        return None
    for columns in range(min(_MOST_COLUMNS, len(entries)), 0, -1):
        legend = figure.legend(
            list(entries.values()), list(entries), loc="lower center", ncols=columns, columnspacing=1.0, **_LEGEND
        )
        for patch in legend.get_patches():
            if patch.get_hatch():
                patch.set_facecolor(GREY)  # a light hatch shows on a dark ground alone
        if columns == 1 or legend.get_window_extent().width / figure.dpi <= figure.get_figwidth() - 2.0 * _PAD:
            return legend
        legend.remove()
    return None


def _reserve(engine: ConstrainedLayoutEngine, height: float, top: float, below: float) -> None:
    """Leave the inches of head, legend and small print to them."""
    engine.set(rect=(0.0, below / height, 1.0, 1.0 - (top + below) / height), h_pad=_PAD, w_pad=_PAD)


def _fold_titles(figure: Figure, titles: Mapping[Axes, str]) -> bool:
    """Fold each panel's title to the room up to the next panel, its labels included; returns whether any changed."""
    changed = False
    boxes = {axes: axes.get_window_extent() for axes in figure.axes}
    for axes, title in titles.items():
        own = boxes[axes]
        beside = [
            whole.x0
            for other, box in boxes.items()
            if box.x0 > own.x1 and box.y0 < own.y1 and box.y1 > own.y0
            if (whole := other.get_tightbbox(for_layout_only=True)) is not None
        ]
        right = min([*beside, figure.bbox.x1]) - _PAD * figure.dpi
        lines = folded(figure, title, TITLE, (right - own.x0) / figure.dpi)
        changed |= lines != axes.get_title(loc="left")
        axes.set_title(lines, loc="left", fontsize=TITLE)
    return changed


def _place(figure: Figure, texts: tuple[Text | None, Text | None], legend: Legend | None, bottom: float) -> None:
    """Put head, legend and small print where room was left for them."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    for text, y in zip(texts, (1.0 - _PAD / height, _PAD / height), strict=True):
        if text is not None:
            text.set_position((_PAD / width, y))
    if legend is not None:
        legend.set_bbox_to_anchor((0.5, (bottom + _PAD) / height), transform=figure.transFigure)
