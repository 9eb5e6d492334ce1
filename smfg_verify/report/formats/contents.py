"""The whole document of a job's results."""

from smfg_verify.report.formats.document import Document
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.alignment import alignment_section
from smfg_verify.report.formats.sections.bounds import bounds_section
from smfg_verify.report.formats.sections.equilibrium import equilibrium_section
from smfg_verify.report.formats.sections.findings import findings_section
from smfg_verify.report.formats.sections.provenance import provenance_section
from smfg_verify.report.formats.sections.summary import summary_section


def contents(saved: Saved) -> Document:
    """Summary, findings, equilibrium, alignment, runs against bounds, provenance: all of it out of the record."""
    game, command = saved.record["game"], saved.record["command"]
    sections = (
        summary_section(saved),
        findings_section(saved),
        equilibrium_section(saved),
        alignment_section(saved),
        bounds_section(saved),
        provenance_section(saved),
    )
    return Document(
        name=game["name"],
        title=f"{game['name']}: {_TITLES.get(command, command)}",
        subtitle=f"{game['class']} {game['identity'][:16]}; {saved.date}",
        sections=tuple(section for section in sections if section is not None),
    )


_TITLES = {
    "check": "assumptions checked",
    "run": "a run of AC-SMFG",
    "validate": "assumptions checked, a run held against the claimed rate",
}
