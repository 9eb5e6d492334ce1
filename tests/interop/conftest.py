"""The game of an honest environment, and its equilibrium."""

import numpy as np
import pytest

from smfg_verify.exact import solve_equilibrium
from smfg_verify.interop import from_mfglib
from tests.interop.foreign_sites import LEADER, OPTIONS, START, Sites


@pytest.fixture(scope="session")
def sites():
    return from_mfglib(Sites(), LEADER, mean_field_support="states", **OPTIONS)


@pytest.fixture(scope="session")
def equilibrium(sites):
    return np.asarray(solve_equilibrium(sites, START).mean_field)
