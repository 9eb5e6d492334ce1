"""What stands in for the tables: Gaussian policies and critics, functions of a position."""

import abc
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from smfg_verify.records.portable import Portable, reduce_portable

T = TypeVar("T")


class ActionLaw(NamedTuple):
    """A normal law of the follower's action: its mean, length, and the logarithm of its standard deviation."""

    mean: Float[Array, ""]
    log_std: Float[Array, ""]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)

    def at(self, normal: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """The action that a standard normal draw gives."""
        return self.mean + jnp.exp(self.log_std) * normal

    def log_density(self, action: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """Logarithm of the density at an action."""
        scaled = (action - self.mean) * jnp.exp(-self.log_std)
        return -0.5 * scaled**2 - self.log_std - 0.5 * jnp.log(2.0 * jnp.pi)


Policy = Callable[[Float[Array, ""]], ActionLaw]
Critic = Callable[[Float[Array, ""]], Float[Array, ""]]


class AbstractNetworks(Portable, eqx.Module):
    """Which functions the players learn. Each is a module that takes one position; its float leaves are learned.

    Critics are in units of a reward, not of a value: the algorithm multiplies them by the horizon 1 / (1 - gamma), so
    that what is learned is of the same size at every discount.
    """

    @abc.abstractmethod
    def policy(self, key: Key[Array, ""]) -> Policy:
        """A first policy of the follower, position -> `ActionLaw`."""

    @abc.abstractmethod
    def critic(self, key: Key[Array, ""]) -> Critic:
        """A first critic, position -> value over the horizon."""


class MLPNetworks(AbstractNetworks):
    """Multilayer perceptrons with tanh between layers, the last layer zero at the start.

    So every seed starts at the functions that `QuadraticNetworks` starts at, and differs in the hidden layers. With a
    random last layer the first policies push to one side, and where nothing else holds the population it leaves.

    Args:
        width: of the hidden layers.
        depth: number of hidden layers.
    """

    width: int = 32
    depth: int = 2

    def policy(self, key: Key[Array, ""]) -> "MLPPolicy":
        return MLPPolicy(self._network(2, key))

    def critic(self, key: Key[Array, ""]) -> eqx.nn.MLP:
        return self._network("scalar", key)

    def _network(self, out_size: int | Literal["scalar"], key: Key[Array, ""]) -> eqx.nn.MLP:
        network = eqx.nn.MLP("scalar", out_size, self.width, self.depth, jnp.tanh, key=key)
        last = jax.tree.map(jnp.zeros_like, network.layers[-1])
        result: eqx.nn.MLP = eqx.tree_at(lambda mlp: mlp.layers[-1], network, last)
        return result


class QuadraticNetworks(AbstractNetworks):
    """The families that hold the closed form: linear policies of constant spread, quadratic critics. They start at 0.

    What is left of their error is the algorithm's alone, none of it the approximation's.
    """

    def policy(self, key: Key[Array, ""]) -> "LinearPolicy":
        return LinearPolicy(jnp.zeros(2), jnp.zeros(()))

    def critic(self, key: Key[Array, ""]) -> "QuadraticCritic":
        return QuadraticCritic(jnp.zeros(3))


class MLPPolicy(Portable, eqx.Module):
    """Mean and log standard deviation from one network."""

    network: eqx.nn.MLP

    def __call__(self, position: Float[Array, ""]) -> ActionLaw:
        return ActionLaw(*self.network(position))


class LinearPolicy(Portable, eqx.Module):
    """Mean affine in the position, with coefficients (constant, slope); the log standard deviation is constant."""

    coefficients: Float[Array, "2"]
    log_std: Float[Array, ""]

    def __call__(self, position: Float[Array, ""]) -> ActionLaw:
        return ActionLaw(jnp.polyval(self.coefficients[::-1], position), self.log_std)


class QuadraticCritic(Portable, eqx.Module):
    """A quadratic polynomial of the position, with coefficients (constant, slope, curvature)."""

    coefficients: Float[Array, "3"]

    def __call__(self, position: Float[Array, ""]) -> Float[Array, ""]:
        return jnp.polyval(self.coefficients[::-1], position)


def over_positions(function: Callable[[Array], T], positions: Float[Array, " k"]) -> T:
    """A policy's or critic's output at several positions, (k,) each."""
    return jax.vmap(function)(positions)
