"""Everything looked at to judge gradient alignment: random leaders, a run, worst cases, and rest points."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.gradient_alignment.measures import (
    AlignmentMeasures,
    alignment_measures,
    alignment_slopes,
    masked_counts,
)
from smfg_verify.assumptions.gradient_alignment.readings import Reading
from smfg_verify.assumptions.gradient_alignment.rest_points import RestPoints, follow
from smfg_verify.assumptions.leader_draws import random_leaders, trajectory_leaders
from smfg_verify.assumptions.search import SearchResult, into_box, minimise, mixed_starts, out_of_box
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.gradient.at_leaders import LeaderPoints, evaluate_leaders, joined
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

# A rest point's stationarity measures, and a gap that is clearly none, both relative to the typical gap.
REST_TOLERANCE = 1e-8
CLEARLY_POSITIVE = 1e-4


class AlignmentEvidence(NamedTuple):
    """Everything looked at for one reading of the direct part, and what was found there.

    Attributes:
        reading: what the direct part holds; `points` have that part as their direct one.
        points: random leaders first, then the run's and the searches' results. Rest points are apart: where g is
            zero but p is not, every ratio to g is as large as the flow's last step made it.
        measures: of all points.
        num_random: number of random leaders.
        run: for each leader of the trajectory, in its order, its index among `points`; None without a trajectory.
        search: the worst-case search, or None if no start was usable.
        num_cosine_starts: its leading starts, which minimise the cosine; the others minimise the constant.
        total_rest: ends of the flow along the total gradient.
        direct_rest: ends of the flow along the direct part.
        scale: typical policy-space gap (the largest of the medians over random leaders); 0 where all vanish.
        searched: counts for the findings.
    """

    reading: Reading
    points: LeaderPoints
    measures: AlignmentMeasures
    num_random: int
    run: np.ndarray | None
    search: SearchResult | None
    num_cosine_starts: int
    total_rest: RestPoints
    direct_rest: RestPoints
    scale: float
    searched: Entries

    def values(self, measure: str) -> Float[np.ndarray, " N"]:
        """One measure at all points."""
        result: Float[np.ndarray, " N"] = getattr(self.measures, measure)
        return result


def sampled_evidence(game: AbstractGame, settings: SearchSettings) -> tuple[AlignmentEvidence, ...]:
    """Random leaders and the run alone, without searches and flows: what games of any size have time for.

    Args:
        game: the game, traced.
        settings: `num_starts` leaders are drawn, and as many of the run's looked at, since each takes seconds.

    Returns:
        The evidence for each `Reading`, in their order.
    """
    few = dataclasses.replace(settings, num_leaders=min(settings.num_leaders, settings.num_starts))
    if settings.trajectory is not None:
        leaders = trajectory_leaders(game, settings.trajectory)
        chosen = np.linspace(0, len(leaders) - 1, min(len(leaders), settings.num_starts)).astype(int)
        few = dataclasses.replace(few, trajectory=leaders[chosen])
    seen, run, scale = _leaders_seen(game, few)
    nowhere = RestPoints(seen.at(slice(0, 0)), np.zeros(0, dtype=bool), np.zeros(0, dtype=int))
    drawn = {"random_leaders": few.num_leaders, "seed": settings.seed, "leader_scale": float(settings.leader_scale)}
    found = []
    for reading in Reading:
        points = reading.of(seen)
        measures = alignment_measures(points)
        searched = {**masked_counts(points, measures), **drawn, "trajectory_leaders": 0 if run is None else len(run)}
        found.append(
            AlignmentEvidence(
                reading, points, measures, few.num_leaders, run, None, 0, nowhere, nowhere, scale, searched
            )
        )
    return tuple(found)


class _Common(NamedTuple):
    """What both readings look at: random leaders and the run, and where the total gradient comes to rest."""

    seen: LeaderPoints
    run: np.ndarray | None
    starts: np.ndarray
    total_rest: RestPoints
    scale: float


def gather_evidence(game: AbstractGame, settings: SearchSettings) -> tuple[AlignmentEvidence, ...]:
    """Evaluate random leaders and the run, search for worst cases, and follow the fields to rest.

    Args:
        game: the game, traced.
        settings: how hard to search.

    Returns:
        The evidence for each `Reading`, in their order; the same settings give the same evidence.
    """
    common = _common(game, settings)
    return tuple(_evidence(game, settings, reading, common) for reading in Reading)


def _leaders_seen(game: AbstractGame, settings: SearchSettings) -> tuple[LeaderPoints, np.ndarray | None, float]:
    """Random leaders, then the run's, where these stand, and the typical gap of the random ones."""
    random = evaluate_leaders(game, random_leaders(game, settings))
    seen, run = random, None
    if settings.trajectory is not None:
        leaders, inverse = np.unique(trajectory_leaders(game, settings.trajectory), axis=0, return_inverse=True)
        seen = joined(random, evaluate_leaders(game, leaders))
        run = settings.num_leaders + np.ravel(inverse)
    return seen, run, _typical_gap(random)


def _common(game: AbstractGame, settings: SearchSettings) -> _Common:
    seen, run, scale = _leaders_seen(game, settings)
    random = seen.logits[: settings.num_leaders]
    starts = np.concatenate([np.zeros((1, *random.shape[1:])), random])[: settings.num_starts]
    return _Common(seen, run, starts, follow(game, starts, "total", tolerance=REST_TOLERANCE * scale), scale)


def _evidence(game: AbstractGame, settings: SearchSettings, reading: Reading, common: _Common) -> AlignmentEvidence:
    seen = reading.of(common.seen)
    search, num_cosine_starts = _worst_cases(game, seen, settings, reading)
    points = seen
    if search is not None:
        ends = np.asarray(into_box(search.points)).reshape(-1, *leader_logits_shape(game))
        points = joined(seen, reading.of(evaluate_leaders(game, ends)))
    direct_rest = follow(game, common.starts, reading.field, tolerance=REST_TOLERANCE * common.scale)
    total_rest, direct_rest = (
        rest._replace(points=reading.of(rest.points)) for rest in (common.total_rest, direct_rest)
    )
    measures = alignment_measures(points)
    searched = {
        **masked_counts(points, measures),
        "rest_points_unconverged": int(np.sum(~total_rest.points.converged) + np.sum(~direct_rest.points.converged)),
        "random_leaders": settings.num_leaders,
        "trajectory_leaders": 0 if common.run is None else len(common.run),
        "starts": settings.num_starts,
        "seed": settings.seed,
        "leader_scale": float(settings.leader_scale),
        "search_evaluations": 0 if search is None else search.num_evaluations,
        "search_nan_or_unresolved": 0 if search is None else search.num_failed,
    }
    return AlignmentEvidence(
        reading,
        points,
        measures,
        settings.num_leaders,
        common.run,
        search,
        num_cosine_starts,
        total_rest,
        direct_rest,
        common.scale,
        searched,
    )


def _worst_cases(
    game: AbstractGame, seen: LeaderPoints, settings: SearchSettings, reading: Reading
) -> tuple[SearchResult | None, int]:
    """One search for the smallest cosine and the smallest constant, from the worst points and from others."""
    measures = alignment_measures(seen)
    # From a point where p vanishes no search can start: the cosine has no slope there.
    usable = measures.total_resolved & measures.direct_resolved
    scores = (measures.cosine, measures.inner_product_constant)
    chosen = [mixed_starts(np.where(usable, score, np.nan), settings.num_starts) for score in scores]
    starts = np.concatenate(chosen)
    if starts.size == 0:
        return None, 0
    flat = out_of_box(seen.logits[starts]).reshape(len(starts), -1)
    slopes = alignment_slopes(game, reading, len(chosen[0]), len(starts))
    return minimise(slopes, flat, num_steps=settings.num_steps), len(chosen[0])


def _typical_gap(points: LeaderPoints) -> float:
    """Largest median of the gaps of g and of p in both readings; zero where no gradient is above its own error."""
    norms = np.maximum(points.total_norm, np.maximum(points.direct_norm, points.held_norm))
    above = points.converged & (norms > points.error)
    if not above.any():
        return 0.0
    return float(max(np.median(gap[above]) for gap in (points.total_gap, points.direct_gap, points.held_gap)))
