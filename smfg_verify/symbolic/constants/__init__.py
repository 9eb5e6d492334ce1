"""Certified constants as expressions of what they are made of, which say which term dominates."""

from smfg_verify.symbolic.constants.expressions import expressions_of
from smfg_verify.symbolic.constants.records import ConstantExpression, GameExpressions, Remark, SymbolValue, Term

__all__ = [
    "ConstantExpression",
    "GameExpressions",
    "Remark",
    "SymbolValue",
    "Term",
    "expressions_of",
]
