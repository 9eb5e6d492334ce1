"""The command line as a page, out of the program's own tree of commands."""

import re
import sys
from unittest import mock

from smfg_verify.cli.app import app as program

_HEAD = """# Command line

Written from the program when the site is built; `smfg-verify COMMAND --help` says the same, with examples.

"""


def page() -> str:
    """The page."""
    # The library takes the usage of a command apart at the first blank of how this process was started.
    with mock.patch.object(sys, "argv", [program.name[0]]):
        text = str(program.generate_docs(output_format="markdown"))
    # Headings' anchors are those of all pages: a hyphen for each blank, none dropped.
    text = text.replace("(#smfg-verify-install-completion)", "(#smfg-verify---install-completion)")
    # The title, and the table of contents that the site shows beside every page.
    text = re.sub(r"\A# .*\n", "", text)
    text = re.sub(r"^## Table of Contents\n.*?(?=^\*\*)", "", text, flags=re.MULTILINE | re.DOTALL)
    return _HEAD + re.sub(r"^## .*?(?=^## |\Z)", _with_examples, text.strip(), flags=re.MULTILINE | re.DOTALL) + "\n"


def _with_examples(section: re.Match[str]) -> str:
    """A command's section, with the examples that end its --help."""
    name = section[0].splitlines()[0].rpartition(" ")[2]
    examples = str(program[name].help_epilogue or "").splitlines()[1:]
    lines = "\n".join(line.strip() for line in examples)
    return f"{section[0].rstrip()}\n\n**Examples**:\n\n```sh\n{lines}\n```\n\n" if lines else section[0]
