"""What every baseline promises, as AC-SMFG does: its bits, its file, its count of samples, its record."""

import itertools
import sys

import h5py
import jax
import numpy as np
import pytest

from smfg_verify import games
from smfg_verify.bounds.drift.validate_drift import validate_drift
from smfg_verify.bounds.rates.run_residuals import PointStatus, exact_residuals
from smfg_verify.game import mean_field_shape
from smfg_verify.jobs.pipeline import settings_of
from smfg_verify.stochastic import (
    Schedule,
    Trace,
    adage,
    exact_ascent,
    fictitious_play,
    nested_loop,
    resume,
    total_derivative,
    unrolled_adjoint,
)
from smfg_verify.stochastic.engine.groups import LANES
from smfg_verify.stochastic.sampling import sample_transition
from tests.stochastic.games_for_runs import SINGULAR_STARTS, Singular, array_game, assert_same_bits

ARRAYS = ("leader_logits", "follower_logits", "leader_critic", "follower_critic", "mean_field")
CHAINS = ("occupancy_state", "population_state")
STEPS = Schedule(leader=0.1, mean_field=0.3, follower=0.7, critic=1.1)
# Options off their defaults, so that a resumed run shows whether they were kept.
METHODS = {
    "nested-loop": (nested_loop, {"schedule": STEPS, "inner_iterations": 30, "leader_samples": 3}),
    "fictitious-play": (fictitious_play, {"inner_iterations": 30, "resolution": 3, "follower_weight": 2.0}),
    "adage": (adage, {"schedule": STEPS, "horizon": 20, "num_episodes": 3}),
    "total-derivative": (total_derivative, {"schedule": STEPS, "model_step": 0.7, "spacing": 0.3}),
    "exact-ascent": (exact_ascent, {"leader_step": 0.6}),
    "unrolled-adjoint": (unrolled_adjoint, {"leader_step": 0.6, "num_sweeps": 40}),
}
EXACT = ("exact-ascent", "unrolled-adjoint")
# Steps of every learner far beyond anything sensible; the mean field stands still.
_FAR = Schedule(leader=1e6, mean_field=0.0, follower=1e6, critic=1e6)
ABSURD = {
    "nested-loop": {"schedule": _FAR},
    "fictitious-play": {"leader_weight": 1e6, "follower_weight": 1e6, "mean_field_weight": 0.0, "critic_step": 1e6},
    "adage": {"schedule": _FAR},
    "total-derivative": {"schedule": _FAR},
    "exact-ascent": {"leader_step": 1e6},
    "unrolled-adjoint": {"leader_step": 1e6},
}

# Each method is compiled for each game: by default one that samples the inner loop, one that unrolls it, one exact.
QUICK = ("nested-loop", "adage", "unrolled-adjoint")
every_method = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in METHODS]
)


@pytest.fixture(scope="module", params=["states", pytest.param("state_actions", marks=pytest.mark.slow)])
def game(request):
    # The game of the test of divergence serves here too: every other one would be compiled for each method.
    return (
        Singular() if request.param == "states" else array_game(3, sizes=(2, 3, 2), gamma=0.5, support=request.param)[1]
    )


def run(name, game, **arguments):
    method, options = METHODS[name]
    return method(game, **{"num_iterations": 40, "seeds": range(33), "checkpoints": 6, **options, **arguments})


def small_chunks(monkeypatch):
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._CHUNK_SECONDS", 1e-9)
    monkeypatch.setattr("smfg_verify.stochastic.engine.run._FIRST_CHUNK", 7)


@every_method
@pytest.mark.filterwarnings("ignore:step sizes")
def test_a_run_is_a_function_of_its_arguments_and_is_resumed_to_the_same_bits(name, game, tmp_path, monkeypatch):
    whole = run(name, game)
    assert whole.metadata.method == name
    assert not whole.diverged.any()
    # Seed 3 has other seeds beside it in its lanes there, and copies of itself here.
    alone = run(name, game, seeds=[3], checkpoints=[0, 5, 21])
    for field in ARRAYS:
        np.testing.assert_array_equal(getattr(alone, field)[0, -1], getattr(whole, field)[3, -1])
    different = len(np.unique(whole.follower_critic[:, -1, 0]))
    assert different == (1 if name in EXACT else 33)

    small_chunks(monkeypatch)
    file = tmp_path / "run.nc"

    def interrupt(done):
        if done >= 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(name, game, checkpoint_file=file, callback=interrupt)
    assert not Trace.load(file).complete
    assert_same_bits(resume(game, file), whole)
    assert_same_bits(Trace.load(file), whole)
    assert_the_record_is_of_the_game(game, whole)


def assert_the_record_is_of_the_game(game, trace):
    """Shapes and the simplex."""
    assert trace.follower_logits.shape == (33, trace.iterations.size, 2, game.num_follower_actions)
    assert trace.mean_field.shape == (33, trace.iterations.size, *mean_field_shape(game))
    assert trace.mean_field.min() >= -1e-14
    np.testing.assert_allclose(trace.mean_field.reshape(33, trace.iterations.size, -1).sum(axis=-1), 1.0, rtol=1e-12)


@pytest.mark.slow
@every_method
@pytest.mark.filterwarnings("ignore:step sizes")
def test_the_residuals_of_every_point_can_be_measured(name, game):
    trace = run(name, game)
    first = Trace(**{**vars(trace), **{k: getattr(trace, k)[:1] for k in ("seeds", "diverged", *ARRAYS, *CHAINS)}})
    residuals = exact_residuals(game, first, batch_size=8)
    assert np.all(residuals.status == PointStatus.EVALUATED)
    for quantity in ("e_omega", "policy_gap", "e_theta", "e_mu", "e_Vf", "e_Vl"):
        assert np.isfinite(getattr(residuals, quantity)).all(), quantity


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n in (*EXACT, "adage", "total-derivative"))) for n in METHODS]
)
@pytest.mark.filterwarnings("ignore:step sizes")
def test_the_smallest_game_counts_its_samples_and_knows_its_values(name, monkeypatch):
    """One state, one action, no future. Every sampled transition is counted as it is drawn, lane by lane."""
    counter = itertools.count()

    def counted(*arguments):
        jax.debug.callback(lambda _: next(counter), arguments[1])
        return sample_transition(*arguments)

    for module in [module for key, module in sys.modules.items() if key.startswith("smfg_verify.stochastic")]:
        if getattr(module, "sample_transition", None) is sample_transition:
            monkeypatch.setattr(module, "sample_transition", counted)
    arrays, game = array_game(3, sizes=(1, 1, 1), gamma=0.0, support="state_actions")
    trace = METHODS[name][0](game, num_iterations=2, seeds=range(3), **METHODS[name][1])
    jax.effects_barrier()
    assert next(counter) == 2 * LANES * trace.metadata.transitions_per_iteration
    assert (trace.metadata.transitions_per_iteration == 0) == (name in EXACT)
    assert not trace.diverged.any()
    _, follower_reward, leader_reward = arrays.tables(np.ones(1))
    np.testing.assert_allclose(trace.follower_critic[:, -1, 0], follower_reward.item(), rtol=1e-12)
    np.testing.assert_allclose(trace.leader_critic[:, -1, 0], leader_reward.item(), rtol=1e-12)
    np.testing.assert_allclose(trace.mean_field[:, -1], 1.0, rtol=1e-12)
    np.testing.assert_allclose(trace.leader_logits, 0.0, atol=1e-12)


@every_method
@pytest.mark.filterwarnings("ignore:step sizes")
def test_a_seed_that_diverges_is_marked_and_the_others_go_on(name):
    trace = run(name, Singular(), seeds=[5, 6, 7], initial={"mean_field": SINGULAR_STARTS}, **ABSURD[name])
    assert trace.diverged.tolist() == [False, True, False]
    alone = run(name, Singular(), seeds=[7], initial={"mean_field": SINGULAR_STARTS[2]}, **ABSURD[name])
    for field in ARRAYS:
        np.testing.assert_array_equal(getattr(trace, field)[2], getattr(alone, field)[0])


@pytest.mark.wrong_types
@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nested-loop", {"inner_iterations": 0}, "inner_iterations: got 0"),
        ("nested-loop", {"leader_samples": 1.5}, "leader_samples: got 1.5"),
        ("nested-loop", {"schedule": 0.1}, "schedule: got float"),
        ("adage", {"horizon": True}, "horizon: got True"),
        ("adage", {"num_episodes": -1}, "num_episodes: got -1"),
        ("adage", {"schedule": {}}, "schedule: got dict"),
        ("total-derivative", {"spacing": 0.0}, r"spacing: got 0, expected a number in \(0, 1\]"),
        ("total-derivative", {"spacing": np.nan}, "spacing: got nan"),
        ("total-derivative", {"model_step": -1.0}, "model_step: got -1"),
        ("total-derivative", {"model_rounds": 0}, "model_rounds: got 0"),
        ("fictitious-play", {"leader_weight": np.inf}, "leader_weight: got inf"),
        ("fictitious-play", {"resolution": 10**6}, "resolution: got 1000000"),
        ("exact-ascent", {"leader_step": -1.0}, "leader_step: got -1"),
        ("exact-ascent", {"leader_step": [1.0, 2.0]}, "leader_step: got shape"),
        ("exact-ascent", {"seeds": []}, "seeds: got none"),
        ("unrolled-adjoint", {"num_sweeps": 0}, "num_sweeps: got 0"),
    ],
)
def test_bad_options_are_refused_with_what_was_got(name, options, message):
    with pytest.raises(ValueError, match=message):
        METHODS[name][0](games.load("laffer-tax"), **{"num_iterations": 10, "seeds": [0], **options})


def test_what_is_about_ac_smfg_refuses_another_methods_run(game, tmp_path):
    file = tmp_path / "run.nc"
    trace = run("nested-loop", game, num_iterations=2, checkpoint_file=file)
    for ask in (lambda: validate_drift(game, trace), lambda: settings_of(trace)):
        with pytest.raises(ValueError, match="got a run of nested-loop, expected one of ac-smfg"):
            ask()
    with h5py.File(file, "a") as opened:
        opened.attrs["method"] = "of-another-package"
    with pytest.raises(ValueError, match=r"unknown name 'of-another-package'; expected one of: .*adage"):
        resume(game, file)


def test_exact_methods_ask_for_double_precision():
    with jax.enable_x64(False):
        game = games.load("laffer-tax")
        for name in EXACT:
            with pytest.raises(ValueError, match="need float64"):
                run(name, game)
        trace = run("nested-loop", game, num_iterations=3, schedule=None)
        assert trace.metadata.dtype == "float32"
        assert trace.leader_logits.dtype == np.float32
