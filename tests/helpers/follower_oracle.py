"""The follower and the population at a fixed leader, in plain NumPy."""

import numpy as np

from tests.helpers.numerics import entropy, log_softmax, softmax, solve, stationary_law


def leader_rows(game, logits):
    """phi(b | s), (n, B), of a table of logits (O, B)."""
    return softmax(np.asarray(logits))[game.observation]


# --- the follower and the population at a fixed leader ------------------------------------------------------------


def follower_model(game, phi, mean_field):
    """P(s' | s, a) (n, A, n) and r_f(s, a) (n, A) of the follower who faces phi (n, B) at a mean field."""
    kernel, follower_rewards, _ = game.tables(np.ravel(mean_field))
    return np.einsum("sb,sabt->sat", phi, kernel), np.einsum("sb,sab->sa", phi, follower_rewards)


def policy_kernel(game, phi, policy, mean_field):
    """P(s' | s) (n, n) of the chain under both policies at a mean field."""
    return np.einsum("sa,sat->st", policy, follower_model(game, phi, mean_field)[0])


def occupancy(game, kernel):
    """Normalised discounted occupancy d = (1 - gamma) rho^T (I - gamma P)^-1, (n,)."""
    return (1 - game.discount) * solve(np.eye(game.sizes[0]) - game.discount * kernel.T, game.initial_distribution)


def follower_value(game, phi, policy, mean_field):
    """V of a follower policy (n, A), entropy included, (n,)."""
    kernel, reward = follower_model(game, phi, mean_field)
    chain = np.einsum("sa,sat->st", policy, kernel)
    running = np.sum(policy * reward, axis=1) + game.temperature * entropy(policy)
    return solve(np.eye(len(chain)) - game.discount * chain, running)


def best_response(game, phi, mean_field, initial=None):
    """Soft-optimal value (n,) and policy (n, A) by soft policy iteration; `initial` is a guess of the value."""
    kernel, reward = follower_model(game, phi, mean_field)
    value = np.zeros(len(reward)) if initial is None else initial
    settled = 0
    # Near the solution a step squares the error: three steps after the first small one also settle imaginary parts.
    for _ in range(1000):
        log_policy = log_softmax((reward + game.discount * kernel @ value) / game.temperature)
        policy = np.exp(log_policy)
        if settled == 3:
            return value, policy
        running = np.sum(policy * (reward - game.temperature * log_policy), axis=1)
        chain = np.einsum("sa,sat->st", policy, kernel)
        update = solve(np.eye(len(chain)) - game.discount * chain, running)
        small = 1e-10 * min(1.0, game.temperature) * (1 + np.max(np.abs(update.real)))
        settled = settled + 1 if np.max(np.abs((update - value).real)) <= small else 0
        value = update
    raise RuntimeError("soft policy iteration did not settle in 1000 steps")


def soft_value_iteration(game, phi, mean_field, tolerance=1e-14):
    """Soft-optimal value (n,) by iterating the soft Bellman operator (slow; the check of `best_response`)."""
    value = np.zeros(game.sizes[0])
    while True:
        update = soft_bellman(game, phi, mean_field, value)
        if np.max(np.abs(update - value)) <= tolerance * (1 - game.discount) * (1 + np.max(np.abs(update))):
            return update
        value = update


def soft_bellman(game, phi, mean_field, value):
    """tau log sum_a exp((r + gamma P V) / tau), (n,)."""
    kernel, reward = follower_model(game, phi, mean_field)
    q = reward + game.discount * kernel @ value
    top = np.max(q, axis=1)
    return top + game.temperature * np.log(np.sum(np.exp((q - top[:, None]) / game.temperature), axis=1))


def population(game, phi, policy, mean_field):
    """Stationary law of the states, or of state-action pairs, under both policies at a mean field, flat (M,)."""
    law = stationary_law(policy_kernel(game, phi, policy, mean_field))
    return law if game.support == "states" else (law[:, None] * policy).ravel()


def follower_objective(game, logits, policy, mean_field):
    """J_f(pi, phi, mu) = rho . V."""
    return game.initial_distribution @ follower_value(game, leader_rows(game, logits), policy, mean_field)


def follower_gap(game, logits, policy, mean_field):
    """J_f* - J_f(pi, phi, mu) >= 0, from the two values."""
    phi = leader_rows(game, logits)
    optimal, _ = best_response(game, phi, mean_field)
    return game.initial_distribution @ (optimal - follower_value(game, phi, policy, mean_field))
