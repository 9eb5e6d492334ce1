"""A leader that a user adds to a game which has none."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array

from smfg_verify.game import Dependence
from smfg_verify.records.portable import Portable


class AddedLeader(Portable, eqx.Module):
    r"""What a leader may do, what it wants, and how its action changes the followers' game.

    The functions take and return JAX arrays and answer for one (state s, follower action a, leader action b, mean
    field m), as the methods of a game do. Those that change the game are given what it was without a leader first.
    Numbers in them are constants: another function, or the same one made anew, is another game and compiles anew.

    Args:
        num_actions: number B of the leader's actions.
        reward: (s, a, b, m) -> r_l, a scalar float.
        follower_reward: (r, s, a, b, m) -> r_f, where r is the environment's own reward; None leaves it as it is.
        transition: (row, s, a, b, m) -> (n,) probabilities, where row is the environment's own; None leaves it.
        observation: row of the leader's logits each state uses, (n,) integers; None for each state its own.
        reward_dependence, follower_reward_dependence, transition_dependence: how each result depends on the mean field:
            "none", "affine" or "general"; for the two that are None the environment's own is taken.
        action_labels: names used in reports, or None.

    Examples:
        >>> from smfg_verify.interop import AddedLeader
        >>> leader = AddedLeader(  # a toll of 0.5 on followers who take action 1
        ...     num_actions=2,
        ...     reward=lambda s, a, b, m: 0.5 * b * (a == 1),
        ...     follower_reward=lambda r, s, a, b, m: r - 0.5 * b * (a == 1),
        ...     reward_dependence="none",
        ... )
        >>> leader.follower_reward(1.0, 0, 1, 1, None)
        0.5
    """

    num_actions: int = eqx.field(static=True)
    reward: Callable[..., Array] = eqx.field(static=True)
    follower_reward: Callable[..., Array] | None = eqx.field(static=True, default=None)
    transition: Callable[..., Array] | None = eqx.field(static=True, default=None)
    observation: tuple[int, ...] | None = eqx.field(static=True, default=None)
    reward_dependence: Dependence = eqx.field(static=True, default="general")
    follower_reward_dependence: Dependence = eqx.field(static=True, default="general")
    transition_dependence: Dependence = eqx.field(static=True, default="general")
    action_labels: tuple[str, ...] | None = eqx.field(static=True, default=None)
