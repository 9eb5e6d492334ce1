"""Batches of one size give what one call over all points gives, and many equilibria at once end."""

import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact.batching import MAX_ENTRIES, batch_size, in_batches, one_at_a_time, points_at_once
from smfg_verify.exact.compiling import tangent_entries
from smfg_verify.games import load

MANY = """
    import jax, numpy as np
    jax.config.update("jax_enable_x64", True)
    from smfg_verify.exact import stackelberg_gradient
    from smfg_verify.game import TabularGame
    from tests.helpers.random_arrays import random_array_game

    arrays = random_array_game(np.random.default_rng(0), 10, 2, 2)
    game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
    logits = np.random.default_rng(1).normal(size=(256, 10, 2))
    batch = jax.vmap(lambda x: stackelberg_gradient(game, x, throw=False).total)(logits)
    error = max(np.max(np.abs(batch[k] - stackelberg_gradient(game, logits[k]).total)) for k in (0, 100, 255))
    print(error <= 1e-11)
"""


@pytest.mark.slow
def test_a_large_batch_of_gradients_ends_and_agrees_with_single_ones():
    """Batched LAPACK calls of this size wait for each other for ever in jaxlib 0.10.2 on 2 cores."""
    root = Path(__file__).parent.parent.parent
    code = textwrap.dedent(MANY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, cwd=root)
    assert done.stdout.strip() == "True", done.stderr


def test_one_at_a_time_changes_nothing_but_the_order_of_work():
    matrices = np.random.default_rng(0).normal(size=(7, 3, 3))
    function = lambda matrix, scale: jnp.linalg.inv(matrix) * scale  # noqa: E731
    batched = jax.vmap(one_at_a_time(function), in_axes=(0, None))(jnp.asarray(matrices), 2.0)
    np.testing.assert_allclose(batched, 2.0 * np.linalg.inv(matrices), rtol=1e-10)


@pytest.mark.parametrize("number", [1, 3, 4, 5, 8])
def test_results_and_order_do_not_depend_on_the_batch(number):
    seen = []

    def function(points, labels):
        seen.append(points.shape)
        return {"sum": jnp.sum(points, axis=1), "label": labels[0]}

    points, labels = np.arange(2.0 * number).reshape(number, 2), np.arange(number)
    found = in_batches(function, 4, points, (labels, None))
    np.testing.assert_array_equal(found["sum"], points.sum(axis=1))
    np.testing.assert_array_equal(found["label"], labels)
    assert set(seen) == {(4, 2)}
    found["sum"][:] = 0.0  # results are arrays of their own
    np.testing.assert_array_equal(points, np.arange(2.0 * number).reshape(number, 2))


@pytest.mark.parametrize("entries", [1, 1000, 2**23, 2**24, 2**24 + 1, 2**30])
def test_a_batch_is_the_largest_that_keeps_within_the_budget(entries):
    size = points_at_once(entries, 32)
    assert size == 1 or size * entries <= MAX_ENTRIES
    assert size == 32 or (size + 1) * entries > MAX_ENTRIES


def test_a_batch_of_leaders_counts_the_tangents_of_the_transition():
    game = load("random-game", num_states=40)
    entries = 40**3 * game.num_follower_actions * game.num_leader_actions
    assert tangent_entries(game) == entries
    assert batch_size(game, 10**9) == MAX_ENTRIES // entries
    assert batch_size(game) == min(32, MAX_ENTRIES // entries)
