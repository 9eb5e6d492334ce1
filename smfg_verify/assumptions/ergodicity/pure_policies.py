"""Policies of a large game whose chains may not mix: actions for ever, the laziest, those that keep states apart."""

from collections.abc import Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from smfg_verify.assumptions.settings import SearchSettings
from smfg_verify.exact.sparse.equations.local_moves import expected_moves, local_problem
from smfg_verify.exact.sparse.reachability import Possible, kept_together, possible_moves, staying
from smfg_verify.exact.tables_at_fields import field_size
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape
from smfg_verify.policies import softmax_policy

# Pure leaders looked at, and random states that a policy is made to avoid.
_MOST_LEADERS, _AVOIDED = 8, 3


class Policies(NamedTuple):
    """Policies of both players at a mean field.

    Attributes:
        follower: pi(a | s), (n, A).
        leader: phi(b | o), (O, B).
        mean_field: in its shape.
    """

    follower: Float[np.ndarray, "n A"]
    leader: Float[np.ndarray, "O B"]
    mean_field: Float[np.ndarray, "..."]

    @property
    def are_pure(self) -> bool:
        """Whether every probability is 0 or 1."""
        return all(bool(np.all((table == 0.0) | (table == 1.0))) for table in (self.follower, self.leader))

    def as_possible(self) -> "Policies":
        """With 1 for every probability that is positive, so that no product of small ones is lost."""
        follower, leader = (np.where(table > 0.0, 1.0, 0.0) for table in (self.follower, self.leader))
        return self._replace(follower=follower, leader=leader)


def policies_looked_at(game: AbstractGame, settings: SearchSettings) -> Iterator[Policies]:
    """Pure policies at some mean fields, those first that are likeliest not to mix.

    Args:
        game: the game, traced, which lists its successors.
        settings: `num_starts` random pure policies, and the seed.

    Yields:
        The policies.
    """
    generator = np.random.default_rng(settings.seed)
    for field in _telling_fields(game, generator):
        for leader in _leaders(game):
            moves, lazy = _moves(game, leader, field)
            yield Policies(_choosing(game, np.argmax(lazy, axis=1)), leader, field)
            for action in range(game.num_follower_actions):
                yield Policies(_choosing(game, np.full(game.num_states, action)), leader, field)
            for chosen in _keeping_apart(moves, lazy, generator):
                yield Policies(_choosing(game, chosen), leader, field)
    field = np.full(mean_field_shape(game), 1.0 / field_size(game))
    observations, leader_actions = leader_logits_shape(game)
    for _ in range(settings.num_starts):
        follower = generator.integers(0, game.num_follower_actions, game.num_states)
        leader = np.eye(leader_actions)[generator.integers(0, leader_actions, observations)]
        yield Policies(_choosing(game, follower), leader, field)


def _fields(game: AbstractGame, generator: np.random.Generator) -> list[np.ndarray]:
    """The uniform mean field, a random one, and everyone in the first entry."""
    size = field_size(game)
    fields = (np.full(size, 1.0 / size), generator.dirichlet(np.ones(size)), np.eye(1, size)[0])
    return [field.reshape(mean_field_shape(game)) for field in fields]


def _telling_fields(game: AbstractGame, generator: np.random.Generator) -> list[np.ndarray]:
    """The mean fields at which moves differ from those at the first: one where they read none."""
    fields, uniform = _fields(game, generator), jnp.zeros(leader_logits_shape(game))
    local = local_problem(game, softmax_policy(uniform))
    first, *others = (np.asarray(expected_moves(game, local, jnp.asarray(np.ravel(field)))) for field in fields)
    return [
        fields[0],
        *(field for field, moves in zip(fields[1:], others, strict=True) if not np.array_equal(moves, first)),
    ]


def _leaders(game: AbstractGame) -> Iterator[Float[np.ndarray, "O B"]]:
    """One action everywhere."""
    observations, actions = leader_logits_shape(game)
    for action in range(min(actions, _MOST_LEADERS)):
        yield np.tile(np.eye(actions)[action], (observations, 1))


def _choosing(game: AbstractGame, actions: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n A"]:
    result: Float[np.ndarray, "n A"] = np.eye(game.num_follower_actions)[actions]
    return result


def _moves(game: AbstractGame, leader: np.ndarray, field: np.ndarray) -> tuple[Possible, Float[np.ndarray, "n A"]]:
    """What is possible for each action of the follower, and how likely it keeps the state."""
    local, size = local_problem(game, leader), game.num_states
    chances = np.asarray(expected_moves(game, local, jnp.asarray(np.ravel(field))))
    targets = np.broadcast_to(np.asarray(local.targets), chances.shape)
    own = targets == np.arange(size).reshape(-1, 1, 1, 1)
    shape = (size, game.num_follower_actions, 1, -1)
    possible = possible_moves(targets.reshape(shape), chances.reshape(shape) > 0.0)
    return possible, np.sum(np.where(own, chances, 0.0), axis=(2, 3))


def _keeping_apart(
    moves: Possible, lazy: Float[np.ndarray, "n A"], generator: np.random.Generator
) -> Iterator[Int[np.ndarray, " n"]]:
    """Actions that avoid a state for ever where that can be, and that stay among the other states where that can be."""
    size = len(lazy)
    for state in (0, size - 1, *generator.integers(0, size, _AVOIDED)):
        others = kept_together(moves, np.arange(size) != state)
        if np.any(others):
            apart = kept_together(moves, ~others)
            yield np.argmax(_allowed(moves, others) * _allowed(moves, apart) * (1.0 + lazy), axis=1)


def _allowed(moves: Possible, inside: Bool[np.ndarray, " n"]) -> Bool[np.ndarray, "n A"]:
    """Actions of the states of a set that cannot leave it; of other states, all."""
    result: Bool[np.ndarray, "n A"] = staying(moves, inside).reshape(inside.size, -1) | ~inside[:, None]
    return result
