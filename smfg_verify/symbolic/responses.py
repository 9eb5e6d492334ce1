r"""How the equilibrium answers, in closed form: the implicit function theorem written out with explicit small matrices.

Everything is in the symbols of the equilibrium, which stand for its values: mean field m, follower's value V and policy
pi, leader's policy phi. A direction d is an entry of phi, or a move of mass from the last state to another.
"""

import dataclasses
from collections.abc import Callable

import sympy as sp

from smfg_verify.errors import InputError
from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.sheet import Sheet
from smfg_verify.symbolic.symbols import element

MOST_STATES = 3
# Derivative of an expression of the formulas, and of phi, in a direction.
Slope = Callable[[sp.Expr], sp.Expr]


@dataclasses.dataclass(frozen=True)
class Averaged:
    """The game under the leader's policy and at the equilibrium's symbols, by (s, a).

    Attributes:
        follower: follower's reward plus gamma times V of the next state, as the formulas are.
        rows: next-state probabilities, as the formulas are, (n,) each.
        leader: leader's reward, as the formulas are.
        moves: the rows, named.
    """

    follower: dict[tuple[int, int], sp.Expr]
    rows: dict[tuple[int, int], list[sp.Expr]]
    leader: dict[tuple[int, int], sp.Expr]
    moves: dict[tuple[int, int], list[sp.Expr]]


class Responses:
    """One derivation: what is defined so far, and the matrices that all directions share."""

    def __init__(self, game: SymbolicGame, *, at_equilibrium: bool = True):
        if game.mean_field_support != "states" or not 2 <= game.num_states <= MOST_STATES:
            raise InputError(
                f"{game.name}: got {game.num_states} states and a mean field on {game.mean_field_support}, expected 2 "
                f"or {MOST_STATES} states and a mean field on states: larger closed forms are not for reading, "
                "stackelberg_gradient computes it at any size."
            )
        self.game, self.sheet = game, Sheet()
        self.states, self.actions, self.leader_actions = (range(size) for size in game.names.sizes)
        self.m = game.names.field_symbols
        # The stationary law of the chain, which at an equilibrium is the mean field.
        self.mass = self.m if at_equilibrium else [element("nu", (s,), nonnegative=True) for s in self.states]
        self.V = [element("V", (s,), real=True) for s in self.states]
        self.rho = [element("rho", (s,), positive=True) for s in self.states]
        self.pi = {(s, a): element("pi", (s, a), positive=True) for s in self.states for a in self.actions}
        self.rows = range(max(game.observation) + 1)
        self.phi = {(o, b): element("phi", (o, b), positive=True) for o in self.rows for b in self.leader_actions}
        self.averaged = self._averaged()
        self.P = self._chain()
        discounted = sp.eye(game.num_states) - symbols.discount * self.P
        self.N = self.sheet.inverse("N", discounted)  # expected discounted visits, (I - gamma P)^-1
        free = game.num_states - 1
        # (I - P^T) on moves of mass, the last row left out: rows of all states sum to zero.
        self.A = sp.Matrix(free, free, lambda i, j: int(i == j) - self.P[j, i] + self.P[free, i])
        self.by_field = [self.response(f"m{j}", self.along_field(j)) for j in range(free)]
        self.C = sp.Matrix(free, free, lambda i, j: self.by_field[j].flow[i])

    def leader_rows(self, s: int) -> list[sp.Symbol]:
        """phi(b | o(s))."""
        return [self.phi[self.game.observation[s], b] for b in self.leader_actions]

    def mean_over_leader(self, name: str, s: int, a: int, *rest: int) -> sp.Expr:
        """A table of the game averaged over the leader's actions at (s, a)."""
        table, weights = self.game.tables[name], self.leader_rows(s)
        terms = [table[s, a, b, *rest] for b in self.leader_actions]
        # A policy sums to one: what is the same at every action of the leader needs no average.
        same = set.intersection(*(set(sp.Add.make_args(term)) for term in terms))
        common = sp.Add(*same)
        return common + sp.Add(*(weight * (term - common) for weight, term in zip(weights, terms, strict=True)))

    def _averaged(self) -> Averaged:
        places = [(s, a) for s in self.states for a in self.actions]
        rows = {p: [self.mean_over_leader("transition", *p, t) for t in self.states] for p in places}
        reward = {p: self.mean_over_leader("follower_reward", *p) for p in places}
        leader = {p: self.mean_over_leader("leader_reward", *p) for p in places}
        moves = {p: [self.sheet.define("Pbar", (*p, t), rows[p][t]) for t in self.states] for p in places}
        follower = {p: reward[p] + symbols.discount * sp.Add(*map(sp.Mul, rows[p], self.V)) for p in places}
        return Averaged(follower, rows, leader, moves)

    def _chain(self) -> sp.Matrix:
        moves, n = self.averaged.moves, self.game.num_states

        entries = [
            sp.Add(*(self.pi[s, a] * moves[s, a][t] for a in self.actions)) for s in self.states for t in self.states
        ]
        return self.sheet.define_matrix("P", sp.Matrix(n, n, entries))

    def along_field(self, j: int) -> Slope:
        """Derivative as mass moves from the last state to state j."""
        return lambda e: sp.diff(e, self.m[j]) - sp.diff(e, self.m[-1])

    def response(self, label: str, slope: Slope) -> "Response":
        """How policy and flow of mass answer as the mean field moves."""
        averaged = self.averaged
        q = {place: slope(value) for place, value in averaged.follower.items()}
        rows = {place: [slope(entry) for entry in row] for place, row in averaged.rows.items()}
        return self._response(label, q, rows)

    def response_to_leader(self, o: int, b: int) -> "Response":
        """How policy and flow of mass answer to phi(b | o) while the mean field is held."""
        seen, tables = self.game.observation, self.game.tables
        zero = [sp.Integer(0)] * self.game.num_states
        places = self.averaged.rows
        rows = {
            (s, a): [tables["transition"][s, a, b, t] for t in self.states] if seen[s] == o else zero for s, a in places
        }
        rewards = {(s, a): tables["follower_reward"][s, a, b] if seen[s] == o else sp.Integer(0) for s, a in places}
        q = {p: rewards[p] + symbols.discount * sp.Add(*map(sp.Mul, rows[p], self.V)) for p in places}
        return self._response(f"phi{o}{b}", q, rows)

    def _response(
        self, label: str, q: dict[tuple[int, int], sp.Expr], rows: dict[tuple[int, int], list[sp.Expr]]
    ) -> "Response":
        define, gamma = self.sheet.define, symbols.discount
        q = {p: define(f"q{label}", p, value) for p, value in q.items()}
        gain = [sp.Add(*(self.pi[s, a] * q[s, a] for a in self.actions)) for s in self.states]
        value = [
            define(f"dV{label}", (s,), sp.Add(*(self.N[s, t] * gain[t] for t in self.states))) for s in self.states
        ]
        moves = self.averaged.moves
        action = {p: define(f"dQ{label}", p, q[p] + gamma * sp.Add(*map(sp.Mul, moves[p], value))) for p in q}
        policy = {
            (s, a): define(f"dpi{label}", (s, a), self.pi[s, a] * self._excess(action, s, a) / symbols.temperature)
            for s, a in q
        }
        flow = [
            define(
                f"g{label}",
                (t,),
                sp.Add(*(self.mass[s] * (policy[s, a] * moves[s, a][t] + self.pi[s, a] * rows[s, a][t]) for s, a in q)),
            )
            for t in self.states[:-1]
        ]
        return Response(policy, flow)

    def _excess(self, action: dict[tuple[int, int], sp.Expr], s: int, a: int) -> sp.Expr:
        """dQ(s, a) less its mean under the policy, as differences: pi sums to one."""
        return sp.Add(*(self.pi[s, c] * (action[s, a] - action[s, c]) for c in self.actions if c != a))


@dataclasses.dataclass(frozen=True)
class Response:
    """What answers in one direction.

    Attributes:
        policy: d pi(a | s), by (s, a).
        flow: change of the mass that flows into each state but the last.
    """

    policy: dict[tuple[int, int], sp.Expr]
    flow: list[sp.Expr]
