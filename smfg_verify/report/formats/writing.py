"""A job's results in the format asked for."""

from collections.abc import Callable, Iterable
from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.records.documents import document as json_text
from smfg_verify.report.formats.contents import contents
from smfg_verify.report.formats.document import Document
from smfg_verify.report.formats.html import html_page
from smfg_verify.report.formats.kinds import FILES, Format
from smfg_verify.report.formats.latex import latex_fragment
from smfg_verify.report.formats.markdown import markdown_page
from smfg_verify.report.formats.saved import read_saved

_WRITERS: dict[Format, Callable[[Document], str]] = {
    "html": html_page,
    "latex": latex_fragment,
    "markdown": markdown_page,
}


def rendered(directory: Path, kind: Format, date: str | None = None) -> str:
    """The results in a directory as a text.

    Args:
        directory: that `check`, `run` or `validate` wrote to.
        kind: the format; JSON is the record itself.
        date: when they were made; the time of the record's last change if None.

    Returns:
        The text, the same for the same files and date.

    Raises:
        ValueError, OSError: as `read_saved`.
    """
    saved = read_saved(directory, date)
    return json_text(saved.record) if kind == "json" else _WRITERS[kind](contents(saved))


def write_documents(directory: Path, kinds: Iterable[Format]) -> tuple[str, ...]:
    """Write the results in a directory beside their record in every format asked for, all or none.

    Args:
        directory: with the record and its figures.
        kinds: the formats; JSON is there already.

    Returns:
        The names of the files written.

    Raises:
        ValueError, OSError: as `rendered`.
    """
    wanted = [kind for kind in kinds if kind in FILES]
    if not wanted:
        return ()
    found = contents(read_saved(directory))
    texts = {FILES[kind]: _WRITERS[kind](found).encode() for kind in wanted}
    write_in(directory, texts)
    return tuple(texts)
