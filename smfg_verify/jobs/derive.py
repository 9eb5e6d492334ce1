"""What is derived of a game: its formulas one after the other, its constants as expressions, rates of learning."""

from collections.abc import Mapping

from smfg_verify import games
from smfg_verify.jobs.pipeline import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.symbolic import alignment_formula, contraction_formula, load, stackelberg_formula
from smfg_verify.symbolic.constants import GameExpressions, expressions_of
from smfg_verify.symbolic.derivation import Derivation
from smfg_verify.symbolic.rates import BILEVEL, BestExponents, RateDerivation, best_exponents, derive_rates
from smfg_verify.watching import doing, turn_to


def derive_game(settings: GameSettings) -> Derivation:
    """Derive what can be derived of a game, and say on standard error what is being done.

    Args:
        settings: a game that ships with formulas, or a file with one that was made from formulas.

    Returns:
        The formulas.

    Raises:
        ValueError: a game without formulas, one of more than three states, or anything `load` refuses.
    """
    progress = Progress()
    with doing(f"reading the game {settings.name}"):
        game = load(settings.name, **settings.parameters)
    turn_to("typesetting the formulas")
    with progress.stage("gradient", "1 of 3: the gradient in closed form"):
        gradient = stackelberg_formula(game)
    with progress.stage("contraction", "2 of 3: when the best response contracts"):
        contraction = contraction_formula(game)
    with progress.stage("alignment", "3 of 3: sign and zeros of the alignment"):
        alignment = alignment_formula(gradient)
    return Derivation(game, gradient, contraction, alignment)


def derive_constants(settings: GameSettings) -> GameExpressions:
    """The certified constants of any game as expressions, and say on standard error what is being done.

    Args:
        settings: the game.

    Returns:
        The expressions.

    Raises:
        ValueError: an invalid game, or anything `load` refuses.
    """
    game = load_game(settings)
    with Progress().stage("constants", "1 of 1: certified constants of the game (branch and bound)"):
        return expressions_of(game)


def derive_scheme_rates(
    settings: GameSettings, exponents: Mapping[str, str]
) -> tuple[RateDerivation | BestExponents, ...]:
    """The rates of AC-SMFG at given exponents, and the best exponents of it and of the scheme of two time scales.

    Args:
        settings: a game that is there; the rates are the same for every game that keeps the hypotheses.
        exponents: learner -> exponent; symbols for the others.

    Returns:
        The derivations.

    Raises:
        ValueError: an unknown learner, something that is no exponent, or anything `load` refuses.
    """
    games.load(settings.name, **settings.parameters)  # only that it is there: no rate depends on it
    with Progress().stage("rates", "1 of 1: rates from the drift recursion, and the best exponents"):
        return derive_rates(exponents), best_exponents(), best_exponents(BILEVEL)
