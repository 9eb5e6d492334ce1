"""Random points at which exact claims are evaluated, the same for the same seed."""

from typing import Any

import numpy as np
from jaxtyping import Float

from smfg_verify.assumptions.gradient_domination.measures import FollowerPoints
from smfg_verify.game import AbstractGame, leader_logits_shape, mean_field_shape, traced, validate
from smfg_verify.games import RandomGame


def random_game(seed: int = 0, **parameters: Any) -> AbstractGame:
    """A random game of few states, ready to be traced; every coupling is on.

    Args:
        seed: of the draw.
        **parameters: of `RandomGame.from_parameters`.

    Returns:
        The game, validated.
    """
    sizes = {"num_states": 4, "num_follower_actions": 3, "num_leader_actions": 2}
    game = RandomGame.from_parameters(seed=seed, **{**sizes, **parameters})
    validate(game)
    return traced(game)


def random_follower_points(game: AbstractGame, number: int, seed: int) -> FollowerPoints:
    """Follower policies from uniform to nearly pure, random leaders and mean fields."""
    generator = np.random.default_rng(seed)
    scale = generator.choice([0.3, 1.0, 3.0], size=(number, 1, 1))
    shape = mean_field_shape(game)
    fields = generator.dirichlet(np.ones(int(np.prod(shape))), size=number)
    return FollowerPoints(
        follower_logits=scale * generator.standard_normal((number, game.num_states, game.num_follower_actions)),
        leader_logits=generator.standard_normal((number, *leader_logits_shape(game))),
        mean_field=fields.reshape(number, *shape),
    )


def random_chains(
    number: int, num_states: int, concentration: float, generator: np.random.Generator
) -> Float[np.ndarray, "N n n"]:
    """Transition matrices with Dirichlet rows; a small concentration gives nearly deterministic chains."""
    return generator.dirichlet(np.full(num_states, concentration), size=(number, num_states))
