r"""Smoothness of the Stackelberg objective: the largest curvature of $\Phi$ in the leader's logits.

Where $\Phi$ is twice differentiable, $\|\nabla\Phi(\omega) - \nabla\Phi(\omega')\| \le L \|\omega - \omega'\|$ holds
with $L = \sup_\omega \|\nabla^2 \Phi(\omega)\|_2$. What a search finds is a curvature that is met, so a lower bound of
L; `certified_curvature` proves upper ones for leaders of few logits. Where a game's functions have kinks the gradient
may jump, and no finite L need exist: a Hessian at single leaders does not show it.
"""

import functools
import math

import numpy as np

from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, require_shapes
from smfg_verify.assumptions.leader_draws import random_leaders, trajectory_leaders
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.search import LOGIT_BOX, SearchResult, into_box, minimise, mixed_starts, out_of_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.smoothness.certified_curvature import (
    PROPERTY,
    certified_curvature_finding,
    recompute_cell_bound,
)
from smfg_verify.assumptions.smoothness.certified_curvature import STATEMENT as CELL_BOUND
from smfg_verify.assumptions.smoothness.hessian import asymmetry, curvature_slopes, curvatures, hessians
from smfg_verify.assumptions.smoothness.sentences import SMOOTHNESS
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Entries

STATEMENT = "hessian"
_finding = functools.partial(Finding, property=PROPERTY, statement=STATEMENT, side=Side.LOWER, evidence=Evidence.SEARCH)
# Hessian-vector products spent on leaders that are not searched, 0.3 to 1 ms each.
_PRODUCTS = 1024
# Of the starts and of the steps asked for, the share that this search takes: each of its steps costs three products.
_SHARE = 2


def _curvature(game: AbstractGame, witness: Entries) -> float:
    """Largest curvature at the witness, its equilibrium solved again from the mean field it was found at."""
    game = checked(game)
    require_shapes(witness, {"logits": leader_logits_shape(game), "mean_field": mean_field_shape(game)})
    matrices, _ = hessians(game, witness["logits"][None], witness["mean_field"][None])
    return abs(float(curvatures(matrices)[0][0]))


@register_property(
    PROPERTY,
    recompute={STATEMENT: _curvature, CELL_BOUND: recompute_cell_bound},
    renderings=SMOOTHNESS,
    sufficient=(CELL_BOUND,),
)
def check_smoothness(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Look for the largest $|\lambda|$ of the Hessian of $\Phi$ over leaders, and prove a bound of it.

    Hessians of random leaders and of a run's, then ascent on $|v^T H(\omega) v|$ over leader and direction together.
    The proof stands in `certified_curvature`.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        What was found, SUPPORTED where it is a curvature, a lower bound of the constant; and what was proved.
    """
    proved = certified_curvature_finding(game, settings)
    if leader_logits_shape(game)[1] == 1:
        return [_finding(verdict=Verdict.NOT_APPLICABLE, constant=math.nan), proved]
    return [_largest_found(game, settings), proved]


def _largest_found(game: AbstractGame, settings: SearchSettings) -> Finding:
    leaders, num_random = _leaders(game, settings)
    matrices, fields = hessians(game, leaders)
    sizes, directions = curvatures(matrices)
    search = _worst_case(game, leaders, sizes, directions, settings)
    if search is not None:
        ends = np.asarray(into_box(np.split(search.points, 2, axis=1)[0])).reshape(-1, *leaders.shape[1:])
        more, more_fields = hessians(game, ends)
        leaders, fields = np.concatenate([leaders, ends]), np.concatenate([fields, more_fields])
        matrices = np.concatenate([matrices, more])
        sizes, directions = curvatures(matrices)
    return _concluded(game, settings, leaders, fields, matrices, sizes, directions, search, num_random)


def _leaders(game: AbstractGame, settings: SearchSettings) -> tuple[np.ndarray, int]:
    """Random leaders, and those of a run spread evenly over it, each as many as the products allow."""
    most = max(1, _PRODUCTS // int(np.prod(leader_logits_shape(game))))
    random = random_leaders(game, settings)[:most]
    if settings.trajectory is None:
        return random, len(random)
    run = np.unique(trajectory_leaders(game, settings.trajectory), axis=0)
    spread = np.linspace(0, len(run) - 1, min(most, len(run))).astype(int)
    return np.concatenate([random, run[spread]]), len(random)


def _worst_case(
    game: AbstractGame, leaders: np.ndarray, sizes: np.ndarray, directions: np.ndarray, settings: SearchSettings
) -> SearchResult | None:
    chosen = mixed_starts(-np.abs(sizes), max(1, settings.num_starts // _SHARE))
    if chosen.size == 0:
        return None
    starts = np.concatenate([out_of_box(leaders[chosen]).reshape(len(chosen), -1), directions[chosen]], axis=1)
    return minimise(curvature_slopes(game), starts, num_steps=settings.num_steps // _SHARE)


def _concluded(
    game: AbstractGame,
    settings: SearchSettings,
    leaders: np.ndarray,
    fields: np.ndarray,
    matrices: np.ndarray,
    sizes: np.ndarray,
    directions: np.ndarray,
    search: SearchResult | None,
    num_random: int,
) -> Finding:
    unconverged = ~np.all(np.isfinite(matrices), axis=(1, 2))
    searched = {
        "points": len(leaders),
        "random_leaders": num_random,
        "unconverged": int(np.sum(unconverged)),
        "masked_asymmetric": int(np.sum(~unconverged & ~np.isfinite(sizes))),
        "seed": settings.seed,
        "leader_scale": float(settings.leader_scale),
        "box": LOGIT_BOX,
        **({} if search is None else search.counts),
    }
    details: dict[str, object] = {"random": np.abs(sizes[:num_random])}
    if search is not None:
        details["search_curve"] = -search.best_curve
    facts = {
        "found": bool(np.isfinite(sizes).any()),
        "unconverged": int(np.sum(unconverged)),
        "leaders": len(leaders),
    }
    told = functools.partial(_finding, facts=facts, searched=searched, details=details)
    if not facts["found"]:
        return told(verdict=Verdict.INCONCLUSIVE, constant=math.nan)
    index = int(np.nanargmax(np.abs(sizes)))
    witness = {"logits": leaders[index], "mean_field": fields[index], "direction": directions[index]}
    constant = _curvature(game, witness)
    details |= {"curvature": sizes[index], "asymmetry": asymmetry(matrices[index : index + 1])[0]}
    if not math.isfinite(constant):
        return told(verdict=Verdict.INCONCLUSIVE, constant=constant)
    return told(verdict=Verdict.SUPPORTED, constant=constant, witness=witness)
