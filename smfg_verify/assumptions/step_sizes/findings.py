r"""Step sizes $c / \sqrt{k+1}$ of the four learners: their order, their range, and whether the mean field keeps up.

The theory wants $\zeta \le \xi \le \alpha \le \beta$ (leader, mean field, follower, critics), which with one exponent
is an order of the constants. For the mean field to track the equilibrium of a moving leader, its error must shrink in
its own drift inequality, to first order at an equilibrium and in the l1 norm (see `mean_field_tracking`):
$\|e^+\| \le [1 - \xi (1 - q)] \|e\| + \zeta \|D h\|$ with $q = \|G\| + \frac{\zeta}{\xi} \|D K\|$, so $q < 1$ is asked.
"""

import functools
import itertools
import math

import numpy as np

from smfg_verify.assumptions.constants.game_constants import game_constants
from smfg_verify.assumptions.constants.mixing import CLEARLY_BELOW_ONE
from smfg_verify.assumptions.contraction.proved_bounds import USED, inputs_from, inputs_of, smaller_bound, witness_of
from smfg_verify.assumptions.deadline import cut_short
from smfg_verify.assumptions.finding import Evidence, Finding, Side, Verdict, not_applicable, require_shapes
from smfg_verify.assumptions.leader_draws import random_leaders, trajectory_leaders
from smfg_verify.assumptions.properties import register_property
from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.assumptions.step_sizes.mean_field_tracking import Linearisation, linearise
from smfg_verify.assumptions.step_sizes.sentences import STEP_SIZES
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.learners import LEARNERS
from smfg_verify.records.entries import Algebraic, Entries, Record

PROPERTY = "step-sizes"
_finding = functools.partial(Finding, property=PROPERTY, side=Side.EXACT, evidence=Evidence.PROOF)
STATEMENTS = ("order", "range", "ratios")
# The learners whose steps are clipped to one, where an update is already a full replacement.
_CLIPPED = ("mean_field", "critic")
# Leaders linearised at, of the random ones and of the run each.
_LEADERS = 128


def quotient(slow: Algebraic, fast: Algebraic) -> Algebraic:
    """slow / fast; a learner that stands still is slower than any, and none is slower than it."""
    if slow == 0.0:
        return 0.0
    return slow / fast if fast > 0.0 else float("inf")


def step_ratios(step_sizes: Entries) -> dict[str, float]:
    """Slow over fast for each pair of neighbours in the order, by name."""
    return {
        f"{slow}/{fast}": quotient(float(step_sizes[slow]), float(step_sizes[fast]))
        for slow, fast in itertools.pairwise(LEARNERS)
    }


def _largest_ratio(game: AbstractGame, witness: Entries) -> float:
    return max(step_ratios(witness).values())


def _largest_clipped(game: AbstractGame, witness: Entries) -> float:
    return max(float(witness[name]) for name in _CLIPPED)


def _factor(game: AbstractGame, witness: Entries) -> float:
    """The constant of "ratios": q at the witness, or the proved bound of the contraction of a leader at rest."""
    game = checked(game)
    if "logits" not in witness:
        return smaller_bound(inputs_from(game, witness), float(game.temperature))
    require_shapes(witness, {"logits": leader_logits_shape(game), "mean_field": mean_field_shape(game)})
    found = linearise(game, witness["logits"][None], witness["mean_field"][None])
    return float(_factors(found, float(witness["leader_over_mean_field"]))[0])


def _factors(found: Linearisation, ratio: float) -> np.ndarray:
    factors: np.ndarray = tracking_factor(found.contraction, found.feedback, ratio)
    return factors


def tracking_factor(contraction: Algebraic, feedback: Algebraic, ratio: Algebraic) -> Algebraic:
    r"""$q = \|G\| + \frac{\zeta}{\xi} \|D K\|$, see `mean_field_tracking`: plain arithmetic, for symbols too.

    Args:
        contraction: norm of G.
        feedback: norm of D K, of the kind of `contraction`.
        ratio: leader's over mean field's step.

    Returns:
        q, of that kind.
    """
    # A leader at rest feeds nothing back, whatever the derivative of its equilibrium.
    return contraction + (ratio * feedback if ratio > 0.0 else 0.0)


RECOMPUTE = {"order": _largest_ratio, "range": _largest_clipped, "ratios": _factor}


def check_step_sizes_without_table(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    """Order and range, which are numbers alone; whether the mean field keeps up is not looked at without a table.

    Args:
        game: the game, traced, of any size.
        settings: the step sizes.

    Returns:
        One finding for each of `STATEMENTS`.
    """
    if settings.step_sizes is None:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    step_sizes = {name: float(settings.step_sizes[name]) for name in LEARNERS}
    return [_order(step_sizes), _range(step_sizes), _unknown_ratios("no-table")]


@register_property(
    PROPERTY,
    recompute=RECOMPUTE,
    renderings=STEP_SIZES,
    aside=("range",),
    without_table=check_step_sizes_without_table,
)
def check_step_sizes(game: AbstractGame, settings: SearchSettings) -> list[Finding]:
    r"""Check the constants of the step sizes that `settings.step_sizes` gives.

    The order is exact. The range decides nothing: a clipped step only delays the schedule. The ratio of leader to
    mean field is held against the linearised dynamics at the equilibria of sampled leaders; that the other two
    ratios suffice is not checked beyond their order.

    Args:
        game: the game, traced.
        settings: how hard to search, and the step sizes.

    Returns:
        One finding for each of `STATEMENTS`.
    """
    if settings.step_sizes is None:
        return [not_applicable(PROPERTY, statement) for statement in STATEMENTS]
    step_sizes = {name: float(settings.step_sizes[name]) for name in LEARNERS}
    return [_order(step_sizes), _range(step_sizes), _ratios(game, settings, step_sizes)]


def _order(step_sizes: dict[str, float]) -> Finding:
    ratios = step_ratios(step_sizes)
    pair, largest = max(ratios.items(), key=lambda item: item[1])
    verdict = Verdict.CERTIFIED if largest <= 1.0 else Verdict.REFUTED
    slow, fast = pair.split("/")
    facts = {"slow": slow, "fast": fast, "slow_step": step_sizes[slow], "fast_step": step_sizes[fast]}
    witness = {name: np.asarray(value) for name, value in step_sizes.items()}
    return _finding(statement="order", verdict=verdict, constant=largest, facts=facts, witness=witness, details=ratios)


def _range(step_sizes: dict[str, float]) -> Finding:
    # c / sqrt(k + 1) <= 1 from the first k with k + 1 >= c^2 on.
    first = {name: max(0, math.ceil(step_sizes[name] ** 2) - 1) for name in _CLIPPED}
    largest = max(step_sizes[name] for name in _CLIPPED)
    verdict = Verdict.CERTIFIED if largest <= 1.0 else Verdict.INCONCLUSIVE
    witness = {name: np.asarray(step_sizes[name]) for name in _CLIPPED}
    details = {f"first_unclipped_{name}": k for name, k in first.items()}
    return _finding(
        statement="range",
        verdict=verdict,
        constant=largest,
        facts={"first_unclipped": first},
        witness=witness,
        details=details,
    )


def _ratios(game: AbstractGame, settings: SearchSettings, step_sizes: dict[str, float]) -> Finding:
    ratio = step_ratios(step_sizes)["leader/mean_field"]
    constants = game_constants(game, settings)
    bounds = inputs_of(game, constants)
    certified = smaller_bound(bounds, float(game.temperature))
    if step_sizes["mean_field"] == 0.0:
        return _unknown_ratios("mean-field-rests")
    if ratio == 0.0 and certified < 1.0 - CLEARLY_BELOW_ONE:
        facts = {"case": "leader-rests"}
        finding = _finding(
            statement="ratios",
            verdict=Verdict.CERTIFIED,
            constant=certified,
            facts=facts,
            side=Side.UPPER,
            witness=witness_of(bounds),
        )
        return cut_short(finding, constants.cut, *USED)
    return _tracking(game, settings, ratio, certified)


def _unknown_ratios(case: str) -> Finding:
    return _finding(statement="ratios", verdict=Verdict.INCONCLUSIVE, constant=math.nan, facts={"case": case})


def _tracking(game: AbstractGame, settings: SearchSettings, ratio: float, certified: float) -> Finding:
    leaders = random_leaders(game, settings)[:_LEADERS]
    if settings.trajectory is not None:
        run = np.unique(trajectory_leaders(game, settings.trajectory), axis=0)
        leaders = np.concatenate([leaders, run[np.linspace(0, len(run) - 1, min(_LEADERS, len(run))).astype(int)]])
    found = linearise(game, leaders)
    factors = _factors(found, ratio)
    numbers = np.isfinite(factors)
    searched = {
        "points": len(leaders),
        "unconverged": int(np.sum(~np.all(np.isfinite(found.response), axis=(1, 2)))),
        "nan": int(np.sum(~numbers)),
        "seed": settings.seed,
        "leader_scale": float(settings.leader_scale),
    }
    details: Record = {
        "certified_contraction": certified,
        "leader_over_mean_field": ratio,
        "random": factors,
    }
    if not numbers.any():
        facts = {"case": "no-linearisation"}
        return _finding(
            statement="ratios",
            verdict=Verdict.INCONCLUSIVE,
            constant=math.nan,
            facts=facts,
            searched=searched,
            details=details,
        )
    index = int(np.nanargmax(np.where(numbers, factors, np.nan)))
    witness = {
        "logits": leaders[index],
        "mean_field": found.mean_field[index],
        "leader_over_mean_field": np.asarray(ratio),
    }
    constant = _factor(game, witness)
    lag = np.where(factors < 1.0, ratio * found.drift / np.where(factors < 1.0, 1.0 - factors, 1.0), np.inf)
    details |= {
        "contraction": found.contraction[index],
        "feedback": found.feedback[index],
        "largest_real_part": np.max(found.largest_real_part(ratio)[numbers]),
        "lag": np.max(lag[numbers]),
    }
    return _finding(
        statement="ratios",
        verdict=Verdict.SUPPORTED if constant < 1.0 else Verdict.INCONCLUSIVE,
        constant=constant,
        facts={
            "case": "tracking",
            "linearised": int(np.sum(numbers)),
            "leaders": len(leaders),
            "lag": float(details["lag"]),
            "largest_real_part": float(details["largest_real_part"]),
        },
        side=Side.LOWER,
        evidence=Evidence.SEARCH,
        witness=witness,
        searched=searched,
        details=details,
    )
