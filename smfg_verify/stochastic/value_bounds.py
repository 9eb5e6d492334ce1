"""Known ranges of rewards and values, the boxes that AC-SMFG projects its critics to."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from smfg_verify.exact.batching import points_at_once
from smfg_verify.game import AbstractGame, compiled_for_game, mean_field_shape, over_indices
from smfg_verify.game.base import Dependence
from smfg_verify.records.portable import Portable

_CONCENTRATIONS = (0.05, 0.3, 1.0, 5.0)
_FIELDS_A_CONCENTRATION = 128
# Up to this many rewards over all vertices the range of an affine one is exact. Beyond, as many vertices are tried as
# random fields, and of each concentration as many as a batch's budget lets, but so many at least.
_MAX_REWARDS = 2**30
_MIN_FIELDS = 16

_REWARDS: dict[str, Callable[..., Array]] = {
    "follower_reward": lambda game, s, a, b, m: jnp.asarray(game.follower_reward(s, a, b, m)),
    "leader_reward": lambda game, s, a, b, m: jnp.asarray(game.leader_reward(s, a, b, m)),
}


class ValueBounds(Portable, eqx.Module):
    """Lower and upper bounds of the two players' regularised values, in units of reward.

    Attributes:
        follower_lower, follower_upper: of $V_f$.
        leader_lower, leader_upper: of $V_l$.
        follower_floor: least probability that the follower's policy is held to; None where it is not.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import value_bounds
        >>> bounds = value_bounds(games.load("laffer-tax"))
        >>> bool(bounds.follower_lower < bounds.follower_upper)
        True
    """

    follower_lower: Float[Array, ""]
    follower_upper: Float[Array, ""]
    leader_lower: Float[Array, ""]
    leader_upper: Float[Array, ""]
    follower_floor: Float[Array, ""] | None = None


def reward_range(game: AbstractGame, function: str) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Smallest and largest reward over states, actions and mean fields.

    Where the dependence on the mean field is declared "none" or "affine" the extremes are at the vertices of the
    simplex and the range is exact, unless the game is so large that only some vertices are tried. Then, and where it is
    "general", the extremes over the vertices and over 512 random mean
    fields (Dirichlet, of concentrations 0.05, 0.3, 1 and 5, a fixed seed) are widened by half their span on each side:
    an estimate, not a proof, that only has to keep the critics' boxes finite and larger than the true values.

    Args:
        game: the game.
        function: "follower_reward" or "leader_reward".

    Returns:
        Minimum and maximum, in units of reward.

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import reward_range
        >>> [round(float(end), 3) for end in reward_range(games.load("laffer-tax"), "leader_reward")]
        [0.0, 1.0]
    """
    fields, exact = _mean_fields(game, getattr(game, f"{function}_dependence"))
    return _range(game, function, jnp.asarray(fields), exact)


def value_bounds(game: AbstractGame) -> ValueBounds:
    r"""Boxes that hold every regularised value, $[\min r, \max r + \tau \log A] / (1 - \gamma)$, the leader's likewise.

    Args:
        game: the game, with traced leaves.

    Returns:
        The four bounds, from `reward_range`; the entropy is between 0 and $\log A$ (the leader's: $\log B$).

    Examples:
        >>> from smfg_verify import games
        >>> from smfg_verify.stochastic import value_bounds
        >>> bounds = value_bounds(games.load("laffer-tax"))
        >>> round(float(bounds.leader_lower), 3), round(float(bounds.leader_upper), 3)
        (0.0, 10.0)
    """
    dependences = {function: getattr(game, f"{function}_dependence") for function in _REWARDS}
    tried = {dependence: _mean_fields(game, dependence) for dependence in set(dependences.values())}
    fields = {dependence: jnp.asarray(points) for dependence, (points, _) in tried.items()}
    exact = tuple((function, dependence, tried[dependence][1]) for function, dependence in dependences.items())
    return _value_bounds(game, fields, exact)


@compiled_for_game
def _value_bounds(
    game: AbstractGame, fields: dict[str, Array], exact: tuple[tuple[str, Dependence, bool], ...]
) -> ValueBounds:
    # The mean fields come as arguments: those of a large game would be gigabytes of constants in the program.
    ranges = [_range(game, function, fields[dependence], known) for function, dependence, known in exact]
    (follower_low, follower_high), (leader_low, leader_high) = ranges
    horizon = 1.0 / (1.0 - game.discount)
    follower_bonus = game.temperature * np.log(game.num_follower_actions)
    leader_bonus = game.leader_temperature * np.log(game.num_leader_actions)
    return ValueBounds(
        follower_lower=follower_low * horizon,
        follower_upper=(follower_high + follower_bonus) * horizon,
        leader_lower=leader_low * horizon,
        leader_upper=(leader_high + leader_bonus) * horizon,
    )


def _mean_fields(game: AbstractGame, dependence: str) -> tuple[np.ndarray, bool]:
    """Mean fields to try, and whether the extremes are among them."""
    shape = mean_field_shape(game)
    size, kinds = int(np.prod(shape)), len(_CONCENTRATIONS)
    if dependence == "none":
        return np.full((1, *shape), 1.0 / size), True
    rewards = size * game.num_states * game.num_follower_actions * game.num_leader_actions
    if rewards <= _MAX_REWARDS:
        fields, share = np.eye(size), _FIELDS_A_CONCENTRATION
    else:
        share = max(_MIN_FIELDS, points_at_once(2 * kinds * size, _FIELDS_A_CONCENTRATION))
        chosen = np.random.default_rng(1).choice(size, kinds * share, replace=False)
        fields = (chosen[:, None] == np.arange(size)).astype(float)
    exact = dependence == "affine" and rewards <= _MAX_REWARDS
    if not exact:
        generator = np.random.default_rng(0)
        draws = [generator.dirichlet(np.full(size, c), share) for c in _CONCENTRATIONS]
        fields = np.concatenate([fields, *draws])
    return fields.reshape(-1, *shape), exact


def _range(game: AbstractGame, function: str, fields: Array, exact: bool) -> tuple[Float[Array, ""], Float[Array, ""]]:
    lower, upper = _extremes(game, _REWARDS[function], fields)
    margin = jnp.zeros_like(lower) if exact else 0.5 * (upper - lower)
    return lower - margin, upper + margin


def _extremes(
    game: AbstractGame, function: Callable[..., Array], fields: Array
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    def summary(field: Array) -> tuple[Array, Array]:
        values = over_indices(game, lambda s, a, b: function(game, s, a, b, field))
        return jnp.min(values), jnp.max(values)

    lower, upper = jax.lax.map(summary, fields)
    return jnp.min(lower), jnp.max(upper)
