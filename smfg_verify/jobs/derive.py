"""A game's formulas, derived one after the other."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame
from smfg_verify.jobs.pipeline import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.symbolic import (
    FormulaGame,
    SymbolicGame,
    alignment_formula,
    contraction_formula,
    load,
    names,
    stackelberg_formula,
)
from smfg_verify.symbolic.constants import expressions_of
from smfg_verify.symbolic.derivation import OF_ANY_GAME, OF_FORMULAS, Derivation, Part
from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, best_exponents, derive_rates

T = TypeVar("T")
_TITLES: dict[Part, str] = {
    "contraction": "when the best response contracts",
    "alignment": "sign and zeros of the alignment",
    "gradient": "the gradient in closed form",
    "constants": "certified constants as expressions",
    "rates": "rates of the step sizes",
}


def derive_game(
    settings: GameSettings,
    parts: Iterable[Part] | None = None,
    *,
    budget: str = "quick",
    exponents: Mapping[str, str] | None = None,
) -> Derivation:
    """Derive what can be derived of a game, and say on standard error what is being done.

    Args:
        settings: the game; parts that need formulas need one that ships with them, or a file with one made from them.
        parts: to derive; all that the game can have if None.
        budget: of the certified constants, as `check` has it.
        exponents: learner -> exponent of its steps that the rates are derived for, 1/2 where none is given.

    Returns:
        The formulas.

    Raises:
        ValueError: a game without formulas, or one of more than three states, where a part needs them; exponents where
            no rates are asked for, or that are none; or anything that loading the game refuses.
    """
    numeric = load_game(settings)
    game = load(settings.name, **settings.parameters) if _has_formulas(settings, numeric) else None
    wanted = set(parts or ((*OF_FORMULAS, *OF_ANY_GAME) if game is not None else OF_ANY_GAME))
    ordered = tuple(part for part in (*OF_FORMULAS, *OF_ANY_GAME) if part in wanted)
    if game is None and wanted & set(OF_FORMULAS):
        raise InputError(
            f"{settings.name}: got a game without formulas, expected one of {', '.join(names())}, or a file with a "
            f"game made by SymbolicGame.to_game; of any other game {' and '.join(OF_ANY_GAME)} can be derived."
        )
    if exponents and "rates" not in ordered:
        raise InputError(f"exponent: got {', '.join(exponents)}, expected none where the rates are not derived.")
    return _derived(ordered, game, numeric, budget, exponents or {})


def _has_formulas(settings: GameSettings, game: AbstractGame) -> bool:
    return settings.name in names() or isinstance(game, FormulaGame)


def _derived(
    parts: tuple[Part, ...],
    game: SymbolicGame | None,
    numeric: AbstractGame,
    budget: str,
    exponents: Mapping[str, str],
) -> Derivation:
    progress = Progress()

    def stage(part: Part, work: Callable[[], T]) -> T | None:
        if part not in parts:
            return None
        with progress.stage(part, f"{parts.index(part) + 1} of {len(parts)}: {_TITLES[part]}"):
            return work()

    def formulas() -> SymbolicGame:
        assert game is not None
        return game

    contraction = stage("contraction", lambda: contraction_formula(formulas()))
    alignment = stage("alignment", lambda: alignment_formula(stackelberg_formula(formulas())))
    gradient = stage("gradient", lambda: stackelberg_formula(formulas()))
    constants = stage("constants", lambda: expressions_of(numeric, budget=budget))
    steps = {**dict.fromkeys(AC_SMFG.learners, "1/2"), **exponents}
    rates = stage("rates", lambda: (derive_rates(steps), best_exponents(), best_exponents(recursion=BILEVEL)))
    at_steps, best, two_scales = rates or (None, None, None)
    return Derivation(
        parts=parts,
        game=game,
        contraction=contraction,
        alignment=alignment,
        gradient=gradient,
        constants=constants,
        rates=at_steps,
        best=best,
        two_scales=two_scales,
    )
