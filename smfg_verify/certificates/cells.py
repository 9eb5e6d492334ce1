r"""Slopes of the best response over cells of leaders and mean fields, in balls that enclose real numbers.

A part of the verifier of certificates: read `verifier.py` first, which says what the game is. This file needs
python-flint, whose balls count every rounding, and imports nothing else of the verifier.
"""

import functools
import itertools
from typing import Any

from flint import arb, arb_mat

STEPS = 60


class NotEnclosed(ValueError):
    """A cell over which no balls hold what is asked for."""


def hull(values: Any) -> arb:
    """A ball that holds all of some."""
    return arb(functools.reduce(arb.union, values))


def hulls(vectors: Any) -> Any:
    """The same entry by entry."""
    return [hull(column) for column in zip(*vectors, strict=True)]


def mixed(weights: Any, vectors: Any) -> Any:
    """The sum of vectors with weights."""
    terms = [(w, vector) for w, vector in zip(weights, vectors, strict=True) if not arb(w).is_zero()]
    return [sum(w * vector[t] for w, vector in terms) for t in range(len(vectors[0]))]


def told(game: Any) -> Any:
    """What followers face at vertices, [s][a][b][j]: a row but its last entry, and the reward; less action 0's."""
    n, num_actions, num_leader = game.sizes

    def vector(s: int, a: int, b: int, j: int) -> Any:
        row, reward = game.rows[j % len(game.rows)][s][a][b], game.rewards[j % len(game.rewards)][s][a][b]
        own = [*(arb(p, game.row_radius) for p in row[:-1]), arb(reward, game.reward_radius)]
        return [p - q for p, q in zip(own, vector(s, 0, b, j), strict=True)] if a else own

    spans = (range(num_actions), range(num_leader), range(n))
    return [[[[vector(s, a, b, j) for j in spans[2]] for b in spans[1]] for a in spans[0]] for s in range(n)]


def faced(table: Any, fields: Any, leaders: Any) -> Any:
    """The same at a cell's vertices, linear in leader and mean field; its slopes along e_k - e_n; for one s and a."""
    at = [mixed(y, [mixed(x, each) for each in table]) for x in fields for y in leaders]
    steps = [[[p - q for p, q in zip(v, each[-1], strict=True)] for v in each[:-1]] for each in table]
    return at, [[mixed(y, each) for y in leaders] for each in zip(*steps, strict=True)]


def followed(gaps: Any, temperature: arb) -> Any:
    """The policy of gaps Q_a - Q_0, and the products pi_a pi_b."""
    scaled, number = [gap / temperature for gap in gaps], range(len(gaps))
    policy = [1 / (1 + sum((scaled[b] - scaled[a]).exp() for b in number if b != a)) for a in number]
    pairs = [[p * q for q in policy] for p in policy]
    if len(gaps) == 2:  # pi_0 pi_1 = 1 / (2 + e^x + e^-x), which falls with |x|
        near, far = (1 / (2 + x.exp() + (-x).exp()) for x in (scaled[1].abs_lower(), scaled[1].abs_upper()))
        pairs[0][1] = pairs[1][0] = near.union(far)
    return policy, pairs


def response_slopes(game: Any, table: Any, fields: Any, leaders: Any, guess: Any) -> Any:
    """`slopes_from` a guess of the values, or from values of many steps where it fails: so no cell hangs on others."""
    try:
        return slopes_from(game, table, fields, leaders, guess)
    except (ZeroDivisionError, ValueError):
        return slopes_from(game, table, fields, leaders, no_guess(game), STEPS)


def slopes_from(game: Any, table: Any, fields: Any, leaders: Any, guess: Any, steps: int = 0) -> Any:
    r"""D Gamma (e_k - e_n) over a cell, the first n - 1 entries: an (n - 1, n - 1) matrix of balls; and better guesses.

    All is told less what it is in the last state, so that rows become B = P_pi(s, .) - P_pi(n, .), without the last
    entry. With h the values V less guessed ones, T the Bellman operator, nu the law at rest,
        h = T guess - guess + gamma B h,  dV = dr_pi + gamma dP_pi V + gamma B dV,
        nu = P_pi(n, .) + nu B,           dnu = nu dP_pi + dnu B.
    """
    m, gamma, tau = game.sizes[0] - 1, arb(game.discount), arb(game.temperature)
    states, others, ways = range(m + 1), range(1, game.sizes[1]), range(m)
    cell = [[faced(table[s][a], fields, leaders[game.observation[s]]) for a in range(game.sizes[1])] for s in states]
    moves = [[hulls(at) for at, _ in over] for over in cell]
    identity = arb_mat([[i == j for j in ways] for i in ways])

    def valued(row: Any, values: Any) -> Any:
        return gamma * sum(p * v for p, v in zip(row, values, strict=False))  # a reward behind the row is left out

    def worth(vectors: Any, values: Any) -> arb:
        return hull([v[m] + valued(v, values) for v in vectors])

    def answered(gaps: Any, ball: Any) -> Any:
        """Policies where values are off by at most so much, and I - gamma B, I - B', and the row of the last state."""
        off = [arb(0, ball)] * m
        seen = [[arb(0), *(gaps[s][a] + valued(moves[s][a], off) for a in others)] for s in states]
        policy, pairs = zip(*(followed(each, tau) for each in seen), strict=True)
        chain = [mixed([arb(1), *policy[s][1:]], moves[s]) for s in states]
        inner = arb_mat([[chain[s][t] - chain[m][t] for t in ways] for s in ways])
        return policy, pairs, identity - inner * gamma, identity - inner.transpose(), chain[m][:m]

    for left in reversed(range(steps or 20)):  # steps of Newton, or of T: any guess will do that a ball fits around
        worths = [[worth(at, guess) for at, _ in over] for over in cell]
        gaps = [[arb(0), *each[1:]] for each in worths]
        soft = [worths[s][0] + tau * sum(((gap / tau).exp() for gap in gaps[s]), arb(0)).log() for s in states]
        missed = arb_mat(m, 1, [soft[s] - soft[m] - guess[s] for s in ways])
        step = [x.mid() for x in (missed if steps else answered(gaps, 0)[2].solve(missed)).entries()]
        if all(abs(x) <= 1e-9 * (tau + abs(v)) for v, x in zip(guess, step, strict=True)) or (steps and not left):
            break  # before the guess is another than the one that missed so much
        guess = [(v + x).mid() for v, x in zip(guess, step, strict=True)]
    else:
        raise NotEnclosed("values are not found")
    # h = missed + gamma B(h) h, B by policies between the guess's and V's: h lies in a ball that holds the solutions of
    # all such equations with policies of the ball (Brouwer), as V is the only fixed point of T.
    ball = size = arb(0)
    for _ in range(6):
        ball = (size * 1.2).upper()
        policy, pairs, values, laws, last = answered(gaps, ball)
        h = values.solve(missed).entries()
        size = functools.reduce(arb.max, (x.abs_upper() for x in h))
        if size <= ball:
            break
    else:
        raise NotEnclosed("values are not enclosed")
    known = [v + x for v, x in zip(guess, h, strict=True)]
    turned = [[[worth(each, known) for each in slopes] for _, slopes in over] for over in cell]  # dQ where values stay
    pushed = [[turned[s][0][k] + sum(policy[s][a] * turned[s][a][k] for a in others) for k in ways] for s in states]
    risen = values.solve(arb_mat([[pushed[s][k] - pushed[m][k] for k in ways] for s in ways])).transpose().tolist()
    law = [x.intersection(arb(0.5, 0.5)) for x in laws.solve(arb_mat(m, 1, last)).entries()]
    law.append(1 - sum(law))
    moved = arb_mat(m, m)
    for s, k in itertools.product(states, ways):
        dq = [arb(0), *(turned[s][a][k] + valued(moves[s][a], risen[k]) for a in others)]
        own = hulls(cell[s][0][1][k])
        for a in others:
            swing = sum(pairs[s][a][b] * (dq[a] - dq[b]) for b in range(len(dq)) if b != a) / tau
            bent = zip(own, hulls(cell[s][a][1][k]), moves[s][a], strict=True)
            own = [x + policy[s][a] * y + swing * z for x, y, z in bent]
        for t in ways:
            moved[t, k] += law[s] * own[t]
    return laws.solve(moved), guess


def positive(form: arb_mat) -> bool:
    """Whether a symmetric matrix of balls is positive: so are all pivots of Gauss's elimination."""
    rows = form.tolist()
    while rows:
        (pivot, *first), *rest = rows
        if not pivot > 0:
            return False
        rows = [[x - row[0] * y / pivot for x, y in zip(row[1:], first, strict=True)] for row in rest]
    return True


def no_guess(game: Any) -> list[arb]:
    """Values that are known nowhere."""
    return [arb(0)] * (game.sizes[0] - 1)


def form_of(gram: list[list[float]]) -> arb_mat | None:
    """The weight of a norm, exact; None where it is none."""
    form = arb_mat(gram)
    return form if form == form.transpose() and positive(form) else None


def contracts(slopes: arb_mat, gram: arb_mat, rate: float) -> bool:
    """Whether <v, W D Gamma v> < (1 - rate) <v, W v> for sure, for all tangents v."""
    pushed = (gram * slopes + (gram * slopes).transpose()) / 2
    return positive(gram * (1 - arb(rate)) - pushed)


def modulus(slopes: arb_mat) -> arb:
    """A bound of |D Gamma v|_1 / |v|_1: tangents are mixtures of (e_i - e_j) / 2 as long as they are."""
    columns = slopes.transpose().tolist()
    columns.append([arb(0)] * len(columns))
    moves = ([x - y for x, y in zip(p, q, strict=True)] for p, q in itertools.combinations(columns, 2))
    norms = (sum((abs(x) for x in move), abs(sum(move, arb(0)))) / 2 for move in moves)
    return functools.reduce(arb.max, norms).upper()
