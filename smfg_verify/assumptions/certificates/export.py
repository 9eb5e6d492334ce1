"""A certified finding as a file that anyone proves again: the game's tables, the claim, and the data of its proof."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from smfg_verify.assumptions.certificates.growing import MOST_CELLS, grown
from smfg_verify.assumptions.certificates.tables import game_tables, hexed
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.certificates import verifier
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import tangent_basis
from smfg_verify.files import write_atomically
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Record

# A proof by cells stops at this share of the finding's rate; what is lost of it saves cells.
_SHARE = 0.9
# Pivots of balls may prove a little less than eigenvalues told.
_SHAVED = (1e-9, 1e-3, 1e-1)
# What a bound that is exact but for rounding is given up of.
_MARGIN = 1e-12
Proved = tuple[float, Record]


def export(finding: Finding, game: AbstractGame, path: str | os.PathLike[str]) -> Path:
    """Write the certificate of a finding.

    Args:
        finding: certified.
        game: that it is about.
        path: of the file.

    Returns:
        The path.

    Raises:
        ValueError: the finding is not certified, or cannot travel.
        OSError: the file cannot be written.
    """
    return write_atomically(path, certificate(finding, game).encode())


def certificate(finding: Finding, game: AbstractGame) -> str:
    """The text of a certificate, which the verifier has proved before it is returned.

    What it claims is proved of the game, by the verifier alone; of the finding it has the kind of statement, the weight
    of the norm and, beside the constant that is proved, the constant.

    Args:
        finding: certified.
        game: that it is about.

    Returns:
        JSON.

    Raises:
        ValueError: the finding is not certified, or cannot travel.
    """
    make = _maker(finding)
    tables = game_tables(checked(game))
    try:
        game_told = verifier.game_of(tables)
    except verifier.NotVerified as error:
        raise InputError(f"{_kind(finding)} cannot travel: {error}.") from error
    constant, proof = make(finding, game_told)
    content = {
        "claim": {"kind": _kind(finding), "constant": constant.hex(), "finding": finding.constant.hex()},
        "game": tables,
        "proof": proof,
    }
    text = json.dumps(
        {
            "format": verifier.FORMAT,
            "version": verifier.VERSION,
            "sha256": verifier.digest_of(content),
            "content": content,
        }
    )
    try:
        verifier.verify(text.encode())
    except verifier.NotVerified as error:
        raise InputError(f"{_kind(finding)} cannot travel: {error}.") from error
    return text


def can_travel(finding: Finding) -> bool:
    """Whether certificates of findings of this kind are known."""
    return _kind(finding) in _MAKERS


def _kind(finding: Finding) -> str:
    return f"{finding.property}/{finding.statement}"


def _maker(finding: Finding) -> "Callable[[Finding, verifier.Game], Proved]":
    name = _kind(finding)
    if finding.verdict is not Verdict.CERTIFIED:
        raise InputError(f"{name}: got a finding that is {finding.verdict.value}, expected a certified one.")
    if not can_travel(finding):
        raise InputError(f"{name} cannot travel: certificates are known of {', '.join(_MAKERS)}.")
    return _MAKERS[name]


def _dobrushin(finding: Finding, game: verifier.Game) -> Proved:
    try:
        bound = float(verifier.largest_variation(game))
    except verifier.NotVerified as error:
        raise InputError(f"{_kind(finding)} cannot travel: {error}.") from error
    # Another version of the verifier's arithmetic may round otherwise.
    return max(finding.constant, bound * (1.0 + _MARGIN)), {}


def _rate(finding: Finding, game: verifier.Game) -> Proved:
    """The rate by a tree of cells, in the finding's norm where it names one."""
    size = game.sizes[0]
    gram = np.eye(size - 1) + 1.0
    weight = finding.witness.get("weight")
    if weight is not None and not np.array_equal(weight, np.eye(size - 1)):
        frame = tangent_basis(size).T @ np.concatenate([np.eye(size - 1), -np.ones((1, size - 1))])
        gram = frame.T @ weight @ frame
        gram = 0.5 * (gram + gram.T)
    try:
        found = grown(game, gram, 1.0 - _SHARE * finding.constant)
        constant = _proved_rate(game, gram, found.tree, 1.0 - found.growth) if found.growth < 1.0 else 0.0
    except verifier.NotVerified as error:
        raise InputError(f"{_kind(finding)} cannot travel: {error}.") from error
    if not constant > 0.0:
        raise InputError(
            f"{_kind(finding)} cannot travel: {MOST_CELLS} of the verifier's cells, which are "
            "coarser than the package's, prove no positive rate."
        )
    return min(constant, finding.constant), {"gram": hexed(gram), "tree": found.tree}


def _proved_rate(game: verifier.Game, gram: np.ndarray, tree: list[int], rate: float) -> float:
    """A rate just below one that plain floats tell of a tree; zero where the verifier proves none."""
    proof = {"gram": hexed(gram), "tree": tree}
    for shaved in _SHAVED:
        try:
            verifier.prove_rate(game, proof, rate * (1.0 - shaved))
        except verifier.NotVerified:
            continue
        return rate * (1.0 - shaved)
    return 0.0


_MAKERS: dict[str, Callable[[Finding, verifier.Game], Proved]] = {
    "ergodicity/dobrushin": _dobrushin,
    "one-sided-contraction/certified-rate": _rate,
    "uniqueness/one-sided": _rate,
}
