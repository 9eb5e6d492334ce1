"""What is derived of a game, part by part, each given as soon as it is there: the quick ones first."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias, get_args

from smfg_verify import games
from smfg_verify.errors import InputError
from smfg_verify.jobs.one_game import load_game
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.symbolic import (
    GradientFormula,
    SymbolicGame,
    alignment_formula,
    contraction_formula,
    load,
    stackelberg_formula,
)
from smfg_verify.symbolic.constants import GameExpressions, expressions_of
from smfg_verify.symbolic.derivation import Part, PartName, Refusal
from smfg_verify.symbolic.rates import AC_SMFG, BILEVEL, BestExponents, RateDerivation, best_exponents, derive_rates
from smfg_verify.symbolic.rates.derive import step_exponents
from smfg_verify.watching import doing, turn_to

Derived: TypeAlias = Part | GameExpressions | RateDerivation | BestExponents
PARTS: tuple[PartName, ...] = get_args(PartName)
_TITLES: Mapping[PartName, str] = {
    "formulas": "the gradient in closed form",
    "contraction": "when the best response contracts",
    "alignment": "sign and zeros of the alignment",
    "rates": "rates from the drift recursion, and the best exponents",
    "constants": "certified constants of the game (branch and bound)",
}


def derive_parts(settings: GameSettings, about: Iterable[PartName], exponents: Mapping[str, str]) -> Iterator[Derived]:
    """Derive parts of a game one by one, and say on standard error what is being done.

    Args:
        settings: the game. Formulas, contraction and alignment are of one that ships with formulas, or of a file
            with one that was made from formulas; constants are of any game; rates are the same for every game that
            keeps their hypotheses.
        about: the parts; all, as far as the game has them, if there are none.
        exponents: learner -> exponent of its steps, for the rates; symbols for the others.

    Yields:
        What was derived, the parts in the order of how quick they usually are.

    Raises:
        ValueError: an unknown learner, something that is no exponent, anything `load` refuses; of parts that are
            named, what they refuse too.
    """
    chosen, progress, work = set(about), Progress(), _Work(settings, exponents)
    step_exponents(AC_SMFG, exponents)
    with doing(f"reading the game {settings.name}"):
        games.load(settings.name, **settings.parameters)  # only that it is there: validated is what is computed with
    turn_to("typesetting the formulas")
    wanted = [name for name in PARTS if not chosen or name in chosen]
    for place, name in enumerate(wanted, start=1):
        with progress.stage(name, f"{place} of {len(wanted)}: {_TITLES[name]}"):
            try:
                found = list(work.of(name))
            except InputError as refused:
                if chosen:
                    raise
                found = [Refusal(name, str(refused))]
        yield from found


class _Work:
    """The parts of one game; what several rest on is derived once."""

    def __init__(self, settings: GameSettings, exponents: Mapping[str, str]):
        self.settings, self.exponents = settings, exponents

    @functools.cached_property
    def game(self) -> SymbolicGame:
        return load(self.settings.name, **self.settings.parameters)

    @functools.cached_property
    def gradient(self) -> GradientFormula:
        return stackelberg_formula(self.game)

    def of(self, part: PartName) -> Iterator[Derived]:
        match part:
            case "formulas":
                yield self.game
                yield self.gradient
            case "contraction":
                yield contraction_formula(self.game)
            case "alignment":
                yield alignment_formula(self.gradient)
            case "rates":
                yield derive_rates(self.exponents)
                yield best_exponents()
                yield best_exponents(BILEVEL)
            case "constants":
                yield expressions_of(load_game(self.settings))
