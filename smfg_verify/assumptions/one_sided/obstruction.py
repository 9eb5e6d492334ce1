r"""No weight at all: pairs of mean fields at which every weighted norm would have to grow.

For pairs $m_p \pm h_p v_p$ of mean fields, each under a leader of its own, with secants
$b_p = (\Gamma(m_p + h_p v_p) - \Gamma(m_p - h_p v_p)) / 2 h_p - v_p$ and numbers $w_p \ge 0$ that sum to 1: a rate c in
the norm of W would give $\langle v_p, W b_p \rangle \le -c \langle v_p, W v_p \rangle$ for each pair. Where
$S = \sum_p w_p (b_p v_p^T + v_p b_p^T) \succeq t I$ with t > 0 and all v_p of length 1, tracing with W shows
$-2 c \sum_p w_p \langle v_p, W v_p \rangle \ge t\, tr W$, so that every c is at most -t / 2. No derivative is needed.
"""

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.contraction.measured_modulus import IMAGE_ERROR
from smfg_verify.assumptions.contraction.secants import images_at
from smfg_verify.assumptions.finding import require_shapes
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.precision import TINY
from smfg_verify.exact.response_jacobian import field_size, on_tangents, tangent_basis
from smfg_verify.game import AbstractGame, leader_logits_shape
from smfg_verify.records.entries import Entries

# Half-lengths of secants, in mass, at most.
_SECANT = 1e-4
_INWARD = 1e-4
# Directions of less than this share of a multiplier are left out.
_NEGLIGIBLE = 1e-9


def secants_along(
    game: AbstractGame,
    logits: Float[np.ndarray, "P O B"],
    fields: Float[np.ndarray, "P M"],
    tangents: Float[np.ndarray, "P M"],
) -> tuple[Float[np.ndarray, "P M"], Float[np.ndarray, " P"]]:
    r"""$(\Gamma(m + h v) - \Gamma(m - h v)) / 2h$ along tangents v of length 1, and what an entry may be off by in l1.

    Args:
        game: the game, traced.
        logits: the leader's at each pair, (P, O, B).
        fields: middles, (P, M); moved inside, so that both ends are mean fields.
        tangents: v, (P, M).

    Returns:
        The secants and their errors; NaN where the map has no value.
    """
    inside = (1.0 - _INWARD) * fields + _INWARD / fields.shape[1]
    half = np.minimum(_SECANT, 0.5 * np.min(inside / np.maximum(np.abs(tangents), TINY), axis=1))
    taus = np.full(len(fields), float(game.temperature))
    moved = half[:, None] * tangents
    ends = [images_at(game, logits, fields, inside + move, taus)[0] for move in (moved, -moved)]
    return (ends[0] - ends[1]) / (2.0 * half[:, None]), IMAGE_ERROR / (2.0 * half)


def upper_rate(game: AbstractGame, witness: Entries) -> float:
    """Upper bound of the rate in every weighted norm, by the pairs of a witness; NaN where the map has no value.

    Args:
        game: the game.
        witness: `pair_logits` (P, O, B), `mean_fields` (P, M), `tangents` (P, M) of length 1, `shares` (P,), >= 0.

    Returns:
        -t / 2 with t the least eigenvalue of S, less what the images' errors may take from it; infinite where that is
        not positive, since the pairs then bound nothing.

    Raises:
        ValueError: a witness of another game's shapes, or whose tangents are not of length 1.
    """
    game = checked(game)
    number, size = len(witness["shares"]), field_size(game)
    fields = {"mean_fields": (number, size), "tangents": (number, size), "shares": (number,)}
    require_shapes(witness, {"pair_logits": (number, *leader_logits_shape(game)), **fields})
    tangents = witness["tangents"] - np.mean(witness["tangents"], axis=1, keepdims=True)
    tangents = tangents / np.linalg.norm(tangents, axis=1, keepdims=True)
    shares = np.maximum(witness["shares"], 0.0) / np.sum(np.maximum(witness["shares"], 0.0))
    secants, errors = secants_along(game, witness["pair_logits"], witness["mean_fields"], tangents)
    if not np.all(np.isfinite(secants)):
        return float("nan")
    weighted = (shares[:, None] * (secants - tangents)).T @ tangents
    least = float(np.linalg.eigvalsh(on_tangents(weighted + weighted.T))[0])
    rounding = 1e-13 * float(np.sum(np.abs(weighted)))
    least -= 2.0 * float(np.sum(shares * errors)) + rounding
    return -0.5 * least if least > 0.0 else float("inf")


def obstruction_of(
    logits: Float[np.ndarray, "N O B"], fields: Float[np.ndarray, "N M"], multipliers: Float[np.ndarray, "N k k"]
) -> dict[str, np.ndarray]:
    """The pairs that a dual solution is about: each multiplier's eigenvectors, by the share of their eigenvalues."""
    basis = tangent_basis(fields.shape[1])
    pairs = []
    for k, multiplier in enumerate(multipliers):
        values, vectors = np.linalg.eigh(0.5 * (multiplier + multiplier.T))
        pairs += [(k, value, basis @ vector) for value, vector in zip(values, vectors.T, strict=True) if value > 0.0]
    total = sum(value for _, value, _ in pairs)
    kept = [(k, value, tangent) for k, value, tangent in pairs if value > _NEGLIGIBLE * total]
    at = [k for k, _, _ in kept]
    return {
        "pair_logits": logits[at],
        "mean_fields": fields[at],
        "tangents": np.array([tangent for _, _, tangent in kept]).reshape(len(kept), fields.shape[1]),
        "shares": np.array([value / total for _, value, _ in kept]),
    }
