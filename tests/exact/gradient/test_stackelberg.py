import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.exact import Status, leader_objective, optimise_leader, solve_equilibrium, stackelberg_gradient
from smfg_verify.exact.equilibrium.residual import Point, Setting, follower_policy, residual, residual_norm
from smfg_verify.exact.equilibrium.solve import Equilibrium
from smfg_verify.exact.gradient import stackelberg
from smfg_verify.exact.gradient.stackelberg import gradient_at, stationarity_gap
from smfg_verify.exact.objective import objective_at
from smfg_verify.game import TabularGame, traced
from smfg_verify.policies import softmax_policy
from tests.exact.cases import SUPPORTS, SUPPORTS_ONE_QUICK, pair
from tests.exact.unrolled import unrolled_objective
from tests.helpers import oracle


def relative(found, expected) -> float:
    return float(np.max(np.abs(np.asarray(found) - expected)) / np.max(np.abs(expected)))


@SUPPORTS
@pytest.mark.parametrize("seed", range(2))
def test_every_part_agrees_with_the_oracle(support, seed):
    game, arrays, logits = pair(seed, support=support, observations=2, tau_l=0.2)
    found, expected = stackelberg_gradient(game, logits), oracle.gradient(arrays, logits)
    for part in ("total", "direct", "policy_response", "mean_field_response", "held_field"):
        np.testing.assert_allclose(getattr(found, part), getattr(expected, part), atol=1e-10, err_msg=part)
    rows = np.asarray(softmax_policy(jnp.asarray(logits)))
    centred = found.policy_space - np.sum(rows * found.policy_space, axis=1, keepdims=True)
    np.testing.assert_allclose(centred, expected.policy_space, atol=1e-10)
    assert float(found.policy_gap) == pytest.approx(expected.gap, abs=1e-9)
    assert float(found.objective) == pytest.approx(expected.objective, abs=1e-11)


@pytest.mark.slow
@SUPPORTS_ONE_QUICK
def test_implicit_unrolled_and_differences_agree(support):
    game, _, logits = pair(11, support=support, reward_coupling=0.3, kernel_coupling=0.2, tau=0.5, gamma=0.8)
    logits = jnp.asarray(logits)
    found = stackelberg_gradient(game, logits).total
    unrolled = jax.grad(lambda x: unrolled_objective(game, x, num_sweeps=400))(logits)
    assert relative(found, unrolled) <= 1e-8
    direction = np.random.default_rng(0).normal(size=logits.shape)
    objective = lambda h: float(leader_objective(game, logits + h * direction))  # noqa: E731
    plateau = [(objective(h) - objective(-h)) / (2 * h) for h in (2e-4, 1e-4, 5e-5, 2e-5)]
    richardson = [(4 * fine - coarse) / 3 for coarse, fine in [(plateau[0], plateau[1]), (plateau[1], plateau[2])]]
    expected = float(jnp.sum(found * direction))
    assert max(abs(r - expected) for r in richardson) <= 1e-8 * abs(expected)
    assert max(abs(p - expected) for p in plateau) <= 1e-6 * abs(expected)


@SUPPORTS_ONE_QUICK
def test_parts_sum_to_the_total_and_logit_rows_to_zero(support):
    game, _, logits = pair(12, support=support, observations=2, tau=0.05)
    found = stackelberg_gradient(game, logits)
    parts = found.direct + found.policy_response + found.mean_field_response
    np.testing.assert_allclose(found.total, parts, atol=1e-10)
    np.testing.assert_allclose(np.sum(found.total, axis=1), 0.0, atol=1e-10)


@pytest.mark.slow
def test_parts_agree_with_forward_sensitivities():
    """(d pi*/d omega)^T dJ/dpi and (d mu*/d omega)^T dJ/dmu by pushing forward, where the package pulls back."""
    game, _, logits = pair(13)
    logits = jnp.asarray(logits)
    found = stackelberg_gradient(game, logits)
    point = found.equilibrium
    by_policy, by_field = jax.grad(objective_at, argnums=(2, 3))(
        traced(game), softmax_policy(logits), point.follower_policy, point.mean_field
    )
    policy_slope = jax.jacfwd(lambda x: solve_equilibrium(game, x).follower_policy)(logits)
    field_slope = jax.jacfwd(lambda x: solve_equilibrium(game, x).mean_field)(logits)
    np.testing.assert_allclose(found.policy_response, jnp.tensordot(by_policy, policy_slope, 2), atol=1e-11)
    np.testing.assert_allclose(found.mean_field_response, jnp.tensordot(by_field, field_slope, 1), atol=1e-11)


def road_closed_form(game, logit: float) -> tuple[float, float, float]:
    """Share of road 1, d share / d logit, and dPhi/dlogit of TwoRoadToll by scalar calculus, logits (0, logit)."""
    (k1, k2), tau = np.asarray(game.kappa), float(game.temperature)
    tolls = np.asarray(games.load("two-road-toll").tolls)
    chance = 1.0 / (1.0 + np.exp(-logit))
    mean_toll = (1 - chance) * tolls[0] + chance * tolls[1]
    gap = lambda m: ((k2 * (1 - m) + mean_toll[1]) - (k1 * m + mean_toll[0])) / tau  # noqa: E731
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if 1 / (1 + np.exp(-gap(middle))) > middle else (low, middle)
    share = 0.5 * (low + high)
    slope_chance = chance * (1 - chance)
    push = ((tolls[1, 1] - tolls[0, 1]) - (tolls[1, 0] - tolls[0, 0])) / tau
    weight = share * (1 - share)
    slope = weight * push * slope_chance / (1 + weight * (k1 + k2) / tau)
    discount = float(game.discount)
    # Every state takes road 1 with the same probability, so the expected toll is the same at every time.
    toll_slope = (tolls[1] - tolls[0]) * slope_chance
    rate = share * toll_slope[0] + (1 - share) * toll_slope[1] + slope * (mean_toll[0] - mean_toll[1])
    return share, slope, rate / (1 - discount)


@pytest.mark.slow
@pytest.mark.parametrize("logit", [-2.0, 0.0, 0.7])
def test_two_road_toll_closed_form(logit):
    game = games.load("two-road-toll")
    logits = jnp.array([[0.0, logit]])
    share, slope, rate = road_closed_form(game, logit)
    assert float(solve_equilibrium(game, logits).mean_field[0]) == pytest.approx(share, abs=1e-12)
    field_slope = jax.jacfwd(lambda x: solve_equilibrium(game, x).mean_field)(logits)
    assert float(field_slope[0, 0, 1]) == pytest.approx(slope, abs=1e-10)
    assert float(stackelberg_gradient(game, logits).total[0, 1]) == pytest.approx(rate, abs=1e-10)


@pytest.mark.slow
@SUPPORTS
def test_hessian_is_symmetric_and_agrees_with_differences_of_gradients(support):
    game, _, logits = pair(14, sizes=(3, 2, 2), support=support, observations=2)
    logits = jnp.asarray(logits)
    hessian = jax.hessian(lambda x: leader_objective(game, x))(logits).reshape(4, 4)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-10)
    units = np.eye(4).reshape(4, 2, 2)
    gradient = lambda x: np.ravel(stackelberg_gradient(game, x).total)  # noqa: E731
    step = 1e-4
    coarse = np.array([(gradient(logits + 2 * step * u) - gradient(logits - 2 * step * u)) / (4 * step) for u in units])
    fine = np.array([(gradient(logits + step * u) - gradient(logits - step * u)) / (2 * step) for u in units])
    np.testing.assert_allclose(hessian, (4 * fine - coarse) / 3, atol=1e-8 * np.max(np.abs(hessian)))


def test_relabelling_states_and_actions_permutes_the_gradient():
    _, arrays, logits = pair(15, observations=2)
    states, actions, leader_actions = [2, 0, 3, 1], [1, 2, 0], [1, 0]
    order = np.ix_(states, actions, leader_actions)
    fields = np.ix_(states, states, actions, leader_actions)
    relabelled = dataclasses.replace(
        arrays,
        kernel=arrays.kernel[order][..., states],
        follower_rewards=arrays.follower_rewards[order],
        leader_rewards=arrays.leader_rewards[order],
        kernel_mean_field=arrays.kernel_mean_field[fields][..., states],
        follower_rewards_mean_field=arrays.follower_rewards_mean_field[fields],
        leader_rewards_mean_field=arrays.leader_rewards_mean_field[fields],
        initial_distribution=arrays.initial_distribution[states],
        observation=arrays.observation[states],
    )
    build = lambda a: TabularGame.from_arrays(**a.from_arrays_arguments())  # noqa: E731
    before = stackelberg_gradient(build(arrays), logits)
    after = stackelberg_gradient(build(relabelled), logits[:, leader_actions])
    np.testing.assert_allclose(after.total, np.asarray(before.total)[:, leader_actions], atol=1e-12)
    assert float(after.policy_gap) == pytest.approx(float(before.policy_gap), abs=1e-11)


def test_follower_units_do_not_matter():
    """Rewards and temperature of the follower multiplied by ten: the same game."""
    game, arrays, logits = pair(16, observations=2)
    scaled = dataclasses.replace(
        arrays,
        follower_rewards=10 * arrays.follower_rewards,
        follower_rewards_mean_field=10 * arrays.follower_rewards_mean_field,
        temperature=10 * arrays.temperature,
    )
    other = TabularGame.from_arrays(**scaled.from_arrays_arguments())
    np.testing.assert_allclose(
        stackelberg_gradient(game, logits).total, stackelberg_gradient(other, logits).total, atol=1e-11
    )


def loosened(game, logits, equilibrium: Equilibrium, rng, size: float) -> Equilibrium:
    """The equilibrium moved by a random vector of the given size, with its true residual."""
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    shift = rng.normal(size=equilibrium.mean_field.shape)
    field = equilibrium.mean_field + size * (shift - shift.mean())
    point = Point(
        jnp.ravel(field), equilibrium.follower_value + size * rng.normal(size=equilibrium.follower_value.shape)
    )
    norm = residual_norm(setting, residual(setting, point), point)
    changed = (field, follower_policy(setting, point), point.value, norm)
    return eqx.tree_at(lambda e: (e.mean_field, e.follower_policy, e.follower_value, e.residual), equilibrium, changed)


def error_ratios(game, logits, rng, formula) -> list[float]:
    """Errors of the total and of the direct part at a loose equilibrium, over their bound."""
    exact = stackelberg_gradient(game, logits)
    loose = loosened(game, logits, exact.equilibrium, rng, 10.0 ** rng.uniform(-11, -6))
    found = formula(traced(game), softmax_policy(jnp.asarray(logits)), loose)
    bound = float(found.certificate.error_bound)
    parts = ((found.total, exact.total), (found.direct, exact.direct))
    return [float(jnp.linalg.norm(part - truth)) / bound for part, truth in parts]


@pytest.mark.slow
def test_error_bound_dominates_the_error_of_loose_equilibria():
    rng = np.random.default_rng(3)
    formula = eqx.filter_jit(gradient_at)
    ratios = []
    for seed in range(60):
        options = dict(tau=float(np.exp(rng.uniform(np.log(0.005), 0.5))), gamma=float(rng.uniform(0, 0.99)))
        game, _, logits = pair(seed, reward_coupling=float(rng.uniform(0.1, 5.0)), tau_l=0.1 * (seed % 2), **options)
        ratios += error_ratios(game, logits, rng, formula)
    assert max(ratios) <= 1.0
    assert max(ratios) >= 1e-4  # a bound that is never within ten thousand of the error says nothing


@pytest.mark.slow
@pytest.mark.parametrize("currency", [1.0, 1e4])
def test_error_bound_holds_where_large_parts_cancel(currency):
    """At the Laffer peak the parts are large and the gradient is zero; another currency changes neither."""
    game = games.load("laffer-tax")
    base = optimise_leader(game, np.zeros((1, 2))).leader_logits
    scaled = ScaledLeader(**{field.name: getattr(game, field.name) for field in dataclasses.fields(game)})
    scaled = eqx.tree_at(lambda g: g.currency, scaled, jnp.asarray(currency))
    rng, formula = np.random.default_rng(5), eqx.filter_jit(gradient_at)
    assert max(max(error_ratios(scaled, base, rng, formula)) for _ in range(20)) <= 1.0


class ScaledLeader(type(games.load("laffer-tax"))):  # type: ignore[misc]
    """LafferTax with the leader's reward in another currency."""

    currency: jax.Array = eqx.field(default_factory=lambda: jnp.asarray(1.0))

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return self.currency * super().leader_reward(state, follower_action, leader_action, mean_field)


def test_certificate_holds_the_true_residuals_and_condition():
    game, _, logits = pair(17, observations=2)
    found = stackelberg_gradient(game, logits)
    setting = Setting(traced(game), softmax_policy(jnp.asarray(logits)), game.temperature)
    point = Point(jnp.ravel(found.equilibrium.mean_field), found.equilibrium.follower_value)
    flat = lambda x: residual_vector(setting, x)  # noqa: E731
    dense = np.asarray(jax.jacfwd(flat)(jnp.concatenate([point.mean_field, point.value])))
    # Values, and the value's equation, are measured in units of the temperature.
    units = np.concatenate([np.ones(point.mean_field.size), np.full(point.value.size, float(game.temperature))])
    dense = dense * units[None, :] / units[:, None]
    assert float(found.certificate.condition) == pytest.approx(np.linalg.cond(dense), rel=1e-8)
    assert float(found.certificate.adjoint_residual) <= 1e-13
    assert float(found.certificate.error_bound) > 0.0
    assert float(found.certificate.forward_residual) == float(found.equilibrium.residual) <= 1e-12


def residual_vector(setting: Setting, vector: jax.Array) -> jax.Array:
    n = setting.game.num_states
    remainder = residual(setting, Point(vector[:-n], vector[-n:]))
    return jnp.concatenate([remainder.mean_field, remainder.value])


def test_gap_sees_a_saturated_policy_that_the_logit_gradient_does_not():
    game, _, _ = pair(17, observations=2)
    found = stackelberg_gradient(game, np.array([[0.0, 40.0], [0.0, 40.0]]))
    assert float(jnp.linalg.norm(found.total)) <= 1e-12
    assert float(found.policy_gap) >= 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("logit", "total", "direct"), [(0.0, 0.06, 1.87), (1.0, -1.67, 0.71)])
def test_laffer_tax_design_values(logit, total, direct):
    """Values given with the design of the game, to their two decimals."""
    found = stackelberg_gradient(games.load("laffer-tax"), np.array([[0.0, logit]]))
    assert float(found.total[0, 1]) == pytest.approx(total, abs=0.006)
    assert float(found.direct[0, 1]) == pytest.approx(direct, abs=0.006)


def test_gap_is_zero_exactly_at_the_best_rows():
    table = jnp.array([[1.0, 2.0], [5.0, 3.0]])
    assert float(stationarity_gap(jnp.array([[0.0, 1.0], [1.0, 0.0]]), table)) == 0.0
    assert float(stationarity_gap(jnp.array([[0.5, 0.5], [1.0, 0.0]]), table)) == pytest.approx(0.5)


def test_an_unconverged_equilibrium_gives_no_gradient(monkeypatch):
    """As a search that fails gives it: a solved one comes back as NaN that has not converged."""
    game, _, logits = pair(1, observations=2)
    solved = solve_equilibrium(game, logits)
    lost = jax.tree.map(lambda leaf: leaf * np.nan if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf, solved)
    told = (jnp.asarray(False), jnp.full_like(solved.status, int(Status.NOT_FOUND)))
    lost = eqx.tree_at(lambda e: (e.converged, e.status), lost, told)
    monkeypatch.setattr(stackelberg, "compiled_equilibrium", lambda *arguments, **options: lost)
    with pytest.raises(RuntimeError, match="not converged"):
        stackelberg_gradient(game, logits)
    found = stackelberg_gradient(game, logits, throw=False)
    assert not bool(found.equilibrium.converged)
    for part in (found.total, found.objective, found.policy_gap, found.held_field):
        assert np.all(np.isnan(part))


@pytest.mark.slow
def test_a_game_without_equilibrium_has_no_gradient():
    """A reward that jumps where the population passes three to two: it is avoided above and sought below."""
    from tests.exact.gradient.test_one_sided_slopes import kinked

    game = kinked("jump", in_leader=0.0, in_follower=-40.0, offset=-0.2)
    with pytest.raises(RuntimeError, match="not converged"):
        stackelberg_gradient(game, np.zeros((2, 2)))
    found = stackelberg_gradient(game, np.zeros((2, 2)), throw=False)
    assert not bool(found.equilibrium.converged)
    assert np.all(np.isnan(found.total))
    assert np.isnan(float(found.objective))
    assert np.isnan(float(found.policy_gap))
    assert np.isnan(float(leader_objective(game, np.zeros((2, 2)), throw=False)))


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ([5.0, -4.0], "initial: got minimum -4"),
        ([1.0, 1.0, 1.0], r"initial: got shape \(3,\)"),
        ([np.nan, 0.5], "initial"),
    ],
)
def test_bad_starts_are_refused(initial, message):
    game = games.load("laffer-tax")
    for function in (leader_objective, stackelberg_gradient):
        with pytest.raises(ValueError, match=message):
            function(game, np.zeros((1, 2)), initial=initial)
