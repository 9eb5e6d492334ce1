"""Check properties of a game."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import ArrayLike, Float

from smfg_verify.assumptions._registry import SearchSettings, find_property, property_names
from smfg_verify.assumptions.leaders import checked
from smfg_verify.assumptions.report import AssumptionReport
from smfg_verify.game import AbstractGame, game_hash


def check(
    game: AbstractGame,
    properties: str | Iterable[str] | None = None,
    *,
    num_leaders: int = 1024,
    num_starts: int = 16,
    num_steps: int = 150,
    seed: int = 0,
    leader_scale: float = 1.5,
    trajectory: Float[ArrayLike, "... O B"] | None = None,
) -> AssumptionReport:
    """Check properties of a game and report a verdict, a constant and a witness for each of their statements.

    Args:
        game: the game.
        properties: names, or one name; all known properties if None.
        num_leaders: random leader policies.
        num_starts: starts of each worst-case search and of each flow to a rest point.
        num_steps: steps of each worst-case search.
        seed: of all random draws; the same seed gives the same report.
        leader_scale: standard deviation of the random leaders' logits, dimensionless.
        trajectory: leader logits met along a run, (..., O, B), looked at besides the random ones.

    Returns:
        The report.

    Raises:
        ValueError: an invalid game, float64 off, an unknown property (the closest is named), or a bad setting.
    """
    settings = SearchSettings(num_leaders, num_starts, num_steps, seed, leader_scale, trajectory)
    names = property_names() if properties is None else [properties] if isinstance(properties, str) else properties
    chosen = [find_property(name) for name in dict.fromkeys(names)]
    if not chosen:
        raise ValueError(f"properties: got none, expected some of: {', '.join(property_names())}.")
    game = checked(game)
    findings = tuple(finding for entry in chosen for finding in entry.check(game, settings))
    return AssumptionReport(
        game_name=type(game).__name__, game_hash=game_hash(game), settings=_plain(settings), findings=findings
    )


def _plain(settings: SearchSettings) -> dict[str, Any]:
    plain = {name: value for name, value in vars(settings).items() if name != "trajectory"}
    leaders = 0 if settings.trajectory is None else np.asarray(settings.trajectory).shape[:-2]
    return {**plain, "trajectory_leaders": int(np.prod(leaders))}
