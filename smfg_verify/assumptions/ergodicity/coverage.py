"""Coverage: how much of its time every policy gives to the state it visits least."""

import contextlib

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.constants.certified_rows import listed_probabilities
from smfg_verify.assumptions.constants.game_constants import ENVELOPES, GameConstants, game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE, lower_expectation, minorised_mass
from smfg_verify.assumptions.constants.transition_interval import interval_of, interval_witness
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.enclosure import NoEnclosure
from smfg_verify.assumptions.ergodicity.coverage_at_size import least_visits, sampled_coverage
from smfg_verify.assumptions.ergodicity.sentences import COVERAGE
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.game import AbstractGame, traced
from smfg_verify.records.entries import Entries

PROPERTY = "coverage"
STATEMENTS = ("initial", "occupancy", "stationary")
_MAX_ITERATIONS = 400
_MAX_WORK = 2e8
_NO_GAIN = 1e-13


def _initial_of(game: AbstractGame, witness: Entries) -> float:
    return float(np.asarray(game.initial_distribution)[int(witness["state"])])


def _occupancy_of(game: AbstractGame, witness: Entries) -> float:
    if "follower_policy" in witness:
        return least_visits(traced(game), "occupancy", witness)
    if "lower" not in witness:
        initial, discount = _start(game)
        return float((1.0 - discount) * initial[int(witness["state"])])
    occupancy = least_occupancy(*interval_of(traced(game), witness), *_start(game))
    return float(occupancy[int(witness["state"])])


def _stationary_of(game: AbstractGame, witness: Entries) -> float:
    if "follower_policy" in witness:
        return least_visits(traced(game), "stationary", witness)
    mass = minorised_mass(*interval_of(traced(game), witness), steps=int(witness["steps"]))
    return float(mass[int(witness["state"])])


RECOMPUTE = {"initial": _initial_of, "occupancy": _occupancy_of, "stationary": _stationary_of}


def check_coverage_without_table(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""The initial distribution, $(1 - \gamma) \rho$ where moves are proved to lose no mass, and what policies visit.

    No other bound for all policies is sought without a table; the policies looked at tell how far it is from theirs.

    Args:
        game: the game, traced, which lists its successors.
        settings: number of leaders, see `sampled_coverage`.

    Returns:
        One finding for each of `STATEMENTS`.
    """
    occupancy, stationary = sampled_coverage(game, settings)
    with contextlib.suppress(NoEnclosure):
        listed_probabilities(game)
        occupancy = _restart_finding(game, occupancy)
    return [_initial_finding(game), occupancy, stationary]


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=COVERAGE,
    aside=("stationary",),
    without_table=check_coverage_without_table,
)
def check_coverage(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""$\min \rho$, and certified lower bounds of the discounted occupancy and the stationary law of every policy.

    Args:
        game: the game, traced.
        settings: budget of the bounds of the transition.

    Returns:
        One finding for each of `STATEMENTS`.

    Source: coverage of the initial distribution as in analyses of policy gradient methods (Agarwal et al. 2021).
    """
    constants = game_constants(game, settings)
    bounded = (_occupancy_finding(game, constants), _stationary_finding(constants))
    return [
        _initial_finding(game),
        *(cut_short(finding, constants.cut, ENVELOPES["transition"]) for finding in bounded),
    ]


def _start(game: AbstractGame) -> tuple[np.ndarray, float]:
    return np.asarray(game.initial_distribution, dtype=float), float(game.discount)


def _initial_finding(game: AbstractGame) -> Finding:
    initial = np.asarray(game.initial_distribution, dtype=float)
    state = int(np.argmin(initial))
    covered = initial[state] > 0.0
    return Finding(
        property=PROPERTY,
        statement="initial",
        verdict=Verdict.CERTIFIED if covered else Verdict.REFUTED,
        constant=initial[state],
        side=Side.EXACT,
        evidence=Evidence.PROOF,
        facts={"state": state},
        witness={"state": np.array(state)},
        details={"initial_distribution": initial},
    )


def _restart_finding(game: AbstractGame, seen: Finding) -> Finding:
    """The bound that rests on the first state alone, with the least that policies were seen to visit."""
    initial, discount = _start(game)
    state = int(np.argmin(initial))
    constant = float((1.0 - discount) * initial[state])
    covered = constant > 0.0
    return Finding(
        property=PROPERTY,
        statement="occupancy",
        verdict=Verdict.CERTIFIED if covered else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        facts={"state": state, "restart": True},
        witness={"state": np.array(state)},
        searched=seen.searched,
        details={"least_seen": seen.constant},
    )


def least_occupancy(
    lower: Float[np.ndarray, "n A B n"],
    upper: Float[np.ndarray, "n A B n"],
    initial: Float[np.ndarray, " n"],
    discount: float,
) -> Float[np.ndarray, " n"]:
    r"""Lower bounds of the discounted occupancy of each state under every policy and mean field.

    With $u \leftarrow (1 - \gamma) 1\{s = t\} + \gamma \min_{a,b} \min_p \sum_{s'} p(s') u(s')$ from zero, p within the
    intervals of row (s, a, b), every iterate is below the occupancy of t from s; hence so is $\rho^T u$. The first
    iterate is the bound $(1 - \gamma) \rho(t)$.

    Args:
        lower, upper: bounds of P(s' | s, a, b, m) over all mean fields.
        initial: rho.
        discount: gamma.

    Returns:
        (n,), for policies that change in time too.
    """
    restart = (1.0 - discount) * np.eye(len(initial))
    value = restart
    for _ in range(int(min(_MAX_ITERATIONS, _MAX_WORK // (lower.size * len(initial))))):
        updated = restart + discount * lower_expectation(lower, upper, value)
        gain = np.max(updated - value)
        value = updated
        if gain <= _NO_GAIN:
            break
    return initial @ value


def _occupancy_finding(game: AbstractGame, constants: GameConstants) -> Finding:
    initial, discount = _start(game)
    occupancy = least_occupancy(constants.transition_lower, constants.transition_upper, initial, discount)
    state = int(np.argmin(occupancy))
    # From the first step on the bound is (1 - gamma) rho; that no policy loses mass rests on the rows.
    covered = occupancy[state] > 0.0 and "rows" not in constants.unproved
    return Finding(
        property=PROPERTY,
        statement="occupancy",
        verdict=Verdict.CERTIFIED if covered else Verdict.INCONCLUSIVE,
        constant=occupancy[state],
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        facts={"state": state},
        witness={**interval_witness(constants), "state": np.array(state)},
        details={"occupancy": occupancy, "restart_bound": (1.0 - discount) * initial},
    )


def _stationary_finding(constants: GameConstants) -> Finding:
    found = constants.minorisation
    state = int(np.argmin(found.stationary_mass))
    constant = float(found.stationary_mass[state])
    positive = constant > CLEARLY_BELOW_ONE
    return Finding(
        property=PROPERTY,
        statement="stationary",
        verdict=Verdict.CERTIFIED if positive else Verdict.INCONCLUSIVE,
        constant=constant,
        side=Side.LOWER,
        evidence=Evidence.PROOF,
        witness={
            **interval_witness(constants),
            "state": np.array(state),
            "steps": np.array(found.mass_steps[state]),
        },
        details={"stationary_mass": found.stationary_mass},
    )
