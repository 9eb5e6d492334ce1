"""The floor of the follower's policy against its definition, and a run that keeps it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.stochastic import Schedule, ac_smfg, raised_to_floor
from tests.helpers.one_iteration import raised
from tests.stochastic.games_for_runs import array_game

FLOOR = 0.06


def projected(rows):
    return np.asarray(jax.nn.softmax(raised_to_floor(jnp.asarray(np.log(rows)).T, jnp.asarray(FLOOR)).T))


def rows_drawn():
    rng = np.random.default_rng(0)
    spread = [rng.dirichlet(np.full(5, weight), 40) for weight in (0.1, 0.5, 5.0)]
    return np.maximum(np.concatenate([*spread, [[1.0, 0.0, 0.0, 0.0, 0.0], [0.2] * 5]]), 1e-200)


def test_projection_is_the_one_defined_by_bisection():
    rows = rows_drawn()
    np.testing.assert_allclose(projected(rows), [raised(row, FLOOR) for row in rows], atol=1e-12)


def test_rows_above_the_floor_keep_every_bit():
    logits = jnp.asarray(np.log([0.1, 0.2, 0.7]) + 3.0)
    assert np.array_equal(raised_to_floor(logits, jnp.asarray(FLOOR)), logits)


def test_divergence_to_every_row_above_the_floor_falls():
    rng, rows = np.random.default_rng(1), rows_drawn()
    others = np.array([raised(row, FLOOR) for row in rng.dirichlet(np.full(5, 0.5), 50)])
    for row, moved in zip(rows, projected(rows), strict=True):
        for other in others:
            before, after, between = (
                np.sum(p * np.log(p / q)) for p, q in ((row, other), (moved, other), (row, moved))
            )
            assert before >= after + between - 1e-12


@pytest.mark.parametrize("sampling", ["markov", pytest.param("iid", marks=pytest.mark.slow)])
def test_run_keeps_the_floor_and_without_one_does_not(sampling):
    _, game = array_game(0, (4, 3, 2), gamma=0.9, tau=0.05)
    options = {
        "num_iterations": 3000,
        "seeds": range(4),
        "schedule": Schedule(follower=3.0, critic=4.0),
        "sampling": sampling,
    }
    start = {"follower_logits": np.tile([9.0, 0.0, 0.0], (4, 1))}
    runs = [ac_smfg(game, **options, initial=start, follower_floor=floor) for floor in (FLOOR, None)]
    least = [np.min(jax.nn.softmax(run.follower_logits)) for run in runs]
    assert least[0] >= FLOOR * (1.0 - 1e-12) > least[1]


@pytest.mark.parametrize("floor", [0.0, -0.1, 0.5, 1.0, float("nan"), 1, "0.1", True])
def test_floor_that_is_none_is_refused(floor):
    _, game = array_game(0, (4, 3, 2))
    with pytest.raises(ValueError, match="follower_floor"):
        ac_smfg(game, num_iterations=1, seeds=[0], follower_floor=floor)
