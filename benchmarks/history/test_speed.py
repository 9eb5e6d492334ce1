"""Warm times of the main entry points, kept by pytest-benchmark so that a change can be set beside the last run."""

import jax
import numpy as np
import pytest

from benchmarks import numpy_ac_smfg
from benchmarks.ac_smfg_speed import as_tabular_game
from benchmarks.peers.our_games import crowded_chain
from smfg_verify import ac_smfg, check, games, solve_equilibrium, solve_nash, stackelberg_gradient
from smfg_verify.game import leader_logits_shape

WARM = {"rounds": 7, "iterations": 1, "warmup_rounds": 1}


@pytest.fixture(autouse=True)
def _double_precision():
    jax.config.update("jax_enable_x64", True)


def timed(benchmark, function):
    benchmark.pedantic(lambda: jax.block_until_ready(function()), **WARM)


@pytest.mark.parametrize("size", [10, 50, 200])
@pytest.mark.parametrize("entry", [solve_equilibrium, stackelberg_gradient], ids=lambda entry: entry.__name__)
def test_random_game(benchmark, entry, size):
    game = games.load("random-game", num_states=size, seed=1)
    logits = np.zeros(leader_logits_shape(game))
    timed(benchmark, lambda: entry(game, logits))


@pytest.mark.parametrize("size", [7, 100])
def test_nash_on_the_crowded_chain(benchmark, size):
    game = crowded_chain(size)
    logits = np.zeros(leader_logits_shape(game))
    timed(benchmark, lambda: solve_nash(game, logits, exploitability=1e-5))


@pytest.mark.parametrize("seeds", [1, 64])
def test_seed_steps(benchmark, seeds):
    game = as_tabular_game(numpy_ac_smfg.random_game(np.random.default_rng(0), 10, 3, 3))
    timed(benchmark, lambda: ac_smfg(game, num_iterations=20_000, seeds=range(seeds), checkpoints=2))


def test_quick_check(benchmark):
    game = games.load("laffer-tax")
    timed(benchmark, lambda: check(game, budget="quick"))
