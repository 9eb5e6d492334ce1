"""Softmax policies, their entropy, and the tying of the leader's rows by observation."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int

from smfg_verify.errors import InputError
from smfg_verify.game.programs.kept_programs import kept_program


def softmax_policy(logits: Float[Array | np.ndarray, "*rows actions"]) -> Float[Array, "*rows actions"]:
    r"""Policy of a table of logits, $\pi(a | s) = e^{\theta(s, a)} / \sum_{a'} e^{\theta(s, a')}$.

    Args:
        logits: (..., number of actions), dimensionless.

    Returns:
        Probabilities, the same shape.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.policies import softmax_policy
        >>> softmax_policy(jnp.array([[0.0, 0.0], [0.0, 800.0]])).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    kept = kept_program(jax.nn.softmax, {}, ((logits,), {}), lambda: None)
    policy: Array = _softmax(logits) if kept is None else kept()
    return policy


# One program a shape; called one by one, the operations in it are five.
_softmax = jax.jit(jax.nn.softmax)


def observed_rows(
    table: Float[ArrayLike, "O B"], leader_observation: Int[ArrayLike, " n"] | tuple[int, ...]
) -> Float[Array, "n B"]:
    """A table with one row an observation, spread to one row a state.

    Args:
        table: (O, B), for instance the leader's policy.
        leader_observation: (n,), the row each state uses.

    Returns:
        (n, B).

    Examples:
        >>> import jax.numpy as jnp
        >>> import numpy as np
        >>> from smfg_verify.policies import observed_rows
        >>> observed_rows(jnp.array([[0.2, 0.8], [0.5, 0.5]]), np.array([0, 1, 0])).tolist()
        [[0.2, 0.8], [0.5, 0.5], [0.2, 0.8]]
    """
    return jnp.asarray(table)[jnp.asarray(leader_observation)]


def entropy(policy: Float[Array, "*rows actions"]) -> Float[Array, "*rows"]:
    r"""Shannon entropy of each row in nats, $H = -\sum_a \pi(a) \log \pi(a)$, with $0 \log 0 = 0$.

    Its first three derivatives are finite everywhere: below 1e-103, the cube root of the smallest float, it is a line.

    Args:
        policy: probabilities, (..., number of actions).

    Returns:
        H of each row, (...), in nats.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify.policies import entropy
        >>> entropy(jnp.array([[0.5, 0.5], [1.0, 0.0]])).round(6).tolist()
        [0.693147, -0.0]
    """
    least = float(jnp.finfo(policy.dtype).tiny) ** (1.0 / 3.0)
    return -jnp.sum(policy * jnp.log(jnp.where(policy > least, policy, least)), axis=-1)


def checked_distribution(
    name: str, value: ArrayLike | Sequence[object], shape: tuple[int, ...], what: str, *, rows: bool = False
) -> Float[Array, "..."]:
    """A distribution, or a table of them, given by a user. Under tracing only its shape can be checked.

    Args:
        name: of the argument, for the message.
        value: probabilities.
        shape: expected.
        what: it is, for the message, such as "a mean field of this game".
        rows: whether each row, along the last axis, is a distribution of its own.

    Returns:
        The same numbers as an array of floats.

    Raises:
        ValueError: the wrong shape, a negative or missing number, or a sum more than 1e-6 away from 1.

    Examples:
        >>> from smfg_verify.policies import checked_distribution
        >>> checked_distribution("mean_field", [0.5, 0.5], (2,), "a mean field of this game").tolist()
        [0.5, 0.5]
        >>> try:
        ...     checked_distribution("mean_field", [0.5, 0.6], (2,), "a mean field of this game")
        ... except ValueError as error:
        ...     print("1.1" in str(error))
        True
    """
    array = jnp.asarray(value, dtype=float)
    if array.shape != shape:
        raise InputError(f"{name}: got shape {array.shape}, expected {shape}, {what}.")
    if not isinstance(array, jax.core.Tracer):
        numbers = np.asarray(array)
        sums = np.sum(numbers, axis=-1) if rows else np.sum(numbers)
        worst = float(np.ravel(sums)[np.argmax(np.abs(np.ravel(sums) - 1.0))])
        if not (np.all(numbers >= 0.0) and abs(worst - 1.0) <= 1e-6):
            raise InputError(
                f"{name}: got minimum {numbers.min():.3g} and sum {worst:.9g}, expected a probability distribution"
                + (" in every row." if rows else ".")
            )
    return array
