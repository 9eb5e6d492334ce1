r"""`equilibrium.interior` for large games whose functions read the mean field of the state they are at.

Then every block of the equations of a step is sparse. Where they read more, the slopes are wrong and the search may not
arrive; where factors fill in, as on a grid, the walk down from a high temperature is faster and takes its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jaxtyping import Array, Float
from scipy.sparse.linalg import splu

from smfg_verify.exact.equilibrium.interior import Direction, Inside, Interior, first
from smfg_verify.exact.sparse.equations.chain import chain_of, stationary_law
from smfg_verify.exact.sparse.equations.linearisation import FILL, StalledError
from smfg_verify.exact.sparse.equations.local_moves import Local, quality_along, weights_along, weights_under
from smfg_verify.exact.sparse.equations.places import Vector
from smfg_verify.exact.sparse.regret import Policy, Problem, problem_at
from smfg_verify.game import AbstractGame

# How far slopes may be from those that read one mass alone, and what rounding leaves of them beside the largest.
_OWN, _ROUNDED = 1e-6, 1e-11


def begun(game: AbstractGame, local: Local) -> Inside | None:
    """The uniform policy and mean field, see `equilibrium.interior.begun`; None where steps would cost too much."""
    size, actions = game.num_states, game.num_follower_actions
    field, policy = np.full(size, 1.0 / size), np.full((size, actions), 1.0 / actions)
    weights = weights_under(game, local, jnp.asarray(policy), jnp.asarray(field))
    chain = chain_of(np.asarray(local.targets), np.asarray(weights))
    law = stationary_law(chain, field)
    if game.mean_field_support != "states" or law is None or law.factors is None:
        return None
    if law.factors.nnz > FILL * chain.matrix.nnz:
        return None
    problem = problem_at(game, local, field)
    value = problem.value_of(policy)
    if not _reads_own_mass(game, local, field, value, policy):
        return None
    return first(*map(jnp.asarray, (field, policy, value, problem.reward, problem.ahead(value))))


def directions(game: AbstractGame, local: Local, at: Interior) -> Direction:
    """Newton's step from a point, see `equilibrium.interior.directions`: the same equations by sparse factors."""
    field, value, policy, lack = map(np.asarray, at)
    step = _Step(game, local, problem_at(game, local, field), field, value, policy, lack)

    def towards(products: Float[Array, "n A"]) -> Interior:
        return Interior(*map(jnp.asarray, step.towards(np.asarray(products))))

    return towards


def _reads_own_mass(game: AbstractGame, local: Local, field: Vector, value: Vector, policy: Policy) -> bool:
    """Whether worth and moves answer to uneven changes of the mean field as they do to even ones, state by state."""
    even, uneven = np.ones_like(field), np.random.default_rng(0).uniform(0.5, 1.0, field.size)
    at, ahead, held = map(jnp.asarray, (field, value, policy))

    def alike(slope: Callable[[Array], Array]) -> bool:
        own, seen = (np.asarray(slope(jnp.asarray(move))) for move in (even, uneven))
        missed = np.abs(own * uneven.reshape(-1, *(1,) * (own.ndim - 1)) - seen)
        return bool(np.all(missed <= _OWN * np.abs(seen) + _ROUNDED * np.max(np.abs(seen))))

    return alike(lambda move: quality_along(game, local, at, ahead, move)) and alike(
        lambda move: weights_along(game, local, held, at, move)
    )


@dataclass(frozen=True)
class _Step:
    """The equations of a step, which the dense side eliminates alike, and their solutions."""

    game: AbstractGame
    local: Local
    problem: Problem
    field: Vector
    value: Vector
    policy: Policy
    lack: Policy

    @property
    def held(self) -> int:
        """The state whose mass is given and whose equation follows from the others: the fullest."""
        return int(np.argmax(self.field))

    @cached_property
    def weight(self) -> Policy:
        """w = pi / z."""
        result: Policy = self.policy / self.lack
        return result

    @cached_property
    def worth(self) -> Policy:
        """Slope of Q in the mass of the own state."""
        field, value = jnp.asarray(self.field), jnp.asarray(self.value)
        return np.asarray(quality_along(self.game, self.local, field, value, jnp.ones_like(field)))

    def rows(self, weights: Policy) -> sp.csr_array:
        """Sums of the moves of each state, weighted by action, (n, n)."""
        moves, (size, actions) = self.problem.moves, weights.shape
        data = moves.data.reshape(size, actions, -1) * weights[:, :, None]
        pointers = np.arange(0, data.size + 1, data[0].size)
        return sp.csr_array((data.ravel(), moves.indices, pointers), shape=(size, size))

    def each(self, weights: Policy) -> sp.csr_array:
        """The moves of each state and action, weighted, (n A, n)."""
        moves = self.problem.moves
        data = moves.data.reshape(weights.size, -1) * weights.reshape(-1, 1)
        return sp.csr_array((data.ravel(), moves.indices, moves.indptr), shape=moves.shape)

    @cached_property
    def moved(self) -> sp.csr_array:
        """Slope of what is sent on, the policy held, in the mass that moves read."""
        field, targets, size = jnp.asarray(self.field), np.asarray(self.local.targets), self.field.size
        turned = weights_along(self.game, self.local, jnp.asarray(self.policy), field, jnp.ones_like(field))
        flows = np.asarray(turned) * self.field[:, None, None, None]
        columns = np.repeat(np.arange(size), flows[0].size)
        return sp.csr_array((flows.ravel(), (targets.ravel(), columns)), shape=(size, size))

    @cached_property
    def solve(self) -> Callable[[Vector, Vector], tuple[Vector, Vector]]:
        """Solves with the law's equation, that of one state given as a number, and with those of the rows."""
        discount, size = self.problem.discount, self.field.size
        share, mass = self.weight / np.sum(self.weight, axis=1, keepdims=True), self.field[:, None] * self.weight
        unit = max(float(np.ptp(self.problem.reward)), np.finfo(float).tiny)
        kept = np.where(np.arange(size) == self.held, 0.0, 1.0)
        law = sp.eye_array(size) - self.rows(self.policy).T - self.moved - self.rows(mass * self.worth).T
        by_value = self.rows(mass).T - discount * (self.each(mass).T @ self.problem.moves)
        blocks = [
            (0, 0, kept[:, None] * law + sp.diags_array(1.0 - kept)),
            (0, 1, unit * (kept[:, None] * by_value)),
            (1, 0, sp.diags_array(-np.sum(share * self.worth, axis=1) / unit)),
            (1, 1, sp.eye_array(size) - discount * self.rows(share)),
        ]
        whole = _interleaved(size, blocks)
        if not np.all(np.isfinite(whole.data)):
            raise StalledError
        try:
            factors = splu(whole)
        except RuntimeError as error:  # singular
            raise StalledError from error

        def solve(by_law: Vector, by_rows: Vector) -> tuple[Vector, Vector]:
            field, value = factors.solve(np.stack([by_law, by_rows / unit], axis=1).ravel()).reshape(-1, 2).T
            return field, unit * value

        return solve

    @cached_property
    def response(self) -> tuple[Vector, Vector]:
        """Mean field and value with the mass of the state that is held."""
        unit = np.zeros_like(self.field)
        unit[self.held] = 1.0
        return self.solve(unit, np.zeros_like(unit))

    def towards(self, products: Policy) -> tuple[Vector, Vector, Policy, Policy]:
        """The step to products that are asked for, (n, A); mass does not change."""
        problem, weight = self.problem, self.weight
        open_lack = self.lack - (self.value[:, None] - problem.ahead(self.value))
        aim = products / self.lack - self.policy + weight * open_lack
        sent = problem.moves.T @ (self.field[:, None] * (self.policy + aim)).ravel()
        rows = (np.sum(aim, axis=1) + np.sum(self.policy, axis=1) - 1.0) / np.sum(weight, axis=1)
        open_law = sent - self.field
        open_law[self.held] = 0.0
        found = self.solve(open_law, rows)
        part = np.sum(found[0]) / np.sum(self.response[0])
        field, value = (given - part * held for given, held in zip(found, self.response, strict=True))
        ahead = problem._replace(reward=self.worth * field[:, None]).ahead(value)
        lack = value[:, None] - ahead
        return field, value, aim - weight * lack, lack - open_lack


def _interleaved(size: int, blocks: Sequence[tuple[int, int, sp.sparray]]) -> sp.csc_array:
    """Four blocks as one matrix, states in order and each with its mass and its value."""
    parts = [(2 * part.row + row, 2 * part.col + column, part.data) for row, column, part in map(_entries, blocks)]
    rows, columns, data = (np.concatenate(leaves) for leaves in zip(*parts, strict=True))
    return sp.csc_array((data, (rows, columns)), shape=(2 * size, 2 * size))


def _entries(block: tuple[int, int, sp.sparray]) -> tuple[int, int, sp.coo_array]:
    row, column, part = block
    return row, column, sp.coo_array(part)
