"""Games written as formulas."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import sympy as sp

from smfg_verify.errors import InputError
from smfg_verify.game import AbstractGame, MeanFieldSupport, as_parameter, validate
from smfg_verify.game.base import Numerical
from smfg_verify.suggestions import closest
from smfg_verify.symbolic.formula_game import FormulaGame
from smfg_verify.symbolic.programs import Program, compile_program
from smfg_verify.symbolic.tables import (
    Names,
    Table,
    declared_parameters,
    dependence_of,
    place_text,
    tabulated,
)

FUNCTIONS = ("transition", "follower_reward", "leader_reward")
_ROW_TOLERANCE = 1e-9


@dataclasses.dataclass(frozen=True, kw_only=True)
class SymbolicGame:
    r"""A Stackelberg mean field game written as formulas of sympy's.

    The formulas speak of the state s, the follower's action a, the leader's action b, the next state s_next and the
    mean field m[s] (or m[s, a]), all symbols of `smfg_verify.symbolic`, and of the game's own parameters. Indices count
    from 0. Cases are written with `Piecewise` and `Eq`, sums over states with `Sum`.

    Args:
        name: what reports call the game.
        states, follower_actions, leader_actions: labels, one for each; their number is the size.
        transition: $P(s' | s, a, b, m)$.
        follower_reward: $r_f(s, a, b, m)$, in units of reward.
        leader_reward: $r_l(s, a, b, m)$, in units of reward.
        parameters: a number for each symbol and an array of numbers for each `IndexedBase`; what a symbol is declared
            to be (positive, say) is checked, and used in proofs.
        discount: gamma in [0, 1).
        temperature: tau > 0, in units of reward.
        leader_temperature: tau_l >= 0, in units of reward.
        initial_distribution: (n,), full support; uniform if None.
        leader_observation: row of the leader's logits each state uses, (n,); each state its own if None.
        mean_field_support: "states" or "state_actions".

    Attributes:
        names: sizes, parameters and the symbols of their entries and of the mean field's.
        numbers: the parameters' numbers by name.
        tables: each function as one expression for each place, (s, a, b) or (s, a, b, s').

    Raises:
        ValueError: names that clash or are taken, free symbols that are no parameter, functions without a counterpart
            in JAX, indices out of range, rows of the transition that do not sum to one; each named.

    Examples:
        >>> import sympy as sp
        >>> from smfg_verify.symbolic import SymbolicGame, follower_action, leader_action, mean_field, next_state, state
        >>> kappa, toll = sp.symbols("kappa toll", positive=True)
        >>> game = SymbolicGame(
        ...     name="two roads",
        ...     states=("road 1", "road 2"),
        ...     follower_actions=("take road 1", "take road 2"),
        ...     leader_actions=("no toll", "toll on road 2"),
        ...     transition=sp.KroneckerDelta(follower_action, next_state) * 4 / 5 + sp.Rational(1, 10),
        ...     follower_reward=-kappa * mean_field[state] - toll * state * leader_action,
        ...     leader_reward=toll * state * leader_action,
        ...     parameters={kappa: 1.0, toll: 0.5},
        ...     discount=0.9,
        ...     temperature=0.5,
        ... )
        >>> game.tables["follower_reward"][1, 0, 1]
        -kappa*m_1 - toll
        >>> from smfg_verify import solve_equilibrium
        >>> solve_equilibrium(game.to_game(), [[0.0, 0.0], [0.0, 0.0]]).mean_field.round(3).tolist()
        [0.546, 0.454]
    """

    name: str
    states: Sequence[str]
    follower_actions: Sequence[str]
    leader_actions: Sequence[str]
    transition: sp.Expr
    follower_reward: sp.Expr
    leader_reward: sp.Expr
    parameters: Mapping[sp.Symbol | sp.IndexedBase, Numerical]
    discount: float
    temperature: float
    leader_temperature: float = 0.0
    initial_distribution: Sequence[float] | None = None
    leader_observation: Sequence[int] | None = None
    mean_field_support: MeanFieldSupport = "states"
    names: Names = dataclasses.field(init=False, repr=False)
    numbers: Mapping[str, np.ndarray] = dataclasses.field(init=False, repr=False)
    tables: Mapping[str, Table] = dataclasses.field(init=False, repr=False)

    def __post_init__(self) -> None:
        sizes = (self._size("states"), self._size("follower_actions"), self._size("leader_actions"))
        if self.mean_field_support not in ("states", "state_actions"):
            raise InputError(
                f"mean_field_support: got {self.mean_field_support!r}, expected 'states' or 'state_actions'."
            )
        declared, numbers = declared_parameters(self.parameters)
        names = Names(sizes, sizes[:1] if self.mean_field_support == "states" else sizes[:2], declared)
        formulas = {name: getattr(self, name) for name in FUNCTIONS}
        tables = {
            name: tabulated(name, formula, names, next_states=name == "transition")
            for name, formula in formulas.items()
        }
        for name, value in (("names", names), ("numbers", numbers), ("tables", tables)):
            object.__setattr__(self, name, value)
        self._programs()
        self._check_used()
        self._check_rows()

    def _size(self, field: str) -> int:
        labels = getattr(self, field)
        if isinstance(labels, str) or not isinstance(labels, Sequence) or not all(isinstance(x, str) for x in labels):
            raise InputError(f"{field}: got {labels!r}, expected a label for each, in a list.")
        if len(labels) == 0 or len(set(labels)) < len(labels):
            raise InputError(f"{field}: got {list(labels)}, expected at least one label and none twice.")
        return len(labels)

    def _programs(self) -> list[Program]:
        """The three functions printed to JAX; refuses what has no counterpart there."""
        inputs = (*self.names.parameter_symbols, *self.names.field_symbols)
        return [compile_program(self.tables[name].values(), inputs, name) for name in FUNCTIONS]

    def _check_used(self) -> None:
        found = set().union(*(e.free_symbols for table in self.tables.values() for e in table.values()))
        for parameter in self.names.parameters.values():
            if not found & set(parameter.symbols):
                raise InputError(f"parameters: got {parameter.name}, which no formula of the game contains.")

    def _check_rows(self) -> None:
        for place in sorted({key[:3] for key in self.tables["transition"]}):
            row = [self.tables["transition"][*place, s] for s in range(self.num_states)]
            rest = self.on_simplex(sum(row) - 1)
            if rest != 0 and abs(worst := self._largest(rest)) > _ROW_TOLERANCE:
                raise InputError(
                    f"transition: the row at {place_text(place)} sums to {1 + worst:.6g} at some mean field, "
                    f"that is to 1 + ({rest}); expected 1."
                )

    def on_simplex(self, expression: sp.Expr) -> sp.Expr:
        """An expression with the last entry of the mean field as one minus the others, simplified.

        Args:
            expression: in the symbols of `names`.

        Returns:
            The same on every mean field; 0 where it vanishes there.
        """
        *free, last = self.names.field_symbols
        return sp.simplify(sp.sympify(expression).subs(last, 1 - sum(free)))

    def _largest(self, expression: sp.Expr) -> float:
        """The value that is furthest from zero at the corners and the centre of the simplex, at the game's numbers."""
        fields = self.names.field_symbols
        corners = [*np.eye(len(fields)), np.full(len(fields), 1.0 / len(fields))]
        at = [expression.subs({**self.substitution, **dict(zip(fields, corner, strict=True))}) for corner in corners]
        return max((float(value) for value in at), key=abs)

    @property
    def num_states(self) -> int:
        """Number n of states."""
        return self.names.sizes[0]

    @property
    def observation(self) -> tuple[int, ...]:
        """Row of the leader's logits that each state uses, (n,)."""
        given = self.leader_observation
        return tuple(range(self.num_states)) if given is None else tuple(int(row) for row in given)

    @property
    def substitution(self) -> dict[sp.Symbol, float]:
        """The number of each symbol of the parameters."""
        values = (self.numbers[p.name].ravel().tolist() for p in self.names.parameters.values())
        return dict(zip(self.names.parameter_symbols, (v for entries in values for v in entries), strict=True))

    def replace(self, **parameters: Numerical) -> "SymbolicGame":
        """The same formulas with other numbers.

        Args:
            **parameters: by name.

        Returns:
            The game.

        Raises:
            ValueError: an unknown name, or anything the class refuses.
        """
        by_name = {p.name: written for written, p in self.names.parameters.items()}
        for name in parameters:
            if name not in by_name:
                hint = closest(name, by_name)
                raise InputError(
                    f"{self.name}: got unknown parameter {name!r}{hint}; expected one of: {', '.join(by_name)}."
                )
        changed = {by_name[name]: value for name, value in parameters.items()}
        return dataclasses.replace(self, parameters={**self.parameters, **changed})

    def to_game(self) -> AbstractGame:
        """The game for the exact, the certified and the stochastic side: its formulas printed to JAX.

        Returns:
            The game, validated; its numbers are leaves, and another number is no other program.

        Raises:
            ValueError: a function without a counterpart in JAX, or anything `validate` refuses.
        """
        programs = self._programs()
        kinds = [dependence_of(self.tables[name], self.names.field_symbols) for name in FUNCTIONS]
        n, actions, leader_actions = self.names.sizes
        start = np.full(n, 1.0 / n) if self.initial_distribution is None else self.initial_distribution
        game = FormulaGame(
            parameters={name: as_parameter(values) for name, values in self.numbers.items()},
            discount=as_parameter(self.discount),
            temperature=as_parameter(self.temperature),
            leader_temperature=as_parameter(self.leader_temperature),
            initial_distribution=as_parameter(start),
            leader_observation=self.observation,
            num_states=n,
            num_follower_actions=actions,
            num_leader_actions=leader_actions,
            mean_field_support=self.mean_field_support,
            transition_program=programs[0],
            follower_reward_program=programs[1],
            leader_reward_program=programs[2],
            transition_dependence=kinds[0],
            follower_reward_dependence=kinds[1],
            leader_reward_dependence=kinds[2],
            definition=sp.srepr(sp.Tuple(*(getattr(self, name) for name in FUNCTIONS), *self.names.parameters)),
            name=self.name,
            state_labels=tuple(self.states),
            follower_action_labels=tuple(self.follower_actions),
            leader_action_labels=tuple(self.leader_actions),
        )
        validate(game)
        return game


def from_game(game: AbstractGame) -> SymbolicGame:
    """The formulas of a game that was made by `SymbolicGame.to_game`, with its present numbers.

    Args:
        game: such a game.

    Returns:
        The symbolic game.

    Raises:
        ValueError: a game that was not written as formulas.

    Examples:
        >>> from smfg_verify import symbolic
        >>> laffer = symbolic.load("laffer-tax")
        >>> symbolic.from_game(laffer.to_game()).leader_reward == laffer.leader_reward
        True
    """
    if not isinstance(game, FormulaGame):
        raise InputError(
            f"{game.name or type(game).__name__}: got a game without formulas, expected one made by "
            "SymbolicGame.to_game, or the name of a game that ships with formulas."
        )
    transition, follower_reward, leader_reward, *written = sp.sympify(game.definition)
    return SymbolicGame(
        name=game.name or "game",
        states=game.state_labels or (),
        follower_actions=game.follower_action_labels or (),
        leader_actions=game.leader_action_labels or (),
        transition=transition,
        follower_reward=follower_reward,
        leader_reward=leader_reward,
        parameters=dict(
            zip(written, (np.asarray(game.parameters[name]) for name in sorted(game.parameters)), strict=True)
        ),
        discount=float(game.discount),
        temperature=float(game.temperature),
        leader_temperature=float(game.leader_temperature),
        initial_distribution=np.asarray(game.initial_distribution).tolist(),
        leader_observation=game.leader_observation,
        mean_field_support=game.mean_field_support,
    )
