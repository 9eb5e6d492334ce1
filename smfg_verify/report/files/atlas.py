"""atlas.json."""

from smfg_verify.assumptions import AssumptionReport, find_property
from smfg_verify.jobs.atlas import Atlas
from smfg_verify.records.codec import plain
from smfg_verify.records.documents import document, headed
from smfg_verify.records.entries import Record
from smfg_verify.records.versions import versions

FORMAT = "smfg-verify atlas"


SCHEMA_VERSION = 2


ATLAS_FILE = "atlas.json"


def atlas_bytes(atlas: Atlas) -> bytes:
    """The content of atlas.json."""
    return document(atlas_record(atlas)).encode()


def atlas_record(atlas: Atlas) -> Record:
    """The atlas as plain JSON values: verdicts and constants; witnesses and curves stay in the games' own reports."""
    record = {
        "settings": plain(atlas.settings),
        "games": {
            name: {"identity": report.game_hash, "properties": _properties(report)}
            for name, report in atlas.reports.items()
        },
        "seconds": dict(atlas.seconds),
        "versions": versions(),
    }
    return headed(FORMAT, SCHEMA_VERSION, record)


def _properties(report: AssumptionReport) -> Record:
    return {
        name: {
            "verdict": report.verdict(name).value,
            "statements": {
                finding.statement: {
                    "verdict": finding.verdict.value,
                    "constant": plain(finding.constant),
                    "side": finding.side.value,
                    "evidence": finding.evidence.value,
                    "decides": find_property(name).decides(finding.statement),
                    "meaning": finding.meaning,
                }
                for finding in report[name]
            },
        }
        for name in report.properties
    }
