"""What the site needs beside its pages: formulas without a script, links to public names, pages made of registries."""

from sphinx.application import Sphinx

from docs.extension import docstrings, examples, formulas, generated, names, titles


def setup(app: Sphinx) -> dict[str, bool]:
    for part in (formulas, docstrings, examples, names, titles, generated):
        part.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
