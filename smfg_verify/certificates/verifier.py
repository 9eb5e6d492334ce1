r"""Prove what a certificate of smfg-verify claims, from the tables in it: python verifier.py FILE

This file and the two beside it, `cells.py` and `rationals.py`, need Python and, for claims that are proved by cells,
python-flint, whose balls enclose real numbers with every rounding counted. No more: copy the three into a folder.
It believes nothing of a certificate but the game's tables, and proves the claim for every game within a radius of them.
Exit codes: 0 verified, 1 not verified, 2 no certificate, or no verdict as python-flint is missing or nobody reads it.

The game: rows of probabilities P(t | s, a, b, m) and rewards r(s, a, b, m) under the follower's action a and the
leader's b, affine in the mean field m. A table holds them at each vertex of m's simplex (a state, or a pair in
the order s, a), or once where m changes nothing, flat, in the order vertex, s, a, b, t. phi(b | o(s)) is the
leader's policy, V(s) = tau log sum_a exp(Q(s,a) / tau), Q = r + gamma P V, the follower's policy pi = softmax(Q / tau),
and Gamma(m) the law at rest of its chain at m.
"""

import hashlib
import importlib.util
import itertools
import json
import math
import os
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

FORMAT, VERSION = "smfg-verify certificate", 1
NEGLIGIBLE, NOT_UNIQUE = 1e-6, "By itself this says nothing of how many equilibria there are."
MOST_BYTES, MOST_WORK, MOST_CELLS, MOST_DEPTH, MOST_EDGES = 2**26, 10**8, 10**5, 45, 10**5


class NotACertificate(ValueError):
    """The text is none of this format."""


class NotVerified(ValueError):
    """The certificate does not prove what it claims."""


class Game(NamedTuple):
    """What a certificate says of a game; its rows and rewards are any that lie within a radius of the tables."""

    sizes: tuple[int, ...]  # n states, A follower's actions, B leader's actions
    observation: tuple[int, ...]
    discount: float
    temperature: float
    rows: Any  # [vertex][s][a][b][t], a vertex of the mean fields or the only entry
    row_radius: float
    rewards: Any  # [vertex][s][a][b]
    reward_radius: float
    on_states: bool  # whether mean fields are laws of states, not of states and actions


def beside(name: str) -> Any:
    """Another file of the verifier, in its package, or in a folder that is none."""
    if __package__:
        return importlib.import_module(f"{__package__}.{name}")
    spec: Any = importlib.util.spec_from_file_location(name, os.path.join(os.path.dirname(__file__), f"{name}.py"))
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


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
        found = json.loads(data, parse_float=str, parse_constant=str, object_pairs_hook=told_once)
        spelled = digest_of(found["content"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NotACertificate(f"not the JSON of a certificate ({type(error).__name__}: {error})") from error
    if found.get("format") != FORMAT:
        raise NotACertificate(f"the file does not call itself a {FORMAT}")
    entries(found, "format", "version", "content", "sha256")
    require(whole(found["version"], 0, 10**9) == VERSION, f"this program knows version {VERSION} alone")
    require(found["sha256"] == spelled, "the content is not the one that was written (SHA-256)")
    return entries(found["content"], "claim", "game", "proof")


def told_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON whose names are each there once: programs differ in which of two they read."""
    names = [name for name, _ in pairs]
    require(len(set(names)) == len(names), "an object has the same name twice")
    return dict(pairs)


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


def table(found: Any, *shapes: tuple[int, ...]) -> Any:
    """Nested lists of numbers, in one of these shapes, from a flat list."""
    sizes = [math.prod(shape) for shape in shapes]
    require(isinstance(found, list) and len(found) in sizes, f"a table is none of {sizes} numbers")
    values: list[Any] = [number(text) for text in found]
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
    on_states = found["mean_fields"] == "states"
    vertices = n if on_states else n * num_actions
    discount, temperature = number(found["discount"]), number(found["temperature"])
    require(0.0 <= discount < 1.0 and temperature > 0.0, "expected 0 <= discount < 1 and temperature > 0")
    radius, reward_radius = number(found["transition_radius"]), number(found["reward_radius"])
    require(0.0 <= radius <= 1e-6 and reward_radius >= 0.0, "a radius is negative or too large")
    rows = table(found["transition"], (vertices, *shape, n), (1, *shape, n))
    rewards = table(found["reward"], (vertices, *shape), (1, *shape))
    near_probabilities = beside("rationals").near_probabilities
    for row in (row for at in rows for over in at for each in over for row in each):
        require(near_probabilities(row, radius), "a row is none of probabilities")
    observation = tuple(whole(each, 0, n - 1) for each in found["observation"])
    return Game(shape, observation, discount, temperature, rows, radius, rewards, reward_radius, on_states)


def require_pairs(game: Game) -> None:
    """Refuse a game with too many pairs of rows."""
    n, num_actions, num_leader = game.sizes
    require(len(game.rows) * (n * num_actions * num_leader) ** 2 * n <= MOST_WORK, "too many pairs of rows")


def prove_dobrushin(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """One step: two laws come nearer by the factor of the constant."""
    entries(proof)
    require_pairs(game)
    bound = beside("rationals").largest_variation(game)
    require(bound <= constant < 1.0, f"the bound proved is {above(bound)!r}")
    words = "One step of every chain, whatever policies and mean field, brings two laws nearer in total variation by"
    return f"{words} the factor {constant!r} at most.", "all pairs of rows at each vertex of the mean fields"


def require_steps(game: Game, steps: int) -> None:
    """Refuse more steps than are looked at in reasonable time."""
    n, num_actions, num_leader = game.sizes
    require(steps * len(game.rows) * n**3 * num_actions * num_leader <= MOST_WORK, "too many steps")


def prove_doeblin(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """Some steps: two laws come nearer by the factor of the constant."""
    steps = whole(entries(proof, "steps")["steps"], 1, 10**4)
    require_steps(game, steps)
    bound = beside("rationals").forgotten_after(game, steps)
    require(bound <= constant < 1.0, f"the bound proved is {above(bound)!r}")
    words = (
        f"After {steps} step{'s' * (steps > 1)} of any chain, whatever policies and mean fields, which may change from"
    )
    words += f" step to step, two laws are nearer in total variation by the factor {constant!r} at most."
    return words, "the least probabilities to be at each state after so many steps"


def prove_monotone(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """Rewards fall where the crowd goes, with a strength of the constant at least."""
    entries(proof)
    require(constant > 0.0, "expected a positive strength")
    off = beside("rationals").strictly_monotone(game, constant)
    require(off is not None, "the strength is not proved")
    require(
        off <= NEGLIGIBLE * constant, f"actions or roundings differ by {above(off)!r}, beside a strength {constant!r}"
    )
    words = (
        "For any two laws d, d' of state and action under one leader, whatever the dynamics, m, m' their mean fields, "
    )
    words += (
        f"<r(m) - r(m'), d - d'> <= -L |m - m'|_2^2 + e |m - m'|_1 |d - d'|_1, L = {constant!r}, e = {above(off)!r}."
    )
    return f"{words} {NOT_UNIQUE}", "the forms of all pure leaders"


def prove_potential(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """Rewards are the slope of one function, but for the constant and the radius."""
    entries(proof)
    work, largest, steepest = beside("rationals").work_of(game)
    require(work * 2**47 <= largest, f"the slopes differ by {above(work)!r}, which is no rounding")
    bound = work + 2 * Fraction(game.reward_radius)
    require(bound <= constant <= NEGLIGIBLE * steepest, f"the bound proved is {above(bound)!r}")
    words = (
        "The rewards of every leader have a potential over laws of state and action, whatever the dynamics, but for "
    )
    words += f"|<r'(u), v> - <r'(v), u>| <= e |u|_1 |v|_1, e = {constant!r}, u, v differences of laws, r'(u) the change"
    return (
        f"{words} of rewards along u; the steepest slope is {above(steepest)!r}. {NOT_UNIQUE}",
        "all second differences",
    )


def above(value: Fraction) -> float:
    """A float that is no less, for output."""
    try:
        near = float(value)
    except OverflowError:
        return math.inf
    return math.nextafter(near, math.inf) if near < value else near


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


def require_cells(game: Game) -> None:
    """Refuse a game that has no cells."""
    require(game.sizes[0] > 1, "cells need two states at least")
    require(game.on_states, "cells need mean fields of states")


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


def prove_on_leaves(game: Game, tree: Any, holds: Callable[[Any], Any], what: str) -> str:
    """Something of the slopes of the best response on all leaves of a tree; says on how many."""
    cells, count = beside("cells"), 0
    told, guess = cells.told(game), cells.no_guess(game)
    for fields, *leaders in cells_of(game, tree):
        try:
            slopes, guess = cells.response_slopes(game, told, fields, leaders, guess)
        except (ZeroDivisionError, ValueError) as error:
            raise NotVerified(f"nothing is proved of cell {count}: {error}") from error
        require(holds(slopes), f"{what} is not proved on cell {count}")
        count += 1
    return f"{count} cells of leaders and mean fields"


def prove_rate(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """<v, W D Gamma v> < (1 - c) <v, W v> on all leaves of a tree, W told by its Gram matrix in v's first entries."""
    cells, m = beside("cells"), game.sizes[0] - 1
    entries(proof, "gram", "tree")
    require_cells(game)
    require(constant > 0.0, "expected a positive rate")
    weight = table(proof["gram"], (m, m))
    gram = cells.form_of(weight)
    require(gram is not None, "the weight is not symmetric and positive")
    proved = prove_on_leaves(game, proof["tree"], lambda slopes: cells.contracts(slopes, gram, constant), "the rate")
    euclidean = weight == [[1.0 + (i == j) for i in range(m)] for j in range(m)]
    norm = "Euclidean norm" if euclidean else "file's norm"
    words = f"One-sided contraction in the {norm}: <v, W D Gamma v> <= (1 - c) <v, W v>, c = {constant!r}, for all"
    words += " leaders and mean fields. So every leader has one mean field equilibrium."
    return words, proved


def prove_modulus(game: Game, proof: Any, constant: float) -> tuple[str, str]:
    """|D Gamma v|_1 <= k |v|_1 on all leaves of a tree, k below one."""
    entries(proof, "tree")
    require_cells(game)
    require(0.0 <= constant < 1.0, "expected a modulus below one")
    cells = beside("cells")
    proved = prove_on_leaves(game, proof["tree"], lambda at: cells.modulus(at) <= constant, "the modulus")
    words = f"Contraction in l1: |Gamma(m) - Gamma(m')|_1 <= k |m - m'|_1, k = {constant!r}, for all leaders and mean"
    return f"{words} fields. So every leader has one mean field equilibrium.", proved


KINDS: dict[str, Callable[[Game, Any, float], tuple[str, str]]] = {
    "ergodicity/dobrushin": prove_dobrushin,
    "ergodicity/doeblin": prove_doeblin,
    "one-sided-contraction/certified-rate": prove_rate,
    "uniqueness/one-sided": prove_rate,
    "contraction/certified-bound": prove_modulus,
    "contraction/cell-bound": prove_modulus,
    "uniqueness/contraction": prove_modulus,
    "uniqueness/monotonicity": prove_monotone,
    "uniqueness/occupation-monotonicity": prove_monotone,
    "uniqueness/potential": prove_potential,
}


def verify(data: bytes) -> list[str]:
    """What a certificate proves, in lines of text."""
    return proved(read(data))


def proved(content: Any) -> list[str]:
    """The same of content that was read."""
    claim, game = entries(content["claim"], "kind", "constant", "finding"), content["game"]
    require(isinstance(claim["kind"], str) and claim["kind"] in KINDS, "an unknown kind of claim")
    constant, finding = number(claim["constant"]), number(claim["finding"])
    try:
        words, proof = KINDS[claim["kind"]](game_of(game), content["proof"], constant)
    except ValueError as error:
        raise NotVerified(str(error)) from error
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
    """Say what one file proves; returns 0 where it is verified, 1 where it is not, 2 where there is no verdict."""
    try:
        with open(path, "rb") as file:
            lines, code = verify(file.read(MOST_BYTES + 1)), 0
    except NotVerified as error:
        lines, code = [f"not verified: {error}"], 1
    except (NotACertificate, OSError) as error:
        lines, code = [f"no certificate: {error}"], 2
    except ImportError as error:
        lines, code = [f"no verdict: {error}; python -m pip install python-flint, with the files in one folder"], 2
    told = "\n".join(lines).encode("ascii", "backslashreplace").decode()
    print(told, file=sys.stderr if code == 2 else sys.stdout, flush=True)
    return code


def main(arguments: list[str]) -> int:
    """Verify files, one after the other; returns the worst of their exit codes."""
    try:
        return max(map(verify_file, arguments or ["FILE"]))
    except OSError:  # nobody reads the verdict: there is none, nor a traceback when what is left of it is dropped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
