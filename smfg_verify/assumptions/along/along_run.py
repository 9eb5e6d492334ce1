"""Properties at the iterates of a run, with what is proved around its leaders."""

import functools
from collections.abc import Callable, Iterable

import numpy as np

from smfg_verify.assumptions.along.certified_near import CertifiedNear, certified_near
from smfg_verify.assumptions.along.conditions import CONDITIONS, NOT_OF_ITERATES
from smfg_verify.assumptions.along.iterates import RecordedRun, iterates_of
from smfg_verify.assumptions.along.near_responses import near_responses
from smfg_verify.assumptions.along.readings import READERS
from smfg_verify.assumptions.along.record import AlongRun
from smfg_verify.assumptions.properties import find_property, property_names
from smfg_verify.errors import InputError
from smfg_verify.exact.gradient.at_leaders import checked, evaluate_leaders
from smfg_verify.exact.kernel import require_table
from smfg_verify.game import AbstractGame, game_hash, game_name
from smfg_verify.records.parts import Keep, made_anew


def check_along(
    game: AbstractGame,
    run: RecordedRun,
    properties: str | Iterable[str] | None = None,
    *,
    progress: Callable[[str], None] | None = None,
    keep: Keep = made_anew,
) -> AlongRun:
    r"""Hold every property against the iterates of a run: numbers at each, and what is proved around its leaders.

    Of a leader $\omega_k$ the equilibrium $\mu^*(\omega_k)$ is solved. Of gradient alignment the constant
    $c = \langle g, p \rangle / \|g\|^2$ is measured there, and proved for all leaders within a radius that is found by
    bisection, see `assumptions.along.certified_near`; so are contraction, one-sided rate and index, for all leaders and
    mean fields within one, see `assumptions.along.near_responses`.

    Args:
        game: the game.
        run: of it, such as a `Trace`, S seeds at C checkpoints.
        properties: names, or one name; all that an iterate has a number for if None.
        progress: called with the name of each property before its numbers are computed.
        keep: called with the name of each property and what makes its numbers, to keep them or take back kept ones.

    Returns:
        The numbers, (S, C) each; NaN where an iterate is not finite or its equilibrium is not found.

    Raises:
        ValueError: an invalid game, float64 off, an unknown property or one that no iterate has a number for, a run of
            another game, or a game without a dense table.

    Source: our own; along runs, reviewers of alignment conditions ask where they hold.

    Examples:
        >>> from smfg_verify import ac_smfg, check_along, games
        >>> game = games.load("laffer-tax")
        >>> trace = ac_smfg(game, num_iterations=20, seeds=range(2), checkpoints=[10])
        >>> found = check_along(game, trace, ["coverage", "gradient-alignment"])
        >>> found.row("occupancy").held, found.row("occupancy").known
        (4, 4)
    """
    game = checked(game)
    names = _names(properties)
    require_table(game)
    iterates = iterates_of(game, run)
    # Each distinct leader is solved once, and proofs are tried around it once.
    distinct, first, back = np.unique(iterates.leader_logits, axis=0, return_index=True, return_inverse=True)
    back = np.ravel(back)
    solved = evaluate_leaders(game, distinct)
    points = solved.at(back)
    values: dict[str, np.ndarray] = {}
    for name in names:
        if progress is not None:
            progress(name)
        if any(key not in values for key, condition in CONDITIONS.items() if condition.property == name):
            values |= keep(name, functools.partial(READERS[name], game, iterates, points))
    known = {name: values[name] for name in CONDITIONS if CONDITIONS[name].property in names}
    near = near_responses(game, iterates, points, known)
    if "alignment" in known:
        # A lost iterate stands as a leader that others may have.
        wanted = np.bincount(back, iterates.finite) > 0.0
        found = certified_near(game, solved, np.asarray(values["alignment"])[first], wanted)
        near["alignment"] = CertifiedNear(found.radius[back], found.constant[back], found.reason)
    return AlongRun(
        game_name=game_name(game),
        game_hash=game_hash(game),
        seeds=iterates.seeds,
        iterations=iterates.iterations,
        not_finite=int(np.sum(~iterates.finite)),
        not_converged=int(np.sum(iterates.finite & ~points.converged)),
        values={name: iterates.by_seed(value) for name, value in known.items()},
        radius={name: iterates.by_seed(part.radius) for name, part in near.items()},
        certified={name: iterates.by_seed(part.constant) for name, part in near.items()},
        uncertified={name: part.reason for name, part in near.items()},
    )


def _names(properties: str | Iterable[str] | None) -> tuple[str, ...]:
    if properties is None:
        return tuple(name for name in property_names() if name in READERS)
    names = (properties,) if isinstance(properties, str) else tuple(dict.fromkeys(properties))
    for name in names:
        find_property(name)
        if name not in READERS:
            about = "the game's functions or the step sizes" if name in NOT_OF_ITERATES else "more than iterates"
            raise InputError(
                f"properties: got {name!r}, which is about {about}; expected some of: {', '.join(READERS)}."
            )
    if not names:
        raise InputError(f"properties: got none, expected some of: {', '.join(READERS)}.")
    return names
