import json
import subprocess
import sys

import numpy as np
import xarray

from smfg_verify.stochastic import Trace
from tests.stochastic.games_for_runs import assert_same_bits


def test_the_dataset_names_its_dimensions_and_holds_the_same_numbers(trace):
    dataset = trace.to_xarray()
    assert dataset["follower_logits"].dims == ("seed", "iteration", "state", "action")
    assert dataset["mean_field"].dims == ("seed", "iteration", "state", "action")
    assert dataset["leader_logits"].dims == ("seed", "iteration", "observation", "leader_action")
    assert dataset["leader_critic"].dims == ("seed", "iteration", "state")
    assert dataset["seed"].values.tolist() == [7, 3, 12]
    last = dataset["mean_field"].sel(seed=3, iteration=50).values
    np.testing.assert_array_equal(last, trace.mean_field[1, -1])
    assert dataset.attrs["game"] == "EquilibriumPricing"
    assert dataset.attrs["transitions_per_iteration"] == 2


def test_a_saved_trace_loads_to_the_same_bits(trace, tmp_path):
    trace.save(tmp_path / "trace.nc")
    assert_same_bits(Trace.load(tmp_path / "trace.nc"), trace)
    with xarray.open_dataset(tmp_path / "trace.nc") as opened:
        xarray.testing.assert_identical(opened.load(), trace.to_xarray())
    assert [path.name for path in tmp_path.iterdir()] == ["trace.nc"]


def test_metadata_says_what_the_run_was(trace):
    metadata = trace.metadata
    assert metadata.method == "ac-smfg"
    assert metadata.sampling == "markov"
    assert metadata.num_iterations == 50
    assert metadata.step_constants == {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}
    assert json.loads(trace.to_xarray().attrs["method_options"]) == metadata.options


def test_importing_the_stochastic_side_does_not_import_xarray():
    script = (
        "import sys; import smfg_verify.stochastic; print([m for m in ('xarray', 'rich', 'h5py') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert output.stdout.strip() == "[]"
