"""Many equilibria at once: right, and without waiting for ever."""

import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.exact.batching import one_at_a_time

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
