r"""Factors of the whole Jacobian of a large game whose functions read the mean field of the state they are at.

With the mean field's equations multiplied by the rates, $(D - R^T)(x - f) = K_m x + K_V v$, every block is sparse: no
Krylov method is needed where such a matrix has factors without much fill, as along a line. On a grid they fill in, and
the value alone is eliminated, see `linearisation`. Whatever comes out is held against true products there, so that a
game of another structure costs time and nothing else.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Float
from scipy.sparse.linalg import SuperLU, splu

from smfg_verify.exact.sparse.equations.chain import Chain, Law
from smfg_verify.exact.sparse.equations.local_moves import Answer, Local, expected_moves
from smfg_verify.game import AbstractGame

Vector = Float[np.ndarray, " n"]
# How far the game's slopes may be from those that read one state alone: what is left costs rounds of refinement.
_LOCAL = 1e-6
# What rounding may leave of a state's slope, relative to the largest of all.
_ROUNDED = 1e-11
# Of two pivots the diagonal one is taken where it is not smaller than the other by more than this.
_PIVOT = 0.01


class Slopes(NamedTuple):
    """Derivatives of the flows into the states, and of the updated value, as sparse matrices.

    Attributes:
        flow_by_field: K_m, (n, n); columns sum to zero.
        flow_by_value: K_V, (n, n), in masses a unit of reward; columns sum to zero.
        value_by_field: of T V at a state in the mass of that state, (n,).
    """

    flow_by_field: sp.csr_array
    flow_by_value: sp.csr_array
    value_by_field: Vector


class Coupled(NamedTuple):
    """Factors of the Jacobian in scaled unknowns, states in order and each with its mass and its value.

    Attributes:
        slopes: derivatives of flows and value.
        factors: with the mass of the state `held` as a number that is given, not an unknown.
        held: a state.
        response: of all unknowns to its mass, (2n,), scaled.
        scale: units of the masses, and of the values, (2n,).
    """

    slopes: Slopes
    factors: SuperLU
    held: int
    response: Vector
    scale: Vector

    def solve(self, field: Vector, value: Vector) -> tuple[Vector, Vector]:
        """Solve with the Jacobian: the unknown is by how much the mean field moves beyond the right-hand side."""
        size, slopes = field.size, self.slopes
        right = np.concatenate([slopes.flow_by_field @ field, value + slopes.value_by_field * field]) / self.scale
        right[self.held] = 0.0
        first = _interleaved(self.factors, right, "N")
        masses = self.scale[:size]
        total = masses @ first[:size]
        found = self.scale * (first - total / (masses @ self.response[:size]) * self.response)
        return field + found[:size], found[size:]

    def solve_transposed(self, field: Vector, value: Vector) -> tuple[Vector, Vector]:
        """Solve with the transposed Jacobian."""
        size = field.size
        masses = self.scale[:size]
        weights = self.scale * np.concatenate([field, value])
        whole = (weights @ self.response) / (masses @ self.response[:size])
        weights[:size] -= whole * masses
        found = _interleaved(self.factors, weights, "T")
        found[self.held] = 0.0
        found /= self.scale
        law, multiplier = found[:size], found[size:]
        moved = self.slopes.flow_by_field.T @ law + self.slopes.value_by_field * multiplier
        return field + moved, multiplier


def _interleaved(factors: SuperLU, right: Vector, kind: str) -> Vector:
    """A solve with factors of the unknowns in order of states."""
    result: Vector = factors.solve(right.reshape(2, -1).T.ravel(), kind).reshape(-1, 2).T.ravel()
    return result


def moves_of_actions(game: AbstractGame, local: Local, field: Vector) -> sp.csr_array:
    """P(t | s, a) averaged over the leader's actions, (n A, n); a state that is listed twice is two entries."""
    moves = np.asarray(expected_moves(game, local, jnp.asarray(field)))
    listed = np.broadcast_to(np.asarray(local.targets), moves.shape).astype(np.int32).ravel()
    rows = moves.shape[0] * moves.shape[1]
    pointers = np.arange(0, moves.size + 1, moves[0, 0].size)
    return sp.csr_array((moves.ravel(), listed, pointers), shape=(rows, game.num_states))


def local_slopes_of(game: AbstractGame, local: Local, law: Law, answer: Answer, field: Vector, ones: Answer) -> Slopes:
    r"""The slopes, where each state's functions read the mean field of that state alone.

    $K_V = \frac{\gamma}{\tau} (G^T W G - P^T \mathrm{diag}(\mu) P)$, with G the moves of each action and W the masses
    of state and action: what the policy's change $\pi (\mathrm{d} Q - \pi^T \mathrm{d} Q) / \tau$ sends where.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        law: stationary law with its chain.
        answer: policy at the point.
        field: mean field, which is one of states.
        ones: change of the answer when every entry of the mean field rises by one.

    Returns:
        The slopes.
    """
    size, mu, targets = game.num_states, law.law, np.asarray(local.targets)
    tables = moves_of_actions(game, local, field)
    per_action = tables.nnz // tables.shape[0]
    weighted = tables.copy()
    weighted.data = weighted.data * np.repeat((mu[:, None] * np.asarray(answer.policy)).ravel(), per_action)
    mean = law.chain.matrix
    by_state = mean.copy()
    by_state.data = by_state.data * np.repeat(mu, np.diff(mean.indptr))
    sharpness = float(game.discount) / float(local.temperature)
    by_value = sharpness * (tables.T @ weighted - mean.T @ by_state)
    flows = np.asarray(ones.weights) * mu[:, None, None, None]
    columns = np.repeat(np.arange(size), flows[0].size)
    into = sp.csr_array((flows.ravel(), (targets.ravel(), columns)), shape=(size, size))
    by_field = into - sp.diags_array(np.sum(flows, axis=(1, 2, 3)))
    return Slopes(sp.csr_array(by_field), sp.csr_array(by_value), np.asarray(ones.updated))


def is_local(targets: np.ndarray, law: Law, slopes: Slopes, move: Vector, seen: Answer) -> bool:
    """Whether the game answers to a change of the mean field as the slopes say, state by state.

    Not beside the largest answer of all: a state that is steep in its own mass would hide what others read.
    """
    flows = np.asarray(seen.weights) * law.law[:, None, None, None]
    into = np.bincount(targets.ravel(), flows.ravel(), minlength=law.law.size) - np.sum(flows, axis=(1, 2, 3))
    updated, by_own = np.asarray(seen.updated), slopes.value_by_field * move
    by_value = np.abs(updated - by_own) <= _LOCAL * np.abs(updated) + _ROUNDED * np.max(np.abs(updated))
    # Flows are held against the masses that move: where crowds turn no action, there is nothing but rounding.
    moving = np.abs(move) + law.chain.matrix.T @ np.abs(move)
    by_flow = np.abs(into - slopes.flow_by_field @ move) <= _LOCAL * moving
    return bool(np.all(by_value) and np.all(by_flow))


def coupled_factors(
    chain: Chain, law: Law, slopes: Slopes, discount: float, masses: Vector, tau: float
) -> Coupled | None:
    """Factors of the whole Jacobian; None where there are none.

    Args:
        chain: the chain.
        law: its stationary law.
        slopes: derivatives of flows and value.
        discount: gamma.
        masses: units of the mean field's entries: in relative changes no rate is larger than that of leaving.
        tau: unit of the value.

    Returns:
        The factors.
    """
    size = masses.size
    held = size * (size - 1) // 2 - int(np.sum(law.others))
    balance = sp.csr_array(sp.diags_array(chain.leaving) - chain.rates.T)
    kept = np.ones(size)
    kept[held] = 0.0
    rows, columns = sp.diags_array(kept / masses), sp.diags_array(masses)
    blocks = [
        [
            rows @ (balance - slopes.flow_by_field) @ columns + sp.diags_array(1.0 - kept),
            -tau * (rows @ slopes.flow_by_value),
        ],
        [sp.diags_array(-slopes.value_by_field * masses / tau), sp.eye_array(size) - discount * chain.matrix],
    ]
    whole = sp.coo_array(sp.block_array(blocks))
    if not np.all(np.isfinite(whole.data)):
        return None
    order = np.concatenate([np.arange(0, 2 * size, 2), np.arange(1, 2 * size, 2)])
    by_state = sp.csc_array((whole.data, (order[whole.row], order[whole.col])), shape=whole.shape)
    try:
        options = {"SymmetricMode": True}
        factors = splu(by_state, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=_PIVOT, options=options)
    except RuntimeError:  # singular
        return None
    unit = np.zeros(2 * size)
    unit[held] = 1.0
    scale = np.concatenate([masses, np.full(size, tau)])
    return Coupled(slopes, factors, held, _interleaved(factors, unit, "N"), scale)
