"""Theorems held against a game: one row each with what decides it, and below it every hypothesis with its answer."""

from collections.abc import Iterator

from rich.console import Group
from rich.table import Table
from rich.text import Text

from smfg_verify.assumptions import Finding
from smfg_verify.assumptions.summary import constant_words, first_sentence
from smfg_verify.jobs.theorems import Theorems
from smfg_verify.report.tables.layout import brief_table
from smfg_verify.report.tables.markdown import literal, markdown_table
from smfg_verify.theorems import Answer, Coverage, Decision, Hypothesis, Match

_STYLES = {Coverage.APPLIES: "green", Coverage.FAILS: "bold red", Coverage.UNKNOWN: "yellow"}
_ANSWERS = {Answer.HOLDS: "green", Answer.FAILS: "red", Answer.UNKNOWN: "yellow"}
_COLUMNS = ("theorem", "answer", "decided by", "wording", "source")
_HYPOTHESES = ("hypothesis", "answer", "by", "wording")
NOTE = (
    "applies: every hypothesis holds by a proof, for the method that the theorem is about. fails: one does not hold, "
    "in the wording shown, which says nothing against convergence. What was not read in a paper never holds, so that "
    "such a theorem is unknown at best."
)


def theorem_tables(found: Theorems) -> Group:
    """All theorems, then each with its hypotheses."""
    title = f"Theorems and {found.settings.name}, steps {steps_text(found)}"
    table = brief_table(title, *_COLUMNS, unbroken="theorem")
    for match in found.matches:
        table.add_row(*map(Text, summary_cells(match)), style=_STYLES[match.coverage])
    table.caption, table.caption_justify = Text(NOTE), "left"
    return Group(table, *(part for match in found.matches for part in _details(match)))


def _details(match: Match) -> Iterator[Table | Text]:
    theorem = match.theorem
    table = brief_table(f"{theorem.name}: {match.coverage.value}", *_HYPOTHESES)
    for hypothesis, decision in zip(theorem.hypotheses, match.decisions, strict=True):
        said = f"{hypothesis.name}: {hypothesis.formula}"
        cells = (said, decision.answer.value, because(decision), hypothesis.wording.value)
        table.add_row(*map(Text, cells), style=_ANSWERS[decision.answer])
    yield table
    yield Text(f"{about(match)}\n", style="dim")


def steps_text(found: Theorems) -> str:
    """The steps of the four learners."""
    return ", ".join(f"{learner} {text}" for learner, text in found.steps.texts.items())


def summary_cells(match: Match) -> tuple[str, ...]:
    """A row of the first table."""
    deciding = match.deciding
    wording = match.theorem.wording if deciding is None else deciding.wording
    return (match.name, match.coverage.value, decided_by(match), wording.value, match.theorem.source)


def decided_by(match: Match) -> str:
    """The hypothesis that decides, and why."""
    deciding, decision = match.deciding, match.decision
    if deciding is None or decision is None:
        return f"all {len(match.decisions)} hypotheses hold. About: {match.theorem.about}"
    return f"{deciding.name}: {decision.because}"


def about(match: Match) -> str:
    """What a theorem is, what it is about, and what it says."""
    theorem = match.theorem
    return (
        f"{theorem.title}. {theorem.source} ({theorem.wording.value}). About: {theorem.about}. "
        f"Then: {theorem.conclusion}."
    )


def because(decision: Decision) -> str:
    """What a decision rests on, with the finding's constant and meaning, and what would decide it."""
    said = [str(decision.because)]
    said += [] if decision.finding is None else [_finding(decision.finding)]
    said += [f"would decide: {decision.would}"] if decision.would else []
    return "; ".join(said)


def _finding(finding: Finding) -> str:
    return f"{finding.statement}: {constant_words(finding)}. {first_sentence(finding.meaning)}"


def theorems_markdown(found: Theorems) -> str:
    """The same as a page of Markdown."""
    rows = [tuple(map(literal, summary_cells(match))) for match in found.matches]
    parts = [
        f"# Theorems and {literal(found.settings.name)}\n",
        f"Steps: {literal(steps_text(found))}.\n",
        markdown_table(_COLUMNS, rows),
        f"{literal(NOTE)}\n",
    ]
    for match in found.matches:
        pairs = zip(match.theorem.hypotheses, match.decisions, strict=True)
        table = markdown_table(_HYPOTHESES, [_cells(*pair) for pair in pairs])
        parts += [f"## {match.name}: {match.coverage.value}\n", f"{literal(about(match))}\n", table]
    return "\n".join(parts)


def _cells(hypothesis: Hypothesis, decision: Decision) -> tuple[str, ...]:
    said = (f"{hypothesis.name}: {hypothesis.formula}", decision.answer.value, because(decision))
    return tuple(map(literal, (*said, hypothesis.wording.value)))
