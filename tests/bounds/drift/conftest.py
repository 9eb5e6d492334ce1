"""A run and its drift, which several modules look at."""

import pytest

from smfg_verify.bounds.drift.validate_drift import validate_drift
from smfg_verify.games import load
from smfg_verify.stochastic import Schedule, ac_smfg
from tests.bounds.drift.planted import STEPS


@pytest.fixture(scope="session")
def game():
    return load("laffer-tax")


@pytest.fixture(scope="session")
def trace(game):
    return ac_smfg(game, num_iterations=2000, seeds=range(3), schedule=Schedule(**STEPS), checkpoints=14)


@pytest.fixture(scope="session")
def report(game, trace):
    return validate_drift(game, trace, folds=3)
