"""Heat maps of an equilibrium show its numbers under the game's labels, or say that there is none."""

import numpy as np
import pytest

from smfg_verify.game import leader_logits_shape
from smfg_verify.games import load
from smfg_verify.report.figures.equilibrium import equilibrium_figure
from tests.report.records import gradient
from tests.support.drawn import assert_words_keep_apart

# Records made by hand stand in for those that a job makes.
pytestmark = pytest.mark.wrong_types


@pytest.mark.parametrize("name", ["market-entrance", "equilibrium-pricing"])
def test_heat_maps_show_the_equilibrium_under_the_games_labels(name):
    game = load(name)
    shape = (game.num_states, game.num_leader_actions)
    equilibrium = gradient(game).equilibrium
    policy = np.random.default_rng(0).dirichlet(np.ones(shape[1]), shape[0])
    figure = equilibrium_figure(game, equilibrium, {"leader": policy})
    field, follower, leader = [axes for axes in figure.axes if axes.images][:3]
    np.testing.assert_array_equal(np.ravel(field.images[0].get_array()), np.ravel(equilibrium.mean_field))
    np.testing.assert_array_equal(follower.images[0].get_array(), equilibrium.follower_policy)
    np.testing.assert_array_equal(leader.images[0].get_array(), policy)
    for axes in (field, follower, leader):
        assert tuple(label.get_text() for label in axes.get_yticklabels()) == tuple(game.state_labels)
    assert tuple(label.get_text() for label in follower.get_xticklabels()) == tuple(game.follower_action_labels)
    assert tuple(label.get_text() for label in leader.get_xticklabels()) == tuple(game.leader_action_labels)
    assert [text.get_text() for text in leader.texts] == [f"{value:.3f}" for value in policy.ravel()]


def test_an_unconverged_equilibrium_is_drawn_as_nan():
    game = load("laffer-tax")
    unconverged = gradient(game, converged=False).equilibrium
    figure = equilibrium_figure(game, unconverged, {"leader": np.full((1, 2), 0.5)})
    assert "NOT CONVERGED" in figure.get_supxlabel()
    assert {text.get_text() for text in figure.axes[0].texts} == {"nan"}


def test_leaders_stand_side_by_side_under_their_titles():
    game = load("two-road-toll")
    policies = {f"leader {k}": np.full(leader_logits_shape(game), 0.5) for k in range(3)}
    figure = equilibrium_figure(game, gradient(game).equilibrium, policies)
    assert_words_keep_apart(figure)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.images]
    assert shown[2:] == list(policies)
    assert "converged, residual 3.0e-14" in " ".join(figure.get_supxlabel().split())
