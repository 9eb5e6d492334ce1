"""A mean field that moves towards samples at a cost independent of its size: one number scales all its entries."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from smfg_verify.stochastic.engine.lanes import add_to_row, one_hot


class ScaledField(NamedTuple):
    r"""A mean field $\hat\mu = c w$, lanes last.

    A step $\hat\mu \mathrel{+}= \xi (e_s - \hat\mu)$ multiplies c by $1 - \xi$ and adds $\xi / c$ to one entry of w.

    Attributes:
        weights: w, (n, lanes) or (n, A, lanes).
        scale: c, (lanes,), in (0, 1].
    """

    weights: Float[Array, "n *A lanes"]
    scale: Float[Array, " lanes"]

    @classmethod
    def of(cls, values: Float[Array, "n *A lanes"]) -> "ScaledField":
        """The mean field of some values, its scale one."""
        return cls(values, jnp.ones(values.shape[-1], values.dtype))

    @property
    def values(self) -> Float[Array, "n *A lanes"]:
        """The mean field itself; compiled, an entry that is read costs one multiplication and others none."""
        return self.weights * self.scale

    def towards(
        self, step: Float[Array, ""] | Float[Array, " lanes"], state: Int[Array, " lanes"], action: Int[Array, " lanes"]
    ) -> "ScaledField":
        r"""The mean field after a step towards a sample.

        Args:
            step: $\xi$, in [0, 1].
            state: s of the sample.
            action: a of the sample, where the mean field is on state-action pairs; else without effect.

        Returns:
            $\hat\mu + \xi (e - \hat\mu)$ with e the point mass of the sample.
        """
        kept = 1.0 - step
        weights, scale = _rescaled(self.weights, self.scale * kept)
        # The complement of what is kept, exact as a difference, so that the rounding of 1 - step costs no mass.
        mass = (1.0 - kept) / scale
        if weights.ndim == 3:
            mass = mass * one_hot(action, weights[0])
        return ScaledField(add_to_row(weights, state, mass), scale)


def _rescaled(weights: Float[Array, "n *A lanes"], scale: Float[Array, " lanes"]) -> ScaledField:
    """The same mean field with the scales below a power of the smallest number put to one, which happens rarely.

    Weights grow as one over the scale: three quarters of the exponents leave both far from under- and overflow.
    """
    smallest = jnp.finfo(scale.dtype).tiny ** 0.75

    def rescale(field: ScaledField) -> ScaledField:
        low = field.scale < smallest
        factor = jnp.where(low, field.scale, 1.0)
        return ScaledField(field.weights * factor, jnp.where(low, 1.0, field.scale))

    # A loop of no or one turn: unlike a conditional it does not copy the weights when there is nothing to do.
    result: ScaledField = jax.lax.while_loop(
        lambda field: jnp.any(field.scale < smallest), rescale, ScaledField(weights, scale)
    )
    return result
