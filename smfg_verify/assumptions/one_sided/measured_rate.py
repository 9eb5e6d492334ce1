r"""The rate of $\Gamma - id$ in a weighted norm: the smallest found over leaders and mean fields, weights in turn.

A weight that is good at some points need not be at others: the worst points of each weight join those that the next
one is made for, until a weight has a positive rate at all points that its own search meets, or none can have.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.contraction.measured_modulus import (
    WorstModulus,
    find_worst,
    from_points,
    random_points,
    sought_at,
)
from smfg_verify.assumptions.one_sided.common_weight import (
    LARGEST_SIZE,
    NO_WEIGHT,
    CommonWeight,
    find_common_weight,
)
from smfg_verify.assumptions.one_sided.growth import Frame, abscissas, frame_of, growths
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.response_jacobian import LocalResponse, at_mean_fields, field_size
from smfg_verify.game import AbstractGame

_MOST_ROUNDS = 3
# Jacobians that a weight is made for: the worst of each round.
_A_ROUND = 4
# Points whose eigenvalues bound every rate.
_MOST_SAMPLES = 64
# A weight is looked for where it could gain this share of what the rate is at most.
_WORTHWHILE = 0.05


class Searched(NamedTuple):
    """A weight and the smallest rate that its search met.

    Attributes:
        weight: W in the tangent basis, (k, k); the identity is the Euclidean norm.
        worst: where the growth, 1 - rate, is largest.
    """

    weight: Float[np.ndarray, "k k"]
    worst: WorstModulus

    @property
    def rate(self) -> float:
        """1 - growth; NaN where no point gave a number."""
        return 1.0 - float(self.worst.value)


class Rates(NamedTuple):
    """What is known of the rate.

    Attributes:
        euclidean: at W = I.
        best: the weight with the largest rate that a search of its own left.
        common: what the semidefinite programs said last.
        points: leaders and mean fields with their Jacobians that the last program was made for, and others.
        highest: rate that no weight exceeds, by the eigenvalues at the points looked at.
    """

    euclidean: Searched
    best: Searched
    common: CommonWeight
    points: LocalResponse
    highest: float


def find_rates(game: AbstractGame, settings: SearchSettings) -> Rates:
    """The rate in the Euclidean norm and in the best weighted norm found.

    Args:
        game: the game, traced; its mean field has at least two entries.
        settings: how hard to search.

    Returns:
        The rates, upper bounds of the true ones of their weights.
    """
    size = field_size(game)
    euclidean = best = search_with(game, settings, np.eye(size - 1))
    points = _points_of(game, settings, euclidean.worst)
    common, highest = NO_WEIGHT, _highest(points)
    for _ in range(_MOST_ROUNDS if size - 1 <= LARGEST_SIZE else 0):
        chosen = _chosen(points, best)
        if not len(chosen) or not _worthwhile(best.rate, highest):
            break
        common = find_common_weight(points.response[chosen], highest)
        if common.multipliers is not None or common.weight is None or common.rate <= best.rate:
            points = _only(points, chosen)
            break
        tried = search_with(game, settings, common.weight)
        best = tried if tried.rate > best.rate else best
        points = _joined(_only(points, chosen), _points_of(game, settings, tried.worst))
        highest = min(highest, _highest(points))
    return Rates(euclidean, best, common, points, highest)


def search_with(game: AbstractGame, settings: SearchSettings, weight: Float[np.ndarray, "k k"]) -> Searched:
    """The largest growth found in the norm of one weight."""
    frame = frame_of(field_size(game), weight)
    worst = find_worst(
        game, settings, lambda jacobians: growths(jacobians, frame), lambda taus: sought_at(taus, True, *frame)
    )
    return Searched(weight, worst)


def _worthwhile(rate: float, highest: float) -> bool:
    """Whether another weight could be much better, or the one there is not good enough."""
    return bool(np.isfinite(highest)) and not (rate > 0.0 and rate >= (1.0 - _WORTHWHILE) * highest)


def _points_of(game: AbstractGame, settings: SearchSettings, worst: WorstModulus) -> LocalResponse:
    """Ends of a search, and random points."""
    logits, fields = random_points(game, _MOST_SAMPLES, settings)
    if len(worst.points):
        ends = from_points(game, worst.points)
        logits, fields = np.concatenate([ends[0], logits]), np.concatenate([ends[1], fields])
    return at_mean_fields(game, logits, fields)


def _highest(points: LocalResponse) -> float:
    known = abscissas(points.response)
    return 1.0 - float(np.nanmax(known)) if np.isfinite(known).any() else float("nan")


def _chosen(points: LocalResponse, best: Searched) -> np.ndarray:
    """Indices of points that a weight has to serve: of largest growth in the best norm so far, and of eigenvalues."""
    frame: Frame = frame_of(points.mean_field.shape[1], best.weight)
    worst = [
        np.argsort(-np.nan_to_num(by, nan=-np.inf), kind="stable")
        for by in (growths(points.response, frame), abscissas(points.response))
    ]
    finite = np.all(np.isfinite(points.response), axis=(1, 2))
    chosen = np.unique(np.concatenate([worst[0][: 2 * _A_ROUND], worst[1][:_A_ROUND]]))
    result: np.ndarray = chosen[finite[chosen]]
    return result


def _only(points: LocalResponse, chosen: np.ndarray) -> LocalResponse:
    return LocalResponse(*(leaf[chosen] for leaf in points))


def _joined(first: LocalResponse, second: LocalResponse) -> LocalResponse:
    return LocalResponse(*(np.concatenate(leaves) for leaves in zip(first, second, strict=True)))
