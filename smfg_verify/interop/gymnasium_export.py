"""The representative follower's problem as a Gymnasium environment."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import ArrayLike

from smfg_verify.errors import InputError
from smfg_verify.exact import solve_equilibrium
from smfg_verify.exact.equilibrium.solve import prepare
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame, mean_field_shape, require_source_agrees
from smfg_verify.interop.extras import require
from smfg_verify.policies import checked_distribution, observed_rows, softmax_policy

if TYPE_CHECKING:
    from smfg_verify.interop.follower_env import FollowerEnv


def to_gymnasium(
    game: AbstractGame,
    leader_logits: ArrayLike,
    mean_field: ArrayLike | None = None,
    *,
    horizon: int | None = None,
    entropy_policy: ArrayLike | None = None,
) -> "FollowerEnv":
    r"""The representative follower at a fixed leader and mean field, as a Gymnasium environment.

    Observations are states, `Discrete(n)`, actions `Discrete(A)`. A step draws the leader's action $b \sim
    \phi(\cdot|o(s))$, pays $r_f(s, a, b, \mu)$ and moves to $s' \sim P(\cdot|s, a, b, \mu)$; an episode starts from
    rho. The mean field does not react to the agent: one follower of a continuum.

    Without a horizon an episode *terminates* after each step with probability $1 - \gamma$, so that its undiscounted
    return has the discounted value as its mean (agents should then not discount again). With one it is *truncated*
    after that many steps, and the agent discounts by `env.discount`.

    Args:
        game: the game; validated first, and tabulated at the mean field.
        leader_logits: omega, (O, B), dimensionless.
        mean_field: mu, (n,) or (n, A); that of the leader's equilibrium if None.
        horizon: steps until truncation, >= 1, or None for geometric termination.
        entropy_policy: pi(a|s), (n, A), everywhere positive; the bonus $-\tau \log \pi(a|s)$ is then added to the
            reward, so that an agent that follows pi collects its entropy-regularised value. None for the bare reward.

    Returns:
        The environment; `info` holds the leader's action and reward.

    Raises:
        ImportError: gymnasium is not installed; the message has the command.
        ValueError: a bad argument, what `solve_equilibrium` refuses, or tables that differ at the mean field from the
            environment they were read from.
        RuntimeError: an equilibrium was needed and not found.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import games
        >>> from smfg_verify.interop import to_gymnasium
        >>> environment = to_gymnasium(games.load("two-road-toll"), np.zeros((1, 2)), np.array([0.5, 0.5]), horizon=3)
        >>> state, info = environment.reset(seed=0)
        >>> state, reward, terminated, truncated, info = environment.step(1)
        >>> int(state), environment.action_space, truncated  # it went to the road it chose
        (1, Discrete(2), False)
    """
    require("gymnasium", "gymnasium", "to_gymnasium")
    from smfg_verify.interop.follower_env import FollowerEnv

    game, logits = prepare(game, leader_logits)
    if horizon is not None and (isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1):
        raise InputError(f"horizon: got {horizon!r}, expected an integer >= 1, or None for geometric termination.")
    if mean_field is None:
        field = solve_equilibrium(game, logits).mean_field
    else:
        field = checked_distribution("mean_field", mean_field, mean_field_shape(game), "a mean field of this game")
        require_source_agrees(game, field)
    return FollowerEnv(
        kernel=tabulate(game, field),
        leader_rows=np.asarray(observed_rows(softmax_policy(logits), game.leader_observation)),
        initial_distribution=np.asarray(game.initial_distribution),
        discount=float(game.discount),
        horizon=horizon,
        bonus=_bonus(game, entropy_policy),
    )


def _bonus(game: AbstractGame, policy: ArrayLike | None) -> np.ndarray:
    shape = (game.num_states, game.num_follower_actions)
    if policy is None:
        return np.zeros(shape)
    rows = np.asarray(checked_distribution("entropy_policy", policy, shape, "pi(a|s): a row for each state", rows=True))
    if rows.min() == 0.0:
        raise InputError(
            "entropy_policy: got a probability of 0, expected positive ones: the bonus -tau log pi(a|s) of an action "
            "that the policy never takes is infinite."
        )
    result: np.ndarray = -float(game.temperature) * np.log(rows)
    return result
