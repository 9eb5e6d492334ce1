"""Random affine games, valid at every mean field on the simplex."""

import numpy as np

from tests.helpers.array_games import ArrayGame


def random_array_game(
    rng: np.random.Generator,
    num_states: int,
    num_follower_actions: int,
    num_leader_actions: int,
    *,
    observations: int | None = None,
    support: str = "states",
    kernel_coupling: float = 0.5,
    reward_coupling: float = 1.0,
    leader_coupling: float = 1.0,
    gamma: float = 0.9,
    tau: float = 0.3,
    tau_l: float = 0.0,
    floor: float = 0.05,
) -> ArrayGame:
    """A random ergodic game whose kernel and rewards are affine in the mean field.

    The kernel is the mixture P(m) = (1 - c) Pbar + c sum_j m_j Q_j of Dirichlet kernels, written as P0 + sum_j m_j K_j
    with K_j = c (Q_j - mean Q), so that each slope sums to zero over next states and P is a distribution at every
    mean field, P0 included. Rewards are uniform in [-1, 1]; each entry of a slope is uniform in [-coupling, coupling].

    Args:
        rng: source of randomness.
        num_states, num_follower_actions, num_leader_actions: sizes n, A, B.
        observations: number O of leader observations (each one occurs); None for one a state.
        support: "states" or "state_actions".
        kernel_coupling: weight c in [0, 1] of the mean field in the kernel; 0 leaves the slope out.
        reward_coupling, leader_coupling: slopes over the scale of the reward, >= 0; 0 leaves the slope out.
        gamma, tau, tau_l: discount, follower's temperature, leader's temperature.
        floor: weight of the uniform distribution in every row of the kernel and in the initial distribution.

    Returns:
        The game.
    """
    shape = (num_states, num_follower_actions, num_leader_actions)
    size = num_states if support == "states" else num_states * num_follower_actions

    def distributions(*leading):
        return floor / num_states + (1 - floor) * rng.dirichlet(np.ones(num_states), size=leading)

    def slope(coupling):
        return coupling * rng.uniform(-1, 1, (size, *shape)) if coupling else None

    kernel, mixed = distributions(*shape), distributions(size, *shape)
    centre = mixed.mean(axis=0)
    rows = num_states if observations is None else observations
    return ArrayGame(
        kernel=(1 - kernel_coupling) * kernel + kernel_coupling * centre,
        kernel_mean_field=kernel_coupling * (mixed - centre) if kernel_coupling else None,
        follower_rewards=rng.uniform(-1, 1, shape),
        leader_rewards=rng.uniform(-1, 1, shape),
        follower_rewards_mean_field=slope(reward_coupling),
        leader_rewards_mean_field=slope(leader_coupling),
        discount=gamma,
        temperature=tau,
        leader_temperature=tau_l,
        initial_distribution=distributions(),
        observation=rng.permutation(np.arange(num_states) % rows),
        support=support,
    )
