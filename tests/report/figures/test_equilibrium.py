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


def columns_of(axes):
    return tuple(" ".join(label.get_text().split()) for label in axes.get_xticklabels())


@pytest.mark.parametrize("name", ["market-entrance", "equilibrium-pricing"])
def test_heat_maps_show_the_equilibrium_under_the_games_labels(name):
    game = load(name)
    shape = (game.num_states, game.num_leader_actions)
    equilibrium = gradient(game).equilibrium
    policy = np.random.default_rng(0).dirichlet(np.ones(shape[1]), shape[0])
    figure = equilibrium_figure(game, equilibrium, {"leader": policy})
    field, follower, leader = figure.axes[:3]
    if equilibrium.mean_field.ndim == 1:
        np.testing.assert_array_equal([bar.get_width() for bar in field.patches], equilibrium.mean_field)
    else:
        np.testing.assert_array_equal(field.images[0].get_array(), equilibrium.mean_field)
    np.testing.assert_array_equal(follower.images[0].get_array(), equilibrium.follower_policy)
    np.testing.assert_array_equal(leader.images[0].get_array(), policy)
    for axes in (field, follower, leader):
        assert tuple(label.get_text() for label in axes.get_yticklabels()) == tuple(game.state_labels)
    assert columns_of(follower) == tuple(game.follower_action_labels)
    assert columns_of(leader) == tuple(game.leader_action_labels)
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
    shown = [" ".join(axes.get_title(loc="left").split()) for axes in figure.axes[2:]]
    assert [title.partition(",")[0] for title in shown] == ["(c) leader 0", "(d) leader 1", "(e) leader 2"]
    assert figure.get_suptitle() == "Two road toll. Equilibrium under the uniform leader"
    assert "converged, residual 3.0e-14" in " ".join(figure.get_supxlabel().split())
