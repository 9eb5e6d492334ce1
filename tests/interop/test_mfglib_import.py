"""Environments as MFGLib has them: by a stand-in of the same attributes, and by the package itself where installed."""

import importlib
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify.exact import leader_objective, solve_equilibrium, stackelberg_gradient, tabulate
from smfg_verify.interop import AddedLeader, from_mfglib
from smfg_verify.interop.environment import default_dtype, enter
from smfg_verify.interop.environment_tables import CalledTable
from tests.helpers.random_arrays import random_array_game

# What an environment reaches is read from the code as it is, the package's own around it too.
pytestmark = pytest.mark.untyped

LEADER = AddedLeader(
    num_actions=2,
    reward=lambda s, a, b, m: 0.3 * b - m[s, a],
    follower_reward=lambda r, s, a, b, m: r - 0.5 * b * (a == 1),
    reward_dependence="affine",
)
NOBODY = AddedLeader(num_actions=1, reward=lambda s, a, b, m: 0.0 * s, reward_dependence="none")
OPTIONS = {"discount": 0.9, "temperature": 0.5}


class StandIn:
    """An environment of states (2, 2) and actions (3,) with MFGLib's attributes and axes, affine, in NumPy."""

    def __init__(self, seed=0, support="state_actions", drift=0.0, **couplings):
        self.drift = drift
        self.arrays = random_array_game(np.random.default_rng(seed), 4, 3, 1, support=support, **couplings)
        self.T, self.S, self.A, self.mu0 = 3, (2, 2), (3,), self.arrays.initial_distribution.reshape(2, 2)

    def tables(self, joint):
        field = joint.reshape(4, 3).sum(axis=1) if self.arrays.support == "states" else joint.ravel()
        kernel, rewards, _ = self.arrays.tables(field)
        return kernel[:, :, 0], rewards[:, :, 0]

    def prob(self, t, joint):
        return np.moveaxis(self.tables(joint)[0], -1, 0).reshape(2, 2, 2, 2, 3)

    def reward(self, t, joint):
        return (1.0 + self.drift * t) * self.tables(joint)[1].reshape(2, 2, 3)


@pytest.mark.parametrize("support", ["states", "state_actions"])
def test_the_tables_of_an_environment_are_the_tables_of_the_game(support):
    environment = StandIn(1, support, drift=1.0)
    game = from_mfglib(environment, NOBODY, time=2, mean_field_support=support, **OPTIONS)
    joint = np.random.default_rng(2).dirichlet(np.ones(12)).reshape(4, 3)
    found = tabulate(game, jnp.asarray(joint if support == "state_actions" else joint.sum(axis=1)))
    kernel, rewards = environment.tables(joint)
    np.testing.assert_allclose(found.transition[:, :, 0], kernel, atol=1e-13)
    np.testing.assert_allclose(found.follower_reward[:, :, 0], 3.0 * rewards, atol=1e-13)
    np.testing.assert_array_equal(game.initial_distribution, environment.mu0.ravel())
    assert (game.transition_dependence, game.follower_reward_dependence) == ("affine", "affine")


def test_the_equilibrium_of_an_environment_whose_moves_depend_on_the_population():
    """Where rows do not sum to one off the simplex, Newton's system is singular and this one is not found."""
    game = from_mfglib(StandIn(5), LEADER, **OPTIONS)
    assert solve_equilibrium(game, np.zeros((4, 2))).residual < 1e-12


def test_a_table_called_from_outside_has_all_derivatives():
    matrix = np.random.default_rng(6).normal(size=(2, 3, 4))

    class Source:
        environment, content = None, b""

        def derivative(self, name, order, field):
            assert name == "reward"
            factors = np.exp(matrix @ field)
            for axis in range(order):
                factors = factors[..., None] * matrix.reshape(2, 3, *(1,) * axis, 4)
            return factors

    table, number = CalledTable("reward", (2, 3)), enter(Source(), 5)
    field, weights = jnp.asarray([0.1, 0.2, 0.3, 0.4]), jnp.asarray(np.random.default_rng(7).normal(size=(2, 3)))

    def called(m):
        return jnp.sum(weights * table(m, number))

    def written(m):
        return jnp.sum(weights * jnp.exp(matrix @ m))

    np.testing.assert_allclose(jax.jit(jax.grad(called))(field), jax.grad(written)(field), rtol=1e-12)
    np.testing.assert_allclose(jax.jit(jax.hessian(called))(field), jax.hessian(written)(field), rtol=1e-12)
    fields = jnp.stack([field, field[::-1]])
    np.testing.assert_allclose(jax.vmap(called)(fields), jax.vmap(written)(fields), rtol=1e-12)


class Bent(StandIn):
    def reward(self, t, joint):
        return joint.reshape(2, 2, 3) ** 2


class Leaky(StandIn):
    def prob(self, t, joint):
        return 0.9 * super().prob(t, joint)


class Flat(StandIn):
    def prob(self, t, joint):
        return super().prob(t, joint).reshape(4, 4, 3)


class Broken(StandIn):
    def reward(self, t, joint):
        return np.full((2, 2, 3), np.nan)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("environment", "options", "message"),
    [
        (
            Bent(),
            {},
            r"environment.reward: differs by .* from its affine interpolation: at mean field .* expected an aff",
        ),
        (Leaky(), {}, r"environment.prob: got rows that do not sum to 1"),
        (Flat(), {}, r"environment.prob: got a result of shape \(4, 4, 3\), expected \(2, 2, 2, 2, 3\)"),
        (Broken(), {}, r"environment.reward: got NaN"),
        (StandIn(), {"mean_field_support": "states", "time": 0}, r"acts differently in the same states"),
        (StandIn(), {"mean_field_support": "actions"}, r"mean_field_support: got 'actions'"),
        (StandIn(), {"horizon": 3}, r"got the parameter 'horizon' beside a finished environment"),
        (StandIn(), {"discount": 1.0}, r"discount: got 1"),
        (object(), {}, r"environment: got object without S, A, mu0, reward, prob"),
    ],
)
def test_what_is_no_such_environment_is_refused(environment, options, message):
    with pytest.raises(ValueError, match=message):
        from_mfglib(environment, NOBODY, **{**OPTIONS, **options})


def test_without_mfglib_the_message_has_the_command(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"^from_mfglib: .*pip install 'smfg-verify\[mfglib\]'`\.$"):
        from_mfglib("beach_bar", LEADER, **OPTIONS)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mfglib") is None, reason="needs mfglib, an optional package")
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("left_right", {}),
        ("susceptible_infected", {}),
        ("rock_paper_scissors", {}),
        ("beach_bar", {}),
        ("equilibrium_price", {}),
        ("random_linear", {"m": 1.0}),
        ("building_evacuation", {"n_floor": 2, "floor_l": 2, "floor_w": 2}),
    ],
)
def test_environments_of_mfglib_itself(name, parameters):
    import torch
    from mfglib.env import Environment

    for dtype, tolerance in ((torch.float32, 2e-5), (torch.float64, 1e-12)):
        with default_dtype(dtype):
            environment = getattr(Environment, name)(**parameters)
            n, num_actions = environment.n_states, environment.n_actions
            joint = np.random.default_rng(8).dirichlet(np.ones(n * num_actions)).reshape(n, num_actions)
            field = torch.tensor(joint.reshape(environment.S + environment.A), dtype=dtype)
            kernel = np.asarray(environment.prob(0, field)).reshape(n, -1).T.reshape(n, num_actions, n)
            rewards = np.asarray(environment.reward(0, field)).reshape(n, num_actions)
        # By name it is made in double precision.
        given, further = (environment, {}) if dtype == torch.float32 else (name, parameters)
        game = from_mfglib(given, LEADER, **OPTIONS, initial_distribution=np.full(n, 1 / n), **further)
        found = tabulate(game, jnp.asarray(joint))
        np.testing.assert_allclose(found.transition[:, :, 0], kernel, atol=tolerance)
        np.testing.assert_allclose(found.follower_reward[:, :, 0], rewards, atol=tolerance)
    # The last one is in double precision, so that differences tell a derivative.
    logits = np.zeros((n, 2))
    step = np.zeros((n, 2))
    step[0, 0] = 1e-4
    slope = (leader_objective(game, logits + step) - leader_objective(game, logits - step)) / 2e-4
    assert stackelberg_gradient(game, logits).total[0, 0] == pytest.approx(float(slope), abs=1e-7)
