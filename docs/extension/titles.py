"""Tables that commands wrote begin without a heading; on the site each is a page with its name as the title."""

from sphinx.application import Sphinx

FOLDER = "data/"


def _add_title(app: Sphinx, name: str, source: list[str]) -> None:
    if name.startswith(FOLDER):
        source[0] = f"# {title(name)}\n\n{source[0]}"


def title(name: str) -> str:
    """The title of such a page, out of the name of its file."""
    return name.removeprefix(FOLDER).replace("-", " ").capitalize()


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add_title)
