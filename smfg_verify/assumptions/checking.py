"""Check properties of a game."""

import functools
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions.finding import Finding
from smfg_verify.assumptions.leader_draws import trajectory_leaders
from smfg_verify.assumptions.properties import Property, find_property, property_names
from smfg_verify.assumptions.report import AssumptionReport
from smfg_verify.assumptions.settings import SearchSettings, budget_settings
from smfg_verify.assumptions.untraced import require_source_of_equilibrium, without_untraced_proofs
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.exact.kernel import has_table, require_table
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame, game_hash, game_name
from smfg_verify.progress import items, say_aside
from smfg_verify.records.entries import Arguments, Record
from smfg_verify.records.parts import Keep, made_anew


def check(
    game: AbstractGame,
    properties: str | Iterable[str] | None = None,
    *,
    budget: str = "normal",
    num_leaders: int | None = None,
    num_starts: int | None = None,
    num_steps: int | None = None,
    num_boxes: int | None = None,
    seed: int = 0,
    leader_scale: float = 1.5,
    trajectory: Float[ArrayLike, "... O B"] | None = None,
    step_sizes: Mapping[str, float] | None = None,
    time_limit: float | None = None,
    progress: Callable[[str], None] | bool | None = None,
    keep: Keep = made_anew,
) -> AssumptionReport:
    """Check properties of a game and report a verdict, a constant and a witness for each of their statements.

    Args:
        game: the game.
        properties: names, or one name; if None all known properties, or those that a large game can be held against.
        budget: "quick", "normal" or "thorough": sets the four numbers that follow where they are None.
        num_leaders: random leader policies.
        num_starts: starts of each worst-case search and of each flow to a rest point.
        num_steps: steps of each worst-case search.
        num_boxes: boxes of each branch and bound.
        seed: of all random draws; the same seed gives the same report, however busy the machine is.
        leader_scale: standard deviation of the random leaders' logits, dimensionless.
        trajectory: leader logits met along a run, (..., O, B), looked at besides the random ones.
        step_sizes: constants c of the step sizes c / sqrt(k + 1) by learner: leader, mean_field, follower, critic.
        time_limit: seconds after which each branch and bound is cut short, None for never. What is proved by then
            depends on the machine and its load; a finding that builds on a bound cut short says so.
        progress: called with the name of each property before it is checked; True says it on standard error, with how
            far the check is.
        keep: called with the name of each property and what makes its findings, to keep them or take back kept ones.

    Returns:
        The report.

    Raises:
        ValueError: an invalid game, float64 off, an unknown property or budget (the closest is named), a bad setting,
            a game that says something else than the code it was read from, or one so large that a property's tables
            do not fit.
        Contradiction: a proof and a witness exclude each other, a fault of the package; it holds the findings.

    Source: the properties are those that the analysis of Zeng et al. (arXiv 2509.15392) rests on, in the forms given
        with each; how they are proved and searched is ours.

    Examples:
        >>> from smfg_verify import check, games
        >>> report = check(games.load("laffer-tax"), ["lipschitz", "coverage"], budget="quick")
        >>> for finding in report.findings:
        ...     print(finding.property, finding.statement, finding.verdict.name)
        lipschitz transition CERTIFIED
        lipschitz follower-reward CERTIFIED
        lipschitz leader-reward CERTIFIED
        coverage initial CERTIFIED
        coverage occupancy CERTIFIED
        coverage stationary CERTIFIED
    """
    settings = search_settings(
        budget,
        num_leaders=num_leaders,
        num_starts=num_starts,
        num_steps=num_steps,
        num_boxes=num_boxes,
        seed=seed,
        leader_scale=leader_scale,
        trajectory=trajectory,
        step_sizes=step_sizes,
        time_limit=time_limit,
    )
    game = checked(game)
    names = properties_checked(game, properties)
    require_source_of_equilibrium(game)
    if trajectory is not None:
        trajectory_leaders(game, trajectory)  # refused here, not after minutes of other properties
    begins = items(say_aside, len(names)) if progress is True else progress or None
    findings: list[Finding] = []
    for name in names:
        findings += keep(name, functools.partial(_findings, find_property(name), game, settings, begins))
    return AssumptionReport(
        game_name=game_name(game),
        game_hash=game_hash(game),
        settings=settings_record(settings),
        findings=tuple(findings),
    )


def properties_checked(game: AbstractGame, properties: str | Iterable[str] | None = None) -> tuple[str, ...]:
    """The properties that `check` looks at: those asked for, or all that the size of a game allows.

    Args:
        game: the game.
        properties: names, or one name; None for all.

    Returns:
        The names, each once; of a game whose transition does not fit as a dense table, those that need none.

    Raises:
        ValueError: no name, an unknown one (the closest is named), or one that needs a table that does not fit.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.assumptions import properties_checked
        >>> properties_checked(games.load("congestion-pricing", side=100))
        ('ergodicity', 'gradient-alignment', 'coverage', 'step-sizes')
    """
    if properties is None:
        fitting = tuple(name for name in property_names() if _has_checker(game, find_property(name)))
        if not fitting:
            require_table(game)
        return fitting
    names = (properties,) if isinstance(properties, str) else tuple(dict.fromkeys(properties))
    if not names:
        raise InputError(f"properties: got none, expected some of: {', '.join(property_names())}.")
    for entry in [find_property(name) for name in names]:
        if not _has_checker(game, entry):
            require_table(game)
    return names


def _has_checker(game: AbstractGame, entry: Property) -> bool:
    return has_table(game) or (entry.without_table is not None and takes_sparse(game))


def _findings(
    entry: Property, game: AbstractGame, settings: SearchSettings, begins: Callable[[str], None] | None
) -> tuple[Finding, ...]:
    checker = entry.check if has_table(game) or entry.without_table is None else entry.without_table
    if begins is not None:
        begins(entry.name)
    return tuple(without_untraced_proofs(game, checker(game, settings)))


def search_settings(budget: str = "normal", **given: object) -> SearchSettings:
    """The numbers of a budget, those given in their place; None stands for not given.

    Args:
        budget: "quick", "normal" or "thorough".
        **given: fields of the settings, such as `num_leaders`, as in `check`.

    Returns:
        The settings.

    Raises:
        ValueError: an unknown budget, or a bad setting.

    Examples:
        >>> from smfg_verify.assumptions import search_settings
        >>> search_settings("quick", num_leaders=7).num_leaders
        7
    """
    arguments: Arguments = {name: value for name, value in given.items() if value is not None}
    return SearchSettings(**{**budget_settings(budget), **arguments})


def settings_record(settings: SearchSettings) -> Record:
    """The settings as a report keeps them: of the leaders along a run, only their number.

    Args:
        settings: of `search_settings`.

    Returns:
        Name -> number, as in `AssumptionReport.settings`.

    Examples:
        >>> from smfg_verify.assumptions import search_settings, settings_record
        >>> settings_record(search_settings("quick", seed=3))["seed"]
        3
    """
    plain = {name: value for name, value in vars(settings).items() if name != "trajectory"}
    leaders = 0 if settings.trajectory is None else np.asarray(settings.trajectory).shape[:-2]
    return {**plain, "trajectory_leaders": int(np.prod(leaders))}
