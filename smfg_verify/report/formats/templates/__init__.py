"""The templates of the documents, and the environment that fills them in."""

import functools
from importlib import resources

import jinja2


def text_of(name: str) -> str:
    """The text of a file beside this one."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")


def template(name: str) -> jinja2.Template:
    """A template whose values are escaped as its kind asks; what a value lacks is an error."""
    return _environment().get_template(f"{name}.jinja")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(text_of),
        autoescape=lambda name: name is not None and name.endswith(".html.jinja"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
