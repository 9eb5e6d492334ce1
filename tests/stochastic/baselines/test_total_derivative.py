"""The total-derivative learner: its estimates tend to the total gradient as samples are added."""

import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact.gradient.stackelberg import stackelberg_gradient
from smfg_verify.stochastic import Schedule, total_derivative
from tests.stochastic.games_for_runs import array_game

STEP = 1e-3


def estimates(game, exact, logits, rounds, **options):
    """One estimate of the total gradient a seed, at the equilibrium of the logits."""
    equilibrium = exact.equilibrium
    trace = total_derivative(
        game,
        num_iterations=1,
        seeds=range(32),
        schedule=Schedule(leader=STEP, mean_field=STEP, follower=STEP, critic=STEP),
        model_rounds=rounds,
        initial={
            "leader_logits": logits,
            "follower_logits": np.log(equilibrium.follower_policy),
            "follower_critic": equilibrium.follower_value,
            "mean_field": equilibrium.mean_field,
        },
        **options,
    )
    return (trace.leader_logits[:, -1] - logits) / (STEP * (1.0 - float(game.discount)))


def cosines(found, exact):
    return np.sum(found * exact, axis=(1, 2)) / np.linalg.norm(found, axis=(1, 2)) / np.linalg.norm(exact)


@pytest.mark.slow
def test_many_samples_give_the_total_gradient_where_the_direct_one_points_the_other_way():
    game, logits = games.load("laffer-tax"), np.array([[0.0, 1.0]])
    exact = stackelberg_gradient(game, logits)
    total = np.asarray(exact.total)
    found = estimates(game, exact, logits, rounds=400)
    assert np.sum(total * exact.direct) < 0.0
    assert cosines(found, total).min() > 0.99
    np.testing.assert_allclose(found.mean(axis=0), total, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_in_many_dimensions_the_error_falls_with_samples_and_a_wide_spacing_does_not_hurt(support):
    _, game = array_game(6, sizes=(2, 2, 3), gamma=0.7, support=support)
    logits = np.random.default_rng(0).normal(size=(2, 3))
    exact = stackelberg_gradient(game, logits)
    total = np.asarray(exact.total)
    few, many, wide = (
        estimates(game, exact, logits, rounds, spacing=h) for rounds, h in ((20, 0.5), (500, 0.5), (500, 1.0))
    )
    assert cosines(many, total).min() > 0.99
    errors = [np.sqrt(np.mean(np.sum((found - total) ** 2, axis=(1, 2)))) for found in (few, many, wide)]
    # Noise falls as one over the square root of the samples, here 5; a wider spacing of an affine game only helps.
    assert 3.0 < errors[0] / errors[1] < 8.0
    assert errors[2] < 1.1 * errors[1]
