"""Derivatives at single points: kinks, rules that are not the function's, and what must not be taken for either."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import leader_objective, stackelberg_gradient
from smfg_verify.exact.gradient import one_sided_slopes
from smfg_verify.exact.gradient.one_sided_slopes import compare_slopes, describe
from smfg_verify.game import AbstractGame, parameter, traced
from smfg_verify.game.checks.differences import SlopeStatus
from tests.exact.cases import SUPPORTS_ONE_QUICK, pair

SHAPES = {
    "abs": jnp.abs,
    "relu": lambda d: jnp.maximum(d, 0.0),
    "branch": lambda d: jnp.where(d > 0.0, d, 0.0),
    "small": lambda d: -500.0 * d + 1e-3 * jnp.abs(d),
    "jump": lambda d: jnp.where(d > 0.0, 0.3, 0.0),
    "square": lambda d: d * d,
    "steep": lambda d: jnp.tanh(1e3 * d),
    "power": lambda d: jnp.abs(d) ** 1.5,
    "cancelling": lambda d: (((1.0 + d) / 2.0 + 1e8) * ((1.0 - d) / 2.0 + 1e8) - 1e16) / 1e8 + d,
    "faint": lambda d: 3e-4 * jnp.maximum(d, 0.0),
}


class Kinked(AbstractGame):
    """Two states; at the uniform leader the equilibrium is (1/2, 1/2), where d = m_1 - m_0 is zero.

    Which function of d is a number of the game, so that one program serves all.
    """

    kind: float = parameter(default=0.0)
    in_leader: float = parameter(default=1.0)
    in_follower: float = parameter(default=0.0)
    offset: float = parameter(default=0.0)
    subsidy: float = parameter(default=1.0)
    fee: float = parameter(default=0.0)
    beside: float = parameter(default=0.0)
    num_states = 2
    num_follower_actions = 2
    num_leader_actions = 2
    discount = 0.5
    temperature = 0.5

    def shaped(self, m):
        d = m[1] - m[0] - self.offset
        return jax.lax.switch(self.kind.astype(int), list(SHAPES.values()), d)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.where(jnp.arange(2) == follower_action, 0.9, 0.1)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        reward = self.subsidy * jnp.where(state == 1, 1.0, 0.0) * (leader_action - 0.5)
        return reward + self.in_follower * follower_action * self.shaped(mean_field)

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        seen = self.in_leader * self.shaped(mean_field) + (1.0 - self.in_leader) * mean_field[1]
        # In place of what is seen in state 1, where it is not zero.
        return jnp.where(state * self.beside == 0.0, seen, self.beside) + self.fee * leader_action


def kinked(kind: str, **options) -> Kinked:
    return Kinked(kind=float(list(SHAPES).index(kind)), **options)


def objective_slopes(game, direction, step=1e-6):
    """One-sided slopes of the objective itself, behind and ahead."""
    at = [float(leader_objective(game, k * step * direction)) for k in (-1.0, 0.0, 1.0)]
    return (at[1] - at[0]) / step, (at[2] - at[1]) / step


@pytest.mark.parametrize("kind", ["abs", "relu", "branch", "small"])
def test_a_kink_has_no_gradient_and_both_slopes(kind):
    game = kinked(kind)
    found = stackelberg_gradient(game, np.zeros((2, 2)), throw=False)
    certificate = found.certificate
    assert bool(found.equilibrium.converged)
    assert not bool(certificate.differentiable)
    assert int(certificate.slopes.status) == SlopeStatus.KINK
    assert np.isposinf(float(certificate.error_bound))
    assert np.all(np.isnan(found.total))
    assert np.isnan(float(found.policy_gap))
    assert np.all(np.isfinite(found.direct))
    assert np.isfinite(float(certificate.objective_error_bound))
    # The function's slopes in d jump by as much, relative to each other, as those of the objective.
    behind, ahead = objective_slopes(game, np.array([[-0.5, 0.5], [-0.5, 0.5]]))
    jump = float(certificate.slopes.forward - certificate.slopes.backward)
    response = (ahead - behind) / jump
    assert abs(response) == pytest.approx(0.08, rel=1e-3)  # dm_1 along the leader's direction, discounted
    assert "not differentiable here" in describe(certificate.slopes)
    with pytest.raises(RuntimeError, match=r"not differentiable here.*leader_reward"):
        stackelberg_gradient(game, np.zeros((2, 2)))


FAINT = {
    "share of the slope": lambda d, here: 0.5 - d + 3e-7 * jnp.abs(d),
    "beside a large value": lambda d, here: 1e3 + d + 2e-3 * jnp.where(d > 0.0, d, 0.0),
    "of a clip": lambda d, here: 50.0 * (here == 1) + 1e-4 * jnp.clip(d, 0.0, 0.3),
}


def seen_faintly(kind: str) -> Kinked:
    class Faint(Kinked):
        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return FAINT[kind](mean_field[1] - mean_field[0], state)

    return Faint() if kind in FAINT else kinked("faint", beside=300.0)


@pytest.mark.parametrize("kind", ["beside a large entry", *(pytest.param(k, marks=pytest.mark.slow) for k in FAINT)])
def test_a_kink_that_drowns_in_rounding_at_the_shortest_length_is_seen_at_the_others(kind):
    game, along = traced(seen_faintly(kind)), jnp.array([[-1.0, 1.0], [0.0, 0.0]])
    assert int(compare_slopes(game, jnp.array([0.5, 0.5]), along).status) == SlopeStatus.KINK
    assert int(compare_slopes(game, jnp.array([0.45, 0.55]), along).status) == SlopeStatus.AGREES


@pytest.mark.slow
def test_a_faint_kink_leaves_no_finite_bound_of_the_gradient():
    """The objective's own slopes differ by far more than the bound that one of them would be given with."""
    found = stackelberg_gradient(kinked("faint", beside=300.0), np.zeros((2, 2)), throw=False)
    assert bool(found.equilibrium.converged)
    assert np.isposinf(float(found.certificate.error_bound))
    assert np.all(np.isnan(found.total))


@pytest.mark.parametrize("game", [kinked("jump"), kinked("abs", in_leader=0.0, in_follower=0.1)], ids=str)
def test_jumps_and_kinks_in_the_followers_reward_leave_no_gradient_either(game):
    found = stackelberg_gradient(game, np.zeros((2, 2)), throw=False)
    assert bool(found.equilibrium.converged)
    assert not bool(found.certificate.differentiable)
    assert np.isposinf(float(found.certificate.error_bound))
    assert np.all(np.isnan(found.total))


@pytest.mark.parametrize(
    "function",
    [lambda d: jnp.sqrt(d * d), pytest.param(lambda d: jnp.sign(d) * jnp.sqrt(jnp.abs(d)), marks=pytest.mark.slow)],
)
def test_a_derivative_that_is_not_a_number_leaves_the_slopes_to_decide(function):
    class Root(Kinked):
        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return function(mean_field[1] - mean_field[0])

    found = compare_slopes(traced(Root()), jnp.array([0.5, 0.5]), jnp.array([[-1.0, 1.0]]))
    assert int(found.status) == SlopeStatus.KINK


@pytest.mark.parametrize("kind", ["square", "steep", "power", "cancelling"])
def test_curvature_steepness_and_rounding_are_no_kinks(kind):
    game = kinked(kind)
    found = stackelberg_gradient(game, np.zeros((2, 2)))
    assert bool(found.certificate.differentiable)
    direction = np.array([[-0.5, 0.5], [-0.5, 0.5]])
    behind, ahead = objective_slopes(game, direction, step=1e-5)
    scale = max(1.0, abs(ahead))
    assert float(np.sum(found.total * direction)) == pytest.approx(0.5 * (behind + ahead), abs=5e-3 * scale)


@pytest.mark.parametrize("offset", [1e-3, -0.2])
def test_away_from_its_kink_a_function_has_a_derivative(offset):
    game = kinked("abs", offset=offset)
    found = stackelberg_gradient(game, np.zeros((2, 2)))
    direction = np.array([[-0.5, 0.5], [-0.5, 0.5]])
    assert float(np.sum(found.total * direction)) == pytest.approx(objective_slopes(game, direction)[1], rel=1e-4)


def test_a_kink_that_the_leader_cannot_move_the_population_across_does_not_matter():
    found = stackelberg_gradient(kinked("abs", subsidy=0.0, fee=0.3), np.zeros((2, 2)))
    assert int(found.certificate.slopes.directions) == 0
    np.testing.assert_allclose(found.total, found.direct, atol=1e-12)


@jax.custom_jvp
def doubled_rule(x):
    return x * x


doubled_rule.defjvp(lambda primals, tangents: (primals[0] ** 2, 4.0 * primals[0] * tangents[0]))


@pytest.mark.parametrize(
    ("function", "used", "true"),
    [
        (lambda m: jax.lax.stop_gradient(m[1]), 0.0, 1.0),
        pytest.param(lambda m: m[0] + 1e-4 * jax.lax.stop_gradient(m[1]), -1.0, -0.9999, marks=pytest.mark.slow),
        (lambda m: doubled_rule(m[1]), 1.4, 0.7),
    ],
)
def test_a_rule_that_is_not_the_functions_is_told_from_a_kink_with_both_numbers(function, used, true):
    """Asked of the comparison itself: `validate` refuses such a game before a gradient is taken."""

    class Ruled(Kinked):
        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return function(mean_field)

    direction = jnp.array([[-1.0, 1.0]])
    found = compare_slopes(traced(Ruled()), jnp.array([0.65, 0.35]), direction)
    assert int(found.status) == SlopeStatus.WRONG_RULE
    assert float(found.derivative) == pytest.approx(used)
    assert float(found.forward) == pytest.approx(true, rel=1e-4)
    assert float(found.backward) == pytest.approx(true, rel=1e-4)


@SUPPORTS_ONE_QUICK
def test_smooth_random_games_are_differentiable_everywhere(support):
    for seed in range(4):
        game, _, logits = pair(seed, support=support, observations=2, tau=0.05, reward_coupling=2.0)
        found = stackelberg_gradient(game, logits)
        assert bool(found.certificate.differentiable)
        assert int(found.certificate.slopes.directions) == 2


@pytest.mark.parametrize("crowd", [0.5, pytest.param(0.3, marks=pytest.mark.slow)])
def test_where_all_agree_the_comparison_is_that_of_every_entry(crowd, monkeypatch):
    """At a kink the first look asks for it; beside one, and of a smooth game, it says the same with less."""
    point, along = jnp.array([1.0 - crowd, crowd]), jnp.array([[-1.0, 1.0], [0.0, 0.0]])
    game = traced(kinked("abs"))
    found = compare_slopes(game, point, along)
    assert int(found.status) == (SlopeStatus.KINK if crowd == 0.5 else SlopeStatus.AGREES)
    monkeypatch.setattr(one_sided_slopes, "may_miss", lambda *at: jnp.asarray(True))
    every = compare_slopes(game, point, along)
    for first, second in zip(jax.tree.leaves(found), jax.tree.leaves(every), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-14)
