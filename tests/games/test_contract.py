"""Properties that every registered game has, and every further one must have."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import AbstractGame, dense_transition, mean_field_shape, over_indices, validate

# Each game is compiled thrice: by default one variant of each kind, logarithms, elasticities and pairs among them.
VARIANTS = [
    ("shop-positioning", {"topology": "ring", "crowd": "log", "locations": [0, 2]}),
    ("equilibrium-pricing", {"max_inventory": 5, "max_production": 1, "inertia": 0.1, "elasticity": 2.0}),
    ("epidemic", {"compartments": "SIRS", "incidence": "exponential", "infection_rate": 9, "importation": 0}),
    ("lasry-lions-chain", {"num_states": 4, "crowd": "log", "tolls": [0.1], "noise": [0.2, 0.7, 0.1], "pull": -2.0}),
    ("random-game", {"dependence": "general", "mean_field_support": "state_actions", "ergodicity": 0}),
]
SLOW_VARIANTS = [
    ("market-entrance", {"scarcity": "quadratic"}),
    ("market-entrance", {"num_states": 3, "kappa": 2}),
    ("two-road-toll", {"inertia": 0.1, "observation": [0, 1]}),
    ("laffer-tax", {"taxes": [0.0, 0.5, 1.0]}),
    ("independent-leader", {"num_states": 5}),
    ("advertising", {"levels": [0.2, 0.5, 0.7], "observation": [0, 1, 2, 2], "value": 0.3, "inertia": 0}),
    ("congestion-pricing", {"side": 2, "num_zones": 3, "destination": 3, "tolls": [0.1, 0.2, 0.9], "slip": 0.5}),
    ("linear-quadratic", {"num_states": 4, "num_follower_actions": 2, "drift": -0.8, "noise": 0.1, "targets": [1]}),
    ("random-game", {"mean_field_support": "state_actions"}),
    ("random-game", {"dependence": "general", "transition_coupling": 1.0, "branching": 2, "seed": 3}),
]


def case(name, parameters, marks=()):
    return pytest.param(name, parameters, id=f"{name}-{'-'.join(map(str, parameters)) or 'default'}", marks=marks)


CASES = [
    *(case(name, {}) for name in games.names()),
    *(case(*variant) for variant in VARIANTS),
    *(case(*variant, marks=pytest.mark.slow) for variant in SLOW_VARIANTS),
]
EVERY_GAME = pytest.mark.parametrize(("name", "parameters"), CASES)
FUNCTIONS = ("transition", "follower_reward", "leader_reward")


def tables(game: AbstractGame, mean_field: jax.Array) -> dict[str, jax.Array]:
    """Each of the three functions at every state and pair of actions."""
    flat = mean_field.reshape(mean_field_shape(game))
    functions = {
        "transition": functools.partial(dense_transition, game),
        "follower_reward": game.follower_reward,
        "leader_reward": game.leader_reward,
    }
    return {key: over_indices(game, lambda s, a, b, f=f: f(s, a, b, flat)) for key, f in functions.items()}


# Jitted once for the whole module: the tests of one game share its compilation.
evaluate = eqx.filter_jit(jax.vmap(tables, in_axes=(None, 0)))


@eqx.filter_jit
def weighted_and_gradients(game: AbstractGame, mean_field: np.ndarray) -> tuple[jax.Array, tuple]:
    """A sum of all values with uneven weights, and its gradient in the game's parameters and the mean field."""

    def weighted(game, mean_field):
        values = tables(game, jnp.asarray(mean_field)).values()
        return sum(jnp.sum(value * jnp.cos(jnp.arange(value.size)).reshape(value.shape)) for value in values)

    return jax.value_and_grad(weighted, argnums=(0, 1))(game, mean_field)


def mean_fields(game: AbstractGame) -> np.ndarray:
    """All vertices of the simplex, then random points of it, (number, M)."""
    size = int(np.prod(mean_field_shape(game)))
    return np.concatenate([np.eye(size), np.random.default_rng(0).dirichlet(np.full(size, 0.5), 20)])


@EVERY_GAME
def test_contract_is_accepted_by_validate(name, parameters):
    validate(games.load(name, **parameters))


@EVERY_GAME
def test_rows_are_distributions_at_vertices_and_inside(name, parameters):
    game = games.load(name, **parameters)
    rows = np.asarray(evaluate(game, mean_fields(game))["transition"])
    assert rows.shape[1:] == (game.num_states, game.num_follower_actions, game.num_leader_actions, game.num_states)
    np.testing.assert_allclose(rows.sum(axis=-1), 1.0, atol=1e-12)
    assert rows.min() >= 0.0


@EVERY_GAME
def test_declared_dependence_is_the_tightest_true_one(name, parameters):
    game = games.load(name, **parameters)
    points = jnp.asarray(mean_fields(game))
    values = evaluate(game, points)
    vertices = {key: value[: points.shape[1]] for key, value in values.items()}
    for key in FUNCTIONS:
        constant = float(jnp.max(jnp.abs(values[key] - values[key][:1]))) < 1e-12
        interpolated = jnp.tensordot(points, vertices[key], axes=1)
        affine = float(jnp.max(jnp.abs(interpolated - values[key]))) < 1e-12
        truth = "none" if constant else "affine" if affine else "general"
        assert getattr(game, f"{key}_dependence") == truth, key


@EVERY_GAME
def test_gradients_are_finite_at_vertices(name, parameters):
    """No trap of a logarithm or a power at zero mass, in the parameters or in the mean field."""
    game = games.load(name, **parameters)
    for mean_field in mean_fields(game):
        _, gradients = weighted_and_gradients(game, mean_field)
        assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(gradients))


@EVERY_GAME
def test_gradient_matches_central_differences(name, parameters):
    """A parameter that a function computes with, but that autodiff cannot see, would show here."""
    game, step = games.load(name, **parameters), 1e-6
    point, (leaves, structure) = mean_fields(game)[-1], jax.tree.flatten(game)
    rng = np.random.default_rng(1)
    direction = [rng.uniform(0.5, 1.0, leaf.shape) for leaf in (*leaves, point)]

    def moved(size):
        *parts, where = [leaf + size * d for leaf, d in zip((*leaves, point), direction, strict=True)]
        return float(weighted_and_gradients(structure.unflatten(parts), where)[0])

    _, gradients = weighted_and_gradients(game, point)
    slope = sum(float(np.sum(g * d)) for g, d in zip(jax.tree.leaves(gradients), direction, strict=True))
    assert slope == pytest.approx((moved(step) - moved(-step)) / (2 * step), rel=1e-6, abs=1e-7)


@EVERY_GAME
def test_changing_a_float_parameter_does_not_recompile_and_is_not_ignored(name, parameters):
    game = games.load(name, **parameters)
    traces = []

    @eqx.filter_jit
    def discounted(game):
        traces.append(None)
        values = tables(game, jnp.asarray(mean_fields(game)[-1]))
        return sum(jnp.sum(value) for value in values.values()) * game.discount + game.temperature

    first = discounted(game)
    second = discounted(games.load(name, **{**parameters, "discount": 0.5, "temperature": 0.7}))
    assert len(traces) == 1
    assert float(first - game.temperature) / float(game.discount) == pytest.approx(float(second - 0.7) / 0.5)


@EVERY_GAME
def test_every_float_leaf_matters_to_the_game(name, parameters):
    """A dead setting would be a leaf whose change changes none of the three functions."""
    game = games.load(name, **parameters)
    shared = {"discount", "temperature", "leader_temperature", "initial_distribution"}
    points = jnp.asarray(mean_fields(game))
    before = evaluate(game, points)
    leaves = {key: value for key, value in vars(game).items() if isinstance(value, jax.Array) and key not in shared}
    if "quadratic" in vars(game).values() or getattr(game, "crowd", "log") == "linear":
        leaves.pop("floor")
    if getattr(game, "compartments", "") == "SIS":
        leaves.pop("waning_rate")
    for key, value in leaves.items():
        # Uneven factors: a common one would cancel in weights that a formula normalises.
        factors = jnp.linspace(1.3, 1.7, value.size).reshape(value.shape)
        changed = eqx.tree_at(lambda g, key=key: getattr(g, key), game, value * factors + 0.1)
        after = evaluate(changed, points)
        assert any(float(jnp.max(jnp.abs(after[f] - before[f]))) > 1e-6 for f in FUNCTIONS), key


@EVERY_GAME
def test_labels_count_states_and_actions(name, parameters):
    game = games.load(name, **parameters)
    counts = {
        "state_labels": game.num_states,
        "follower_action_labels": game.num_follower_actions,
        "leader_action_labels": game.num_leader_actions,
    }
    for key, count in counts.items():
        labels = getattr(game, key)
        assert labels is None or len(set(labels)) == count


@pytest.mark.parametrize("name", games.names())
def test_construction_passes_under_jit_and_vmap(name):
    """Games are rebuilt inside transformations: the checks must let traced numbers through and still see shapes."""
    points = jnp.asarray(mean_fields(games.load(name))[-1:])

    @jax.jit
    @jax.vmap
    def objective(discount):
        game = games.load(name, discount=discount)
        return game.discount * jnp.sum(tables(game, points[0])["leader_reward"])

    discounts = jnp.asarray([0.1, 0.5])
    reward = jnp.sum(evaluate(games.load(name), points)["leader_reward"])
    np.testing.assert_allclose(objective(discounts), discounts * reward, rtol=1e-12)
    with pytest.raises(ValueError, match="discount"):
        jax.jit(lambda pair: games.load(name, discount=pair).discount)(discounts)


@EVERY_GAME
def test_stack_of_games_keeps_its_sizes(name, parameters):
    """A sweep stacks games leaf by leaf; sizes read off a leaf must not count the stack's axis."""
    game = games.load(name, **parameters)
    stack = jax.tree.map(lambda leaf: jnp.stack([leaf] * 7), game)
    sizes = ("num_states", "num_follower_actions", "num_leader_actions")
    assert [getattr(stack, key) for key in sizes] == [getattr(game, key) for key in sizes]
