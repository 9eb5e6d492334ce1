"""A head-to-head: every method tuned alike, then run on the same number of samples and measured exactly."""

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.comparison.contenders import REFERENCE, Contender, find_contender
from smfg_verify.comparison.measures import Measures, measures_of
from smfg_verify.comparison.paired import PairedDifference, paired_difference
from smfg_verify.comparison.tuning import Trial, quietly, tune
from smfg_verify.errors import InputError
from smfg_verify.exact.precision import require_float64
from smfg_verify.game import AbstractGame, validate
from smfg_verify.records.codec import kept
from smfg_verify.records.entries import Entries
from smfg_verify.records.parts import Keep, made_anew
from smfg_verify.stochastic.method import Method

_FIRST_TUNING_SEED = 10_000


@kept
@dataclasses.dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """How methods are compared.

    Attributes:
        samples: transitions that each sampled method may draw in a run.
        seeds: of the comparison; 0, 1, ..., seeds - 1.
        trials: options tried for each method, the defaults among them.
        tuning_seeds: seeds of each trial, from 10000 on.
        tuning_samples: transitions of each trial's run.
        exact_iterations: iterations of a method that samples nothing.
        checkpoints: at which runs are measured.
        random_seed: of the random options.

    Raises:
        ValueError: a number out of range.

    Examples:
        >>> from smfg_verify.comparison import CompareSettings
        >>> CompareSettings(samples=1000, seeds=5).trials
        8
    """

    samples: int = 100_000
    seeds: int = 16
    trials: int = 8
    tuning_seeds: int = 8
    tuning_samples: int = 50_000
    exact_iterations: int = 300
    checkpoints: int = 24
    random_seed: int = 0

    def __post_init__(self) -> None:
        least = {"samples": 100, "tuning_samples": 100, "checkpoints": 3, "random_seed": 0}
        for name, value in dataclasses.asdict(self).items():
            low = least.get(name, 1)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise InputError(f"{name}: got {value!r}, expected an integer >= {low}.")

    def iterations(self, game: AbstractGame, method: Method, samples: int) -> int:
        """How many iterations a number of samples allows.

        Args:
            game: the game.
            method: with its options.
            samples: transitions of the game, drawn by one seed.

        Returns:
            Iterations; those of a method that reads the model are a setting of their own.

        Raises:
            ValueError: not one.
        """
        cost = method.transitions_per_iteration(game)
        if cost == 0:
            return self.exact_iterations
        if samples < cost:
            raise InputError(
                f"samples: got {samples:,}, but one iteration of {method.name} with {method.options()} draws {cost:,} "
                "on this game; give more samples, or leave the method out."
            )
        return samples // cost


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class ContenderResult:
    """A tuned method's run.

    Attributes:
        name: of the method.
        options: chosen by the tuner.
        trials: all that were tried.
        transitions_per_iteration: samples of one iteration; 0 for a method that reads the model.
        iterations: at the checkpoints, (C,).
        seconds: wall time of the whole run, all seeds, compilation apart.
        diverged: seeds whose iterates stopped being finite, (S,).
        measures: exact, (S, C).
    """

    name: str
    options: Entries
    trials: tuple[Trial, ...]
    transitions_per_iteration: int
    iterations: Int[np.ndarray, " C"]
    seconds: float
    diverged: Bool[np.ndarray, " S"]
    measures: Measures

    @property
    def samples(self) -> Int[np.ndarray, " C"]:
        """Transitions drawn at the checkpoints."""
        return self.iterations * self.transitions_per_iteration

    @property
    def clock(self) -> Float[np.ndarray, " C"]:
        """Seconds at the checkpoints, the run's time spread evenly over its iterations."""
        result: Float[np.ndarray, " C"] = self.iterations / self.iterations[-1] * self.seconds
        return result


@kept
@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """All methods on one game.

    Attributes:
        settings: of the comparison.
        results: by name, in the order asked for.
        differences: final objective against AC-SMFG's, by name; without AC-SMFG empty.

    Examples:
        >>> from smfg_verify.comparison import CompareSettings, Comparison
        >>> Comparison(settings=CompareSettings(), results={}, differences={}).settings.seeds
        16
    """

    settings: CompareSettings
    results: Mapping[str, ContenderResult]
    differences: Mapping[str, PairedDifference]


def compare(
    game: AbstractGame,
    methods: Sequence[str],
    settings: CompareSettings | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    keep: Keep = made_anew,
) -> Comparison:
    """Tune each method with the same random search on held-out seeds, then run and measure it.

    Args:
        game: the game.
        methods: names out of `contender_names`.
        settings: how; defaults if None.
        progress: called with a line before each method.
        keep: called with the name of each method and what makes its result, to keep it or take back a kept one.

    Returns:
        The comparison. Intervals of the differences have the level 1 - 0.05 / m for m methods tested (Bonferroni).

    Raises:
        ValueError: an unknown method, one named twice, too few samples for one iteration, an invalid game, float64 off.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.comparison import CompareSettings, compare
        >>> settings = CompareSettings(samples=100, seeds=2, trials=1, tuning_samples=100, exact_iterations=3)
        >>> list(compare(games.load("laffer-tax"), ["exact-ascent"], settings).results)
        ['exact-ascent']
    """
    settings = CompareSettings() if settings is None else settings
    contenders = checked_contenders(game, methods, settings)
    results = {
        contender.name: keep(contender.name, functools.partial(_announced, game, contender, settings, progress))
        for contender in contenders
    }
    return Comparison(settings=settings, results=results, differences=_differences(results))


def checked_contenders(game: AbstractGame, methods: Sequence[str], settings: CompareSettings) -> list[Contender]:
    """The contenders of their names, none of them in vain.

    Args:
        game: the game.
        methods: names out of `contender_names`.
        settings: how they will be compared.

    Returns:
        The contenders, in order.

    Raises:
        ValueError: as `compare`.
    """
    contenders = [find_contender(name) for name in methods]
    if not contenders or len(set(methods)) < len(methods):
        raise InputError(f"methods: got {list(methods)}, expected at least one name, each once.")
    validate(game)
    require_float64(game)
    for contender in contenders:
        settings.iterations(game, contender.largest(), min(settings.samples, settings.tuning_samples))
    return contenders


def _announced(
    game: AbstractGame, contender: Contender, settings: CompareSettings, progress: Callable[[str], None] | None
) -> ContenderResult:
    if progress is not None:
        progress(f"{contender.name}: {settings.trials} trials, then {settings.seeds} seeds")
    return contend(game, contender, settings)


def contend(game: AbstractGame, contender: Contender, settings: CompareSettings) -> ContenderResult:
    """Tune, run and measure one method."""
    method, trials = tune(
        game,
        contender,
        num_trials=settings.trials,
        seeds=range(_FIRST_TUNING_SEED, _FIRST_TUNING_SEED + settings.tuning_seeds),
        iterations_of=lambda method: settings.iterations(game, method, settings.tuning_samples),
        random_seed=settings.random_seed,
    )
    number = settings.iterations(game, method, settings.samples)
    seeds = range(settings.seeds)
    begun = time.perf_counter()  # tuning has run, hence compiled, the method
    trace = quietly(game, method, num_iterations=number, seeds=seeds, checkpoints=settings.checkpoints)
    seconds = time.perf_counter() - begun
    return ContenderResult(
        name=contender.name,
        options=method.options(),
        trials=trials,
        transitions_per_iteration=method.transitions_per_iteration(game),
        iterations=np.asarray(trace.iterations),
        seconds=seconds,
        diverged=np.asarray(trace.diverged),
        measures=measures_of(game, trace),
    )


def _differences(results: Mapping[str, ContenderResult]) -> dict[str, PairedDifference]:
    others = [name for name in results if name != REFERENCE]
    if REFERENCE not in results or not others:
        return {}
    level = 1.0 - 0.05 / len(others)
    ends = {name: result.measures.objective[:, -1] for name, result in results.items()}
    errors = {name: result.measures.objective_error[:, -1] for name, result in results.items()}
    return {
        name: paired_difference(ends[name], ends[REFERENCE], level=level, errors=errors[name] + errors[REFERENCE])
        for name in others
    }
