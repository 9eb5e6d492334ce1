"""Records of constants as expressions: symbols with their values, the expression, its terms by size."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import sympy

from smfg_verify.records.codec import plain
from smfg_verify.records.coded_text import CodedText, Sentence
from smfg_verify.records.entries import Record
from smfg_verify.symbolic.constants import sentences


class Remark(CodedText):
    """What has to be said beside an expression, as where its value is not the number that is reported.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> [remark.case for remark in expressions_of(games.load("laffer-tax"))["mixing-factor"].remarks]
        []
    """

    SENTENCES: ClassVar[Mapping[str, Sentence]] = sentences.REMARKS


@dataclasses.dataclass(frozen=True, kw_only=True)
class SymbolValue:
    """A symbol of an expression.

    Attributes:
        symbol: in the expression; one whose value is zero drops out of it.
        value: the number it stands for.
        meaning: code of what it is, a key of `sentences.MEANINGS`.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> entry = expressions_of(games.load("laffer-tax"))["mixing-factor"].values[0]
        >>> entry.symbol, entry.value, entry.text
        (m, 1.0, 'steps of the best certified mixing')
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    symbol: sympy.Symbol
    value: float
    meaning: str

    @property
    def text(self) -> str:
        """What it is, in words."""
        return sentences.MEANINGS[self.meaning]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Term:
    """A summand of a constant, with its number and its share of the whole.

    Attributes:
        expression: of the symbols.
        value: the number.
        share: of the sum of all.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> bound = expressions_of(games.load("laffer-tax"))["contraction/certified-bound/span"]
        >>> bound.terms[1].expression, f"{bound.terms[1].share:.0%}"
        (L_f*M*delta_A/tau, '19%')
    """

    expression: sympy.Expr
    value: float
    share: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConstantExpression:
    """A constant as an expression.

    Attributes:
        name: what it is called, such as "contraction/certified-bound/span".
        statements: findings whose constant it is, as property/statement.
        symbol: that stands for it in other expressions.
        expression: of the symbols in `values`.
        side: how the number stands to the true constant: "upper", "lower" or "exact".
        values: symbols with their numbers.
        value: the expression with the numbers put in.
        reported: the number of the finding, or of the function that computes it in floats.
        terms: summands of `summed`, the largest first; none where no finite number is reported.
        summed: the sum that the terms make up: the expression itself, or the exponent that decides a product.
        remarks: what has to be said beside it.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> bound = expressions_of(games.load("laffer-tax"))["contraction/certified-bound/sup-norm"]
        >>> abs(bound.value - bound.reported) <= 1e-12 * bound.reported
        True
        >>> round(sum(term.share for term in bound.terms), 12)
        1.0
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    name: str
    statements: tuple[str, ...]
    symbol: sympy.Symbol
    expression: sympy.Expr
    side: str
    values: tuple[SymbolValue, ...]
    value: float
    reported: float
    terms: tuple[Term, ...]
    summed: sympy.Expr
    remarks: tuple[Remark, ...] = ()

    @property
    def dominating(self) -> Term | None:
        """The largest term; None where there are none."""
        return self.terms[0] if self.terms else None

    @property
    def text(self) -> str:
        """The expression, its number, its terms by share and its symbols, in plain text."""
        return sentences.constant_text(self)

    @property
    def latex(self) -> str:
        """The same in LaTeX."""
        return sentences.constant_latex(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GameExpressions:
    """The constants of a game that are formulas of others.

    Attributes:
        game_name: whose.
        expressions: one a constant.
        searched: findings of the report, as property/statement, that are no formula of other constants: largest or
            smallest values of a search, enclosures and programs.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> found = expressions_of(games.load("laffer-tax"))
        >>> found.names[:2]
        ('mixing-factor', 'reward-span')
    """

    RENDERED: ClassVar[tuple[str, ...]] = ("text",)

    game_name: str
    expressions: tuple[ConstantExpression, ...]
    searched: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> ConstantExpression:
        """The expression of that name.

        Raises:
            KeyError: none has it; the message lists those there are.
        """
        for expression in self.expressions:
            if expression.name == name:
                return expression
        raise KeyError(f"{name!r}; there are {', '.join(self.names) or 'none'}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the constants."""
        return tuple(expression.name for expression in self.expressions)

    @property
    def text(self) -> str:
        """All of them in plain text."""
        return sentences.all_text(self)

    @property
    def latex(self) -> str:
        """All of them in LaTeX."""
        return sentences.all_latex(self)

    def as_record(self) -> Record:
        """As JSON values; expressions and sentences as text."""
        record: Record = plain(self)
        return record
