"""Which class a game is in, in one line: contractive, monotone, potential, coupled, as far as findings show it."""

from typing import TYPE_CHECKING

from smfg_verify.assumptions.finding import Finding, Verdict

if TYPE_CHECKING:
    from smfg_verify.assumptions.report import AssumptionReport  # which stands on the summary

# By property, or by property and statement where a statement aside shows it.
_CLASSES: dict[tuple[str, str | None], str] = {
    ("contraction", None): "contractive",
    ("one-sided-contraction", None): "one-sided contractive",
    ("uniqueness", "occupation-monotonicity"): "monotone",
    ("uniqueness", "potential"): "potential",
}
_SHOWN = (Verdict.CERTIFIED, Verdict.SUPPORTED)
COUPLING = ("lipschitz", "transition")
# A ratio of changes as small as this may be rounding alone.
_ROUNDING = 1e-9


def class_line(report: "AssumptionReport") -> str:
    """The classes that the findings of a report prove or support, each with its verdict.

    Args:
        report: of a check.

    Returns:
        One line without a full stop; empty where none of the findings that tell a class is in the report.

    Examples:
        >>> from smfg_verify import check, games
        >>> from smfg_verify.assumptions.game_class import class_line
        >>> class_line(check(games.load("laffer-tax"), "lipschitz", budget="quick"))
        'Class: not coupled through the dynamics (certified)'
    """
    named = {(finding.property, finding.statement): finding for finding in report.findings}
    known = {}
    for (name, statement), words in _CLASSES.items():
        if statement is None and name in report.properties:
            known[words] = report.verdict(name), words, ""
        elif (name, statement or "") in named:
            finding = named[name, statement or ""]
            known[words] = finding.verdict, *_reserved(finding, words)
    known = {words: entry for words, entry in known.items() if entry[0] is not Verdict.NOT_APPLICABLE}
    told = [
        f"{said} ({verdict.value}{rounded})"
        for verdict in _SHOWN
        for found, said, rounded in known.values()
        if found is verdict
    ]
    if known and not told:
        told = [f"not shown to be {' or '.join(known)}"]
    coupling = _coupling(named[COUPLING]) if COUPLING in named else ""
    parts = [part for part in (", ".join(told), coupling) if part]
    return f"Class: {'; '.join(parts)}" if parts else ""


def _reserved(finding: Finding, words: str) -> tuple[str, str]:
    """A class with what the finding keeps back: that other dynamics' laws are compared too, and roundings."""
    facts = finding.facts
    everywhere = "" if facts.get("stationary", True) else " over all laws of state and action"
    rounding = facts.get("slack", facts.get("bound", 0.0))
    return words + everywhere, " up to rounding" if finding.verdict is Verdict.CERTIFIED and rounding > 0.0 else ""


def _coupling(finding: Finding) -> str:
    """Whether the transition depends on the mean field, in words; none where neither is known."""
    if finding.verdict in _SHOWN and finding.constant == 0.0:
        return f"not coupled through the dynamics ({finding.verdict.value})"
    return "coupled through the dynamics" if is_coupled(finding) else ""


def is_coupled(finding: Finding) -> bool | None:
    """Whether the transition depends on the mean field, as far as a finding of its Lipschitz constant shows.

    Args:
        finding: of `COUPLING`.

    Returns:
        False where it is proved not to, True where it differs at two mean fields by more than rounding, else None.
    """
    if finding.verdict is Verdict.CERTIFIED and finding.constant == 0.0:
        return False
    measured, error = (float(finding.details.get(name, 0.0)) for name in ("measured", "measured_error"))
    return True if measured > error and measured > _ROUNDING else None
