"""Code that cannot be traced: what it says at some mean fields is no proof, and it is asked where results are found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import ac_smfg, check, games
from smfg_verify.exact import leader_objective, optimise_leader, solve_equilibrium, stackelberg_gradient
from smfg_verify.game import AbstractGame, TabularGame, parameter, untraced_functions
from smfg_verify.interop import from_mfglib, to_arrays, to_gymnasium
from smfg_verify.stochastic.finite_population import simulate_population
from tests.interop.foreign_sites import LEADER, OPTIONS, START, N, Sites

# What an environment reaches is read from the code as it is, the package's own around it too.
pytestmark = pytest.mark.untyped


def _neighbours(m):
    """The trial: two neighbouring sites that are both crowded cost more."""
    cost = np.zeros(N)
    for i in range(N - 1):
        cost[i : i + 2] += 40.0 * max(0.0, m[i] * m[i + 1] - 0.12)
    return -cost


HIDDEN = {
    "neighbours": _neighbours,
    "three at once": lambda m: -40.0 * max(0.0, m[0] * m[2] * m[5] - 0.03),
    "four at once": lambda m: -900.0 * max(0.0, m[0] * m[1] * m[3] * m[4] - 0.0035),
    "almost all in one site": lambda m: max(0.0, m[4] - 0.97),
    "almost nobody in one site": lambda m: max(0.0, 1e-3 - m[2]),
    "only near the uniform crowd": lambda m: max(0.0, 0.02 - np.abs(m - 1 / N).sum()),
    "only where half meets half": lambda m: float(abs(m[1] - 0.5) + abs(m[5] - 0.5) < 1e-6),
    "rewards of size 1e-12": lambda m: 0.0,
}


@pytest.mark.parametrize("support", ["states", "state_actions"])
@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_not_affine_is_refused_with_where_and_by_how_much(name, support):
    extra = HIDDEN[name]
    environment = Sites(lambda m: extra(m) * np.ones(N))
    if "1e-12" in name:  # small units hide nothing
        environment = Sites(lambda m: 1e-12 * _neighbours(m), base=1e-12 * np.arange(N), crowding=1e-12)
    with pytest.raises(ValueError, match=r"environment.reward: differs by .* at mean field .* Write it in JAX"):
        from_mfglib(environment, LEADER, mean_field_support=support, **OPTIONS)


@pytest.fixture(scope="module")
def trap(equilibrium):
    """An environment that is affine at every probe and not where its followers settle."""

    def extra(m):
        return -0.5 * (np.abs(m - equilibrium).sum() < 5e-3) * np.ones(N)

    return from_mfglib(Sites(extra), LEADER, mean_field_support="states", **OPTIONS)


def test_the_equilibrium_of_an_honest_environment_solves_its_own_equations(sites, equilibrium):
    """By the environment's own functions: a move anywhere succeeds alike, so the law of one step is the crowd."""
    reward = Sites().reward(0, equilibrium)[:, 0] - 0.05 * (np.arange(N) == 0)
    weight = np.exp((reward - reward.max()) * 0.9 * 0.976 / 0.2)
    np.testing.assert_allclose(0.004 + 0.976 * weight / weight.sum(), equilibrium, atol=1e-10)


ENTRIES = {
    "equilibrium": lambda game, m: solve_equilibrium(game, START),
    "objective": lambda game, m: leader_objective(game, START),
    "gradient": lambda game, m: stackelberg_gradient(game, START),
    "ascent": lambda game, m: optimise_leader(game, START),
    "check": lambda game, m: check(game, "coverage", budget="quick"),
    "a follower's environment": lambda game, m: to_gymnasium(game, START, m),
    "population": lambda game, m: simulate_population(game, np.full((N, N), 1 / N), 5, num_steps=2, mean_field=m),
    "run": lambda game, m: ac_smfg(game, num_iterations=3, seeds=[0], initial={"mean_field": m}, checkpoints=[0, 3]),
}


# These ask by way of an equilibrium or a gradient, and take seconds more to compile.
SLOW_ENTRIES = ("objective", "gradient", "ascent", "population", "run")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW_ENTRIES)) for n in ENTRIES])
def test_every_entry_point_asks_the_environment_where_it_ends(trap, equilibrium, name):
    with pytest.raises(ValueError, match=r"environment.reward: says .* where the game's copy of its tables says"):
        ENTRIES[name](trap, equilibrium)


def test_without_throw_it_has_not_converged_and_shows_no_number(trap):
    found = solve_equilibrium(trap, START, throw=False)
    assert not found.converged
    assert np.all(np.isnan(found.mean_field))


@pytest.mark.slow
def test_side_by_side_each_is_asked_for(trap, sites):
    leaders = jnp.stack([START, START + np.array([0.0, 3.0])])
    for game, expected in ((sites, [True, True]), (trap, [False, True])):
        batch = jax.vmap(lambda logits, game=game: solve_equilibrium(game, logits, throw=False))(leaders)
        np.testing.assert_array_equal(batch.converged, expected)


def test_an_environment_changed_after_it_was_read_is_noticed():
    environment = Sites(crowding=1.9)
    game = from_mfglib(environment, LEADER, mean_field_support="states", **OPTIONS)
    solve_equilibrium(game, START)
    environment.crowding = 1.8
    with pytest.raises(ValueError, match="has changed since it was read"):
        solve_equilibrium(game, START)


def test_a_kink_beside_the_equilibrium_is_noticed_where_values_agree(equilibrium):
    """The copy has the value there and not the slope, so that its gradient would be another one."""

    def extra(m):
        return -3.0 * max(0.0, m[0] - equilibrium[0] - 1e-9) * (np.abs(m - equilibrium).sum() < 0.02) * np.ones(N)

    game = from_mfglib(Sites(extra), LEADER, mean_field_support="states", **OPTIONS)
    with pytest.raises(ValueError, match=r"environment.reward: says"):
        stackelberg_gradient(game, START)


class Around(AbstractGame):
    """A game of one's own that asks an imported one."""

    inner: AbstractGame
    num_states, num_follower_actions, num_leader_actions = N, N, 2
    discount: float = parameter(default=0.9)
    temperature: float = parameter(default=0.2)

    def transition(self, s, a, b, m):
        return self.inner.transition(s, a, b, m)

    def follower_reward(self, s, a, b, m):
        return 2.0 * self.inner.follower_reward(s, a, b, m)

    def leader_reward(self, s, a, b, m):
        return m[0]


class CallsHost(Around):
    """NumPy called by hand; its table does not even take the mean field."""

    inner: None = None

    def follower_reward(self, s, a, b, m):
        kind = jax.ShapeDtypeStruct((), m.dtype)
        return jax.pure_callback(lambda s: np.asarray(0.1 * s, m.dtype), kind, s, vmap_method="sequential")

    def transition(self, s, a, b, m):
        return jnp.where(jnp.arange(N) == a, 0.9, 0.02)


@pytest.mark.parametrize("kind", ["imported", "around it", "calls the host"])
def test_nothing_about_it_is_certified(sites, kind):
    game = {"imported": sites, "around it": Around(sites), "calls the host": CallsHost()}[kind]
    functions = untraced_functions(game)
    assert functions == (("follower_reward",) if kind == "calls the host" else ("transition", "follower_reward"))
    report = check(game, ["lipschitz"], budget="quick", num_leaders=4)
    for finding in report["lipschitz"]:
        name = finding.statement.replace("-", "_")
        assert (finding.verdict.value == "certified") == (name not in functions), finding


def test_the_same_tables_as_arrays_of_a_game_are_certified(sites):
    """Arrays that a user gives are the game; the certificate is lost with the code and not with the numbers."""
    tables = {"kernel": sites.transition_table.constant, "follower_rewards": sites.reward_table.constant}
    slopes = jnp.repeat(sites.reward_table.slopes[..., None], 2, -1)
    arrays = TabularGame.from_arrays(
        kernel=jnp.repeat(tables["kernel"][:, :, None], 2, 2),
        follower_rewards=jnp.repeat(tables["follower_rewards"][..., None], 2, -1),
        leader_rewards=np.zeros((N, N, 2)),
        follower_rewards_mean_field=slopes,
        **OPTIONS,
    )
    certified = {f.statement: f for f in check(arrays, "lipschitz", budget="quick")["lipschitz"]}
    sampled = {f.statement: f for f in check(sites, "lipschitz", budget="quick")["lipschitz"]}
    assert certified["follower-reward"].verdict.value == "certified"
    assert sampled["follower-reward"].verdict.value == "inconclusive"
    assert certified["follower-reward"].constant == pytest.approx(sampled["follower-reward"].constant)


def test_arrays_do_not_wash_the_mark_off(sites):
    with pytest.raises(ValueError, match="transition rests on code that cannot be traced"):
        to_arrays(sites)


def test_arrays_are_made_of_what_is_proved_affine_not_of_what_is_declared():
    class Declared(games.LafferTax):
        follower_reward_dependence = "affine"

        def follower_reward(self, s, a, b, m):
            return super().follower_reward(s, a, b, m) + 9.0 * jnp.maximum(0.0, 1e-7 - jnp.abs(m[0] - 0.37))

    with pytest.raises(ValueError, match="follower_reward is not proved affine"):
        to_arrays(Declared())
