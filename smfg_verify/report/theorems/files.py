"""theorems.json and theorems.md."""

from pathlib import Path

from smfg_verify.files import write_in
from smfg_verify.jobs.theorems import Theorems
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.records.versions import versions
from smfg_verify.report.files.game import game_record
from smfg_verify.report.theorems.tables import theorems_markdown
from smfg_verify.theorems import Decision, Hypothesis, Match

FORMAT, SCHEMA_VERSION = "smfg-verify theorems", 1
THEOREMS_FILE, PAGE = "theorems.json", "theorems.md"


def write_theorems(found: Theorems, directory: Path) -> list[Path]:
    """Write both, completely or not at all, into a directory that exists; returns their paths."""
    record = {
        "game": game_record(found.game, found.settings.name),
        "steps": {
            learner: {"constant": found.steps.constants[learner], "exponent": str(found.steps.exponents[learner])}
            for learner in found.steps.constants
        },
        "check": plain(found.check),
        "report": None if found.source is None else str(found.source),
        "properties": list(found.report.properties),
        "theorems": {match.name: _theorem(match) for match in found.matches},
        "versions": versions(),
    }
    text = document(headed(FORMAT, SCHEMA_VERSION, record))
    return write_in(directory, {THEOREMS_FILE: text.encode(), PAGE: theorems_markdown(found).encode()})


def _theorem(match: Match) -> Record:
    theorem, deciding = match.theorem, match.deciding
    return {
        "answer": match.coverage.value,
        "decided_by": None if deciding is None else deciding.name,
        "title": theorem.title,
        "source": theorem.source,
        "wording": theorem.wording.value,
        "about": theorem.about,
        "conclusion": theorem.conclusion,
        "hypotheses": [_hypothesis(*pair) for pair in zip(theorem.hypotheses, match.decisions, strict=True)],
    }


def _hypothesis(hypothesis: Hypothesis, decision: Decision) -> Record:
    finding = decision.finding
    return {
        "name": hypothesis.name,
        "formula": hypothesis.formula,
        "wording": hypothesis.wording.value,
        "answer": decision.answer.value,
        "because": str(decision.because),
        "would_decide": str(decision.would),
        "finding": None
        if finding is None
        else {
            "property": finding.property,
            "statement": finding.statement,
            "verdict": finding.verdict.value,
            "constant": plain(finding.constant),
            "side": finding.side.value,
            "meaning": finding.meaning,
        },
    }
