"""What a run is a function of, what it refuses, and that nothing but shapes recompiles it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.game import AbstractGame
from smfg_verify.stochastic import Schedule, ac_smfg
from smfg_verify.stochastic.engine import advance as advance_module
from tests.stochastic.games_for_runs import SINGULAR_STARTS, Singular, array_game, assert_same_bits, interior_iterate

ARRAYS = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")


@pytest.mark.parametrize(
    ("name", "sampling"),
    [
        ("market-entrance", "markov"),
        pytest.param("equilibrium-pricing", "markov", marks=pytest.mark.slow),
        pytest.param("random-game", "markov", marks=pytest.mark.slow),
        ("market-entrance", "iid"),
        pytest.param("laffer-tax", "iid", marks=pytest.mark.slow),
    ],
)
def test_bits_do_not_depend_on_company_checkpoints_or_chunks(name, sampling, monkeypatch):
    game = games.load(name)
    length = 300
    whole = ac_smfg(game, num_iterations=length, seeds=range(40), sampling=sampling)
    assert_same_bits(whole, ac_smfg(game, num_iterations=length, seeds=range(40), sampling=sampling))
    for seed in (3, 37):
        alone = ac_smfg(
            game, num_iterations=length, seeds=[seed], sampling=sampling, checkpoints=[0, 1, 127, 128, 129, 200]
        )
        for field in ARRAYS:
            np.testing.assert_array_equal(getattr(alone, field)[0, -1], getattr(whole, field)[seed, -1])
    shuffled = ac_smfg(game, num_iterations=length, seeds=range(39, -1, -1), sampling=sampling, checkpoints=2)
    np.testing.assert_array_equal(shuffled.leader_critic[::-1, -1], whole.leader_critic[:, -1])
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._CHUNK_SECONDS", 1e-9)
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._FIRST_CHUNK", 7)
    assert_same_bits(whole, ac_smfg(game, num_iterations=length, seeds=range(40), sampling=sampling))


def test_seeds_differ_and_a_prefix_of_a_run_is_the_shorter_run():
    game = games.load("market-entrance")
    long = ac_smfg(game, num_iterations=500, seeds=range(8), checkpoints=[100])
    short = ac_smfg(game, num_iterations=100, seeds=range(8), checkpoints=[100])
    np.testing.assert_array_equal(long.follower_logits[:, 0], short.follower_logits[:, 0])
    assert len(np.unique(long.follower_logits[:, -1, 0, 0])) == 8


@pytest.mark.parametrize(
    ("support", "observations"), [pytest.param("states", None, marks=pytest.mark.slow), ("state_actions", 2)]
)
def test_runs_one_after_another_are_those_side_by_side_up_to_rounding(support, observations, monkeypatch):
    """How runs share the machine is no part of the mathematics; side by side they take other machine code."""
    _, game = array_game(0, support=support, observations=observations)
    in_turn = ac_smfg(game, num_iterations=200, seeds=range(5))
    monkeypatch.setattr("smfg_verify.stochastic.engine.run.goes_in_turn", lambda *_: False)
    side_by_side = ac_smfg(game, num_iterations=200, seeds=range(5))
    for field in ARRAYS:
        np.testing.assert_allclose(getattr(in_turn, field), getattr(side_by_side, field), atol=1e-10)


def test_checkpoints_are_log_spaced_and_hold_the_ends():
    game = games.load("market-entrance")
    trace = ac_smfg(game, num_iterations=10_000, seeds=[0], checkpoints=20)
    assert trace.iterations[0] == 0
    assert trace.iterations[-1] == 10_000
    ratios = np.diff(np.log(trace.iterations[8:]))
    assert np.ptp(ratios) < 0.1 * ratios.mean()
    explicit = ac_smfg(game, num_iterations=100, seeds=[0], checkpoints=[30, 10])
    assert explicit.iterations.tolist() == [10, 30, 100]


class CompileCounter:
    """Backend compilations while active, by JAX's own monitoring events."""

    def __init__(self):
        self.count = 0
        self.active = True
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def _listen(self, event, duration, **kwargs):
        if self.active and event == "/jax/core/compile/backend_compile_duration":
            self.count += 1


def test_only_the_first_run_compiles():
    def game(discount, temperature, seed):
        # Sizes that no other test of this file has, or nothing would be left to compile.
        return array_game(seed, sizes=(3, 2, 4), gamma=discount, tau=temperature, tau_l=0.1 * temperature)[1]

    variants = [game(0.9, 0.3, 0), game(0.5, 0.3, 0), game(0.9, 0.1, 0), game(0.9, 0.3, 1)]
    counter = CompileCounter()
    ac_smfg(variants[0], num_iterations=100, seeds=range(5))
    assert counter.count > 0
    first = advance_module.advance_in_turn.num_programs()
    counter.count = 0
    runs = [ac_smfg(variant, num_iterations=100, seeds=range(5)) for variant in variants]
    ac_smfg(variants[0], num_iterations=100, seeds=range(5), schedule=Schedule(leader=0.01, critic=1.0))
    ac_smfg(variants[0], num_iterations=333, seeds=range(100, 105), checkpoints=[7, 200])
    ac_smfg(variants[0], num_iterations=100, seeds=range(70))
    ac_smfg(variants[0], num_iterations=100, seeds=[1], initial={"leader_critic": np.ones(3)})
    counter.active = False
    assert counter.count == 0
    assert advance_module.advance_in_turn.num_programs() == first
    finals = [run.follower_critic[0, -1].tobytes() for run in runs]
    assert len(set(finals)) == len(variants), "a changed parameter must change the answer"


def test_a_python_float_in_a_games_field_does_not_recompile():
    class Plain(AbstractGame):
        discount: float
        temperature: float = 0.5
        num_states = 3
        num_follower_actions = 2
        num_leader_actions = 2

        def transition(self, state, follower_action, leader_action, mean_field):
            return 0.5 * mean_field + 0.5 / 3.0

        def follower_reward(self, state, follower_action, leader_action, mean_field):
            return -mean_field[state] + 0.1 * follower_action

        def leader_reward(self, state, follower_action, leader_action, mean_field):
            return mean_field[state] - 0.1 * leader_action

    first = ac_smfg(Plain(0.9), num_iterations=50, seeds=[0])
    size = advance_module.advance_in_turn.num_programs()
    second = ac_smfg(Plain(0.2), num_iterations=50, seeds=[0])
    assert advance_module.advance_in_turn.num_programs() == size
    assert not np.array_equal(first.follower_critic, second.follower_critic)


def test_a_seed_that_diverges_is_marked_and_the_others_go_on():
    start = SINGULAR_STARTS
    schedule = Schedule(leader=0.0, mean_field=0.0, follower=1.0, critic=1.0)
    arguments = {"num_iterations": 60, "schedule": schedule}
    trace = ac_smfg(Singular(), seeds=[5, 6, 7], initial={"mean_field": start}, **arguments)
    assert trace.diverged.tolist() == [False, True, False]
    assert not np.isfinite(trace.follower_logits[1, -1]).all()
    alone = ac_smfg(Singular(), seeds=[7], initial={"mean_field": start[2]}, **arguments)
    np.testing.assert_array_equal(trace.follower_critic[2], alone.follower_critic[0])


@pytest.mark.parametrize(
    ("support", "sampling"),
    [
        ("states", "markov"),
        ("state_actions", "iid"),
        pytest.param("states", "iid", marks=pytest.mark.slow),
        pytest.param("state_actions", "markov", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    ("sizes", "gamma"),
    [
        ((1, 1, 1), 0.0),
        pytest.param((1, 2, 1), 0.5, marks=pytest.mark.slow),
        pytest.param((2, 1, 3), 0.0, marks=pytest.mark.slow),
    ],
)
def test_degenerate_games_run_and_keep_the_simplex(sizes, gamma, support, sampling):
    arrays, game = array_game(3, sizes=sizes, gamma=gamma, support=support)
    trace = ac_smfg(game, num_iterations=200, seeds=range(3), sampling=sampling)
    assert not trace.diverged.any()
    assert trace.mean_field.min() >= 0.0
    np.testing.assert_allclose(trace.mean_field.reshape(3, trace.iterations.size, -1).sum(axis=-1), 1.0, rtol=1e-12)
    if sizes[1] == 1:
        np.testing.assert_allclose(trace.follower_logits, 0.0, atol=1e-12)
    if gamma == 0.0 and sizes == (1, 1, 1):
        reward = arrays.tables(np.ones(1))[1].item()
        np.testing.assert_allclose(trace.follower_critic[:, -1, 0], reward, rtol=1e-12)


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_iterations": 0}, "num_iterations"),
        ({"num_iterations": 1.5}, "num_iterations"),
        ({"num_iterations": True}, "num_iterations"),
        ({"num_iterations": 2**31}, "num_iterations"),
        ({"seeds": []}, "seeds: got none"),
        ({"seeds": [1, 2, 1]}, "1 more than once"),
        ({"seeds": [0.5]}, "seeds: got 0.5"),
        ({"seeds": [-1]}, "seeds: got -1"),
        ({"seeds": 3}, "range"),
        ({"sampling": "idd"}, "'idd'"),
        ({"checkpoints": 1}, "checkpoints"),
        ({"checkpoints": [5, 101]}, "from 5 to 101"),
        ({"checkpoints": [0.5]}, "vector of integers"),
        ({"checkpoints": 2.5}, "count or a sequence"),
        ({"schedule": 0.1}, "schedule"),
        ({"initial": {"critic": 0}}, "'critic'"),
        ({"initial": {"leader_logits": np.zeros((3, 3))}}, r"got shape \(3, 3\)"),
        ({"initial": {"follower_critic": [np.nan, 0.0]}}, "NaN"),
        ({"initial": {"mean_field": [0.7, 0.7]}}, "sum to 1"),
        ({"initial": {"mean_field": [1.5, -0.5]}}, "non-negative"),
        ({"initial": {"occupancy_state": 2}}, r"\[0, 2\)"),
        ({"checkpoint_file": "run.h5"}, "ending in .nc"),
    ],
)
def test_bad_arguments_are_refused_with_what_was_got(arguments, message):
    valid = {"num_iterations": 100, "seeds": [0]}
    with pytest.raises(ValueError, match=message):
        ac_smfg(games.load("market-entrance"), **{**valid, **arguments})


def test_initial_values_for_each_seed_are_recorded_as_given():
    arrays, game = array_game(4)
    start = [interior_iterate(arrays, seed) for seed in range(35)]
    stacked = {name: np.stack([one[name] for one in start]) for name in start[0]}
    trace = ac_smfg(game, num_iterations=1, seeds=range(35), initial={**stacked, "population_state": 3})
    for name, values in stacked.items():
        np.testing.assert_array_equal(getattr(trace, name)[:, 0], values)
    assert np.all(trace.population_state[:, 0] == 3)
    assert np.unique(trace.occupancy_state[:, 0]).size == 4


def test_a_run_in_single_precision_stays_in_it():
    with jax.enable_x64(False):
        game = games.load("market-entrance")
        trace = ac_smfg(game, num_iterations=100, seeds=range(2))
        assert trace.metadata.dtype == "float32"
        assert trace.mean_field.dtype == np.float32
        assert jnp.result_type(float) == jnp.float32
