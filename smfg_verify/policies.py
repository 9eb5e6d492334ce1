"""Softmax policies, their entropy, and the tying of the leader's rows by observation."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# Smallest normal float64: keeps log finite where a policy's entry underflows to zero.
_TINY = 2.2250738585072014e-308


def softmax_policy(logits: Float[Array, "*rows actions"]) -> Float[Array, "*rows actions"]:
    r"""Policy of a table of logits, $\pi(a | s) = e^{\theta(s, a)} / \sum_{a'} e^{\theta(s, a')}$.

    Args:
        logits: (..., number of actions), dimensionless.

    Returns:
        Probabilities, the same shape.
    """
    return jax.nn.softmax(logits, axis=-1)


def observed_rows(
    table: Float[Array, "O B"], leader_observation: Int[Array, " n"] | Int[np.ndarray, " n"]
) -> Float[Array, "n B"]:
    """A table with one row an observation, spread to one row a state.

    Args:
        table: (O, B), for instance the leader's policy.
        leader_observation: (n,), the row each state uses.

    Returns:
        (n, B).
    """
    return table[jnp.asarray(leader_observation)]


def entropy(policy: Float[Array, "*rows actions"]) -> Float[Array, "*rows"]:
    r"""Shannon entropy of each row in nats, $H = -\sum_a \pi(a) \log \pi(a)$, with $0 \log 0 = 0$.

    The derivative is finite everywhere: an entry that underflows to zero takes the slope of the smallest float.
    """
    return -jnp.sum(policy * jnp.log(jnp.maximum(policy, _TINY)), axis=-1)
