r"""What a rate c > 0 of $\Gamma - id$ in a weighted norm gives, with constants.

Along a segment $\langle m - m', W (F(m) - F(m')) \rangle \le -c |m - m'|_W^2$ with $F = \Gamma_\phi - id$. So there is
one equilibrium; $|\mu^*(\phi) - \mu^*(\phi')|_W \le |\Gamma_\phi - \Gamma_{\phi'}|_W / c$; and a step
$m^+ = m + \xi (\Gamma(m) - m)$ brings the equilibrium nearer by $1 - 2 c \xi + \xi^2 (1 + L)^2$ in the square of the
norm, L the Lipschitz constant of $\Gamma$.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.contraction.secants import images_at
from smfg_verify.assumptions.one_sided.growth import Frame
from smfg_verify.game import AbstractGame
from smfg_verify.policies import softmax_policy


class Tracking(NamedTuple):
    """How a line of the mean field follows its equilibrium.

    Attributes:
        largest_step: xi below which a step brings the equilibrium nearer, 2 c / (1 + L)^2.
        best_step: xi with the smallest factor, half of that.
        best_factor: of the squared distance at that xi, 1 - c^2 / (1 + L)^2.
    """

    largest_step: float
    best_step: float
    best_factor: float


def tracking(rate: float, lipschitz: float) -> Tracking:
    """The steps that a rate and a Lipschitz constant allow; NaN where the rate is not positive."""
    if not rate > 0.0 or not np.isfinite(lipschitz):
        return Tracking(float("nan"), float("nan"), float("nan"))
    best = rate / (1.0 + lipschitz) ** 2
    return Tracking(2.0 * best, best, 1.0 - rate * best)


def leader_slopes(
    game: AbstractGame, logits: Float[np.ndarray, "N O B"], fields: Float[np.ndarray, "N M"], frame: Frame
) -> Float[np.ndarray, " N"]:
    r"""$|\Gamma_\phi(m) - \Gamma_{\phi'}(m)|_W$ over the l1 distance of the policies, for leaders next to each other.

    Args:
        game: the game, traced.
        logits: (N, O, B); each is paired with the next, the last with the first.
        fields: mean fields, (N, M).
        frame: of the norm.

    Returns:
        Ratios, (N,); NaN where the map has no value or both policies are one.
    """
    taus, others = np.full(len(fields), float(game.temperature)), np.roll(logits, -1, axis=0)
    here, there = (images_at(game, leaders, fields, fields, taus)[0] for leaders in (logits, others))
    policies = (np.asarray(softmax_policy(leaders)) for leaders in (logits, others))
    apart = np.sum(np.abs(np.subtract(*policies)), axis=(1, 2))
    moved = np.linalg.norm((here - there) @ frame.left.T, axis=1)
    ratios: Float[np.ndarray, " N"] = np.full(len(fields), np.nan)
    np.divide(moved, apart, out=ratios, where=apart > 0.0)
    return ratios
