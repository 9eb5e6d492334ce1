r"""A bound of the Hessian's norm that is proved for every leader, deterministic ones in the limit included.

For leaders with at most three free logits, without an entropy of their own, and games whose functions are proved affine
in the mean field. `curvature_cells` covers the policies; finite bounds of all cells, and equilibria that
touching cells share, prove $\|\nabla^2\Phi(\omega)\|_2 \le L$ for all logits along one branch of equilibria. That
it is the only one is proved as for uniqueness.
"""

import math

import numpy as np

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.contraction.modulus_by_cells import smallest_modulus
from smfg_verify.assumptions.contraction.proved_bounds import inputs_of
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.enclosure.leader.affine import AffineGame, affine_game, out_of_reach
from smfg_verify.assumptions.enclosure.leader.curvature import enclose_curvature
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.one_sided.certified_rate import euclidean_rate, proves
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.smoothness.curvature_cells import CurvatureCover, cover_policies
from smfg_verify.assumptions.uniqueness.index import index_by_cells
from smfg_verify.assumptions.uniqueness.on_laws import modulus_on_laws
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

PROPERTY, STATEMENT = "smoothness", "cell-bound"


def certified_curvature_finding(game: AbstractGame, settings: SearchSettings) -> Finding:
    r"""An upper bound of $\|\nabla^2\Phi(\omega)\|_2$ over all logits $\omega$ of the leader.

    Certified where the bound is finite, all equilibria of leaders are proved to be one continuous branch, and each
    leader is proved to have no other. Otherwise inconclusive with the bound reached.

    Args:
        game: the game, traced.
        settings: `num_boxes` bounds the work, and `time_limit` where one is given.

    Returns:
        The finding.
    """
    if reason := out_of_reach(game):
        return not_applicable(PROPERTY, STATEMENT, **reason)
    if float(game.leader_temperature) > 0.0:
        return not_applicable(PROPERTY, STATEMENT, why="leader-entropy")
    tables = affine_game(game)
    if tables is None:
        return not_applicable(PROPERTY, STATEMENT, why="not-affine")
    cover = cover_policies(tables, num_boxes=settings.num_boxes, time_limit=settings.time_limit)
    whole = math.isfinite(cover.upper) and cover.one_branch
    unique = whole and _one_equilibrium(game, settings)
    return cut_short(_told(cover, unique), {"cells"} if cover.cut else (), "cells")


def _one_equilibrium(game: AbstractGame, settings: SearchSettings) -> bool:
    """Whether each leader is proved to have one equilibrium, as `uniqueness` proves it: what is known is not redone."""
    inputs = inputs_of(game, game_constants(game, settings))
    boxes = settings.num_boxes
    contracts = smallest_modulus(game, inputs, boxes)[1] or proves(euclidean_rate(game, settings))
    contracts = contracts or modulus_on_laws(game, inputs, boxes).proves
    return contracts or index_by_cells(game, inputs, boxes).proves


def _told(cover: CurvatureCover, unique: bool) -> Finding:
    unverified = int(np.sum(~cover.cells.verified))
    bounded = math.isfinite(cover.upper)
    index = int(np.argmax(cover.cells.most))
    names = {"cell_lower": "lower", "cell_upper": "upper", "mean_field": "field", "value": "value"}
    return Finding(
        property=PROPERTY,
        statement=STATEMENT,
        verdict=Verdict.CERTIFIED if bounded and cover.one_branch and unique else Verdict.INCONCLUSIVE,
        constant=cover.upper if bounded else math.nan,
        side=Side.UPPER,
        evidence=Evidence.PROOF,
        facts={
            "attained": cover.attained,
            "unbounded": int(np.sum(~np.isfinite(cover.cells.most))),
            "left": len(cover.cells.most),
            "one_branch": cover.one_branch,
            "unique": unique,
        },
        witness={name: getattr(cover.cells, leaf)[index] for name, leaf in names.items()} if bounded else {},
        searched={"cells": cover.number, "cells_left": len(cover.cells.most), "cells_unverified": unverified},
        details={
            "attained": cover.attained,
            "search_curve": cover.curve,
            "cell_lower": cover.cells.lower,
            "cell_upper": cover.cells.upper,
            "bounds": cover.cells.most,
        },
    )


def recompute_cell_bound(game: AbstractGame, witness: Entries) -> float:
    """The bound over the witness's cell of leaders.

    Raises:
        ValueError: the witness is about another game.
    """
    game = checked(game)
    tables = affine_game(game)
    if tables is None:
        raise InputError(
            "witness: got a cell of leaders, expected a game proved affine; likely cause: the finding is about another "
            "game."
        )
    shape, size = leader_logits_shape(game), game.num_states
    fields = (tables.num_fields,)
    require_shapes(witness, {"cell_lower": shape, "cell_upper": shape, "mean_field": fields, "value": (size - 1,)})
    return _bound_over(tables, witness)


def _bound_over(game: AffineGame, witness: Entries) -> float:
    parts = (np.asarray(witness[name])[None] for name in ("cell_lower", "cell_upper", "mean_field", "value"))
    return float(enclose_curvature(game, *parts).upper[0])
