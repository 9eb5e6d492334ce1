"""The same random search for every method, on seeds that the comparison does not use."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from smfg_verify.comparison.contenders import Contender
from smfg_verify.exact.gradient.at_leaders import evaluate_where_finite
from smfg_verify.game import AbstractGame, traced
from smfg_verify.records.codec import kept
from smfg_verify.records.entries import Arguments
from smfg_verify.stochastic.engine.start_and_resume import run_method
from smfg_verify.stochastic.method import Method
from smfg_verify.stochastic.trace import Trace


@kept
@dataclasses.dataclass(frozen=True)
class Trial:
    """Options tried.

    Attributes:
        options: of the method.
        score: median over the tuning seeds of the final objective, a diverged seed counted as minus infinity.
        diverged: seeds without a number at the end.
    """

    options: Arguments
    score: float
    diverged: int


def tune(
    game: AbstractGame,
    contender: Contender,
    *,
    num_trials: int,
    seeds: range,
    iterations_of: Callable[[Method], int],
    random_seed: int,
) -> tuple[Method, tuple[Trial, ...]]:
    """The best of the defaults and some random options.

    Args:
        game: the game.
        contender: whose options.
        num_trials: options tried, the defaults among them; the same for every contender.
        seeds: held out from the comparison.
        iterations_of: how many iterations a method may make with its samples.
        random_seed: of the options.

    Returns:
        The method with the highest score (the first of equals), and all trials.
    """
    random = np.random.default_rng(random_seed)
    methods = [contender.default(), *(contender.drawn(random) for _ in range(num_trials - 1))]
    trials = [_tried(game, method, seeds, iterations_of(method)) for method in methods]
    best = int(np.argmax([trial.score for trial in trials]))
    return methods[best], tuple(trials)


def _tried(game: AbstractGame, method: Method, seeds: range, num_iterations: int) -> Trial:
    trace = quietly(game, method, num_iterations=num_iterations, seeds=seeds, checkpoints=2)
    ends = evaluate_where_finite(traced(game), trace.leader_logits[:, -1]).objective
    diverged = int(np.sum(~np.isfinite(ends)))
    return Trial(method.options(), float(np.median(np.where(np.isfinite(ends), ends, -np.inf))), diverged)


def quietly(game: AbstractGame, method: Method, **options: Any) -> Trace:
    """A run without the warning that its step sizes break the theory's order, which tuning does on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return run_method(game, method, **options)
