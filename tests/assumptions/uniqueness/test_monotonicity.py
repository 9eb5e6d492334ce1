"""Monotone and anti-monotone rewards, affine and not, told apart."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.assumptions.finding import Finding, Side, Verdict
from smfg_verify.assumptions.uniqueness.monotonicity import monotonicity_finding
from smfg_verify.exact.gradient.at_leaders import checked
from smfg_verify.game import AbstractGame, TabularGame, parameter
from tests.assumptions.crowds import QUICK, crowd


def congestion(weights, support="states"):
    """Reward -weights[x] m(x) at the point x itself, whatever the actions; x a state or a pair."""
    weights = np.asarray(weights, dtype=float)
    n, num_actions, num_leader = 3, 2, 2
    shape = (n, num_actions, num_leader)
    if support == "states":
        slope = -np.einsum("j,js->js", weights, np.eye(n))[:, :, None, None]
    else:
        slope = -np.einsum("j,jx->jx", weights, np.eye(n * num_actions)).reshape(-1, n, num_actions, 1)
    rng = np.random.default_rng(0)
    return checked(
        TabularGame.from_arrays(
            kernel=rng.dirichlet(np.ones(n), shape),
            follower_rewards=rng.normal(size=shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=np.broadcast_to(slope, (len(slope), *shape)),
            discount=0.9,
            temperature=0.3,
            mean_field_support=support,
        )
    )


class Queue(AbstractGame):
    """Three states whose reward falls (or rises) with the logarithm of their own mass, whatever the actions."""

    scale: jnp.ndarray = parameter(default=1.0)
    num_states: int = eqx.field(static=True, default=3)
    num_follower_actions: int = eqx.field(static=True, default=2)
    num_leader_actions: int = eqx.field(static=True, default=2)
    discount: jnp.ndarray = parameter(default=0.9)
    temperature: jnp.ndarray = parameter(default=0.3)

    def transition(self, state, follower_action, leader_action, mean_field):
        return jnp.full((3,), 1.0 / 3.0)

    def follower_reward(self, state, follower_action, leader_action, mean_field):
        return -self.scale * jnp.log(0.5 + mean_field[state])

    def leader_reward(self, state, follower_action, leader_action, mean_field):
        return 0.0 * mean_field[0]


def assert_reproduces(finding, game):
    again = Finding.from_json(finding.to_json()).reproduce(game)
    np.testing.assert_allclose(again, finding.constant, rtol=1e-8)


def largest_on_tangents(matrix):
    size = len(matrix)
    centre = np.eye(size) - 1.0 / size
    vectors = np.linalg.eigh(centre)[1][:, 1:]
    return np.linalg.eigvalsh(vectors.T @ (0.5 * (matrix + matrix.T)) @ vectors)[-1]


@pytest.mark.parametrize(("support", "size"), [("states", 3), ("state_actions", 6)])
def test_congestion_is_certified_and_attraction_refuted(support, size):
    weights = np.linspace(0.5, 2.0, size)
    for sign, verdict in ((1.0, Verdict.CERTIFIED), (-1.0, Verdict.REFUTED)):
        game = congestion(sign * weights, support)
        finding = monotonicity_finding(game, QUICK)
        assert finding.verdict is verdict
        assert finding.side is Side.EXACT
        assert finding.constant == pytest.approx(largest_on_tangents(-sign * np.diag(weights)), rel=1e-8)
        assert finding.details["certified_upper"] == pytest.approx(finding.constant, rel=1e-8)
        assert "decides nothing" in finding.meaning
        assert_reproduces(finding, game)


def test_the_worst_policies_are_found_among_all():
    """Reward of the action's target: against the grain of the crowd, congestion pays those who must go elsewhere."""
    game = crowd(-1.0, 0.3)
    finding = monotonicity_finding(game, QUICK)
    assert finding.verdict is Verdict.REFUTED
    # Policy that swaps the states: G = -[[0, 1], [1, 0]], largest eigenvalue on (1, -1) is 1.
    assert finding.constant == pytest.approx(1.0)
    np.testing.assert_array_equal(finding.witness["follower_actions"], [1, 0])


@pytest.mark.parametrize(("scale", "verdict"), [(1.0, Verdict.CERTIFIED), (-1.0, Verdict.REFUTED)])
def test_a_reward_that_is_not_affine_is_enclosed(scale, verdict):
    game = checked(Queue(scale=scale))
    finding = monotonicity_finding(game, QUICK)
    assert finding.verdict is verdict
    assert_reproduces(finding, game)
    # Slopes -scale / (0.5 + m) lie between 1/1.5 and 2 in size.
    fields = np.random.default_rng(0).dirichlet(np.ones(3), (500, 2))
    change = -scale * (np.log(0.5 + fields[:, 0]) - np.log(0.5 + fields[:, 1]))
    step = fields[:, 0] - fields[:, 1]
    quotients = np.sum(change * step, axis=1) / np.sum(step * step, axis=1)
    assert np.max(quotients) <= finding.details["certified_upper"] + 1e-12


def test_no_dependence_is_monotone():
    finding = monotonicity_finding(congestion(np.zeros(3)), QUICK)
    assert finding.verdict is Verdict.CERTIFIED
    assert finding.constant == 0.0


def test_ties_of_the_leader_count():
    """A leader that cannot tell the states apart cannot reward each state's own crowd at once."""
    shape = (2, 1, 2)
    slope = np.zeros((2, *shape))
    # Action 0 rewards the crowd at state 0 there and punishes it as much at state 1; action 1 the other way round.
    for b, signs in enumerate(((1.0, -1.0), (-1.0, 1.0))):
        for s in range(2):
            slope[s, s, 0, b] = signs[s]
    build = lambda observation: checked(  # noqa: E731
        TabularGame.from_arrays(
            kernel=np.full((*shape, 2), 0.5),
            follower_rewards=np.zeros(shape),
            leader_rewards=np.zeros(shape),
            follower_rewards_mean_field=slope,
            discount=0.9,
            temperature=0.3,
            leader_observation=observation,
        )
    )
    free, tied = (monotonicity_finding(build(observation), QUICK) for observation in ([0, 1], [0, 0]))
    assert free.verdict is Verdict.REFUTED
    assert free.constant == pytest.approx(1.0)
    assert tied.verdict is Verdict.CERTIFIED
    assert tied.constant == pytest.approx(0.0, abs=1e-12)
