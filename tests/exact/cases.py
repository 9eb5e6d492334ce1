"""Random games shared by the tests of the exact solvers, built for the package and for the oracle."""

import numpy as np
import pytest

from smfg_verify.game import TabularGame
from tests.helpers.array_games import ArrayGame
from tests.helpers.random_arrays import random_array_game

SUPPORTS = pytest.mark.parametrize("support", ["states", "state_actions"])
# Where a program of many seconds is compiled for each of them.
SUPPORTS_ONE_QUICK = pytest.mark.parametrize(
    "support", ["states", pytest.param("state_actions", marks=pytest.mark.slow)]
)


def pair(seed: int, sizes=(4, 3, 2), **options) -> tuple[TabularGame, ArrayGame, np.ndarray]:
    """A random game as the package reads it, as the oracle reads it, and logits of a random leader."""
    rng = np.random.default_rng(seed)
    arrays = random_array_game(rng, *sizes, **options)
    logits = rng.normal(size=(int(arrays.observation.max()) + 1, sizes[2]))
    return TabularGame.from_arrays(**arrays.from_arrays_arguments()), arrays, logits
