"""AC-SMFG with a floor written once more in NumPy: all that one iteration may lead to, and the residuals there."""

import itertools

import numpy as np

from tests.helpers import oracle

NAMES = ("e_Vf", "e_Vl", "e_theta", "e_mu")


def raised(row, floor):
    """The projection of a row of probabilities, by bisection of lambda."""
    low, high = 1.0, 1.0 / floor
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.sum(np.maximum(floor, row / middle)) > 1.0 else (low, middle)
    return np.maximum(floor, row / high)


def leader_value(game, phi, policy, mean_field):
    kernel, _, reward = game.tables(mean_field)
    chain = np.einsum("sb,sa,sabt->st", phi, policy, kernel)
    return np.linalg.solve(np.eye(len(chain)) - game.discount * chain, np.einsum("sb,sa,sab->s", phi, policy, reward))


def mean_field_of(game, phi):
    """The equilibrium of a game whose response contracts, by iterating it."""
    field = np.full(game.sizes[0], 1.0 / game.sizes[0])
    for _ in range(500):
        last, field = field, oracle.population(game, phi, oracle.best_response(game, phi, field)[1], field)
        if np.max(np.abs(last - field)) < 5e-16:
            return field
    raise RuntimeError("the response did not contract")


def residuals(game, point, equilibria):
    """The four tracked residuals; `equilibria` remembers mean fields by leader."""
    omega, theta, follower_critic, own_critic, mean_field = point
    phi, policy = oracle.leader_rows(game, omega), oracle.softmax(theta)
    if omega.tobytes() not in equilibria:
        equilibria[omega.tobytes()] = mean_field_of(game, phi)
    return np.array(
        [
            np.sum((follower_critic - oracle.follower_value(game, phi, policy, mean_field)) ** 2),
            np.sum((own_critic - leader_value(game, phi, policy, mean_field)) ** 2),
            oracle.follower_gap(game, omega, policy, mean_field),
            np.sum((mean_field - equilibria[omega.tobytes()]) ** 2),
        ]
    )


def at_rest(game, omega):
    """Follower, critics and mean field of a leader."""
    phi = oracle.leader_rows(game, omega)
    field = mean_field_of(game, phi)
    value, policy = oracle.best_response(game, phi, field)
    return np.log(policy), value, leader_value(game, phi, policy, field), field


def outcomes(game, boxes, floor, steps, point):
    """(probability, next point) of every sample; both laws exact."""
    omega, theta, follower_critic, own_critic, mean_field = point
    zeta, xi, alpha, beta = steps
    phi, policy = oracle.leader_rows(game, omega), oracle.softmax(theta)
    kernel, follower_reward, leader_reward = game.tables(mean_field)
    visits = oracle.occupancy(game, oracle.policy_kernel(game, phi, policy, mean_field))
    law, sizes = oracle.population(game, phi, policy, mean_field), game.sizes
    for s, a, b, t in itertools.product(*map(range, (*sizes, sizes[0]))):
        weight = visits[s] * policy[s, a] * phi[s, b] * kernel[s, a, b, t]
        surprise = -game.temperature * np.log(policy[s, a])
        delta_f = follower_reward[s, a, b] + surprise + game.discount * follower_critic[t] - follower_critic[s]
        delta_l = leader_reward[s, a, b] + game.discount * own_critic[t] - own_critic[s]
        after = [omega.copy(), theta.copy(), follower_critic.copy(), own_critic.copy()]
        after[0][game.observation[s]] += zeta * delta_l * (np.eye(sizes[2])[b] - phi[s])
        moved = theta[s] + alpha * delta_f * (np.eye(sizes[1])[a] - policy[s])
        after[1][s] = np.log(raised(oracle.softmax(moved[None])[0], floor))
        after[2][s] = np.clip(after[2][s] + beta * delta_f, *boxes[0])
        after[3][s] = np.clip(after[3][s] + beta * delta_l, *boxes[1])
        for state in range(sizes[0]):
            field = mean_field + xi * (np.eye(sizes[0])[state] - mean_field)
            yield weight * law[state], (*after, field)


def expected(game, boxes, floor, steps, point):
    """Exact expectation of the residuals after one iteration."""
    equilibria, total, mass = {}, np.zeros(4), 0.0
    for weight, after in outcomes(game, boxes, floor, steps, point):
        total, mass = total + weight * residuals(game, after, equilibria), mass + weight
    assert abs(mass - 1.0) < 1e-12
    return total
