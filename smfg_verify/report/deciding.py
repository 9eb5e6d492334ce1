"""Which findings a property's verdict rests on, and its constant in words."""

from collections.abc import Callable

import numpy as np

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict, find_property
from smfg_verify.assumptions.finding import Side
from smfg_verify.numerals import at_least, at_most

_SIDES = {Side.EXACT: "=", Side.UPPER: "<=", Side.LOWER: ">="}
_ROUNDED: dict[Side, Callable[[float], float]] = {Side.EXACT: float, Side.UPPER: at_most, Side.LOWER: at_least}


def deciding_findings(report: AssumptionReport, name: str) -> tuple[Finding, ...]:
    """The findings that a property's verdict rests on: those of this verdict among those that it may rest on.

    Args:
        report: of a check.
        name: of a property in it.

    Returns:
        Certified sufficient statements, where the verdict is theirs; otherwise the deciding ones of the property's
        verdict, or the sufficient ones where none decides. Never empty.

    Raises:
        KeyError: not in this report.
    """
    entry, verdict = find_property(name), report.verdict(name)
    alike = [finding for finding in report[name] if finding.verdict is verdict]
    sufficient = tuple(finding for finding in alike if finding.statement in entry.sufficient)
    deciding = tuple(finding for finding in alike if entry.decides(finding.statement))
    first, second = (sufficient, deciding) if verdict is Verdict.CERTIFIED else (deciding, sufficient)
    return first or second or report[name]


def constant_words(finding: Finding) -> str:
    """A constant and its side, rounded to the safe one: "true <= 0.9", "none" where there is no number."""
    if not np.isfinite(finding.constant):
        return "none"
    return f"true {_SIDES[finding.side]} {_ROUNDED[finding.side](finding.constant):.5g}"
