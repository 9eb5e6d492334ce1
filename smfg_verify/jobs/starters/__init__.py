"""Files to begin a game of one's own with, one for each way to write it; what varies stands as $name."""

import string
from importlib import resources


def starter(kind: str) -> string.Template:
    """The text of one of the files beside this one.

    Args:
        kind: of `smfg_verify.jobs.new_game.Kind`.

    Returns:
        The text, with places for class_name, name, title and file.
    """
    return string.Template((resources.files(__name__) / f"{kind}.py.txt").read_text(encoding="utf-8"))
