"""A game's formulas, derived one after the other."""

from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.symbolic import alignment_formula, contraction_formula, load, stackelberg_formula
from smfg_verify.symbolic.derivation import Derivation


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
    game = load(settings.name, **settings.parameters)
    with progress.stage("gradient", "1 of 3: the gradient in closed form"):
        gradient = stackelberg_formula(game)
    with progress.stage("contraction", "2 of 3: when the best response contracts"):
        contraction = contraction_formula(game)
    with progress.stage("alignment", "3 of 3: sign and zeros of the alignment"):
        alignment = alignment_formula(gradient)
    return Derivation(game, gradient, contraction, alignment)
