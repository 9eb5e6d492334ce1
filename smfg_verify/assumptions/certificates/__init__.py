"""Findings as certificates: files that `smfg_verify.certificates.verifier` proves again, without this package."""

import os
from pathlib import Path

from smfg_verify.assumptions.finding import Finding
from smfg_verify.certificates import load_verifier
from smfg_verify.game import AbstractGame


def exported(finding: Finding, game: AbstractGame, path: str | os.PathLike[str]) -> Path:
    """Write the certificate of a finding; see `Finding.export`."""
    load_verifier("Finding.export")
    from smfg_verify.assumptions.certificates.export import Exporter

    return Exporter(game).export(finding, path)
