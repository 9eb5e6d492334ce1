r"""The equilibrium without entropy of a large game: `equilibrium.nash` with its test carried out by sparse factors."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, gmres

from smfg_verify.exact.equilibrium.cooling import Station
from smfg_verify.exact.equilibrium.interior import CLOSER, MOST_STEPS, PATIENCE, Inside, advanced, promising
from smfg_verify.exact.equilibrium.tested import Tested
from smfg_verify.exact.exploitability import POPULATION_TOLERANCE
from smfg_verify.exact.root import TOLERANCE
from smfg_verify.exact.sparse.cooling import stations
from smfg_verify.exact.sparse.equations.chain import Law, chain_of, stationary_law
from smfg_verify.exact.sparse.equations.linearisation import StalledError
from smfg_verify.exact.sparse.equations.local_moves import Local, local_problem, weights_along, weights_under
from smfg_verify.exact.sparse.equations.places import Field, Pair, Vector, by_state, population
from smfg_verify.exact.sparse.interior import begun, directions
from smfg_verify.exact.sparse.regret import Policy, policy_regret
from smfg_verify.game import AbstractGame, mean_field_shape, source_gap
from smfg_verify.game.base import AnyArray

# Newton steps towards the population of a policy, which are one where the transition reads no mean field.
_STEPS, _ROUGH = 30, 1e-3


def tested_stations(game: AbstractGame, leader_policy: Float[AnyArray, "O B"]) -> Iterator[Station[Pair]]:
    """Equilibria on the way down to tau = 0, each with its policies tested: `seen` is a `Tested` of two.

    Args:
        game: the game, prepared, with numbers.
        leader_policy: phi(b | o), (O, B).

    Yields:
        The stations of `equilibrium.cooling`.
    """
    local = local_problem(game, leader_policy)

    def look(policies: Float[np.ndarray, "2 n A"], field: Field) -> Tested:
        both = [_tested(game, local, policy, field) for policy in policies]
        result: Tested = jax.tree.map(lambda *leaves: np.stack(leaves), *both)
        return result

    yield from stations(game, local, 0.0, look=look)


def tested_guesses(
    game: AbstractGame, leader_policy: Float[AnyArray, "O B"], wanted: float
) -> Iterator[tuple[Inside, Tested]]:
    """What the search from inside promises, tested, until a guess is as wanted or no more gets better.

    Args:
        game: the game, prepared, with numbers.
        leader_policy: phi(b | o), (O, B).
        wanted: gain from whatever state a deviation starts, in units of reward.

    Yields:
        Where the search stands, and its guess against the population that it makes; none where it does not pay.
    """
    local = local_problem(game, leader_policy)
    search, goal, best, idle = begun(game, local), CLOSER * wanted, np.inf, 0
    while search is not None and search.steps < MOST_STEPS and idle < PATIENCE:
        try:
            search = advanced(game, directions(game, local, search.at), search)
        except StalledError:
            return
        if not promising(game, search, goal):
            continue
        if np.isnan(search.guess.gain):
            return
        tested = _tested(game, local, np.asarray(search.guess.policy), np.asarray(search.guess.field))
        yield search, tested
        if tested.regret <= wanted:
            return
        idle = 0 if tested.gain < best else idle + 1
        best, goal = min(best, float(tested.gain)), CLOSER * goal


def _tested(game: AbstractGame, local: Local, policy: Policy, start: Field) -> Tested:
    """A policy against the population that it makes; NaN where none was found."""
    shape = mean_field_shape(game)
    found = population_under(game, local, policy, start)
    if found is None:
        nothing = np.asarray(np.nan)
        field, value = np.full(shape, np.nan), np.full(game.num_states, np.nan)
        gap = source_gap(game, jnp.full(shape, 1.0 / np.prod(shape)), jnp.asarray(policy))
        return Tested(policy, field, value, gain=nothing, regret=nothing, consistency=nothing, gap=gap)
    field, law = found
    regret = policy_regret(game, local, field, policy)
    states = by_state(game, field)
    return Tested(
        policy,
        field.reshape(shape),
        np.asarray(regret.value),
        gain=np.asarray(np.asarray(game.initial_distribution) @ np.asarray(regret.regret)),
        regret=np.max(np.asarray(regret.regret)),
        consistency=np.sum(np.abs(law.chain.matrix.T @ states - states)),
        gap=source_gap(game, jnp.asarray(field.reshape(shape)), jnp.asarray(policy)),
    )


def population_under(game: AbstractGame, local: Local, policy: Policy, start: Field) -> tuple[Field, Law] | None:
    r"""A population that follows a policy for ever, $\mu = P_{\pi,\phi,\mu}^T \mu$, by Newton's method.

    Args:
        game: the game, prepared.
        local: leader's policy and moves.
        policy: pi(a | s), (n, A).
        start: mean field to start from, flattened.

    Returns:
        The mean field, flattened, and the law with the chain at it; None where it was not found.
    """
    held, targets, field, heavy = jnp.asarray(policy), np.asarray(local.targets), start, by_state(game, start)
    before, law = None, None
    for step in range(_STEPS + 1):
        weights = np.asarray(weights_under(game, local, held, jnp.asarray(field)))
        # Where moves read no mean field, the law of another one is the same.
        if before is None or not np.array_equal(weights, before):
            law = stationary_law(chain_of(targets, weights), heavy)
        before = weights
        if law is None:
            return None
        made = population(game, law.law, policy)
        missed = float(np.sum(np.abs(made - field)))
        if missed <= TOLERANCE or (step == _STEPS and missed <= POPULATION_TOLERANCE):
            return field, law
        field = _corrected(game, local, policy, law, field, made, missed)
    return None


def _corrected(
    game: AbstractGame, local: Local, policy: Policy, law: Law, field: Field, made: Field, missed: float
) -> Field:
    """The population after a Newton step; what the policy makes itself where moves read no mean field."""
    held, targets, at = jnp.asarray(policy), np.asarray(local.targets), jnp.asarray(field)

    def answered(move: Vector) -> Field:
        weights = np.asarray(weights_along(game, local, held, at, jnp.asarray(move.ravel())))
        flows = weights * law.law[:, None, None, None]
        into = np.bincount(targets.ravel(), flows.ravel(), minlength=law.law.size)
        return population(game, law.along(into - np.sum(flows, axis=(1, 2, 3))), policy)

    if not np.any(answered(made - field)):
        return made
    operator = LinearOperator((field.size, field.size), matvec=lambda x: x.ravel() - answered(x), dtype=float)
    step, _ = gmres(operator, made - field, rtol=min(_ROUGH, missed), atol=0.0, restart=40, maxiter=2)
    moved = np.maximum(field + step, 0.0)
    result: Field = moved / np.sum(moved)
    return result
