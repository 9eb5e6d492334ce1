r"""Closed form of the linear-quadratic mean field game on the real line, independent of any grid.

Against a frozen mean $\bar x$ of the population the soft-optimal value is quadratic, $V(x) = -(P x^2 + 2 p x + v)$, and
the soft-optimal policy is Gaussian with mean $-(K x + k)$ and variance $\tau / (2 R)$. With
$R = r + \gamma \beta^2 P$ and $\rho = \alpha r / R = \alpha - \beta K$ the factor of the closed loop,

$$ P = q + \gamma \alpha^2 P r / R, \quad p = \frac{c \bar x / 2 - q \bar t}{1 - \gamma \rho}, \quad
   K = \gamma \alpha \beta P / R, \quad k = \gamma \beta p / R, $$

where $\bar t$ is the leader's mean target. A population that follows it for ever has mean $-\beta k / (1 - \rho)$,
linear in $\bar x$, and variance $(\sigma^2 + \beta^2 \tau / (2 R)) / (1 - \rho^2)$. Entropies are differential here.
"""

import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import entr
from jaxtyping import Array, ArrayLike, Float

from smfg_verify.errors import InputError
from smfg_verify.games import LinearQuadratic
from smfg_verify.policies import softmax_policy
from smfg_verify.records.portable import Portable, reduce_portable


class QuadraticValue(NamedTuple):
    """A value $-(P x^2 + 2 p x + v)$, in units of reward."""

    curvature: Float[Array, ""]
    slope: Float[Array, ""]
    constant: Float[Array, ""]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)

    def __call__(self, position: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """The value at positions, (...)."""
        return -(self.curvature * position**2 + 2.0 * self.slope * position + self.constant)


class GaussianPolicy(NamedTuple):
    """A policy with mean $-(K x + k)$ and a variance, of the follower's action."""

    gain: Float[Array, ""]
    offset: Float[Array, ""]
    variance: Float[Array, ""]

    def __reduce__(self) -> tuple[object, ...]:
        return reduce_portable(self)

    def mean(self, position: Float[Array, "*k"]) -> Float[Array, "*k"]:
        """Mean action at positions, (...)."""
        return -(self.gain * position + self.offset)


class LinearQuadraticEquilibrium(Portable, eqx.Module):
    """The mean field equilibrium on the real line, for a public leader's policy.

    Attributes:
        mean: of the population's law, length.
        variance: of the population's law, which is Gaussian, squared length.
        policy: the follower's.
        value: the follower's, with differential entropy.
        mean_response: derivative of the mean in which followers answer to the mean they expect; the equilibrium is
            the fixed point of that linear map.
    """

    mean: Float[Array, ""]
    variance: Float[Array, ""]
    policy: GaussianPolicy
    value: QuadraticValue
    mean_response: Float[Array, ""]


def linear_quadratic_equilibrium(
    game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"]
) -> LinearQuadraticEquilibrium:
    """Equilibrium of the continuous game behind a grid; the grid itself is not used.

    Args:
        game: gives the coefficients; its target is public (one observation).
        leader_logits: omega, (1, B).

    Returns:
        The equilibrium.

    Raises:
        ValueError: a leader that observes the state: then the closed form does not hold.

    Source: derived here by completing the square; entropy-regularised linear-quadratic control is standard.

    Examples:
        >>> import jax.numpy as jnp
        >>> from smfg_verify import games
        >>> from smfg_verify.exact import linear_quadratic_equilibrium
        >>> continuous = linear_quadratic_equilibrium(games.load("linear-quadratic"), jnp.zeros((1, 2)))
        >>> round(float(continuous.mean), 3), round(float(continuous.variance), 3)
        (0.333, 0.341)
    """
    if jnp.shape(leader_logits)[0] != 1:
        raise InputError(
            f"leader_logits: got shape {jnp.shape(leader_logits)}, expected (1, B): the closed form needs one public "
            "target."
        )
    curvature, weight = _riccati(game)
    factor = game.drift * game.effort / weight
    pull = game.discount * game.control**2 / (weight * (1.0 - game.discount * factor))
    target = mean_target(game, leader_logits)
    mean_response = -0.5 * pull * game.coupling / (1.0 - factor)
    mean = pull * game.tracking * target / (1.0 - factor) / (1.0 - mean_response)
    slope = (0.5 * game.coupling * mean - game.tracking * target) / (1.0 - game.discount * factor)
    policy = GaussianPolicy(
        gain=game.discount * game.drift * game.control * curvature / weight,
        offset=game.discount * game.control * slope / weight,
        variance=game.temperature / (2.0 * weight),
    )
    return LinearQuadraticEquilibrium(
        mean=mean,
        variance=(game.noise**2 + game.control**2 * policy.variance) / (1.0 - factor**2),
        policy=policy,
        value=policy_value(game, leader_logits, policy, mean),
        mean_response=mean_response,
    )


def mean_target(game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"]) -> Float[Array, ""]:
    """Mean of the public target, length."""
    return softmax_policy(jnp.asarray(leader_logits))[0] @ game.targets


def policy_value(
    game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"], policy: GaussianPolicy, mean: Float[Array, ""]
) -> QuadraticValue:
    r"""Value of any Gaussian policy against a frozen population mean, from $V = r_\pi + \tau H + \gamma P_\pi V$.

    Args:
        game: gives the coefficients.
        leader_logits: omega, (1, B).
        policy: gain with $\gamma (\alpha - \beta K)^2 < 1$, or the value is infinite and the result without meaning.
        mean: of the population, length.

    Returns:
        The value, with differential entropy.
    """
    gamma, (gain, offset, spread) = game.discount, policy
    shift, factor = -game.control * offset, game.drift - game.control * gain
    target = mean_target(game, leader_logits)
    target_square = softmax_policy(jnp.asarray(leader_logits))[0] @ game.targets**2
    curvature = (game.tracking + game.effort * gain**2) / (1.0 - gamma * factor**2)
    running = 0.5 * game.coupling * mean - game.tracking * target + game.effort * gain * offset
    slope = (running + gamma * curvature * factor * shift) / (1.0 - gamma * factor)
    entropy = 0.5 * jnp.log(2.0 * math.pi * math.e * spread)
    moved = shift**2 + game.noise**2 + game.control**2 * spread
    paid = game.tracking * target_square + game.effort * (offset**2 + spread) - game.temperature * entropy
    constant = (paid + gamma * (curvature * moved + 2.0 * slope * shift)) / (1.0 - gamma)
    return QuadraticValue(curvature, slope, constant)


def policy_objective(
    game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"], policy: GaussianPolicy, mean: Float[Array, ""]
) -> Float[Array, ""]:
    """J_f of a Gaussian policy from the game's law of the first state, against a frozen mean of the population."""
    value = policy_value(game, leader_logits, policy, mean)
    return game.initial_distribution @ value(game.positions)


def policy_leader_value(
    game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"], policy: GaussianPolicy
) -> QuadraticValue:
    r"""Value to the leader of a Gaussian policy of the followers, from $V_l = r_l + \tau_l H + \gamma P_\pi V_l$.

    Args:
        game: gives the coefficients.
        leader_logits: omega, (1, B).
        policy: gain with $\gamma (\alpha - \beta K)^2 < 1$, as in `policy_value`.

    Returns:
        The value.
    """
    gamma, probabilities = game.discount, softmax_policy(jnp.asarray(leader_logits))[0]
    shift, factor = -game.control * policy.offset, game.drift - game.control * policy.gain
    curvature = 1.0 / (1.0 - gamma * factor**2)
    slope = (gamma * curvature * factor * shift - game.goal) / (1.0 - gamma * factor)
    moved = shift**2 + game.noise**2 + game.control**2 * policy.variance
    paid = game.goal**2 + game.target_cost * (probabilities @ game.targets**2)
    bonus = game.leader_temperature * jnp.sum(entr(probabilities))
    constant = (paid - bonus + gamma * (curvature * moved + 2.0 * slope * shift)) / (1.0 - gamma)
    return QuadraticValue(curvature, slope, constant)


def policy_leader_objective(
    game: LinearQuadratic, leader_logits: Float[ArrayLike, "1 B"], policy: GaussianPolicy
) -> Float[Array, ""]:
    """J_l of a Gaussian policy from the game's law of the first state; Phi(omega) at the equilibrium's policy."""
    return game.initial_distribution @ policy_leader_value(game, leader_logits, policy)(game.positions)


def population_mean(game: LinearQuadratic, policy: GaussianPolicy) -> Float[Array, ""]:
    """Mean of a population that follows a Gaussian policy for ever, length."""
    return -game.control * policy.offset / (1.0 - game.drift + game.control * policy.gain)


def _riccati(game: LinearQuadratic) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """P, the positive root of its quadratic equation, and R."""
    scale = game.discount * game.control**2
    linear = game.effort * (1.0 - game.discount * game.drift**2) - game.tracking * scale
    root = jnp.sqrt(linear**2 + 4.0 * scale * game.tracking * game.effort)
    # Two forms of one root: the first does not divide by the scale, which gamma = 0 makes zero; the second is for
    # gamma alpha^2 > 1, where the first cancels.
    direct = 2.0 * game.tracking * game.effort / jnp.where(linear > 0.0, linear + root, 1.0)
    mirrored = (root - linear) / (2.0 * jnp.where(linear > 0.0, 1.0, scale))
    curvature = jnp.where(linear > 0.0, direct, mirrored)
    return curvature, game.effort + scale * curvature
