"""The Stackelberg gradient of a small game in closed form."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp
from jaxtyping import ArrayLike, Float

from smfg_verify.errors import InputError
from smfg_verify.exact import Equilibrium
from smfg_verify.symbolic import symbols
from smfg_verify.symbolic.game import SymbolicGame
from smfg_verify.symbolic.responses import Response, Responses
from smfg_verify.symbolic.sheet import substituted, values_of

PARTS = ("direct", "policy_response", "mean_field_response")


@dataclasses.dataclass(frozen=True)
class GradientFormula:
    r"""Gradient of $\Phi(\omega)$ in the leader's logits and its three parts, as formulas.

    The symbols m, V, pi and phi stand for the equilibrium's values; every other symbol is a parameter of the game or is
    defined. total = direct + policy_response + mean_field_response.

    Attributes:
        game: whose gradient it is.
        definitions: in order, each by those before it.
        direct, policy_response, mean_field_response: derivatives in the entries phi(b | o) of the leader's
            policy, (O, B).
        leader_policy: phi, (O, B).
        objective: Phi.
        best_response: $D\Gamma_\phi$ at the equilibrium, as mass moves from the last state to another, (n - 1, n - 1).

    Examples:
        >>> from smfg_verify import symbolic
        >>> formula = symbolic.stackelberg_formula(symbolic.load("laffer-tax"))
        >>> formula.total.shape, formula.expanded(formula.direct[0, 1]).free_symbols == set()
        ((1, 2), False)
    """

    game: SymbolicGame
    definitions: Mapping[sp.Symbol, sp.Expr]
    direct: sp.Matrix
    policy_response: sp.Matrix
    mean_field_response: sp.Matrix
    leader_policy: sp.Matrix
    objective: sp.Expr
    best_response: sp.Matrix

    @property
    def total(self) -> sp.Matrix:
        """The sum of the three parts, in the entries of the leader's policy, (O, B)."""
        return self.direct + self.policy_response + self.mean_field_response

    def in_logits(self, part: sp.Matrix) -> sp.Matrix:
        r"""A part in the leader's logits: $\phi(b|o) (G(o,b) - \sum_c \phi(c|o) G(o,c))$.

        Args:
            part: in the entries of the policy, (O, B).

        Returns:
            The same in logits, (O, B).
        """
        phi = self.leader_policy
        columns = range(phi.cols)

        entries = [
            phi[o, b] * sp.Add(*(phi[o, c] * (part[o, b] - part[o, c]) for c in columns if c != b))
            for o in range(phi.rows)
            for b in columns
        ]
        return sp.Matrix(phi.rows, phi.cols, entries)

    def expanded(self, expression: sp.Expr) -> sp.Expr:
        """An expression with all definitions put in: long, but free of symbols of the derivation.

        Args:
            expression: of this formula.

        Returns:
            The same in the symbols of equilibrium and parameters.
        """
        return substituted(expression, self.definitions)

    def at(self, values: Mapping[sp.Symbol, np.ndarray | float]) -> dict[str, np.ndarray]:
        """Numbers of the gradient in logits, of its parts, and of the best response's slope.

        At a kink of the formulas, such as that of `Max`, the mean of both slopes is taken.

        Args:
            values: of every symbol, as `equilibrium_values` gives them; arrays of one shape for a batch of points.

        Returns:
            By name ("total", the parts, "best_response"): (O, B, *batch), the slope (n - 1, n - 1, *batch).

        Raises:
            ValueError: values of a leader with an entropy weight, where the formula is of one without.
        """
        if self.game.leader_temperature == 0.0 and np.any(np.asarray(values[symbols.leader_temperature]) != 0.0):
            raise InputError(
                f"values: got {symbols.leader_temperature} = {values[symbols.leader_temperature]}, expected 0: the "
                "formula is of a leader without entropy weight; derive it from a game with one."
            )
        matrices = {name: self.in_logits(getattr(self, name)) for name in ("total", *PARTS)}
        matrices["best_response"] = self.best_response
        found = values_of([entry for matrix in matrices.values() for entry in matrix], self.definitions, values)
        parts = np.split(found, np.cumsum([len(matrix) for matrix in matrices.values()])[:-1])
        named = zip(matrices.items(), parts, strict=True)
        return {name: part.reshape(*matrix.shape, *part.shape[1:]) for (name, matrix), part in named}


def equilibrium_values(
    game: SymbolicGame, equilibrium: Equilibrium, leader_policy: Float[ArrayLike, "O B"]
) -> dict[sp.Symbol, float]:
    """A number for each symbol of the derived formulas.

    Args:
        game: its formulas and numbers.
        equilibrium: of the leader's policy, at these numbers.
        leader_policy: phi(b | o), (O, B).

    Returns:
        Numbers of parameters, discount, temperatures, initial law, m, V, pi and phi.

    Examples:
        >>> import numpy as np
        >>> from smfg_verify import stackelberg_gradient, symbolic
        >>> laffer = symbolic.load("laffer-tax")
        >>> exact = stackelberg_gradient(laffer.to_game(), np.zeros((1, 2)))
        >>> values = symbolic.equilibrium_values(laffer, exact.equilibrium, [[0.5, 0.5]])
        >>> np.allclose(symbolic.stackelberg_formula(laffer).at(values)["total"], exact.total)
        True
    """
    n = game.num_states
    start = np.full(n, 1.0 / n) if game.initial_distribution is None else game.initial_distribution
    arrays = {
        "m": equilibrium.mean_field,
        "V": equilibrium.follower_value,
        "pi": equilibrium.follower_policy,
        "phi": leader_policy,
        "rho": start,
    }
    found = {
        symbols.discount: float(game.discount),
        symbols.temperature: float(game.temperature),
        symbols.leader_temperature: float(game.leader_temperature),
        **game.substitution,
    }
    for name, array in arrays.items():
        values = np.asarray(array, dtype=float)
        for index in np.ndindex(values.shape):
            found[symbols.element(name, index, **symbols.ASSUMED[name])] = float(values[index])
    return found


def stackelberg_formula(game: SymbolicGame) -> GradientFormula:
    r"""The Stackelberg gradient of a game of two or three states in closed form, by the implicit function theorem.

    $(A - C)\,dm = g$ and $dV = (I - \gamma P)^{-1} dq$ are solved by their cofactors, so that every entry is a formula.

    Args:
        game: two or three states, a mean field on states.

    Returns:
        The gradient and its three parts.

    Raises:
        ValueError: a larger game, or a mean field on state-action pairs.

    Source: implicit function theorem; the objective is that of Zeng et al. (arXiv 2509.15392).

    Examples:
        >>> from smfg_verify import symbolic
        >>> formula = symbolic.stackelberg_formula(symbolic.load("laffer-tax"))
        >>> formula.mean_field_response[0, 1]
        dJ_0*dmphi01_0
    """
    responses = Responses(game)
    slope = responses.sheet.inverse("Ainv", responses.A) * responses.C
    solve = responses.sheet.inverse("S", responses.A - responses.C)
    parts = _Parts(responses)
    shape = (len(responses.rows), len(responses.leader_actions))
    entries = [parts.of(o, b, solve) for o in responses.rows for b in responses.leader_actions]
    direct, by_policy, by_field = (sp.Matrix(*shape, list(part)) for part in zip(*entries, strict=True))
    policy = sp.Matrix(*shape, lambda o, b: responses.phi[o, b])
    return GradientFormula(
        game=game,
        definitions=responses.sheet.definitions,
        direct=direct,
        policy_response=by_policy,
        mean_field_response=by_field,
        leader_policy=policy,
        objective=parts.objective,
        best_response=slope,
    )


class _Parts:
    """The leader's objective as its parts see it."""

    def __init__(self, responses: Responses):
        self.r = r = responses
        leader = {p: r.sheet.define("lbar", p, value) for p, value in r.averaged.leader.items()}
        per_state = [sp.Add(*(r.pi[s, a] * leader[s, a] for a in r.actions)) + _entropy_bonus(r, s) for s in r.states]
        define = r.sheet.define
        self.visits = [define("D", (s,), sp.Add(*(r.rho[t] * r.N[t, s] for t in r.states))) for s in r.states]
        self.value = [define("W", (s,), sp.Add(*(r.N[s, t] * per_state[t] for t in r.states))) for s in r.states]
        self.objective = sp.Add(*map(sp.Mul, r.rho, self.value))
        # What an action is worth to the leader, and how that changes as mass moves.
        self.worth = {p: define("L", p, leader[p] + self._ahead(r.averaged.moves[p])) for p in leader}
        self.by_field = [self._slopes(j) for j in r.states[:-1]]

    def _ahead(self, row: Sequence[sp.Expr]) -> sp.Expr:
        return symbols.discount * sp.Add(*map(sp.Mul, row, self.value))

    def _slopes(self, j: int) -> sp.Expr:
        """Derivative of the objective as mass moves from the last state to state j, policies held."""
        r, slope = self.r, self.r.along_field(j)
        changes = {
            p: slope(r.averaged.leader[p]) + self._ahead([slope(entry) for entry in r.averaged.rows[p]])
            for p in self.worth
        }
        total = sp.Add(*(self.visits[s] * r.pi[s, a] * changes[s, a] for s, a in changes))
        return r.sheet.define("dJ", (j,), total)

    def of(self, o: int, b: int, solve: sp.Matrix) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        """The three parts of the derivative in phi(b | o)."""
        r, define = self.r, self.r.sheet.define
        held = r.response_to_leader(o, b)
        free = range(len(held.flow))
        move = [define(f"dmphi{o}{b}", (i,), sp.Add(*(solve[i, j] * held.flow[j] for j in free))) for i in free]
        policy = sp.Add(*(self.visits[s] * self._policy(held, move, s, a) * self.worth[s, a] for s, a in self.worth))
        field = sp.Add(*(slope * step for slope, step in zip(self.by_field, move, strict=True)))
        return self._direct(o, b), policy, field

    def _policy(self, held: Response, move: list[sp.Expr], s: int, a: int) -> sp.Expr:
        by_field = [answer.policy[s, a] * step for answer, step in zip(self.r.by_field, move, strict=True)]
        return sp.Add(held.policy[s, a], *by_field)

    def _direct(self, o: int, b: int) -> sp.Expr:
        r, tables = self.r, self.r.game.tables
        seen = [s for s in r.states if r.game.observation[s] == o]
        terms = [
            self.visits[s]
            * r.pi[s, a]
            * (tables["leader_reward"][s, a, b] + self._ahead([tables["transition"][s, a, b, t] for t in r.states]))
            for s in seen
            for a in r.actions
        ]
        if r.game.leader_temperature == 0.0:
            return sp.Add(*terms)
        bonus = symbols.leader_temperature * (sp.log(r.phi[o, b]) + 1)
        return sp.Add(*terms) - bonus * sp.Add(*(self.visits[s] for s in seen))


def _entropy_bonus(responses: Responses, s: int) -> sp.Expr:
    """tau_l H(phi(. | o(s))); nothing where the game's leader has no entropy weight."""
    if responses.game.leader_temperature == 0.0:
        return sp.Integer(0)
    entropy = -sp.Add(*(p * sp.log(p) for p in responses.leader_rows(s)))
    return symbols.leader_temperature * entropy
