r"""Prove what a certificate of smfg-verify claims, from the tables in it: python verifier.py FILE

This file needs Python and python-flint, whose balls enclose real numbers with every rounding counted, and no more. It
believes nothing of a certificate but the game's tables, and proves the claim for every game within a radius of them.
Exit codes: 0 verified, 1 not verified, 2 no certificate.

The game: rows of probabilities P(t | s, a, b, m) and rewards r(s, a, b, m) under the follower's action a and the
leader's b, affine in the mean field m. A table holds them at each vertex of m's simplex, or once where m changes
nothing, flat, in the order vertex, s, a, b, t. phi(b | o(s)) is the leader's policy, V(s) = tau log sum_a exp(Q(s,a) /
tau), Q = r + gamma P V, the follower's policy pi = softmax(Q / tau), and Gamma(m) the law at rest of its chain at m.
"""

import functools
import hashlib
import itertools
import json
import math
import sys
from typing import Any, NamedTuple

from flint import arb, arb_mat

FORMAT, VERSION = "smfg-verify certificate", 1
MOST_BYTES, MOST_WORK, MOST_CELLS, MOST_DEPTH, MOST_EDGES = 2**26, 10**8, 10**5, 45, 10**5


class NotACertificate(ValueError):
    """The text is none of this format."""


class NotVerified(ValueError):
    """The certificate does not prove what it claims."""


class Game(NamedTuple):
    """What a certificate says of a game; rows and rewards are balls around the tables, of the radius given."""

    sizes: tuple[int, ...]  # n states, A follower's actions, B leader's actions
    observation: tuple[int, ...]
    discount: arb
    temperature: arb
    rows: Any  # [vertex][s][a][b][t], a vertex of the mean fields or the only entry
    rewards: Any  # [vertex][s][a][b]
    on_states: bool  # whether mean fields are laws of states, not of states and actions


def require(holds: Any, reason: str) -> None:
    """Raise NotVerified unless something holds; NaN holds nothing."""
    if not holds:
        raise NotVerified(reason)


def digest_of(content: Any) -> str:
    """SHA-256 of the content in its one canonical spelling."""
    spelled = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(spelled.encode()).hexdigest()


def read(data: bytes) -> Any:
    """The content of a certificate, its digest compared."""
    try:
        require(len(data) <= MOST_BYTES, f"more than {MOST_BYTES} bytes")
        found = json.loads(data, parse_float=str, parse_constant=str)
        spelled = digest_of(found["content"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotACertificate(f"not the JSON of a certificate ({type(error).__name__}: {error})") from error
    if found.get("format") != FORMAT:
        raise NotACertificate(f"the file does not call itself a {FORMAT}")
    entries(found, "format", "version", "content", "sha256")
    require(whole(found["version"], 0, 10**9) == VERSION, f"this program knows version {VERSION} alone")
    require(found["sha256"] == spelled, "the content is not the one that was written (SHA-256)")
    return entries(found["content"], "claim", "game", "proof")


def entries(found: Any, *names: str) -> Any:
    """An object with these entries and no others."""
    require(isinstance(found, dict) and set(found) == set(names), f"expected the entries {', '.join(names) or 'none'}")
    return found


def number(text: Any) -> float:
    """A finite float from its hexadecimal spelling, of which there is one."""
    try:
        value = float.fromhex(text)
    except (TypeError, ValueError, OverflowError) as error:
        raise NotVerified(f"expected a hexadecimal float, got {str(text)[:40]!r}") from error
    require(math.isfinite(value) and value.hex() == text, f"expected a finite hexadecimal float, got {text[:40]!r}")
    return value


def whole(found: Any, least: int, most: int) -> int:
    """A whole number between two."""
    require(type(found) is int and least <= found <= most, f"expected a whole number from {least} to {most}")
    return int(found)


def table(found: Any, radius: float, *shapes: tuple[int, ...]) -> Any:
    """Nested lists of balls, in one of these shapes, from a flat list."""
    sizes = [math.prod(shape) for shape in shapes]
    require(isinstance(found, list) and len(found) in sizes, f"a table is none of {sizes} numbers")
    values: list[Any] = [arb(number(text), radius) for text in found]
    for size in shapes[sizes.index(len(found))][:0:-1]:
        values = [values[at : at + size] for at in range(0, len(values), size)]
    return values


def game_of(found: Any) -> Game:
    """The game of a certificate; refused where its rows are none of probabilities."""
    tables = "discount temperature transition transition_radius reward reward_radius"
    entries(found, *f"name digest states actions leader_actions mean_fields observation {tables}".split())
    words = (found["name"], found["digest"])
    require(all(isinstance(word, str) and word.isprintable() and 0 < len(word) < 200 for word in words), "no name")
    shape = tuple(whole(found[name], 1, 4096) for name in ("states", "actions", "leader_actions"))
    n, num_actions, num_leader = shape
    require(n * n * num_actions * num_leader <= MOST_WORK, "too large")
    require(found["mean_fields"] in ("states", "state_actions"), "mean fields are of states or state_actions")
    require(isinstance(found["observation"], list) and len(found["observation"]) == n, "expected n observations")
    vertices = n if found["mean_fields"] == "states" else n * num_actions
    discount, temperature = number(found["discount"]), number(found["temperature"])
    require(0.0 <= discount < 1.0 and temperature > 0.0, "expected 0 <= discount < 1 and temperature > 0")
    radius, reward_radius = number(found["transition_radius"]), number(found["reward_radius"])
    require(0.0 <= radius <= 1e-6 and reward_radius >= 0.0, "a radius is negative or too large")
    rows = table(found["transition"], radius, (vertices, *shape, n), (1, *shape, n))
    rewards = table(found["reward"], reward_radius, (vertices, *shape), (1, *shape))
    for row in (row for at in rows for over in at for each in over for row in each):
        low, high = (sum(ends, arb(0)) for ends in ((p.lower().max(0) for p in row), (p.upper().min(1) for p in row)))
        require(low <= 1 and high >= 1 and all(p.upper() >= 0 for p in row), "a row is none of probabilities")
    observation = tuple(whole(each, 0, n - 1) for each in found["observation"])
    return Game(shape, observation, arb(discount), arb(temperature), rows, rewards, vertices == n)


def largest_variation(game: Game) -> arb:
    """A bound of the variation of two states' rows, largest at vertices; one observation has one leader's action."""
    n, num_actions, num_leader = game.sizes
    require(len(game.rows) * (n * num_actions * num_leader) ** 2 * n <= MOST_WORK, "too many pairs of rows")
    every, largest = list(itertools.product(range(num_actions), range(num_leader))), arb(0)
    for at, (s, t) in itertools.product(game.rows, itertools.combinations(range(n), 2)):
        shared = game.observation[s] == game.observation[t]
        for (a, b), (c, d) in itertools.product(every, every):
            if b == d or not shared:
                largest = largest.max(sum(abs(p - q) for p, q in zip(at[s][a][b], at[t][c][d], strict=True)) / 2)
    return largest.upper()


def prove_dobrushin(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """One step: two laws come nearer by the factor of the constant."""
    entries(proof)
    bound = largest_variation(game)
    require(bound <= constant < 1.0, f"the bound proved is {float(bound)!r}")
    words = "One step of every chain, whatever policies and mean field, brings two laws nearer in total variation by"
    return f"{words} the factor {constant!r} at most.", "all pairs of rows at each vertex of the mean fields"


def cells_of(game: Game, tree: Any) -> Any:
    """The leaves of a tree of cells: of each the vertices of its mean fields and of the leader's rows.

    The first cell is everything. A number other than -1 halves that edge of its cell, and both halves follow, the first
    with all of its own first: leaves cover everything. Halves are floats as far as MOST_DEPTH, unrounded.
    """
    whole_cell = first_cell(game)
    edges = edges_of(whole_cell)
    require(isinstance(tree, list) and len(tree) <= 2 * MOST_CELLS, "no tree of cells")
    unread = [(0, whole_cell)]
    for each in tree:
        edge = whole(each, -1, len(edges) - 1)
        require(unread, "the tree goes on behind its last leaf")
        depth, cell = unread.pop()
        if edge < 0:
            yield cell
            continue
        require(depth < MOST_DEPTH, "a cell is halved too often")
        unread += [(depth + 1, half) for half in halves(cell, *edges[edge])[::-1]]
    require(not unread, "the tree ends before its last leaf")


def first_cell(game: Game) -> Any:
    """All mean fields and all leaders."""
    sizes = [game.sizes[0], *[game.sizes[2]] * (max(game.observation) + 1)]
    require(sum(size**2 for size in sizes) <= MOST_EDGES, "too many edges of cells")
    return [[[float(i == j) for j in range(size)] for i in range(size)] for size in sizes]


def edges_of(cell: Any) -> Any:
    """The edges of a cell, in order: which of its simplices, and the two vertices of that."""
    return [(k, pair) for k, each in enumerate(cell) for pair in itertools.combinations(range(len(each)), 2)]


def halves(cell: Any, k: int, pair: tuple[int, int]) -> Any:
    """Both halves of a cell, cut at the middle of an edge of its k-th simplex."""
    middle = [0.5 * (x + y) for x, y in zip(*(cell[k][at] for at in pair), strict=True)]
    cut = [[middle if at == replaced else v for at, v in enumerate(cell[k])] for replaced in pair]
    return [[*cell[:k], half, *cell[k + 1 :]] for half in cut]


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


def told(game: Game) -> Any:
    """What followers face at vertices, [s][a][b][j]: a row but its last entry, and the reward; less action 0's."""
    n, num_actions, num_leader = game.sizes
    require(game.on_states, "cells need mean fields of states")

    def vector(s: int, a: int, b: int, j: int) -> Any:
        own = [*game.rows[j % len(game.rows)][s][a][b][:-1], game.rewards[j % len(game.rewards)][s][a][b]]
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


def response_slopes(game: Game, table: Any, fields: Any, leaders: Any, guess: Any) -> Any:
    """`slopes_from` a guess of the values, or from none where that one fails: so no cell hangs on others."""
    try:
        return slopes_from(game, table, fields, leaders, guess)
    except (ZeroDivisionError, ValueError):
        return slopes_from(game, table, fields, leaders, [arb(0)] * len(guess))


def slopes_from(game: Game, table: Any, fields: Any, leaders: Any, guess: Any) -> Any:
    r"""D Gamma (e_k - e_n) over a cell, the first n - 1 entries: an (n - 1, n - 1) matrix of balls; and better guesses.

    All is told less what it is in the last state, so that rows become B = P_pi(s, .) - P_pi(n, .), without the last
    entry. With h the values V less guessed ones, T the Bellman operator, nu the law at rest,
        h = T guess - guess + gamma B h,  dV = dr_pi + gamma dP_pi V + gamma B dV,
        nu = P_pi(n, .) + nu B,           dnu = nu dP_pi + dnu B.
    """
    m, gamma, tau = game.sizes[0] - 1, game.discount, game.temperature
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

    for _ in range(20):
        worths = [[worth(at, guess) for at, _ in over] for over in cell]
        gaps = [[arb(0), *each[1:]] for each in worths]
        soft = [worths[s][0] + tau * sum(((gap / tau).exp() for gap in gaps[s]), arb(0)).log() for s in states]
        missed = arb_mat(m, 1, [soft[s] - soft[m] - guess[s] for s in ways])
        step = [x.mid() for x in answered(gaps, 0)[2].solve(missed).entries()]
        if all(abs(x) <= 1e-9 * (tau + abs(v)) for v, x in zip(guess, step, strict=True)):
            break
        guess = [(v + x).mid() for v, x in zip(guess, step, strict=True)]
    else:
        raise NotVerified("values are not found")
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
        raise NotVerified("values are not enclosed")
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


def prove_rate(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """<v, W D Gamma v> < (1 - c) <v, W v> on all leaves of a tree, W told by its Gram matrix in v's first entries."""
    m, count = game.sizes[0] - 1, 0
    entries(proof, "gram", "tree")
    require(m and constant > 0.0, "expected a positive rate, and two states at least")
    gram, table_told, guess = arb_mat(table(proof["gram"], 0, (m, m))), told(game), [arb(0)] * m
    require(gram == gram.transpose() and positive(gram), "the weight is not symmetric and positive")
    for fields, *leaders in cells_of(game, proof["tree"]):
        try:
            slopes, guess = response_slopes(game, table_told, fields, leaders, guess)
        except (ZeroDivisionError, ValueError) as error:
            raise NotVerified(f"nothing is proved of cell {count}: {error}") from error
        pushed = (gram * slopes + (gram * slopes).transpose()) / 2
        require(positive(gram * (1 - arb(constant)) - pushed), f"the rate is not proved on cell {count}")
        count += 1
    norm = "Euclidean norm" if gram == arb_mat([[1 + (i == j) for i in range(m)] for j in range(m)]) else "file's norm"
    words = f"One-sided contraction in the {norm}: <v, W D Gamma v> <= (1 - c) <v, W v>, c = {constant!r}, for all"
    words += " leaders and mean fields. So every leader has one mean field equilibrium."
    return words, f"{count} cells of leaders and mean fields"


KINDS: dict[str, Any] = {
    "ergodicity/dobrushin": prove_dobrushin,
    "one-sided-contraction/certified-rate": prove_rate,
    "uniqueness/one-sided": prove_rate,
}


def verify(data: bytes) -> list[str]:
    """What a certificate proves, in lines of text."""
    content = read(data)
    claim, game = entries(content["claim"], "kind", "constant", "finding"), content["game"]
    require(isinstance(claim["kind"], str) and claim["kind"] in KINDS, "an unknown kind of claim")
    constant, finding = number(claim["constant"]), number(claim["finding"])
    words, proof = KINDS[claim["kind"]](game_of(game), content["proof"], constant)
    other = "" if constant == finding else f" The finding's own constant, not proved here, is {finding!r}."
    near = [repr(number(game[name])) for name in ("transition_radius", "reward_radius")]
    within = f"probabilities within {near[0]} of the file's and rewards within {near[1]}, affine in the mean field"
    title = f"verified: {claim['kind']} of the tables in the file, which calls them {game['name']}, {game['digest']}"
    sizes = "{states} states, {actions} actions, a leader of {leader_actions} actions seeing {observation}".format(
        **game
    )
    of = f"{sizes}, discount {number(game['discount'])!r}, temperature {number(game['temperature'])!r}"
    of += f", mean fields of {game['mean_fields']}"
    return [title, f"  {words}{other}", f"  Game: {of}.", f"  Proved by {proof}, for every game with {within}."]


def verify_file(path: str) -> int:
    """Say what one file proves; returns 0 where it is verified, 1 where it is not, 2 where it is no certificate."""
    try:
        with open(path, "rb") as file:
            lines, code = verify(file.read(MOST_BYTES + 1)), 0
    except NotVerified as error:
        lines, code = [f"not verified: {error}"], 1
    except (NotACertificate, OSError) as error:
        lines, code = [f"no certificate: {error}"], 2
    print("\n".join(lines).encode("ascii", "backslashreplace").decode(), file=sys.stderr if code == 2 else sys.stdout)
    return code


def main(arguments: list[str]) -> int:
    """Verify files, one after the other; returns the worst of their exit codes."""
    return max(map(verify_file, arguments or ["FILE"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
