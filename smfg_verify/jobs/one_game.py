"""What every job begins with: the game, and its equilibrium and gradient under the uniform leader."""

import functools

import numpy as np

from smfg_verify.exact import StackelbergGradient, stackelberg_gradient
from smfg_verify.exact.gradient.ahead import gradient_program
from smfg_verify.game import AbstractGame, leader_logits_shape, traced, validate
from smfg_verify.game.programs.kept_programs import is_keeping
from smfg_verify.game.programs.making_ahead import making_ahead
from smfg_verify.games import load
from smfg_verify.jobs.progress import Progress
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.watching import doing, turn_to


def load_game(settings: GameSettings) -> AbstractGame:
    """The game, validated.

    Raises:
        ValueError: as `smfg_verify.games.load` and `smfg_verify.game.validate`.
    """
    with doing(f"reading the game {settings.name}"):
        game = load(settings.name, **settings.parameters)
        validate(game)
    turn_to("writing the results")
    return game


def at_uniform_leader(game: AbstractGame, progress: Progress) -> StackelbergGradient:
    """Equilibrium, objective and gradient under the uniform leader; NaN and its status where not converged."""
    with progress.stage("equilibrium", "Solving the equilibrium under a uniform leader"):
        ahead = [functools.partial(gradient_program, traced(game))] if is_keeping() else []
        with making_ahead(ahead):
            return stackelberg_gradient(game, np.zeros(leader_logits_shape(game)), throw=False)
