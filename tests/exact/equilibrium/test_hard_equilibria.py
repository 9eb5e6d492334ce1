"""Slowly mixing chains, small temperatures, discounts near one: what says converged is as near as it says."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import Status, solve_equilibrium
from smfg_verify.exact.equilibrium import solve
from smfg_verify.exact.kernel import tabulate
from smfg_verify.game import AbstractGame, TabularGame, leader_logits_shape, parameter
from tests.exact.cases import SUPPORTS_ONE_QUICK
from tests.helpers.array_games import ArrayGame
from tests.helpers.sixty_digits import distances

SIZES = [(2, 2, 2), (4, 2, 2), (3, 2, 1)]


def slow_game(rng: np.random.Generator, index: int, sizes: int | None = None) -> tuple[ArrayGame, np.ndarray]:
    """Groups of states that are left at rates of 1e-3 to 1e-15, gamma from 0.5 to 0.9999, tau from 1 to 1e-3.

    Off-diagonal rates are multiplied by 1 + (slopes times mean field) >= 0.2, so each keeps its order of magnitude.
    """
    kind = index % len(SIZES) if sizes is None else sizes
    n, actions, leaders = SIZES[kind]
    support = "state_actions" if kind == 2 else "states"
    size = n if support == "states" else n * actions
    shape = (n, actions, leaders)
    group = rng.permutation(np.arange(n) % 2)
    leave = 10.0 ** -rng.uniform(3.0, 15.0)
    rates = rng.dirichlet(np.ones(n), shape) * np.where(group[:, None] == group, 1.0, leave)[:, None, None, :]
    slopes = rates * rng.uniform(-0.8, 0.8, (size, *shape, n))
    rates = rates / (2.0 * np.max(np.sum(rates, axis=-1)))
    slopes = slopes / (2.0 * np.max(np.sum(np.abs(slopes), axis=-1)) + 1.0)
    slopes = rng.choice([0.0, 1.0]) * np.clip(slopes, -0.8 * rates, 0.8 * rates)
    for s in range(n):
        rates[s, :, :, s] = 0.0
        rates[s, :, :, s] = 1.0 - rates[s].sum(axis=-1)
        slopes[:, s, :, :, s] = 0.0
        slopes[:, s, :, :, s] = -slopes[:, s].sum(axis=-1)
    coupling = 10.0 ** rng.uniform(-1.0, 0.5)
    game = ArrayGame(
        kernel=rates,
        kernel_mean_field=slopes,
        follower_rewards=rng.normal(size=shape),
        leader_rewards=rng.normal(size=shape),
        follower_rewards_mean_field=coupling * rng.normal(size=(size, *shape)),
        leader_rewards_mean_field=None,
        discount=1.0 - 10.0 ** -rng.uniform(0.3, 4.0),
        temperature=10.0 ** -rng.uniform(0.0, 3.0),
        leader_temperature=0.0,
        initial_distribution=np.full(n, 1.0 / n),
        observation=np.arange(n),
        support=support,
    )
    return game, rng.normal(size=(n, leaders))


def count_converged(number: int, seed: int = 0, sizes: int | None = None) -> int:
    """How many of the games converge; each that does must be within its own bounds of the true equilibrium."""
    rng = np.random.default_rng(seed)
    converged = 0
    for index in range(number):
        game, logits = slow_game(rng, index, sizes)
        found = solve_equilibrium(TabularGame.from_arrays(**game.from_arrays_arguments()), logits, throw=False)
        if not bool(found.converged):
            assert np.all(np.isnan(found.mean_field))
            continue
        converged += 1
        by_field, by_value = distances(game, logits, found.mean_field, found.follower_value)
        assert by_field <= float(found.error_bound), index
        assert by_value <= float(found.value_error_bound), index
    return converged


def test_slow_games_that_say_converged_are_as_near_as_they_say():
    """Of one shape, whose program is compiled once."""
    assert count_converged(20, sizes=1) >= 19


@pytest.mark.slow
def test_three_hundred_slow_games():
    assert count_converged(300, seed=1) >= 285


def exactly(game: AbstractGame) -> ArrayGame:
    """The follower's side of a game whose functions are affine in the mean field and whose kernel is constant."""
    fields = np.concatenate([np.zeros((1, game.num_states)), np.eye(game.num_states)])
    tables = [tabulate(game, jnp.asarray(field)) for field in fields]
    rewards = np.stack([table.follower_reward for table in tables])
    return ArrayGame(
        kernel=np.asarray(tables[0].transition),
        follower_rewards=rewards[0],
        follower_rewards_mean_field=rewards[1:] - rewards[0],
        leader_rewards=np.zeros_like(rewards[0]),
        discount=float(game.discount),
        temperature=float(game.temperature),
        initial_distribution=np.asarray(game.initial_distribution),
        observation=np.asarray(game.leader_observation),
    )


@pytest.mark.parametrize(
    ("name", "cooler", "discount"),
    [
        ("laffer-tax", 1e-2, 0.9999),
        pytest.param("market-entrance", 1e-2, 0.9999, marks=pytest.mark.slow),
        pytest.param("two-road-toll", 1e-3, 0.9999, marks=pytest.mark.slow),
        pytest.param("market-entrance", 1e-3, 0.99999, marks=pytest.mark.slow),
        pytest.param("two-road-toll", 1e-2, 0.99999, marks=pytest.mark.slow),
        pytest.param("shop-positioning", 1e-2, 0.9999, marks=pytest.mark.slow),
        pytest.param("linear-quadratic", 1e-3, 0.9999, marks=pytest.mark.slow),
    ],
)
def test_values_far_above_the_temperature_are_no_obstacle(name, cooler, discount):
    """V is of the size 1 / (1 - gamma): a float nearest to it is off by more than many temperatures can see."""
    drawn = games.load(name)
    game = eqx.tree_at(lambda g: (g.temperature, g.discount), drawn, (cooler * drawn.temperature, discount))
    for seed in range(3):
        logits = seed * np.random.default_rng(seed).normal(size=leader_logits_shape(game))
        found = solve_equilibrium(game, logits)
        by_field, by_value = distances(exactly(game), logits, found.mean_field, found.follower_value)
        assert by_field <= float(found.error_bound) < 1e-8, seed
        assert by_value <= float(found.value_error_bound), seed


def two_states(leave: float) -> TabularGame:
    """Left at rates 3 and 1 times `leave`, whatever is done, the diagonal holds 1 - p; a third never is entered."""
    kernel = np.zeros((3, 2, 1, 3))
    kernel[0, ..., 1], kernel[1, ..., 0] = 3.0 * leave, leave
    kernel[0, ..., 0], kernel[1, ..., 1] = 1.0 - 3.0 * leave, 1.0 - leave
    kernel[2, ..., :2] = 0.5
    zero = np.zeros((3, 2, 1))
    return TabularGame.from_arrays(
        kernel=kernel, follower_rewards=zero, leader_rewards=zero, discount=0.5, temperature=1.0
    )


@pytest.mark.parametrize("leave", [1e-3, 1e-9, 1e-12, 1e-15])
@pytest.mark.parametrize("initial", [None, [1.0, 0.0, 0.0]])
def test_two_slow_states_have_the_law_of_their_rates(leave, initial):
    found = solve_equilibrium(two_states(leave), np.zeros((3, 1)), initial=initial)
    np.testing.assert_allclose(found.mean_field, [0.25, 0.75, 0.0], rtol=1e-14)
    assert float(found.error_bound) < 1e-12


def several_classes_are_said():
    with pytest.raises(RuntimeError, match=r"SEVERAL_CLASSES.*more than one recurrent class"):
        solve_equilibrium(two_states(0.0), np.zeros((3, 1)))
    found = solve_equilibrium(two_states(0.0), np.zeros((3, 1)), throw=False)
    assert int(found.status) == Status.SEVERAL_CLASSES
    assert np.all(np.isnan(found.mean_field))


def test_several_classes_are_said_of_newtons_method(monkeypatch):
    """By the program of the test above: the searches that would follow are one of their own."""
    monkeypatch.setattr(solve, "with_rescue", lambda attempt, warm: attempt(False))
    several_classes_are_said()


@pytest.mark.slow
def test_several_classes_are_said_after_all_searches():
    several_classes_are_said()


def rarely_moving(logits: tuple[float, float], support: str = "states") -> TabularGame:
    """Two states, each left by an action of these logits; in a third, the chain never is again."""
    kernel = np.zeros((3, 2, 1, 3))
    for s in (0, 1):
        kernel[s, 0, 0, s] = kernel[s, 1, 0, 1 - s] = 1.0
    kernel[2, :, 0, :2] = 0.5
    rewards = np.zeros((3, 2, 1))
    rewards[:2, 1, 0] = 1e-3 * np.asarray(logits)
    return TabularGame.from_arrays(
        kernel=kernel,
        follower_rewards=rewards,
        leader_rewards=np.zeros((3, 2, 1)),
        discount=0.0,
        temperature=1e-3,
        mean_field_support=support,
    )


@SUPPORTS_ONE_QUICK
@pytest.mark.parametrize(
    ("logits", "solved"),
    [
        ((-700, -705), True),
        ((-1, -800), True),
        ((-700, -710), False),
        pytest.param((-706, -712), False, marks=pytest.mark.slow),
        pytest.param((-720, -706), False, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("searches", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_rates_too_small_for_a_float_are_not_taken_for_none(searches, logits, solved, support, monkeypatch):
    """The law is the ratio of the two rates; where only one of them is a float, it is unknown unless negligible.

    Newton's method asks for that law, and by the long version each search that follows a failure.
    """
    if not searches:
        monkeypatch.setattr(solve, "with_rescue", lambda attempt, warm: attempt(False))
    found = solve_equilibrium(rarely_moving(logits, support), np.zeros((3, 1)), throw=False)
    assert bool(found.converged) == solved
    if solved:
        first = np.exp(-np.logaddexp(0.0, float(logits[0] - logits[1])))
        law = np.asarray(found.mean_field).reshape(3, -1).sum(axis=1)
        np.testing.assert_allclose(law, [first, 1.0 - first, 0.0], rtol=1e-10, atol=1e-300)


def test_the_unit_of_reward_changes_nothing():
    game, logits = slow_game(np.random.default_rng(5), 1)
    plain = solve_equilibrium(TabularGame.from_arrays(**game.from_arrays_arguments()), logits)
    for unit in (2.0**-40, 2.0**40):
        scaled = dataclasses.replace(
            game,
            follower_rewards=unit * game.follower_rewards,
            follower_rewards_mean_field=unit * game.follower_rewards_mean_field,
            temperature=unit * game.temperature,
        )
        found = solve_equilibrium(TabularGame.from_arrays(**scaled.from_arrays_arguments()), logits)
        # A power of two: the very same roundings.
        np.testing.assert_array_equal(found.mean_field, plain.mean_field)
        np.testing.assert_array_equal(found.follower_value, unit * plain.follower_value)
        assert float(found.value_error_bound) == pytest.approx(unit * float(plain.value_error_bound), rel=1e-9)


class Shunned(AbstractGame):
    """State 2 is left at once and never entered; company is disliked by a function that is steep at nobody."""

    kind: str = eqx.field(static=True, default="linear")
    num_states, num_follower_actions, num_leader_actions = 3, 2, 2
    discount, temperature = 0.5, 0.5

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(follower_action == 0, jnp.array([0.8, 0.2, 0.0]), jnp.array([0.3, 0.7, 0.0]))

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        x = mean_field[state]
        dislike = {
            "linear": lambda: x,
            "root": lambda: jnp.sqrt(x),
            "power": lambda: x**0.5,
            "entropy": lambda: jax.scipy.special.xlogy(x, x),
            "guarded": lambda: jnp.where(x > 0.0, x * jnp.log(x), 0.0),
        }
        return -dislike[self.kind]() + 0.3 * leader_action * (follower_action == 1)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return mean_field[1]


@pytest.mark.parametrize(
    "kind", ["root", *(pytest.param(k, marks=pytest.mark.slow) for k in ("entropy", "linear", "power", "guarded"))]
)
def test_infinite_slopes_at_an_empty_state_are_no_obstacle(kind):
    """The fixed point of damped best responses in plain NumPy."""
    found = solve_equilibrium(Shunned(kind=kind), np.tile([0.0, 0.5], (3, 1)))
    field, value = np.array([0.4, 0.6, 0.0]), np.zeros(3)
    crowd = {"linear": lambda x: x, "root": np.sqrt, "power": np.sqrt}.get(
        kind, lambda x: np.where(x > 0, x * np.log(np.maximum(x, 1e-300)), 0.0)
    )
    moves = np.array([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    for _ in range(200):
        gain = np.array([0.0, 0.3 / (1.0 + np.exp(-0.5))])
        quality = -crowd(field)[:, None] + gain + 0.5 * (moves @ value)
        value = 0.5 * np.log(np.sum(np.exp(quality / 0.5), axis=1))
        policy = np.exp((quality - value[:, None]) / 0.5)
        field = 0.5 * field + 0.5 * field @ (policy @ moves)
    np.testing.assert_allclose(found.mean_field, field, atol=1e-13)
    assert float(found.mean_field[2]) == 0.0
    np.testing.assert_allclose(found.follower_value, value, atol=1e-13)


class Rounded(AbstractGame):
    """A crowd m1 to which a number is added and taken away again, with logits of closed form: no discount."""

    number: float = parameter(default=0.0)
    discount: float = parameter(default=0.0)
    temperature: float = parameter(default=0.5)
    num_states, num_follower_actions, num_leader_actions = 2, 2, 1
    transition_dependence = "none"

    def transition(self, s, a, b, m):
        return jnp.where(jnp.arange(2) == a, 0.9, 0.1)

    def follower_reward(self, s, a, b, m):
        return jnp.where(a == 1, 0.7 - 1.9 * ((m[1] + self.number) - self.number), 0.0)

    def leader_reward(self, s, a, b, m):
        return m[1]


def test_roundings_within_a_game_count_in_the_error_bound():
    """Whatever is added, the game's equilibrium is that of the real numbers; the machine's function is a staircase."""
    crowd = 0.5
    for _ in range(400):
        crowd = 0.1 + 0.8 / (1.0 + np.exp(-(0.7 - 1.9 * crowd) / 0.5))
    for number in (0.0, 3e3, 1.2e4, 1e5, 1e6, 3e6):
        found = solve_equilibrium(Rounded(number=number), np.zeros((2, 1)), tolerance=1e-6)
        assert 2.0 * abs(float(found.mean_field[1]) - crowd) <= float(found.error_bound) <= 1e-13 + 1e-14 * number


@pytest.mark.slow
def test_where_roundings_within_a_game_hide_the_crowd_nothing_converges():
    for number in (1e9, 1e10, 1e12):
        found = solve_equilibrium(Rounded(number=number), np.zeros((2, 1)), throw=False)
        assert not found.converged
        assert int(found.status) in (Status.INACCURATE, Status.NOT_FOUND)
