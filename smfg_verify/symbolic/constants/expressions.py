"""All constants of a game that are formulas of others, from a report's witnesses or from the game's own constants."""

from collections.abc import Iterator, Mapping

import numpy as np

from smfg_verify.assumptions import AssumptionReport, Finding, Verdict
from smfg_verify.assumptions.constants.game_constants import GameConstants, game_constants
from smfg_verify.assumptions.constants.mixing import mixing_formula
from smfg_verify.assumptions.contraction.proved_bounds import inputs_from, inputs_of
from smfg_verify.assumptions.gradient_domination import certified_constants as domination
from smfg_verify.assumptions.gradient_domination.findings import bounds_of
from smfg_verify.assumptions.settings import SearchSettings, budget_settings
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.response_jacobian import field_size
from smfg_verify.game import AbstractGame, game_hash, game_name
from smfg_verify.learners import LEARNERS
from smfg_verify.records.entries import Arguments
from smfg_verify.symbolic.constants.contraction import contraction_expressions
from smfg_verify.symbolic.constants.evaluation import Symbols, constant_expression
from smfg_verify.symbolic.constants.gradient_domination import domination_expressions
from smfg_verify.symbolic.constants.records import ConstantExpression, GameExpressions
from smfg_verify.symbolic.constants.step_sizes import order_expression, tracking_expression


def expressions_of(
    game: AbstractGame, report: AssumptionReport | None = None, *, budget: str = "normal"
) -> GameExpressions:
    r"""The certified constants of a game as expressions: symbols, numbers, and which term dominates.

    An expression is what the function that computes the constant in floats gives for symbols, so that there is one
    formula; with the numbers put in, in 40 digits, it is the constant reported up to rounding. Where floats drop a term
    because a constant is zero (as $0 \cdot \infty$), it drops out of the expression too.

    Args:
        game: the game.
        report: of `check` for this game: only its constants, from its witnesses, and nothing is computed anew. Without
            one the game's certified constants are computed (branch and bound; kept for the process), no search is run,
            and there are no step sizes.
        budget: of that computation, as `check` has it.

    Returns:
        The expressions: mixing factor and span of the reward (without a report), both bounds of the contraction modulus
        and the temperature they admit, the constants of gradient domination, and what a report has on step sizes.

    Raises:
        ValueError: a report about another game, an invalid game, float64 off, an unknown budget.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.symbolic.constants import expressions_of
        >>> bound = expressions_of(games.load("laffer-tax"))["contraction/certified-bound/span"]
        >>> bound.dominating.expression
        L_f*M*delta_A**2*gamma/(tau*(-delta_1*gamma + 1))
    """
    game = checked(game)
    if report is None:
        return GameExpressions(game_name=game_name(game), expressions=tuple(_from_game(game, budget)))
    if report.game_hash != game_hash(game):
        raise InputError(
            f"expressions: got a report about a {report.game_name} with identity {report.game_hash[:12]}, and a "
            f"{type(game).__name__} with identity {game_hash(game)[:12]}; likely cause: other parameters."
        )
    found = tuple(_from_report(game, report))
    told = {statement for expression in found for statement in expression.statements}
    others = (_name(finding) for finding in report.findings if finding.verdict is not Verdict.NOT_APPLICABLE)
    return GameExpressions(
        game_name=report.game_name, expressions=found, searched=tuple(name for name in others if name not in told)
    )


def _settings(budget: str) -> SearchSettings:
    named: Arguments = dict(budget_settings(budget))
    return SearchSettings(**named)


def _name(finding: Finding) -> str:
    return f"{finding.property}/{finding.statement}"


def _from_game(game: AbstractGame, budget: str) -> Iterator[ConstantExpression]:
    constants = game_constants(game, _settings(budget))
    yield from _feeding(constants)
    if field_size(game) > 1:
        yield from contraction_expressions(inputs_of(game, constants), float(game.temperature))
    if game.num_follower_actions > 1:
        bounds = bounds_of(constants)
        reported = {
            "mei-constant": domination.constant_at_optimum(game, bounds),
            "in-box": domination.constant_in_box(game),
        }
        yield from domination_expressions(domination.inputs_of(game, bounds), reported)


def _feeding(constants: GameConstants) -> Iterator[ConstantExpression]:
    """What the bounds of the modulus are fed with and is itself made of other constants."""
    symbols = Symbols()
    steps = symbols("m", constants.mixing_steps, "mixing_steps")
    coefficient = symbols("delta_m", constants.mixing_coefficient, "mixing_coefficient")
    factor = mixing_formula(steps, coefficient)
    yield constant_expression("mixing-factor", "M", factor, symbols, constants.mixing_factor, side="upper")
    symbols = Symbols()
    high = symbols("r_max", constants.follower_reward_high, "reward_high")
    low = symbols("r_min", constants.follower_reward_low, "reward_low")
    span = constants.follower_reward_high - constants.follower_reward_low
    yield constant_expression("reward-span", "R_f", high - low, symbols, span, side="upper")


def _from_report(game: AbstractGame, report: AssumptionReport) -> Iterator[ConstantExpression]:
    findings = {_name(finding): finding for finding in report.findings}
    made_of = next((findings[name] for name in _MODULI if name in findings and findings[name].witness), None)
    if made_of is not None:
        yield from contraction_expressions(
            inputs_from(game, made_of.witness), float(game.temperature), among=frozenset(findings)
        )
    yield from _domination_of(game, findings)
    order, ratios = findings.get("step-sizes/order"), findings.get("step-sizes/ratios")
    if order is not None and order.witness:
        yield order_expression({name: float(order.witness[name]) for name in LEARNERS}, order.constant)
    if ratios is not None and {"contraction", "feedback"} <= set(ratios.details):
        norm, back, slow = (
            float(ratios.details[name]) for name in ("contraction", "feedback", "leader_over_mean_field")
        )
        yield tracking_expression(norm, back, slow, ratios.constant)


_MODULI = ("contraction/certified-bound", "uniqueness/contraction")


def _domination_of(game: AbstractGame, findings: Mapping[str, Finding]) -> Iterator[ConstantExpression]:
    at_optimum, in_box = (findings.get(f"gradient-domination/{name}") for name in ("mei-constant", "domination"))
    bounds = dict.fromkeys(domination.DominationInputs._fields[:4], np.nan)
    reported = {}
    if at_optimum is not None and at_optimum.witness:
        bounds |= {name: float(at_optimum.witness[name]) for name in bounds}
        reported["mei-constant"] = at_optimum.constant
    if in_box is not None and "certified_in_box" in in_box.details:
        reported["in-box"] = float(in_box.details["certified_in_box"])
    yield from domination_expressions(domination.inputs_of(game, bounds), reported)
