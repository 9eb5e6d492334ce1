import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import EquilibriumMethod, optimise_leader, solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.exact.equilibrium import solve as equilibrium_module
from smfg_verify.game import TabularGame, leader_logits_shape, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import HARD_SIZES, SUPPORTS, SUPPORTS_ONE_QUICK, hard_games, pair
from tests.helpers import oracle


@SUPPORTS
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_oracle(support, seed):
    game, arrays, logits = pair(seed, support=support, tau_l=0.1)
    found = solve_equilibrium(game, logits)
    expected = oracle.equilibrium(arrays, logits)
    np.testing.assert_allclose(found.mean_field, expected.mean_field, atol=1e-11)
    np.testing.assert_allclose(found.follower_policy, expected.follower_policy, atol=1e-11)
    np.testing.assert_allclose(found.follower_value, expected.follower_value, atol=1e-10)


# Each compiles a program of seconds: one game of each kind of mean field.
QUICK_GAMES = ("laffer-tax",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK_GAMES)) for name in games.names()]
)
def test_every_shipped_game_solves_at_defaults(name):
    game = games.load(name)
    logits = np.random.default_rng(0).normal(size=leader_logits_shape(game))
    found = solve_equilibrium(game, logits)
    kernel = tabulate(game, found.mean_field)
    phi = softmax_policy(jnp.asarray(logits))[np.asarray(game.leader_observation)]
    transition = np.einsum("sb,sabt->sat", phi, kernel.transition)
    reward = np.einsum("sb,sab->sa", phi, kernel.follower_reward)
    policy, value = np.asarray(found.follower_policy), np.asarray(found.follower_value)
    field = np.asarray(found.mean_field)
    quality = reward + float(game.discount) * transition @ value
    bellman = value - float(game.temperature) * np.log(np.sum(np.exp(quality / float(game.temperature)), axis=1))
    pairs = field if field.ndim == 2 else field[:, None] * policy
    inflow = np.einsum("sa,sat->t", pairs, transition)
    image = inflow if field.ndim == 1 else inflow[:, None] * policy
    assert np.max(np.abs(bellman)) <= 1e-10 * max(1.0, np.max(np.abs(value)))
    assert np.max(np.abs(field - image)) <= 1e-10
    assert abs(field.sum() - 1.0) <= 1e-10
    assert float(found.residual) <= 1e-10


def solve_hard_games(count: int, all_sizes: list) -> None:
    worst = 0.0
    for arrays, logits in itertools.islice(hard_games(all_sizes), count):
        game = TabularGame.from_arrays(**arrays.from_arrays_arguments())
        worst = max(worst, float(solve_equilibrium(game, logits).residual))
    assert worst <= 1e-10


def test_hard_random_games_are_all_solved():
    solve_hard_games(30, [(4, 3, 2)])


@pytest.mark.slow
def test_a_thousand_hard_random_games_are_all_solved():
    solve_hard_games(1000, HARD_SIZES)


def crowd_aversion(temperature: float) -> TabularGame:
    """Two sides, the follower moves where it likes, and dislikes company: best responses jump from side to side."""
    kernel = np.zeros((2, 2, 1, 2))
    kernel[:, 0, :, 0] = kernel[:, 1, :, 1] = 0.95
    kernel[:, 0, :, 1] = kernel[:, 1, :, 0] = 0.05
    slope = -4.0 * np.eye(2)[:, :, None, None] * np.ones((2, 2, 2, 1))
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=np.zeros((2, 2, 1)) + np.array([0.3, 0.0])[:, None, None],
        leader_rewards=np.zeros((2, 2, 1)),
        follower_rewards_mean_field=slope,
        discount=0.9,
        temperature=temperature,
    )


def two_conventions(temperature: float) -> TabularGame:
    """The same sides with company liked: two stable equilibria and an unstable one between them."""
    game = crowd_aversion(temperature)
    return eqx.tree_at(
        lambda g: (g.follower_rewards, g.follower_rewards_mean_field),
        game,
        (jnp.zeros((2, 2, 1)), -game.follower_rewards_mean_field),
    )


def test_two_equilibria_are_both_found_from_their_own_starts():
    game = two_conventions(0.1)
    left = solve_equilibrium(game, np.zeros((2, 1)), initial=[1.0, 0.0])
    right = solve_equilibrium(game, np.zeros((2, 1)), initial=[0.0, 1.0])
    assert float(left.mean_field[0]) > 0.9
    np.testing.assert_allclose(left.mean_field, right.mean_field[::-1], atol=1e-10)


def stepping_game() -> TabularGame:
    """A reward that jumps in the mean field: mass is disliked above one half and liked below; no equilibrium exists."""

    class Jump(type(crowd_aversion(0.1))):  # type: ignore[misc]
        follower_reward_dependence = "general"

        def follower_reward(self, state, follower_action, leader_action, mean_field):
            return jnp.where(mean_field[0] > 0.5, -1.0, 1.0) * (state == 0)

    base = crowd_aversion(0.01)
    return Jump(**{field.name: getattr(base, field.name) for field in dataclasses.fields(base)})


def test_an_unsolvable_game_raises_or_gives_nan_never_a_plausible_number():
    game = stepping_game()
    with pytest.raises(RuntimeError, match="not converged"):
        solve_equilibrium(game, np.zeros((2, 1)), max_path_steps=50)
    found = solve_equilibrium(game, np.zeros((2, 1)), max_path_steps=50, throw=False)
    assert not bool(found.converged)
    assert float(found.residual) > 1e-3
    assert int(found.method) == EquilibriumMethod.NONE
    for leaf in (found.mean_field, found.follower_policy, found.follower_value):
        assert np.all(np.isnan(leaf))


def test_newtons_method_cut_short_has_no_derivative():
    """Zero would read as a stationary point."""
    game, _, logits = pair(0)

    def functional(x):
        found = equilibrium_module.equilibrium_of_policy(
            traced(game), softmax_policy(x), tolerance=1e-30, max_steps=1, rescue=False
        )
        return found.mean_field[0] + found.follower_value[0]

    assert np.all(np.isnan(jax.jit(jax.grad(functional))(jnp.asarray(logits))))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["reverse", "forward"])
def test_an_unconverged_equilibrium_has_no_derivative(way):
    """The same where all searches were cut short."""
    game, _, logits = pair(0)
    logits = jnp.asarray(logits)

    def functional(x):
        found = solve_equilibrium(game, x, tolerance=1e-30, max_steps=1, max_path_steps=1, throw=False)
        return found.mean_field[0] + found.follower_value[0]

    if way == "forward":
        assert np.isnan(jax.jvp(functional, (logits,), (jnp.ones_like(logits),))[1])
    else:
        assert np.all(np.isnan(jax.grad(functional)(logits)))


@SUPPORTS_ONE_QUICK
def test_derivatives_in_game_parameters_agree_with_differences(support):
    game, _, logits = pair(5, support=support)
    weights = np.random.default_rng(0).normal(size=solve_equilibrium(game, logits).mean_field.shape)

    def functional(game):
        found = solve_equilibrium(game, logits)
        return jnp.sum(weights * found.mean_field) + jnp.sum(found.follower_value)

    slopes = eqx.filter_grad(functional)(game)
    for leaf in ("discount", "temperature", "follower_rewards", "kernel_mean_field", "follower_rewards_mean_field"):
        value = getattr(game, leaf)
        direction = np.random.default_rng(1).normal(size=value.shape)
        if leaf == "kernel_mean_field":
            direction -= direction.mean(axis=-1, keepdims=True)
        move = lambda t, leaf=leaf, d=direction: functional(  # noqa: E731
            eqx.tree_at(lambda g: getattr(g, leaf), game, getattr(game, leaf) + t * d)
        )
        plateau = [float(move(h) - move(-h)) / (2 * h) for h in (1e-4, 3e-5, 1e-5)]
        expected = float(jnp.sum(getattr(slopes, leaf) * direction))
        assert min(abs(p - expected) for p in plateau) <= 1e-7 * max(1.0, abs(expected)), leaf


@pytest.mark.slow
@SUPPORTS_ONE_QUICK
def test_forward_and_reverse_mode_agree(support):
    game, _, logits = pair(6, support=support)
    mean_field = lambda x: solve_equilibrium(game, x).mean_field  # noqa: E731
    forward, reverse = jax.jacfwd(mean_field)(jnp.asarray(logits)), jax.jacrev(mean_field)(jnp.asarray(logits))
    np.testing.assert_allclose(forward, reverse, atol=1e-11)


@pytest.mark.slow
def test_vmap_and_jit_agree_with_single_solves():
    game, _, _ = pair(7)
    logits = np.random.default_rng(0).normal(size=(5, 4, 2))
    batch = jax.jit(jax.vmap(lambda x: solve_equilibrium(game, x, throw=False).mean_field))(logits)
    singles = np.stack([solve_equilibrium(game, x).mean_field for x in logits])
    np.testing.assert_allclose(batch, singles, atol=1e-11)


def test_changing_a_parameter_changes_the_answer_and_does_not_recompile():
    game, arrays, logits = pair(8)
    solve_equilibrium(game, logits)
    compiled = equilibrium_module._solve.num_programs()
    hotter = dataclasses.replace(arrays, temperature=0.5, discount=0.8)
    bounds = {"tolerance": 1e-7, "max_steps": 50, "max_path_steps": 1000}
    found = solve_equilibrium(TabularGame.from_arrays(**hotter.from_arrays_arguments()), logits, **bounds)
    np.testing.assert_allclose(found.mean_field, oracle.equilibrium(hotter, logits).mean_field, atol=1e-11)
    assert equilibrium_module._solve.num_programs() == compiled


def test_arrays_of_weak_types_are_the_same_program():
    """JAX gives an array made of a Python number a weak type, and compiles a program of its own for it."""
    game, _, logits = pair(8)
    solve_equilibrium(game, logits)
    compiled = equilibrium_module._solve.num_programs()
    weak = jnp.full(4, 0.25)
    assert weak.weak_type
    game = eqx.tree_at(lambda game: (game.temperature, game.initial_distribution), game, (jnp.asarray(0.7), weak))
    solve_equilibrium(game, logits, initial=weak)
    assert equilibrium_module._solve.num_programs() == compiled


SLOW_SIZES = [pytest.param(sizes, marks=pytest.mark.slow) for sizes in ((4, 1, 2), (3, 2, 1))]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 3, 2), *SLOW_SIZES])
def test_odd_sizes(sizes):
    game, arrays, logits = pair(9, sizes=sizes, gamma=0.0)
    found, expected = solve_equilibrium(game, logits), oracle.equilibrium(arrays, logits)
    np.testing.assert_allclose(found.mean_field, expected.mean_field, atol=1e-12)
    np.testing.assert_allclose(found.follower_value, expected.follower_value, atol=1e-11)


@pytest.mark.slow
def test_a_reducible_chain_is_reported_not_solved_silently():
    """Two absorbing states: every mixture of them is stationary, so the equation has no isolated solution."""
    kernel = np.eye(2)[:, None, None, :] * np.ones((2, 1, 1, 2))
    rewards = np.zeros((2, 1, 1))
    game = TabularGame.from_arrays(
        kernel=kernel, follower_rewards=rewards, leader_rewards=rewards, discount=0.9, temperature=0.3
    )
    assert not bool(stackelberg_gradient(game, np.zeros((2, 1)), throw=False).equilibrium.converged)
    for function in (stackelberg_gradient, optimise_leader):
        with pytest.raises(RuntimeError, match="more than one recurrent class"):
            function(game, np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(leader_logits=np.zeros((3, 2))), r"leader_logits: got shape \(3, 2\), expected \(4, 2\)"),
        (dict(leader_logits=np.full((4, 2), np.nan)), "leader_logits: got NaN"),
        (dict(leader_logits=np.zeros((4, 2)), initial=np.ones(3) / 3), r"initial: got shape \(3,\), expected \(4,\)"),
        (dict(leader_logits=np.zeros((4, 2)), initial=np.ones(4)), "initial: .*expected a probability distribution"),
    ],
)
def test_bad_arguments(arguments, message):
    game, _, _ = pair(0)
    with pytest.raises(ValueError, match=message):
        solve_equilibrium(game, **arguments)
