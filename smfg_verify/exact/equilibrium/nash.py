"""The equilibrium of the game without entropy, by cooling, with its exploitability computed from the game alone."""

import enum
from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from smfg_verify.errors import InputError, NumericalError
from smfg_verify.exact.equilibrium.cooling import Station, stations
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.exact.exploitability import POPULATION_TOLERANCE, population_under
from smfg_verify.exact.follower import policy_regret
from smfg_verify.exact.kernel import centred, follower_model, tabulate
from smfg_verify.exact.population import chain
from smfg_verify.exact.sparse.choice import SolverMethod, takes_sparse
from smfg_verify.game import AbstractGame, SourceGap, mean_field_shape, source_gap
from smfg_verify.game.base import AnyArray
from smfg_verify.policies import observed_rows, softmax_policy
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
        temperature: tau of the regularised equilibrium that the policy was read off.
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


class Tested(NamedTuple):
    """A policy against the population that it makes."""

    policy: Float[AnyArray, "n A"]
    mean_field: Float[AnyArray, "..."]
    value: Float[AnyArray, " n"]
    gain: Float[AnyArray, ""]
    regret: Float[AnyArray, ""]
    consistency: Float[AnyArray, ""]
    gap: SourceGap | None


def solve_nash(
    game: AbstractGame,
    leader_logits: Float[ArrayLike, "O B"],
    *,
    exploitability: float = EXPLOITABILITY,
    method: SolverMethod = "auto",
    throw: bool = True,
) -> NashEquilibrium:
    r"""Find $\mu = P_{\pi,\phi,\mu}^T \mu$ and $\max_{\pi'} J(\pi', \mu) - J(\pi, \mu) \le \epsilon$ without entropy.

    Regularised equilibria are followed from a high temperature down; at each, its policy and that policy extended to
    tau = 0 along its slope, which is nearer by one order in tau, are tested: against the population that the policy
    itself makes, by policy iteration without entropy. The game's own temperature is not read, nor used otherwise.

    Args:
        game: the game.
        leader_logits: omega, (number of observations, B), dimensionless.
        exploitability: epsilon, largest accepted gain of a deviation, in units of the follower's reward.
        method: "auto", "dense" or "sparse", as in `solve_equilibrium`.
        throw: raise when not converged; if False, NaN with `converged` False.

    Returns:
        The equilibrium with its exploitability, computed from the game's functions, not from the search.

    Raises:
        ValueError: an invalid game or logits, a target that is not positive, float64 off.
        RuntimeError: not converged and `throw`.

    Source: cooling as in Cui and Koeppl 2021; the extrapolation in the temperature is ours.

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
    leader_policy = softmax_policy(leader_logits)
    best: tuple[Station[object], Tested, bool] | None = None
    for station, tested, extended in _improvements(_walk(game, leader_policy, method)):
        best = (station, tested, extended)
        if float(tested.gain) <= exploitability:
            break
    return _outcome(game, best, exploitability, throw)


def _walk(game: AbstractGame, leader_policy: Float[Array, "O B"], method: SolverMethod) -> Iterator[Station[object]]:
    """Equilibria at falling temperatures, with what `Tested` says of both policies of each."""
    if not takes_sparse(game, method, leader_policy):
        return stations(game, leader_policy, 0.0, look=_tested)
    # Sparse factors are loaded by those who use them: that takes a third of a second.
    from smfg_verify.exact.sparse.nash import tested_stations

    return tested_stations(game, leader_policy)


def _improvements(
    walk: Iterator[Station[object]],
) -> Iterator[tuple[Station[object], Tested, bool]]:
    """Policies on the way down, each less exploitable than the one before; whether it was extended to tau = 0."""
    best, idle, hottest = np.inf, 0, None
    for station in walk:
        hottest = station.temperature if hottest is None else hottest
        tested: Tested = station.seen
        gains = np.where(np.isfinite(tested.gain), tested.gain, np.inf)
        chosen = int(np.argmin(gains))
        idle = 0 if gains[chosen] < best else idle + 1
        if idle == 0:
            best = gains[chosen]
            yield station, _chosen(tested, chosen), bool(chosen)
        if idle >= _PATIENCE or station.temperature <= _COLDEST * hottest:
            return


def _chosen(tested: Tested, index: int) -> Tested:
    result: Tested = jax.tree.map(lambda leaf: np.asarray(leaf)[index], tested)
    return result


def _tested(
    game: AbstractGame, leader_policy: Float[Array, "O B"], policies: Float[Array, "2 n A"], start: Float[Array, " M"]
) -> Tested:
    """Each policy against the population that it makes."""
    result: Tested = jax.lax.map(lambda policy: _tested_one(game, leader_policy, policy, start), policies)
    return result


def _tested_one(game: AbstractGame, leader_policy: Array, policy: Array, start: Array) -> Tested:
    rows = observed_rows(leader_policy, game.leader_observation)
    shape = mean_field_shape(game)
    field, residual = population_under(game, rows, policy, start)
    kernel, middle, averaged = centred(tabulate(game, field.reshape(shape)))
    model, discount = follower_model(kernel, rows), jnp.asarray(game.discount)
    value, regret = policy_regret(model, policy, discount, averaged=averaged, leader_actions=game.num_leader_actions)
    regret = jnp.where(residual < POPULATION_TOLERANCE, regret, jnp.nan)
    states = field if game.mean_field_support == "states" else jnp.sum(field.reshape(shape), axis=1)
    moved = states @ chain(policy, model.transition)
    return Tested(
        policy,
        field.reshape(shape),
        value + middle / (1.0 - discount),
        gain=jnp.asarray(game.initial_distribution) @ regret,
        regret=jnp.max(regret),
        consistency=jnp.sum(jnp.abs(moved - states)),
        gap=source_gap(game, field.reshape(shape), policy),
    )


def _outcome(
    game: AbstractGame, best: tuple[Station[object], Tested, bool] | None, wanted: float, throw: bool
) -> NashEquilibrium:
    """The record of the best policy met; NaN in place of what is not as good as was asked for."""
    if best is None:
        if throw:
            raise NumericalError("nash: " + _CAUSES[NashStatus.NOT_FOUND])
        shape, actions = mean_field_shape(game), (game.num_states, game.num_follower_actions)
        policy, field, value = (np.full(size, np.nan) for size in (actions, shape, actions[:1]))
        unknown = np.asarray(np.nan)
        nothing = Tested(policy, field, value, gain=unknown, regret=unknown, consistency=unknown, gap=None)
        return _record(nothing, NashStatus.NOT_FOUND, np.nan, False, 0)
    station, tested, extended = best
    if tested.gap is not None and throw:
        tested.gap.require_agreement()
    found = float(tested.gain) <= wanted
    status = NashStatus.CONVERGED if found else NashStatus.FLOOR
    if tested.gap is not None and not bool(tested.gap.agrees):
        status = NashStatus.OTHER_SOURCE
    if throw and status is not NashStatus.CONVERGED:
        raise NumericalError(
            f"nash: exploitability {float(tested.gain):.3g} at best, at temperature {station.temperature:.3g}, "
            f"expected at most {wanted:.3g}; {_CAUSES[status]}. Pass throw=False to get NaN and the status."
        )
    return _record(tested, status, station.temperature, extended, station.steps)


_CAUSES = {
    NashStatus.NOT_FOUND: "no equilibrium was found even at a high temperature, where rewards hardly matter; likely "
    "causes: rewards that are not finite, rows of the transition that are no probabilities there, or a chain with "
    "more than one recurrent class",
    NashStatus.FLOOR: "likely causes: a target below what rounding leaves of values of this size, an equilibrium that "
    "ends at a fold on the way to low temperatures, or a chain that falls apart there",
}


def _record(tested: Tested, status: NashStatus, temperature: float, extended: bool, steps: int) -> NashEquilibrium:
    known = 1.0 if status is NashStatus.CONVERGED else np.nan
    return NashEquilibrium(
        mean_field=known * tested.mean_field,
        follower_policy=known * tested.policy,
        follower_value=known * tested.value,
        exploitability=tested.gain,
        largest_regret=tested.regret,
        consistency=tested.consistency,
        temperature=np.asarray(temperature, dtype=float),
        extrapolated=np.asarray(extended),
        converged=np.asarray(status is NashStatus.CONVERGED),
        steps=np.asarray(steps),
        status=np.asarray(int(status)),
    )
