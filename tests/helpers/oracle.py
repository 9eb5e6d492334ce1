"""Independent oracle of the exact side: brute force in extended precision, sharing no code with the package.

Different from the package on purpose: the equilibrium is a fixed point of the reduced map (mean field in, mean field
out), found by damped iteration and bounded least squares and refined in `numpy.longdouble`; stationary laws come from
subtraction-free elimination; every derivative is a complex step, or a Richardson-extrapolated central difference,
through a re-solved equilibrium, never an adjoint.

Sizes: n states, A follower actions, B leader actions, O observations; a mean field is (n,) on states and (n, A) on
state-action pairs, flat (M,) inside. All formulas are those of the design's theory page, sections 2 to 4.
"""

import dataclasses

import numpy as np
import scipy.optimize

from tests.helpers.array_games import ArrayGame, CallableGame
from tests.helpers.follower_oracle import (
    best_response,
    follower_gap,
    follower_model,
    follower_objective,
    follower_value,
    leader_rows,
    occupancy,
    policy_kernel,
    population,
    soft_bellman,
    soft_value_iteration,
)
from tests.helpers.numerics import central_difference, entropy, softmax, solve, stationary_law
from tests.helpers.random_arrays import random_array_game

__all__ = [
    "ArrayGame",
    "CallableGame",
    "best_response",
    "central_difference",
    "follower_gap",
    "follower_model",
    "follower_objective",
    "follower_value",
    "leader_rows",
    "occupancy",
    "policy_kernel",
    "population",
    "random_array_game",
    "soft_bellman",
    "soft_value_iteration",
    "softmax",
    "stationary_law",
]

# The imaginary part of every complex step; its square underflows against any real part.
_STEP = 1e-30


@dataclasses.dataclass(frozen=True)
class OracleEquilibrium:
    """A mean field equilibrium: mean field (n,) or (n, A), follower's policy (n, A), value (n,), largest residual."""

    mean_field: np.ndarray
    follower_policy: np.ndarray
    follower_value: np.ndarray
    residual: float


def equilibrium(game, logits, initial=None):
    """A mean field equilibrium of the leader's logits (O, B); `initial` is a mean field near the one wanted.

    Raises:
        RuntimeError: no method reached a residual of 1e-9.
    """
    logits = np.asarray(logits, np.longdouble)
    phi = leader_rows(game, logits)
    mean_field, policy, value = _solve(game, phi, initial)
    # Entries far below the precision of the largest may come out as small negative numbers.
    found = np.maximum(mean_field, 0).astype(float).reshape(_mean_field_shape(game))
    residual = max(equilibrium_residuals(game, logits, mean_field, policy, value).values())
    return OracleEquilibrium(found, policy.astype(float), value.astype(float), float(residual))


def equilibrium_residuals(game, logits, mean_field, policy, value):
    """Sup-norm residuals of a claimed equilibrium: one-step consistency, mass, Bellman equation, greedy policy."""
    phi, mean_field = leader_rows(game, logits), np.ravel(mean_field)
    kernel, reward = follower_model(game, phi, mean_field)
    greedy = softmax((reward + game.discount * kernel @ value) / game.temperature)
    if game.support == "states":
        pushed = np.einsum("s,sa,sat->t", mean_field, policy, kernel)
    else:
        arrivals = np.einsum("sa,sat->t", mean_field.reshape(policy.shape), kernel)
        pushed = (arrivals[:, None] * policy).ravel()
    return {
        "consistency": np.max(np.abs(mean_field - pushed)),
        "mass": np.abs(np.sum(mean_field) - 1),
        "bellman": np.max(np.abs(value - soft_bellman(game, phi, mean_field, value))),
        "greedy": np.max(np.abs(policy - greedy)),
    }


def _mean_field_shape(game):
    return game.sizes[:1] if game.support == "states" else game.sizes[:2]


def _response(game, phi, mean_field, value=None):
    """The reduced map: best response to a mean field, and the population it makes."""
    value, policy = best_response(game, phi, mean_field, value)
    return population(game, phi, policy, mean_field), policy, value


def _jacobian(game, phi, mean_field):
    """d(m - Gamma(m))/dm (M, M), by complex steps in float64."""
    phi, mean_field = phi.real.astype(float), mean_field.real.astype(float)
    value, _ = best_response(game, phi, mean_field)
    steps = mean_field + 1j * _STEP * np.eye(len(mean_field))
    columns = [_response(game, phi, step, value)[0].imag / _STEP for step in steps]
    return np.eye(len(mean_field)) - np.array(columns).T


def _solve(game, phi, initial):
    """Candidates from cheap to dear, each refined in extended precision; the first that refines is the answer."""
    for candidate in _candidates(game, phi.astype(float), initial):
        refined = _refine(game, phi, candidate.astype(np.longdouble))
        if refined is not None:
            return refined
    raise RuntimeError("no equilibrium found: damped iteration, least squares and continuation all failed")


def _candidates(game, phi, initial):
    size = int(np.prod(_mean_field_shape(game)))
    start = np.full(size, 1 / size)
    if initial is not None:
        start = np.ravel(initial).astype(float)
        yield start
    yield _damped_iteration(game, phi, start)
    for stages in (20, 60, 200):
        yield _continuation(game, phi, start, stages)
    yield _least_squares(game, phi, start)
    rng = np.random.default_rng(0)
    for _ in range(50):
        yield _least_squares(game, phi, rng.dirichlet(np.full(size, 0.3)))


def _damped_iteration(game, phi, point, weight=0.5, steps=200):
    for _ in range(steps):
        update = _response(game, phi, point)[0]
        if np.max(np.abs(update - point)) < 1e-7:
            break
        point = point + weight * (update - point)
    return point


def _continuation(game, phi, point, stages):
    """Follow the equilibrium from a hot temperature down to the game's, by least squares where refining fails."""
    for temperature in np.geomspace(max(4.0, 4 * game.temperature), game.temperature, stages):
        stage = dataclasses.replace(game, temperature=temperature)
        refined = _refine(stage, phi, point)
        point = _least_squares(stage, phi, point) if refined is None else refined[0]
    return point


def _least_squares(game, phi, start):
    """Least squares of m - Gamma(m / sum m) over the positive orthant: every trial point is a mean field."""

    def residual(point):
        return point - _response(game, phi, point / np.sum(point))[0]

    def jacobian(point):
        mass = np.sum(point)
        inner = np.eye(len(point)) - _jacobian(game, phi, point / mass)
        return np.eye(len(point)) - inner @ (np.eye(len(point)) - np.outer(point, np.ones(len(point))) / mass) / mass

    inside = np.clip(start, 1e-12, None)
    bounds = (0, np.inf)
    solution = scipy.optimize.least_squares(residual, inside, jacobian, bounds, max_nfev=50)
    return solution.x / np.sum(solution.x)


def _refine(game, phi, mean_field, jacobian=None):
    """Correct m - Gamma(m) = 0 until the correction stops shrinking, real and imaginary parts apart.

    With `jacobian` the iteration keeps it (enough close by, exact in one step for an infinitesimal complex move of
    the leader); without, it is recomputed. Returns None where the corrections do not become small.
    """
    previous, value = np.inf, None
    for _ in range(200):
        # Off the simplex the kernel has negative entries and the follower's problem may have no solution.
        if np.min(mean_field.real) < -1e-3:
            return None
        image, policy, value = _response(game, phi, mean_field, value)
        matrix = _jacobian(game, phi, mean_field) if jacobian is None else jacobian
        correction = np.linalg.solve(matrix, (mean_field - image).real.astype(float)).astype(mean_field.dtype)
        size = np.max(np.abs(correction)) / np.max(np.abs(mean_field))
        if np.iscomplexobj(mean_field):
            imaginary = np.linalg.solve(matrix, ((mean_field - image).imag / _STEP).astype(float))
            scale = 1 + np.max(np.abs(mean_field.imag)) / _STEP
            size = max(size, np.max(np.abs(imaginary)) / scale)
            correction = correction + 1j * _STEP * imaginary
        if not np.isfinite(size) or size > 10:
            return None
        if size < 1e-11 and size >= previous:
            break
        mean_field, previous = mean_field - correction, size
    accurate = previous < 1e-10 and np.all(mean_field.real > -1e-12)
    return (mean_field, policy, value) if accurate else None


def leader_return(game, phi, policy, mean_field):
    """J_l(phi, pi, mu) from rho, the entropy bonus tau_l H(phi(. | o(s))) included; phi is (n, B)."""
    kernel, _, leader_rewards = game.tables(np.ravel(mean_field))
    running = np.einsum("sb,sa,sab->s", phi, policy, leader_rewards) + game.leader_temperature * entropy(phi)
    chain = np.einsum("sb,sa,sabt->st", phi, policy, kernel)
    return game.initial_distribution @ solve(np.eye(len(chain)) - game.discount * chain, running)


def objective(game, logits, initial=None):
    """Phi(omega), the leader's return at the equilibrium of its logits."""
    phi = leader_rows(game, np.asarray(logits, np.longdouble))
    mean_field, policy, _ = _solve(game, phi, initial)
    return float(leader_return(game, phi, policy, mean_field))


@dataclasses.dataclass(frozen=True)
class OracleGradient:
    """Gradient of Phi in logits and its three parts, (O, B) each, and the policy-space derivatives.

    `held_field` is the slope of J_l(phi, best response to (phi, mu), mu) at mu held.

    `policy_space[o, b]` is the derivative of Phi along e_b - phi(. | o), that is dPhi/dphi(b | o) minus its mean
    under phi, whatever the extension of Phi off the simplex; `gap` is the sum over o of the largest entry of row o.
    """

    total: np.ndarray
    direct: np.ndarray
    policy_response: np.ndarray
    mean_field_response: np.ndarray
    held_field: np.ndarray
    policy_space: np.ndarray
    gap: float
    objective: float
    equilibrium: OracleEquilibrium
    error_estimate: float


def gradient(game, logits, initial=None, method="complex", step=None):
    """The Stackelberg gradient by differentiating re-solved equilibria, one entry of the logits at a time.

    Args:
        game: the game.
        logits: (O, B) real.
        initial: a mean field near the equilibrium wanted.
        method: "complex" (complex step, about 1e-13 relative) or "differences" (Richardson central differences).
        step: largest step of the differences; by default 0.01 min(1, tau).
    """
    logits = np.asarray(logits, np.longdouble)
    point = _LeaderPoint(game, softmax(logits), initial)
    moves = [unit.reshape(logits.shape) for unit in np.eye(logits.size)]
    step = 0.01 * min(1.0, game.temperature) if step is None else step

    def slopes(path):
        if method == "complex":
            return point.parts(path(1j * np.longdouble(_STEP))).imag / _STEP, 0.0
        return central_difference(lambda t: point.parts(path(np.longdouble(t))), step)

    table = softmax(logits)
    in_logits = [slopes(lambda t, move=move: softmax(logits + t * move)) for move in moves]
    in_policy = [slopes(lambda t, move=move: table + t * _towards(table, move))[0][0] for move in moves]
    columns = np.array([slope for slope, _ in in_logits], float).T.reshape(5, *logits.shape)
    policy_space = np.array(in_policy, float).reshape(logits.shape)
    return OracleGradient(
        *columns,
        policy_space=policy_space,
        gap=float(np.sum(np.max(policy_space, axis=1))),
        objective=float(leader_return(game, point.phi, point.policy, point.mean_field)),
        equilibrium=equilibrium(game, logits, point.mean_field),
        error_estimate=float(max(error for _, error in in_logits)),
    )


def _towards(table, move):
    """The direction e_b - phi(. | o) in row o, zero elsewhere, for the unit table `move`."""
    return move - table * np.sum(move, axis=1, keepdims=True)


class _LeaderPoint:
    """An equilibrium and its neighbours: the five returns whose derivatives are gradient, parts, and other reading."""

    def __init__(self, game, table, initial):
        self.game, self.phi = game, table[game.observation]
        self.mean_field, self.policy, _ = _solve(game, self.phi, initial)
        self.jacobian = _jacobian(game, self.phi, self.mean_field)

    def parts(self, table):
        """J_l at a nearby leader table (O, B): all three arguments moved, then phi, pi, mu alone, then all but mu."""
        phi = table[self.game.observation]
        refined = _refine(self.game, phi, self.mean_field.astype(phi.dtype), self.jacobian)
        if refined is None:
            raise RuntimeError("the equilibrium did not follow the leader's move: singular, or too long a step")
        mean_field, policy, _ = refined
        _, answer = best_response(self.game, phi, self.mean_field)
        return np.array(
            [
                leader_return(self.game, phi, policy, mean_field),
                leader_return(self.game, phi, self.policy, self.mean_field),
                leader_return(self.game, self.phi, policy, self.mean_field),
                leader_return(self.game, self.phi, self.policy, mean_field),
                leader_return(self.game, phi, answer, self.mean_field),
            ]
        )


@dataclasses.dataclass(frozen=True)
class MeanDynamics:
    """Expected increment over step size, before projections: logits (O, B), (n, A); critics (n,); mean field."""

    leader_logits: np.ndarray
    follower_logits: np.ndarray
    follower_value: np.ndarray
    leader_value: np.ndarray
    mean_field: np.ndarray


def mean_dynamics(game, leader_logits, follower_logits, follower_value, leader_value, mean_field):
    """Exact mean dynamics of AC-SMFG in iid mode at an iterate, enumerating every tuple (s, a, b, s').

    The first sample has s from the discounted occupancy at `mean_field`, the second (s_bar, and a_bar on state-action
    pairs) comes from the stationary law of the same policies at the same mean field.
    """
    rows, policy = softmax(leader_logits), softmax(follower_logits)
    phi = rows[game.observation]
    kernel, follower_rewards, leader_rewards = game.tables(np.ravel(mean_field))
    weight = occupancy(game, policy_kernel(game, phi, policy, mean_field))
    h = MeanDynamics(*(np.zeros(np.shape(x)) for x in (rows, policy, follower_value, leader_value, mean_field)))
    for s, a, b, t in np.ndindex(kernel.shape):
        o = game.observation[s]
        probability = weight[s] * policy[s, a] * phi[s, b] * kernel[s, a, b, t]
        bonus_l, bonus_f = -game.leader_temperature * np.log(phi[s, b]), -game.temperature * np.log(policy[s, a])
        delta_l = leader_rewards[s, a, b] + bonus_l + game.discount * leader_value[t] - leader_value[s]
        delta_f = follower_rewards[s, a, b] + bonus_f + game.discount * follower_value[t] - follower_value[s]
        h.leader_logits[o] += probability * delta_l * (np.eye(len(rows[o]))[b] - rows[o])
        h.follower_logits[s] += probability * delta_f * (np.eye(len(policy[s]))[a] - policy[s])
        h.leader_value[s] += probability * delta_l
        h.follower_value[s] += probability * delta_f
    stationary = population(game, phi, policy, mean_field).reshape(np.shape(mean_field))
    return dataclasses.replace(h, mean_field=stationary - mean_field)
