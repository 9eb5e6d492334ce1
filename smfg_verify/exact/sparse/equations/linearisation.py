r"""The equations of the equilibrium at a point of a large game, and solves with their Jacobian and its transpose.

The value is eliminated by sparse factors of $I - \gamma P_\pi$, which leaves $S = I - D\Gamma$ on mean fields: a Krylov
method solves it by products alone, in relative changes of the mean field. No table of n x n entries occurs.
"""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from smfg_verify.exact.equilibrium.residual import inside
from smfg_verify.exact.sparse.equations.chain import Discounted, discounted
from smfg_verify.exact.sparse.equations.coupled import Coupled, Slopes, coupled_factors, is_local, local_slopes_of
from smfg_verify.exact.sparse.equations.local_moves import Answer, Local, along, answer_pull, answer_slope, pulled
from smfg_verify.exact.sparse.equations.local_moves import Linear as Slope
from smfg_verify.exact.sparse.equations.places import Field, Pair, Place, Vector, population
from smfg_verify.game import AbstractGame
from smfg_verify.game.base import AnyArray

# Entries of the mean field below this share of the largest are scaled as if they were so large.
_LEAST_SHARE = 1e-30
# Vectors that a Krylov method keeps, and its restarts; rounds of refinement of the whole system, and what each of them
# is to bring: more would drown in what products round where a chain mixes slowly.
_RESTART, _MAX_RESTARTS, _ROUNDS, _A_ROUND = 80, 5, 4, 1e-5
# How far above what was asked for a residual may stay, and the one that rounding alone may leave.
_SLACK, _SOLVED = 1e2, 1e-6
# Entries of factors of the rates for one of P, up to which the whole Jacobian is factored; and what a round
# with such factors has to bring, or they are none of this game's.
FILL, _A_DIRECT_ROUND = 4.0, 0.1
# Least unit of a mass in such factors.
_EMPTY = 1e-280


class StalledError(Exception):
    """A linear equation that the Krylov method did not solve: what was to be computed from it is not known."""


class Solved(NamedTuple):
    """A solution of a linear system, with its true residual relative to the right-hand side, and products taken."""

    solution: Pair
    residual: float
    products: int

    def within(self, tolerance: float) -> Pair:
        """The solution, where its true residual is not far above what was asked for.

        Raises:
            StalledError: it is.
        """
        if not self.residual <= max(_SLACK * tolerance, _SOLVED):
            raise StalledError
        return self.solution


class Linear:
    """The Jacobian of the equations at a place, known by its products and solves."""

    def __init__(self, game: AbstractGame, local: Local, place: Place):
        self.game, self.local, self.place = game, local, place
        self.field = inside(jnp.asarray(place.point.field))
        # Nothing flows there, whatever the point is nearby: their equations are m_e = 0, see `empty_entries`.
        self._empty = population(game, place.law.law, place.answer.policy) == 0.0
        masses = place.point.field
        self._scale = np.maximum(masses, _LEAST_SHARE * np.max(masses))

    @cached_property
    def value_value(self) -> Discounted:
        """Factors of the value's own block."""
        return discounted(self.place.chain, float(self.game.discount))

    @cached_property
    def _slope(self) -> Slope:
        return answer_slope(self.game, self.local, self.field, jnp.asarray(self.place.point.value))

    @cached_property
    def _pull(self) -> Callable[..., tuple[jax.Array, ...]]:
        return answer_pull(self.game, self.local, self.field, jnp.asarray(self.place.point.value))

    @cached_property
    def slopes(self) -> Slopes | None:
        """Sparse derivatives of flows and value; None where functions read the mean field of other states too."""
        place, law = self.place, self.place.law
        if self.game.mean_field_support != "states" or law.factors is None:
            return None
        nothing, move = np.zeros_like(place.point.value), np.random.default_rng(0).uniform(0.5, 1.0, law.law.size)
        ones = self.along(None, Pair(np.ones(law.law.size), nothing))
        found = local_slopes_of(self.game, self.local, law, place.answer, place.point.field, ones)
        move = move * self._scale
        seen = self.along(None, Pair(move, nothing))
        return found if is_local(np.asarray(self.local.targets), law, found, move, seen) else None

    @cached_property
    def coupled(self) -> Coupled | None:
        """Factors of the whole Jacobian, where those of the rates have hardly filled in."""
        place, law = self.place, self.place.law
        if law.factors is None or law.factors.nnz > FILL * place.chain.matrix.nnz or self.slopes is None:
            return None
        discount, tau = float(self.game.discount), float(self.local.temperature)
        # Where the law is far above the mean field, changes are as large as the law. Masses that are all but empty
        # count as they are: in one unit for all of them elimination would amplify what it rounds from cell to cell.
        masses = np.maximum(np.maximum(place.point.field, law.law), _EMPTY)
        return coupled_factors(place.chain, law, self.slopes, discount, masses, tau)

    def along(self, leader: AnyArray | None, move: Pair) -> Answer:
        """Change of chain, policy and updated value with those of the leader's policy (None: none) and the unknowns."""
        turn = jnp.zeros_like(self.local.leader_policy) if leader is None else jnp.asarray(leader)
        result: Answer = along(self._slope, turn, jnp.asarray(move.field), jnp.asarray(move.value))
        return result

    def apply(self, move: Pair, leader: np.ndarray | None = None) -> Pair:
        """Product with the Jacobian; with a change of the leader's policy, what the equations change by in all."""
        return move.plus(self.answered(self.along(leader, move)), -1.0)

    def answered(self, moved: Answer) -> Pair:
        """Change of the law that the population makes, and of the updated value, with a change of the answer."""
        law, change = self.place.law, self.law_along(np.asarray(moved.weights))
        if self.game.mean_field_support == "state_actions":
            by_policy = law.law[:, None] * np.asarray(moved.policy)
            change = (change[:, None] * self.place.answer.policy + by_policy).ravel()
        return Pair(change, np.asarray(moved.updated))

    def held(self, weights: Pair) -> Pair:
        """Without the entries of the mean field that are empty, whose multipliers are left out."""
        return Pair(np.where(self._empty, 0.0, weights.field), weights.value)

    def law_along(self, weights: np.ndarray) -> Vector:
        """Change of the states' law when the weights of the chain change by this.

        Only rates between different states count, as on the dense side: what flows in elsewhere is missing here.
        """
        law = self.place.law
        flows = weights * law.law[:, None, None, None]
        into = np.bincount(np.asarray(self.local.targets).ravel(), flows.ravel(), minlength=law.law.size)
        return law.along(into - np.sum(flows, axis=(1, 2, 3)))

    def response(self, field: Field) -> Field:
        """Change of the mean field that followers make when it changes by this, the value following."""
        moved = Pair(field, np.zeros_like(self.place.point.value))
        answered = self.value_value.solve(-self.apply(moved).value)
        result: Field = field - self.apply(Pair(field, answered)).field
        return result

    def sparse_response(self, field: Field) -> Field:
        """The same by the sparse slopes alone, which there have to be."""
        assert self.slopes is not None
        value = self.value_value.factors.solve(self.slopes.value_by_field * field)
        return self.place.law.along(self.slopes.flow_by_field @ field + self.slopes.flow_by_value @ value)

    def apply_transposed(self, weights: Pair) -> tuple[Pair, np.ndarray]:
        """Product with the transposed Jacobian, and with that of the equations in the leader's policy.

        Entries of the mean field that stay empty are left out: slopes in them may be infinite.
        """
        law, policy = self.place.law, np.asarray(self.place.answer.policy)
        by_law, by_policy = weights.field, np.zeros_like(policy)
        if self.game.mean_field_support == "state_actions":
            table = weights.field.reshape(policy.shape)
            by_law, by_policy = np.sum(table * policy, axis=1), law.law[:, None] * table
        slopes = law.pulled(by_law)
        column = (slice(None), None, None, None)
        by_weights = law.law[column] * (slopes[np.asarray(self.local.targets)] - slopes[column])
        leader, field, value = self.pull(Answer(-by_weights, -by_policy, -weights.value))
        return self.held(Pair(weights.field + field, weights.value + value)), leader

    def pull(self, weights: Answer) -> tuple[np.ndarray, Field, Vector]:
        """Slopes of a weighted sum of chain, policy and updated value in leader's policy, mean field and value."""
        leader, field, value = (np.asarray(leaf) for leaf in pulled(self._pull, jax.tree.map(jnp.asarray, weights)))
        return leader, field, value

    def solve(self, right: Pair, tolerance: float) -> Solved:
        """Solve with the Jacobian, until the true residual is this small relative to the right-hand side, or as is."""
        return self._refined(right, self.apply, False, tolerance, self._scale)

    def solve_transposed(self, right: Pair, tolerance: float) -> Solved:
        """Solve with the transposed Jacobian, see `solve`."""
        return self._refined(
            right, lambda weights: self.apply_transposed(weights)[0], True, tolerance, 1.0 / self._scale
        )

    def _once(
        self, right: Pair, apply: Callable[[Pair], Pair], transposed: bool, tolerance: float, scale: Field
    ) -> tuple[Pair, int]:
        """The value eliminated, the mean field by products; with the number of these."""
        nothing = np.zeros_like(right.value)

        def eliminated(field: Field) -> Pair:
            return Pair(field, self.value_value.solve(-apply(Pair(field, nothing)).value, transposed))

        partial = Pair(np.zeros_like(right.field), self.value_value.solve(right.value, transposed))
        schur = right.field - apply(partial).field
        field, products = self._krylov(lambda x: apply(eliminated(x)).field, schur, tolerance, scale)
        return eliminated(field).plus(partial), products

    def _krylov(
        self, product: Callable[[Field], Field], right: Field, tolerance: float, scale: Field
    ) -> tuple[Field, int]:
        """Generalised minimal residuals in scaled unknowns; whatever it says of itself, the residual is taken after."""
        count = 0

        def scaled(x: Field) -> Field:
            nonlocal count
            count += 1
            result: Field = product(scale * x.ravel()) / scale
            return result

        operator = LinearOperator((right.size, right.size), matvec=scaled, dtype=float)
        restart = min(_RESTART, right.size)
        wanted = max(0.1 * tolerance, _A_ROUND)
        found, _ = gmres(operator, right / scale, rtol=wanted, atol=0.0, restart=restart, maxiter=_MAX_RESTARTS)
        result: Field = scale * found
        return result, count

    def _refined(
        self,
        right: Pair,
        apply: Callable[[Pair], Pair],
        transposed: bool,
        tolerance: float,
        scale: Field,
    ) -> Solved:
        size = _size(right, scale)
        nothing = Pair(np.zeros_like(right.field), np.zeros_like(right.value))
        best = Solved(nothing, 0.0 if size == 0.0 else 1.0, 0)
        if size == 0.0 or not np.isfinite(size):
            return best
        best = self._directly(best, right, apply, transposed, tolerance, scale)
        if best.residual <= tolerance or (best.residual < 1.0 and best.residual <= _SLACK * tolerance):
            return best
        # The first round may leave more than there was: what the value brings to the mean field's equations is larger
        # than the right-hand side where rewards are steep in units of the temperature.
        solution, products, before = best.solution, best.products, np.inf
        left = right.plus(apply(solution), -1.0)
        for _ in range(_ROUNDS):
            step, count = self._once(left, apply, transposed, tolerance, scale)
            products += count
            solution = solution.plus(step)
            left = right.plus(apply(solution), -1.0)
            missed = _size(left, scale) / size
            if not missed < before:
                break
            best, before = Solved(solution, missed, products) if missed < best.residual else best, missed
            if best.residual <= tolerance:
                break
        return best._replace(products=products)

    def _directly(
        self,
        best: Solved,
        right: Pair,
        apply: Callable[[Pair], Pair],
        transposed: bool,
        tolerance: float,
        scale: Field,
    ) -> Solved:
        """Refinement with factors of the whole Jacobian, as long as each round brings a digit; none without factors."""
        if self.coupled is None:
            return best
        size, left = _size(right, scale), right
        solve = self.coupled.solve_transposed if transposed else self.coupled.solve
        for count in range(1, _ROUNDS + 1):
            step = Pair(*solve(*left))
            solution = best.solution.plus(self.held(step) if transposed else step)
            left = right.plus(apply(solution), -1.0)
            missed = _size(left, scale) / size
            if not missed <= _A_DIRECT_ROUND * best.residual:
                return Solved(solution, missed, count) if missed < best.residual else best
            best = Solved(solution, missed, count)
            if missed <= tolerance:
                break
        return best


def _size(pair: Pair, scale: Field) -> float:
    """Size of a right-hand side or of a residual, the mean field's part in relative changes."""
    return float(np.hypot(np.linalg.norm(pair.field / scale), np.linalg.norm(pair.value)))
