"""Certified findings as files that anyone proves again: the game's tables, the claim, and the data of its proof."""

import contextlib
import functools
import json
import math
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.certificates.growing import Grown, Measure, grown, growth_in, modulus
from smfg_verify.assumptions.certificates.tables import game_tables, hexed
from smfg_verify.assumptions.finding import Finding, Verdict
from smfg_verify.certificates import rationals, verifier
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import tangent_basis
from smfg_verify.files import write_atomically
from smfg_verify.game import AbstractGame
from smfg_verify.records.entries import Record

# A proof by cells stops at this share of what the finding's constant leaves below one; what is lost saves cells.
_SHARE = 0.9
# Pivots of balls may prove a little less than eigenvalues told.
_SHAVED = (1e-9, 1e-3, 1e-1)
# Balls are a little wider around the values guessed from one cell than from another, and at another precision.
_RAISED = (1e-6, 1e-3, 1e-1)
# Eigenvalues tell a strength with roundings, which fractions have none of.
_TOLD = (0.0, 1e-14, 1e-12, 1e-9, 1e-6)
# What a bound that is exact but for rounding is given up of.
_MARGIN = 1e-12


class Proved(NamedTuple):
    """What a certificate may claim: constants, the best first, the finding's own, and the data of the proof."""

    constants: tuple[float, ...]
    told: float
    proof: Record


class Exporter:
    """Writes certificates of the findings of one game; what several of them need is computed once."""

    def __init__(self, game: AbstractGame):
        """Take a game.

        Args:
            game: that findings are about.
        """
        self._of = game
        self._trees: dict[bytes, tuple[float, Grown]] = {}

    @functools.cached_property
    def _tables(self) -> Record:
        return game_tables(checked(self._of))

    @functools.cached_property
    def _game(self) -> verifier.Game:
        return verifier.game_of(self._tables)

    def export(self, finding: Finding, path: str | os.PathLike[str]) -> Path:
        """Write the certificate of a finding.

        Args:
            finding: certified.
            path: of the file.

        Returns:
            The path.

        Raises:
            ValueError: the finding is not certified, or cannot travel.
            OSError: the file cannot be written.
        """
        return write_atomically(path, self.certificate(finding).encode())

    def certificate(self, finding: Finding) -> str:
        """The text of a certificate, which the verifier has proved before it is returned.

        What it claims is proved of the game, by the verifier alone; of the finding it has the kind of statement, the
        weight of the norm and, beside the constant that is proved, the constant.

        Args:
            finding: certified.

        Returns:
            JSON.

        Raises:
            ValueError: the finding is not certified, or cannot travel.
        """
        _require_travelling(finding)
        try:
            constants, told, proof = _MAKERS[_kind(finding)](self, finding)
            for constant in constants[:-1]:
                with contextlib.suppress(verifier.NotVerified):
                    return self._verified(_kind(finding), constant, told, proof)
            return self._verified(_kind(finding), constants[-1], told, proof)
        except (verifier.NotVerified, rationals.TooLarge) as error:
            raise InputError(f"{_kind(finding)} cannot travel: {error}.") from error

    def _verified(self, kind: str, constant: float, told: float, proof: Record) -> str:
        claim = {"kind": kind, "constant": constant.hex(), "finding": told.hex()}
        content = {"claim": claim, "game": self._tables, "proof": proof}
        head = {"format": verifier.FORMAT, "version": verifier.VERSION, "sha256": verifier.digest_of(content)}
        text = json.dumps({**head, "content": content})
        verifier.verify(text.encode())
        return text

    def _dobrushin(self, finding: Finding) -> Proved:
        verifier.require_pairs(self._game)
        # Another way to write the tables may round otherwise.
        bound = float(rationals.largest_variation(self._game)) * (1.0 + _MARGIN)
        return Proved((max(finding.constant, bound),), finding.constant, {})

    def _doeblin(self, finding: Finding) -> Proved:
        steps = int(finding.witness["steps"])
        verifier.require_steps(self._game, steps)
        bound = float(rationals.forgotten_after(self._game, steps)) * (1.0 + _MARGIN)
        return Proved((max(finding.constant, bound),), finding.constant, {"steps": steps})

    def _monotonicity(self, finding: Finding) -> Proved:
        return self._strength(-float(finding.details["certified_upper"]))

    def _occupation(self, finding: Finding) -> Proved:
        return self._strength(float(finding.facts["strength"]))

    def _strength(self, told: float) -> Proved:
        """The strength of a monotone reward, but for the roundings of the eigenvalues that told it."""
        if not told > 0.0:
            raise verifier.NotVerified("certificates are of strictly monotone rewards, and the strength proved is 0")
        for shaved in _TOLD:
            if rationals.strictly_monotone(self._game, told * (1.0 - shaved)) is not None:
                return Proved((told * (1.0 - shaved),), told, {})
        raise verifier.NotVerified(
            f"between laws that no dynamics need allow the reward is not proved monotone with a strength {told:.4g}, "
            "as where the change of an action's reward with the mean field is another than that of others"
        )

    def _potential(self, finding: Finding) -> Proved:
        work, *_ = rationals.work_of(self._game)
        bound = verifier.above((work + 2 * Fraction(self._game.reward_radius)) * (1 + Fraction(_MARGIN)))
        return Proved((bound,), bound, {})

    def _rate(self, finding: Finding) -> Proved:
        """The rate by a tree of cells, in the finding's norm where it names one."""
        gram = _gram_of(finding, self._game.sizes[0])
        found = self._grown(gram.tobytes(), growth_in(gram), 1.0 - _SHARE * finding.constant)
        if not found.largest < 1.0:
            raise _too_much(found, "the growth", "clearly below 1, for a positive rate")
        rates = (min((1.0 - found.largest) * (1.0 - shaved), finding.constant) for shaved in _SHAVED)
        return Proved(tuple(rates), finding.constant, {"gram": hexed(gram), "tree": found.tree})

    def _modulus(self, finding: Finding) -> Proved:
        """The l1 modulus by a tree of cells."""
        found = self._grown(b"modulus", modulus, 1.0 - _SHARE * (1.0 - finding.constant))
        constants = [max(finding.constant, found.largest * (1.0 + raised)) for raised in _RAISED]
        below = tuple(constant for constant in constants if constant < 1.0)
        if not below:
            raise _too_much(found, "the l1 modulus", "below 1")
        return Proved(below, finding.constant, {"tree": found.tree})

    def _grown(self, name: bytes, measure: Measure, target: float) -> Grown:
        """A tree that reaches the target, or as many cells as there may be; grown before where it does."""
        verifier.require_cells(self._game)
        aimed, found = self._trees.get(name, (math.inf, None))
        if found is None or (found.largest > target and aimed > target):
            found = grown(self._game, measure, target)
            self._trees[name] = target, found
        return found


def _require_travelling(finding: Finding) -> None:
    name = _kind(finding)
    if finding.verdict is not Verdict.CERTIFIED:
        raise InputError(f"{name}: got a finding that is {finding.verdict.value}, expected a certified one.")
    if name not in _MAKERS:
        raise InputError(f"{name} cannot travel: certificates are known of {', '.join(_MAKERS)}.")


def _kind(finding: Finding) -> str:
    return f"{finding.property}/{finding.statement}"


def _gram_of(finding: Finding, size: int) -> Float[np.ndarray, "m m"]:
    """The weight of the finding's norm, of the first n - 1 entries of a tangent."""
    weight = finding.witness.get("weight")
    if weight is None or np.array_equal(weight, np.eye(size - 1)):
        return np.eye(size - 1) + 1.0
    frame = tangent_basis(size).T @ np.concatenate([np.eye(size - 1), -np.ones((1, size - 1))])
    gram = frame.T @ weight @ frame
    symmetric: np.ndarray = 0.5 * (gram + gram.T)
    return symmetric


def _too_much(found: Grown, what: str, wanted: str) -> verifier.NotVerified:
    bound = f"{what} to be at most {found.largest:.4g}" if math.isfinite(found.largest) else f"no bound of {what}"
    reached = f"{found.leaves} of the verifier's cells, which are coarser than the package's, prove {bound}"
    return verifier.NotVerified(f"{reached}, expected one {wanted}")


_MAKERS: dict[str, Callable[[Exporter, Finding], Proved]] = {
    "ergodicity/dobrushin": Exporter._dobrushin,
    "ergodicity/doeblin": Exporter._doeblin,
    "one-sided-contraction/certified-rate": Exporter._rate,
    "uniqueness/one-sided": Exporter._rate,
    "contraction/certified-bound": Exporter._modulus,
    "contraction/cell-bound": Exporter._modulus,
    "uniqueness/contraction": Exporter._modulus,
    "uniqueness/monotonicity": Exporter._monotonicity,
    "uniqueness/occupation-monotonicity": Exporter._occupation,
    "uniqueness/potential": Exporter._potential,
}
