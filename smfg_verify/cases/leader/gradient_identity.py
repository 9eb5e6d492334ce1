"""The total gradient is the direct part and the two responses, held against differences of the objective."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.cases.record import CaseRecord, Kind, Version
from smfg_verify.cases.registry import register_case
from smfg_verify.cases.sentences import CaseText
from smfg_verify.cases.shared.points import random_game
from smfg_verify.exact import StackelbergGradient, leader_objective, stackelberg_gradient
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.games import load

# Steps of the differences: truncation and rounding meet near 1e-10 at the smallest.
_STEPS = (2.0**-7, 2.0**-6, 2.0**-5)
_ROUNDINGS = 64.0
_FULL_GAMES = ("market-entrance", "two-road-toll", "laffer-tax", "equilibrium-pricing", "independent-leader")


class _Comparison(NamedTuple):
    measured: float
    predicted: float
    error: float

    @property
    def in_errors(self) -> float:
        return abs(self.measured - self.predicted) / self.error


@register_case(
    "gradient-identity", source="Implicit function theorem at a mean field equilibrium; theory of this project."
)
def gradient_identity(
    version: Version, *, gradient: Callable[..., StackelbergGradient] = stackelberg_gradient
) -> CaseRecord:
    r"""The gradient of the Stackelberg objective is its direct part plus the policy and the mean field response.

    $$ \nabla\Phi(\omega) = \partial_\omega J_l + (\partial_\omega \pi^*)^T \partial_\pi J_l
       + (\partial_\omega \mu^*)^T \partial_\mu J_l $$

    Measured: central differences of $\Phi$, every point of a stencil with its own equilibrium, extrapolated to fourth
    order. Predicted: the sum of the three parts of the implicit gradient. Of all logits, leaders and games the pair is
    reported that differs most in units of its own tolerance.

    Args:
        version: one random game and two leaders, or several games and eight leaders each.
        gradient: of a game and logits, an ingredient.

    Returns:
        The worst pair.
    """
    full = version is Version.FULL
    games = {"random-game": random_game(), **({name: load(name) for name in _FULL_GAMES} if full else {})}
    generator = np.random.default_rng(0)
    pairs: list[_Comparison] = []
    for game in games.values():
        for logits in generator.standard_normal((8 if full else 2, *leader_logits_shape(game))):
            pairs += _compare(game, logits, gradient(game, logits, throw=False))
    worst = pairs[int(np.argmax([pair.in_errors for pair in pairs]))]
    return CaseRecord(
        **worst._asdict(),
        kind=Kind.EQUALITY,
        error_source=CaseText("extrapolation"),
        looked_at=CaseText("derivatives", {"derivatives": len(pairs), "games": tuple(games)}),
    )


def _compare(game: AbstractGame, logits: Float[np.ndarray, "O B"], found: StackelbergGradient) -> list[_Comparison]:
    parts = np.asarray(found.direct + found.policy_response + found.mean_field_response)
    pairs = []
    for index in np.ndindex(*logits.shape):
        quotients = [_quotient(game, logits, index, step) for step in _STEPS]
        finer, coarser = ((4.0 * near - far) / 3.0 for near, far in itertools.pairwise(quotients))
        rounding = _ROUNDINGS * np.finfo(float).eps * max(1.0, abs(float(found.objective))) / _STEPS[0]
        error = abs(finer - coarser) + rounding + float(found.certificate.error_bound)
        pairs.append(_Comparison(finer, float(parts[index]), error))
    return pairs


def _quotient(game: AbstractGame, logits: Float[np.ndarray, "O B"], index: tuple[int, ...], step: float) -> float:
    shift = np.zeros_like(logits)
    shift[index] = step
    above, below = (float(leader_objective(game, logits + sign * shift, throw=False)) for sign in (1.0, -1.0))
    return (above - below) / (2.0 * step)
