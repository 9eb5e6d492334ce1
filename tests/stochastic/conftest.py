"""A short run, which is saved and looked at."""

import pytest

from smfg_verify import games
from smfg_verify.stochastic import ac_smfg


@pytest.fixture(scope="session")
def trace():
    return ac_smfg(games.load("equilibrium-pricing"), num_iterations=50, seeds=[7, 3, 12], checkpoints=8)
