"""The certified findings of a check as files that prove them again."""

import dataclasses
from pathlib import Path

from smfg_verify.assumptions import Verdict
from smfg_verify.certificates import load_verifier
from smfg_verify.errors import InputError
from smfg_verify.files import results_folder
from smfg_verify.jobs.pipeline import Results


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of one certified finding.

    Attributes:
        kind: property/statement.
        path: of its certificate; None where it cannot travel.
        reason: why it cannot; empty where it can.
    """

    kind: str
    path: Path | None
    reason: str


def write_certificates(results: Results, folder: Path) -> tuple[Written, ...]:
    """Write a certificate of every certified finding that can travel.

    Args:
        results: of a check.
        folder: of the files, made if missing.

    Returns:
        What became of each certified finding.

    Raises:
        OSError: a file cannot be written.
        ImportError: the package python-flint is missing.
    """
    load_verifier("--certificates")
    from smfg_verify.assumptions.certificates.export import Exporter

    findings = () if results.assumptions is None else results.assumptions.findings
    exporter, written = Exporter(results.game), []
    with results_folder(folder) as place:
        for finding in findings:
            if finding.verdict is not Verdict.CERTIFIED:
                continue
            kind = f"{finding.property}/{finding.statement}"
            try:
                name = f"{results.settings.short_name}.{finding.property}.{finding.statement}.json"
                written.append(Written(kind, exporter.export(finding, place / name), ""))
            except InputError as error:
                written.append(Written(kind, None, str(error)))
    return tuple(written)
