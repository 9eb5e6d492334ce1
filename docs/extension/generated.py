"""Pages made of the package when the site is built, in `docs/generated`, which git ignores."""

from pathlib import Path

from sphinx.application import Sphinx

from docs.extension import cases, commands, figures, games, notebooks, reference

FOLDER = "generated"


def write_pages(folder: Path) -> None:
    """Write every page that is made of the package; a file whose content is the same keeps its date."""
    pages: dict[str, str | bytes] = {
        "games.md": games.page(),
        "cases.md": cases.page(),
        "figures.md": figures.page(),
        "command-line.md": commands.page(),
        **reference.pages(),
        **notebooks.pages(),
    }
    for figure in (*games.figures(), *figures.figures()):
        figure.write(folder / "figures")
    for old in (*folder.glob("*.*"), *folder.glob("reference/*.*"), *folder.glob("notebooks/*.*")):
        if old.relative_to(folder).as_posix() not in pages:
            old.unlink()
    for name, content in pages.items():
        path, new = folder / name, content if isinstance(content, bytes) else content.encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != new:
            path.write_bytes(new)


def _write(app: Sphinx) -> None:
    write_pages(Path(app.srcdir) / FOLDER)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", _write)
