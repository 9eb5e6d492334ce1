"""Uniqueness of the mean field equilibrium of every leader: by contraction, by the index, by many starts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.measured_modulus import random_points
from smfg_verify.assumptions.contraction.modulus_by_cells import smallest_modulus
from smfg_verify.assumptions.contraction.proved_bounds import USED, inputs_from, inputs_of, witness_of
from smfg_verify.assumptions.contraction.temperature_sweep import swept_temperatures
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.one_sided.certified_rate import euclidean_rate, proves, rate_by_cells
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.uniqueness.index import NOBODY_ASKED, index_by_cells, index_finding, share_of
from smfg_verify.assumptions.uniqueness.monotonicity import monotonicity_finding, quotient_of
from smfg_verify.assumptions.uniqueness.negative_index import determinant_of, negative_index_finding
from smfg_verify.assumptions.uniqueness.occupation import surveyed
from smfg_verify.assumptions.uniqueness.occupation_monotonicity import STATEMENT as OCCUPATION
from smfg_verify.assumptions.uniqueness.occupation_monotonicity import occupation_finding, occupation_quotient
from smfg_verify.assumptions.uniqueness.on_laws import NOT_ASKED, modulus_again, modulus_on_laws, on_laws_finding
from smfg_verify.assumptions.uniqueness.on_laws import STATEMENT as ON_LAWS
from smfg_verify.assumptions.uniqueness.potential import STATEMENT as POTENTIAL
from smfg_verify.assumptions.uniqueness.potential import potential_finding, work_around
from smfg_verify.assumptions.uniqueness.sentences import UNIQUENESS
from smfg_verify.assumptions.uniqueness.several_equilibria import (
    Equilibria,
    distinct_of,
    find_equilibria,
    follow_down,
    starting_fields,
)
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import at_equilibria, field_size
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

PROPERTY = "uniqueness"
STATEMENTS = (
    "contraction",
    "one-sided",
    ON_LAWS,
    "index",
    "multi-start",
    "negative-index",
    "temperature-path",
    "monotonicity",
    OCCUPATION,
    POTENTIAL,
)
_MOST_LEADERS = 24
_MOST_STARTS = 16
_PATH_STEPS = 2000
_LIST_OF_FIELDS = "mean_fields"


def _distance_of(game: AbstractGame, witness: Entries) -> float:
    fields, game = witness[_LIST_OF_FIELDS], checked(game)
    shapes = {"logits": leader_logits_shape(game), _LIST_OF_FIELDS: (len(fields), field_size(game))}
    require_shapes(witness, shapes)
    logits = np.repeat(witness["logits"][None], len(fields), axis=0)
    return distinct_of(at_equilibria(game, logits, fields)).distance


def _modulus_of(game: AbstractGame, witness: Entries) -> float:
    return smallest_modulus(checked(game), inputs_from(game, witness), int(witness["num_boxes"]))[0]


def _rate_of(game: AbstractGame, witness: Entries) -> float:
    weight = np.eye(field_size(game) - 1)
    return rate_by_cells(checked(game), inputs_from(game, witness), weight, num_boxes=int(witness["num_boxes"])).rate


RECOMPUTE = {
    "contraction": _modulus_of,
    "one-sided": _rate_of,
    ON_LAWS: modulus_again,
    "index": share_of,
    "multi-start": _distance_of,
    "negative-index": determinant_of,
    "temperature-path": _distance_of,
    "monotonicity": quotient_of,
    OCCUPATION: occupation_quotient,
    POTENTIAL: work_around,
}


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=UNIQUENESS,
    sufficient=("contraction", "one-sided", ON_LAWS, "index"),
    aside=("temperature-path", "monotonicity", OCCUPATION, POTENTIAL),
)
def check_uniqueness(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Whether every leader policy has one mean field equilibrium only.

    A proved contraction certifies it (Banach), if only where equilibria can be, and so does a proved positive rate of
    one-sided contraction, or the index: a positive determinant wherever an equilibrium is possible. Two equilibria of
    one leader, farther apart than their numerical errors, refute it, and so does one of index -1.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: uniqueness of equilibria as assumed by analyses of learning in mean field games.
    """
    if field_size(game) == 1:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    proofs = [_contraction_finding(game, settings), one_sided_finding(game, settings)]
    searched = _search(game, settings)
    several = _multi_start_finding(searched, settings)
    decided = [each.statement for each in proofs if each.verdict is Verdict.CERTIFIED]
    decided += [several.statement] if several.verdict is Verdict.REFUTED else []
    on_laws = _on_laws_finding(game, settings, decided)
    decided += [on_laws.statement] if on_laws.verdict is Verdict.CERTIFIED else []
    index, met = _index_finding(game, settings, decided)
    survey = surveyed(game, settings)
    return [
        *proofs,
        on_laws,
        index,
        several,
        negative_index_finding(game, searched.logits, searched.found, met, settings.seed),
        _path_finding(game, settings),
        monotonicity_finding(game, settings),
        occupation_finding(game, survey, settings),
        potential_finding(game, survey),
    ]


def _contraction_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    constant, contracts = smallest_modulus(game, inputs, settings.num_boxes)
    finding = Finding(
        property=PROPERTY,
        statement="contraction",
        verdict=Verdict.CERTIFIED if contracts else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        witness={**witness_of(inputs), "num_boxes": np.asarray(settings.num_boxes)},
    )
    return cut_short(finding, constants.cut, *USED)


def one_sided_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    """The proved rate of one-sided contraction in the Euclidean norm, by cells; nothing is searched.

    Args:
        game: the game, traced; its mean field has at least two entries.
        settings: number of cells.

    Returns:
        The finding of the statement `one-sided`.
    """
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    found = euclidean_rate(game, settings)
    finding = Finding(
        property=PROPERTY,
        statement="one-sided",
        verdict=Verdict.CERTIFIED if proves(found) else Verdict.INCONCLUSIVE,
        constant=found.rate,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        facts={"reason": found.reason},
        witness={**witness_of(inputs), "num_boxes": np.asarray(settings.num_boxes)} if np.isfinite(found.rate) else {},
        searched={} if found.cells is None else {"cells": found.cells.cells},
    )
    return cut_short(finding, constants.cut, *USED)


def _on_laws_finding(game: AbstractGame, settings: SearchSettings, decided: list[str]) -> Finding:
    """Contraction where equilibria can be, where nothing else decides."""
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    found = NOT_ASKED if decided else modulus_on_laws(game, inputs, settings.num_boxes)
    finding = on_laws_finding(inputs, settings.num_boxes, found, decided[0] if decided else "")
    return cut_short(finding, constants.cut, *USED)


def _index_finding(game: AbstractGame, settings: SearchSettings, decided: list[str]) -> tuple[Finding, Entries]:
    """The index, where nothing else decides, and an equilibrium of index -1 that its cells met, if they did."""
    constants = game_constants(game, settings)
    inputs = inputs_of(game, constants)
    found = NOBODY_ASKED if decided else index_by_cells(game, inputs, settings.num_boxes)
    finding = index_finding(inputs, settings.num_boxes, found, decided[0] if decided else "")
    return cut_short(finding, constants.cut, *USED), found.negative


def _leaders(game: AbstractGame, settings: SearchSettings) -> np.ndarray:
    logits = random_points(game, min(settings.num_leaders, _MOST_LEADERS), settings)[0]
    logits[0] = 0.0
    return logits


def _starts(game: AbstractGame, settings: SearchSettings) -> np.ndarray:
    number = max(4, min(settings.num_starts, _MOST_STARTS))
    return starting_fields(game, number, np.random.default_rng(settings.seed))


class _Searched(NamedTuple):
    """Equilibria of several leaders, logits (L, O, B), each searched from several mean fields, (N, M)."""

    logits: Float[np.ndarray, "L O B"]
    starts: Float[np.ndarray, "N M"]
    found: list[Equilibria]


def _search(game: AbstractGame, settings: SearchSettings) -> _Searched:
    logits, starts = _leaders(game, settings), _starts(game, settings)
    return _Searched(logits, starts, find_equilibria(game, logits, starts))


def _multi_start_finding(searched: _Searched, settings: SearchSettings) -> Finding:
    logits, starts, found = searched
    counts = np.array([len(entry.distinct) for entry in found])
    distances = np.array([entry.distance for entry in found])
    known = np.isfinite(distances).any()
    k = int(np.nanargmax(distances)) if known else 0
    reached = len(starts) - np.array([entry.unconverged for entry in found])
    # One search that arrives is compared with nothing.
    compared = bool(np.any(reached >= 2))
    verdict = Verdict.SUPPORTED if compared else Verdict.INCONCLUSIVE
    if known and distances[k] > 0.0:
        verdict = Verdict.REFUTED
    return Finding(
        property=PROPERTY,
        statement="multi-start",
        verdict=verdict,
        constant=distances[k],
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        facts={
            "arrived": int(reached.sum()),
            "searches": len(starts) * len(found),
            "leaders": len(found),
            "compared": int(np.sum(reached >= 2)),
            "equilibria": len(found[k].distinct),
            "radii": np.asarray(found[k].radius),
        },
        witness=_multi_start_witness(logits[k], found[k]) if known else {},
        searched={
            "leaders": len(logits),
            "starts": len(starts),
            "unconverged": sum(entry.unconverged for entry in found),
            "leaders_without_equilibrium": int(np.sum(counts == 0)),
            "seed": settings.seed,
        },
        details={
            "num_equilibria": counts,
            _LIST_OF_FIELDS: found[k].distinct,
            "spectral_radius": found[k].radius,
        },
    )


def _multi_start_witness(logits: np.ndarray, found: Equilibria) -> dict[str, np.ndarray]:
    _, i, j = found.farthest
    return {"logits": logits, _LIST_OF_FIELDS: found.distinct[[i] if i == j else [i, j]]}


def _path_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    uniform = np.zeros(leader_logits_shape(game))
    end = follow_down(game, uniform, max_steps=_PATH_STEPS)
    starts = _starts(game, settings)
    direct = at_equilibria(game, uniform[None], starts[:1])
    swept = swept_temperatures(float(game.temperature))
    few = starts[: max(4, len(starts) // 2)]
    branches = [
        len(entry.distinct) for entry in find_equilibria(game, np.tile(uniform, (len(swept), 1, 1)), few, swept)
    ]
    comparable = end.reached and bool(direct.converged[0])
    witness = {"logits": uniform, _LIST_OF_FIELDS: np.stack([end.mean_field, direct.mean_field[0]])}
    apart = _distance_of(game, witness) if comparable else float("nan")
    verdict = Verdict.INCONCLUSIVE
    if comparable:
        verdict = Verdict.REFUTED if apart > 0.0 else Verdict.SUPPORTED if end.folds == 0 else Verdict.INCONCLUSIVE
    return Finding(
        property=PROPERTY,
        statement="temperature-path",
        verdict=verdict,
        constant=apart,
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        facts={"comparable": comparable, "folds": int(end.folds), "steps": int(end.steps)},
        witness=witness if comparable else {},
        searched={"path_steps": end.steps, "reached": end.reached, "starts": len(few), "temperatures": len(swept)},
        details={"folds": end.folds, "temperature": swept, "num_equilibria": np.array(branches)},
    )
