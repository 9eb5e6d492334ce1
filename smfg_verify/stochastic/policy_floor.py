"""The least probability that a follower's policy may be held to."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, as_parameter
from smfg_verify.game.base import Numerical


def raised_to_floor(
    logits: Float[Array, " A *batch"], floor: Float[Array, ""] | Float[Array, "*batch"]
) -> Float[Array, " A *batch"]:
    r"""The row nearest to a softmax in $KL(\pi \| \cdot)$ among those with no probability below a floor.

    $\pi'(a) = \max(p_0, \pi(a) / \lambda)$, $\lambda \ge 1$ such that it sums to one: rare actions are lifted to the
    floor and the others keep their proportions.

    Args:
        logits: of the row, (A, ...).
        floor: $p_0$, in (0, 1 / A).

    Returns:
        Logits of the projected row, (A, ...); those of actions above the floor are as they were.

    Source: the projection of a Bregman divergence to a set that is convex in logits; its use here is ours.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> from smfg_verify.stochastic import raised_to_floor
        >>> row = jax.nn.softmax(raised_to_floor(jnp.log(jnp.array([0.05, 0.19, 0.76])), jnp.array(0.1)))
        >>> [round(float(p), 3) for p in row]
        [0.1, 0.18, 0.72]
    """
    top = jax.lax.stop_gradient(jnp.max(logits, axis=0))
    weights = jnp.exp(logits - top)
    lifted = jnp.zeros(logits.shape, bool)
    # Each round lifts at least one more action, or it is done: the largest is never lifted.
    for _ in range(logits.shape[0] - 1):
        lifted = weights < _level(weights, lifted, floor)
    return jnp.where(lifted, top + jnp.log(_level(weights, lifted, floor)), logits)


def _level(weights: Array, lifted: Array, floor: Array) -> Array:
    """The weight that stands for the floor once some actions are lifted to it."""
    others = jnp.sum(jnp.where(lifted, 0.0, weights), axis=0)
    return floor * others / (1.0 - floor * jnp.sum(lifted, axis=0))


def floor_of(value: Numerical | None) -> Array | None:
    """A floor as a traced number; None where there is none."""
    return None if value is None else as_parameter(value)


def check_floor(game: AbstractGame, floor: float | None) -> None:
    """Refuse a floor that no policy, or only the uniform one, is above.

    Raises:
        ValueError: what was got.
    """
    if floor is None:
        return
    share = 1.0 / game.num_follower_actions
    if not (isinstance(floor, float) and 0.0 < floor < share):
        raise InputError(
            f"follower_floor: got {floor!r}, expected a number above 0 and below {share:.6g}, one over the follower's "
            "actions, or None for no floor."
        )


def first_at_floor(initial: Mapping[str, ArrayLike] | None, floor: float) -> Mapping[str, ArrayLike] | None:
    """Replacements of the first iterate, with the follower's policy, where it is among them, put to the floor."""
    name = "follower_logits"
    if initial is None or name not in initial or np.ndim(initial[name]) == 0:
        return initial
    logits = jnp.moveaxis(jnp.asarray(initial[name], dtype=float), -1, 0)
    return {**initial, name: np.asarray(jnp.moveaxis(raised_to_floor(logits, as_parameter(floor)), 0, -1))}
