"""The shipped formulas are the shipped classes: the same tables at random mean fields, the same equilibria."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games, solve_equilibrium, symbolic
from smfg_verify.game import leader_logits_shape, over_indices

VARIANTS = [
    ("laffer-tax", {}),
    ("laffer-tax", {"taxes": [0.1, 0.5, 0.9], "observation": [0, 1], "kappa": 0.7}),
    ("two-road-toll", {}),
    ("two-road-toll", {"inertia": 0.2, "tolls": [[0.1, 0.3], [0.5, 0.2], [0.0, 0.4]], "leader_temperature": 0.1}),
    ("market-entrance", {}),
    ("market-entrance", {"scarcity": "quadratic", "configuration": "buy_skew"}),
    ("market-entrance", {"num_states": 3, "kappa": 2}),
]
IDS = [f"{name}-{'-'.join(given) or 'default'}" for name, given in VARIANTS]
FUNCTIONS = ("transition", "follower_reward", "leader_reward")


def tables(game, mean_fields):
    """Each function at every place and mean field."""

    def at(mean_field):
        functions = [getattr(game, name) for name in FUNCTIONS]
        return [over_indices(game, lambda s, a, b, f=function: f(s, a, b, mean_field)) for function in functions]

    return jax.jit(jax.vmap(at))(mean_fields)


ONE_OF_EACH = [
    pytest.param(*variant, marks=[pytest.mark.slow] * (k not in (1, 3, 6)), id=IDS[k])
    for k, variant in enumerate(VARIANTS)
]


@pytest.mark.parametrize(("name", "parameters"), ONE_OF_EACH)
def test_tables_and_words_are_those_of_the_class(name, parameters):
    shipped, ours = games.load(name, **parameters), symbolic.load(name, **parameters).to_game()
    fields = jnp.asarray(np.random.default_rng(0).dirichlet(np.ones(shipped.num_states), 50))
    for expected, found in zip(tables(shipped, fields), tables(ours, fields), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-14, rtol=0)
    words = ("state_labels", "follower_action_labels", "leader_action_labels")
    declared = tuple(f"{function}_dependence" for function in FUNCTIONS)
    assert [getattr(ours, word) for word in (*words, *declared)] == [
        getattr(shipped, word) for word in (*words, *declared)
    ]


# The tables above are the game; a second program is compiled for one of them.
@pytest.mark.slow
@pytest.mark.parametrize("name", symbolic.names())
def test_equilibria_are_those_of_the_class(name):
    shipped, ours = games.load(name), symbolic.load(name).to_game()
    logits = np.random.default_rng(1).normal(size=leader_logits_shape(shipped))
    equilibria = [solve_equilibrium(game, logits) for game in (shipped, ours)]
    for word in ("mean_field", "follower_policy", "follower_value"):
        np.testing.assert_allclose(getattr(equilibria[1], word), getattr(equilibria[0], word), rtol=0, atol=1e-12)


def test_every_name_is_that_of_a_shipped_game():
    assert set(symbolic.names()) <= set(games.names())


@pytest.mark.parametrize("name", ["epidemic", "advertising"])
def test_a_game_without_formulas_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name}: got a game without formulas"):
        symbolic.load(name)


def test_an_unknown_name_or_parameter_is_refused_as_by_games():
    with pytest.raises(ValueError, match="laffer-tax"):
        symbolic.load("lafer-tax")
    with pytest.raises(ValueError, match="kappa"):
        symbolic.load("laffer-tax", kapa=1.0)
