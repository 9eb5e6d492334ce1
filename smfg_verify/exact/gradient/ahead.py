"""The program of a gradient, asked for before the equilibrium is known that it will be taken at."""

import jax
import numpy as np
from jaxtyping import Array

from smfg_verify.exact.equilibrium.outcome import Equilibrium
from smfg_verify.exact.gradient.stackelberg import compiled_gradient
from smfg_verify.exact.sparse.choice import takes_sparse
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.records.entries import Arguments


def gradient_program(game: AbstractGame) -> object:
    """What `making_ahead` calls for the program of a game's gradient at a single leader; nothing comes of it.

    Args:
        game: the game, traced.
    """
    policy = jax.device_put(np.zeros(leader_logits_shape(game)))
    # Large games need no such program, and what a game says of its source is not known yet.
    if takes_sparse(game, "auto", policy) or hasattr(game, "source_gap"):
        return None
    return compiled_gradient(game, policy, _unknown(game))


def _unknown(game: AbstractGame) -> Equilibrium:
    """A record of the shapes and types that a solver returns."""

    def zeros(*shape: int) -> Array:
        result: Array = jax.device_put(np.zeros(shape))
        return result

    scalars = ("residual", "error_bound", "value_error_bound", "spectral_radius")
    # Of a Python number: of JAX's weak type, as counts are.
    counts = ("steps", "method", "status")
    fields: Arguments = {
        "mean_field": zeros(*mean_field_shape(game)),
        "follower_policy": zeros(game.num_states, game.num_follower_actions),
        "follower_value": zeros(game.num_states),
        **{name: zeros() for name in scalars},
        **{name: jax.device_put(0) for name in counts},
        **{name: jax.device_put(np.zeros((), bool)) for name in ("converged", "cycled")},
        "steep_entry": jax.device_put(np.zeros((), int)),
    }
    return Equilibrium(**fields)
