"""The equilibrium of the game without entropy, from inside or by cooling, its exploitability told by the game alone."""

import enum
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from smfg_verify.errors import InputError, NumericalError
from smfg_verify.exact.compiling import jit_for_game
from smfg_verify.exact.equilibrium.cooling import Station, stations
from smfg_verify.exact.equilibrium.interior import (
    CLOSER,
    MOST_STEPS,
    PATIENCE,
    Inside,
    advanced,
    begun,
    directions,
    promising,
)
from smfg_verify.exact.equilibrium.residual import Setting
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.exact.equilibrium.tested import Tested, tested_policy
from smfg_verify.exact.sparse.choice import SolverMethod, takes_sparse
from smfg_verify.game import AbstractGame, mean_field_shape
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import softmax_policy
from smfg_verify.records.portable import Portable
from smfg_verify.records.readable import Readable
from smfg_verify.records.status import NamedStatus

# Of the follower's objective, in units of reward.
EXPLOITABILITY = 1e-6
# What rounding leaves of a policy below this share of the highest temperature is noise.
_COLDEST = 1e-13
# Temperatures in a row that may fail to improve on the best policy so far.
_PATIENCE = 2


class NashStatus(NamedStatus, enum.IntEnum):
    """How a search for an unregularised equilibrium ended.

    NOT_FOUND: no equilibrium of the regularised game was found to start from. CONVERGED: the exploitability is at most
    what was asked for. FLOOR: lower temperatures no longer lower it, or none was reached. OTHER_SOURCE: found for the
    tables, which the code they were read from contradicts there.

    Examples:
        >>> from smfg_verify.exact import NashStatus
        >>> NashStatus.FLOOR.label
        'floor'
    """

    NOT_FOUND = 0
    CONVERGED = 1
    FLOOR = 2
    OTHER_SOURCE = 3


class NashEquilibrium(Readable, Portable, eqx.Module):
    r"""A policy and its own population, from which a follower without entropy gains little by deviating.

    Attributes:
        mean_field: $\mu^\pi$, (n,) on states or (n, A) on state-action pairs; NaN where not converged.
        follower_policy: pi(a|s), (n, A); NaN where not converged.
        follower_value: V^pi(s) against that population, (n,), in units of reward; NaN where not converged.
        exploitability: bound on what a deviation gains from the initial distribution, the residuals of both values
            and their rounding included, in units of reward; not negative.
        largest_regret: the same from the state where it gains most, which bounds it for every initial distribution.
        consistency: $\|\mu P_\pi - \mu\|_1$.
        temperature: tau of the regularised equilibrium that the policy was read off: weight of entropy or, of the
            interior point method, of log pi summed over actions, the mean of pi (V - Q) there; in units of reward.
        extrapolated: whether it is that equilibrium's policy extended to tau = 0 along its slope.
        converged: exploitability at most what was asked for.
        steps: Newton steps taken in all.
        status: a `NashStatus`.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_nash
        >>> found = solve_nash(games.load("laffer-tax"), np.zeros((1, 2)))
        >>> bool(found.exploitability <= 1e-6), found.mean_field.round(3).tolist()
        (True, [0.95, 0.05])
    """

    SHOWN: ClassVar[tuple[str, ...]] = ("mean_field", "exploitability", "consistency", "converged", "temperature")

    mean_field: Float[AnyArray, "..."]
    follower_policy: Float[AnyArray, "n A"]
    follower_value: Float[AnyArray, " n"]
    exploitability: Float[AnyArray, ""]
    largest_regret: Float[AnyArray, ""]
    consistency: Float[AnyArray, ""]
    temperature: Float[np.ndarray, ""]
    extrapolated: Bool[np.ndarray, ""]
    converged: Bool[np.ndarray, ""]
    steps: Int[np.ndarray, ""]
    status: Int[np.ndarray, ""]


def solve_nash(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    exploitability: float = EXPLOITABILITY,
    method: SolverMethod = "auto",
    throw: bool = True,
) -> NashEquilibrium:
    r"""Find $\mu = P_{\pi,\phi,\mu}^T \mu$ and $\max_{\pi'} J(\pi', \mu) - J(\pi, \mu) \le \epsilon$ without entropy.

    Two searches guess policies. A primal-dual interior point method solves the complementarity problem
    $\pi \ge 0$, $V - Q \ge 0$, $\pi (V - Q) = \tau$ at a falling tau. Where it does not arrive, and on large games that
    are no lines or read other states than their own, regularised equilibria are followed from a high temperature
    down, each extended to tau = 0 along its slope. Guesses are tested against the population that the policy itself
    makes, by policy iteration without entropy. The game's own temperature is not read, nor used otherwise. Where
    there are several equilibria, which one is found is not said.

    Args:
        game: the game.
        leader_logits: omega, (number of observations, B), dimensionless.
        exploitability: epsilon, largest accepted gain of a deviation from the initial distribution, in units of the
            follower's reward. Steps from inside go on until none gains more from any state.
        method: "auto", "dense" or "sparse", as in `solve_equilibrium`.
        throw: raise when not converged; if False, NaN with `converged` False.

    Returns:
        The equilibrium with its exploitability, computed from the game's functions, not from the search.

    Raises:
        ValueError: an invalid game or logits, a target that is not positive, float64 off.
        RuntimeError: not converged and `throw`.

    Source: steps as in Mehrotra 1992, for linear programmes; cooling as in Cui and Koeppl 2021; the extrapolation in
        the temperature, and the equations of the interior, are ours.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games, solve_nash
        >>> found = solve_nash(games.load("two-road-toll"), np.zeros((1, 2)), exploitability=1e-8)
        >>> bool(found.largest_regret < 1e-7), bool(found.consistency < 1e-14)
        (True, True)
    """
    if not (np.ndim(exploitability) == 0 and np.isfinite(exploitability) and exploitability > 0.0):
        raise InputError(
            f"exploitability: got {exploitability!r}, expected a positive number in units of the follower's reward; "
            "rounding alone leaves some 1e-13 of the size of values."
        )
    game, leader_logits = prepare(game, leader_logits)
    best: _Best | None = None
    for best in _improvements(game, softmax_policy(leader_logits), method, exploitability):
        if float(best.tested.gain) <= exploitability:
            break
    return _outcome(game, best, exploitability, throw)


class _Best(NamedTuple):
    """The least exploitable policy so far, where it was read off, and the steps taken until then."""

    tested: Tested
    temperature: float
    extended: bool
    steps: int


def _improvements(
    game: AbstractGame, leader_policy: Float[Array, "O B"], method: SolverMethod, wanted: float
) -> Iterator[_Best]:
    """Policies of both searches, each less exploitable than the one before."""
    best, steps, sparse = np.inf, 0, takes_sparse(game, method, leader_policy)
    for guess in _guesses(game, leader_policy, sparse, wanted):
        steps = guess.steps
        if guess.tested.gain < best:
            best = float(guess.tested.gain)
            yield guess
    coldest, idle, hottest = np.inf, 0, None
    for station in _walk(game, leader_policy, sparse):
        hottest = station.temperature if hottest is None else hottest
        gains = np.where(np.isfinite(station.seen.gain), station.seen.gain, np.inf)
        chosen = int(np.argmin(gains))
        idle = 0 if gains[chosen] < coldest else idle + 1
        coldest = min(coldest, gains[chosen])
        if coldest < best:
            best = coldest
            yield _Best(_chosen(station.seen, chosen), station.temperature, bool(chosen), steps + station.steps)
        if idle >= _PATIENCE or station.temperature <= _COLDEST * hottest:
            return


def _guesses(game: AbstractGame, leader_policy: Float[Array, "O B"], sparse: bool, wanted: float) -> Iterator[_Best]:
    """What the search from inside comes upon."""
    if not sparse:
        found = jax.device_get(_from_inside(game, leader_policy, jax.device_put(np.asarray(wanted, dtype=float))))
        yield _Best(found.tested, float(found.barrier), True, int(found.search.steps))
        return
    # Sparse factors are loaded by those who use them: that takes a third of a second.
    from smfg_verify.exact.sparse.nash import tested_guesses

    for search, tested in tested_guesses(game, leader_policy, wanted):
        yield _Best(tested, float(search.guess.barrier), True, int(search.steps))


class _Attempt(NamedTuple):
    """The search from inside, the best of its guesses with the tau it was read off, and how to go on."""

    search: Inside
    tested: Tested
    barrier: Float[Array, ""]
    goal: Float[Array, ""]
    idle: Int[Array, ""]


@jit_for_game
def _from_inside(game: AbstractGame, leader_policy: Float[Array, "O B"], wanted: Float[Array, ""]) -> _Attempt:
    """Steps of the interior point method, each guess that promises enough being tested, until one is as wanted.

    That is from whatever state a deviation starts, or until steps, or tests that tell something better, are used up.
    """
    search, look = begun(Setting(game, leader_policy, jnp.asarray(0.0)))

    def step(search: Inside) -> Inside:
        return advanced(game, directions(game, look(search.at), search.at), search)

    def test(search: Inside) -> Tested:
        return tested_policy(game, leader_policy, search.guess.policy, search.guess.field)

    def unfinished(attempt: _Attempt) -> Bool[Array, ""]:
        going = (attempt.search.steps < MOST_STEPS) & (attempt.idle < PATIENCE)
        return going & ~(attempt.tested.regret <= wanted) & ~jnp.isnan(attempt.search.guess.gain)

    def once_more(attempt: _Attempt) -> _Attempt:
        search = jax.lax.while_loop(
            lambda search: ~promising(game, search, attempt.goal),
            step,
            step(attempt.search),
        )
        found = test(search)
        enough = found.regret <= wanted
        better = (found.gain < attempt.tested.gain) | enough
        chosen = (found, search.guess.barrier)
        kept = jax.tree.map(lambda new, old: jnp.where(better, new, old), chosen, (attempt.tested, attempt.barrier))
        return _Attempt(search, kept[0], kept[1], attempt.goal * CLOSER, jnp.where(better, 0, attempt.idle + 1))

    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(test, search))
    unknown = jnp.asarray(jnp.inf)
    start = _Attempt(search, nothing._replace(gain=unknown, regret=unknown), unknown, CLOSER * wanted, jnp.asarray(0))
    return jax.lax.while_loop(unfinished, once_more, start)


def _walk(game: AbstractGame, leader_policy: Float[Array, "O B"], sparse: bool) -> Iterator[Station[object]]:
    """Equilibria at falling temperatures, with what `Tested` says of both policies of each."""
    if not sparse:
        return stations(game, leader_policy, 0.0, look=_tested)
    # Sparse factors are loaded by those who use them: that takes a third of a second.
    from smfg_verify.exact.sparse.nash import tested_stations

    return tested_stations(game, leader_policy)


def _chosen(tested: Tested, index: int) -> Tested:
    result: Tested = jax.tree.map(lambda leaf: np.asarray(leaf)[index], tested)
    return result


def _tested(
    game: AbstractGame, leader_policy: Float[Array, "O B"], policies: Float[Array, "2 n A"], start: Float[Array, " M"]
) -> Tested:
    """Each policy against the population that it makes."""
    result: Tested = jax.lax.map(lambda policy: tested_policy(game, leader_policy, policy, start), policies)
    return result


def _outcome(game: AbstractGame, best: _Best | None, wanted: float, throw: bool) -> NashEquilibrium:
    """The record of the best policy met; NaN in place of what is not as good as was asked for."""
    if best is None:
        if throw:
            raise NumericalError("nash: " + _CAUSES[NashStatus.NOT_FOUND])
        shape, actions = mean_field_shape(game), (game.num_states, game.num_follower_actions)
        policy, field, value = (np.full(size, np.nan) for size in (actions, shape, actions[:1]))
        unknown = np.asarray(np.nan)
        nothing = Tested(policy, field, value, gain=unknown, regret=unknown, consistency=unknown, gap=None)
        return _record(_Best(nothing, np.nan, False, 0), NashStatus.NOT_FOUND)
    tested = best.tested
    if tested.gap is not None and throw:
        tested.gap.require_agreement()
    found = float(tested.gain) <= wanted
    status = NashStatus.CONVERGED if found else NashStatus.FLOOR
    if tested.gap is not None and not bool(tested.gap.agrees):
        status = NashStatus.OTHER_SOURCE
    if throw and status is not NashStatus.CONVERGED:
        raise NumericalError(
            f"nash: exploitability {float(tested.gain):.3g} at best, at temperature {best.temperature:.3g}, "
            f"expected at most {wanted:.3g}; {_CAUSES[status]}. Pass throw=False to get NaN and the status."
        )
    return _record(best, status)


_CAUSES = {
    NashStatus.NOT_FOUND: "no equilibrium was found even at a high temperature, where rewards hardly matter; likely "
    "causes: rewards that are not finite, rows of the transition that are no probabilities there, or a chain with "
    "more than one recurrent class",
    NashStatus.FLOOR: "likely causes: a target below what rounding leaves of values of this size, an equilibrium that "
    "ends at a fold on the way to low temperatures, or a chain that falls apart there",
}


def _record(best: _Best, status: NashStatus) -> NashEquilibrium:
    known, tested = 1.0 if status is NashStatus.CONVERGED else np.nan, best.tested
    return NashEquilibrium(
        mean_field=known * tested.mean_field,
        follower_policy=known * tested.policy,
        follower_value=known * tested.value,
        exploitability=tested.gain,
        largest_regret=tested.regret,
        consistency=tested.consistency,
        temperature=np.asarray(best.temperature, dtype=float),
        extrapolated=np.asarray(best.extended),
        converged=np.asarray(status is NashStatus.CONVERGED),
        steps=np.asarray(best.steps),
        status=np.asarray(int(status)),
    )
