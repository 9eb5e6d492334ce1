"""Records that people can read where they meet them: one line with values at a prompt, tables in a notebook."""

import enum
import html
from typing import TYPE_CHECKING, ClassVar

import jax
import numpy as np

from smfg_verify.records.latex_text import escaped

if TYPE_CHECKING:
    import pandas

# Arrays of more entries show their shape.
_SHOWN_ENTRIES = 6


class Readable:
    """A mixin: a record in one line, with the values that a person asks for first.

    Attributes:
        SHOWN: names of the fields or properties that the line has, in order.
    """

    SHOWN: ClassVar[tuple[str, ...]] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={in_short(getattr(self, name))}' for name in self.SHOWN)})"


class Tabular:
    """A mixin: a record whose rows are a table, for notebooks and papers."""

    def to_dataframe(self) -> "pandas.DataFrame":
        """The rows as a table, with numbers as numbers.

        Returns:
            One row each, named by the index.
        """
        raise NotImplementedError

    def brief_dataframe(self) -> "pandas.DataFrame":
        """The columns that fit a page, as words with their numbers rounded to the safe side.

        Returns:
            One row each, named by the index.
        """
        raise NotImplementedError

    def to_latex(self) -> str:
        r"""The brief table for a paper, to be read by `\input`; it needs the package booktabs.

        Returns:
            A tabular environment, with special characters escaped.
        """
        frame = self.brief_dataframe().reset_index().astype(str).map(escaped).rename(columns=escaped)
        result: str = frame.to_latex(index=False, escape=False)
        return result

    def _repr_html_(self) -> str:
        """What a notebook shows: the brief table under the one line of the record."""
        frame = self.brief_dataframe()
        return f"<div><code>{html.escape(repr(self))}</code>{frame.to_html(escape=True, border=0)}</div>"


def in_short(value: object) -> str:
    """A value on one line: numbers to six digits, small arrays by their entries, large and traced ones by their shape.

    Args:
        value: a number, an array, an enumeration's member, or anything else.

    Returns:
        The text.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify.records.readable import in_short
        >>> in_short(np.array([0.25, 0.75])), in_short(np.zeros((40, 2))), in_short(1 / 3)
        ('[0.25, 0.75]', 'float64[40, 2]', '0.333333')
    """
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, jax.core.Tracer):
        return f"{value.dtype}{list(value.shape)}"
    if not isinstance(value, jax.Array | np.ndarray):
        return str(value) if isinstance(value, str | np.generic) else repr(value)
    if value.size > _SHOWN_ENTRIES:
        return f"{value.dtype}{list(value.shape)}"
    array = np.asarray(value)
    if array.ndim == 0:
        return in_short(array[()])
    return " ".join(np.array2string(array, precision=4, separator=", ", max_line_width=10**6).split())
