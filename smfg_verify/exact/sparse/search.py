"""Searches for an equilibrium of a large game: Newton's method, and where that stalls a walk down from high tau."""

from collections import deque

import numpy as np

from smfg_verify.exact.equilibrium.outcome import EquilibriumMethod, Status
from smfg_verify.exact.sparse.cooling import stations
from smfg_verify.exact.sparse.local_moves import Local
from smfg_verify.exact.sparse.newton import Search, near, newton, with_value
from smfg_verify.exact.sparse.places import Field
from smfg_verify.game import AbstractGame, mean_field_shape


def search(game: AbstractGame, local: Local, start: Field | None, max_steps: int) -> Search:
    """Newton's method from a mean field and the value that belongs to it; then by cooling from high temperatures.

    Args:
        game: the game, prepared.
        local: leader's policy, temperature and moves.
        start: mean field to start from, flattened; uniform if None.
        max_steps: bound on the steps of each attempt.

    Returns:
        The search that ended nearer to a solution.
    """
    size = int(np.prod(mean_field_shape(game)))
    first = np.full(size, 1.0 / size) if start is None else start
    direct = newton(game, local, with_value(game, local, first), max_steps)
    # A best response to the first mean field may fall apart into wells where the equilibrium does not.
    if not isinstance(direct.place, Status) and near(direct.place):
        return direct
    tau = float(local.temperature)
    last = next(iter(deque(stations(game, local, tau), maxlen=1)), None)
    if last is None or last.temperature > tau:
        return direct._replace(steps=direct.steps + (0 if last is None else last.steps))
    found = newton(game, local, last.point, max_steps)
    return found._replace(steps=direct.steps + last.steps + found.steps, method=EquilibriumMethod.COOLING)
