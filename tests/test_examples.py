"""The example in every public docstring, run as it stands."""

import doctest
import inspect

import pytest

from experiments.api_page import public_names

NAMES = [public for public in public_names() if public.documented]
# What an environment reaches is read from the code as it is.
_UNTYPED = {"from_mfglib"}
# Each takes five seconds and more to compile; what they show is tested by the modules of these names.
_SLOW = {
    "AbstractGame",
    "bounds.LimitPoints",
    "cases.run_cases",
    "symbolic.alignment_formula",
    "bounds.DriftReport",
    "bounds.ExpectedResiduals",
    "bounds.Laboratory",
    "bounds.LimitPoint",
    "bounds.LinearNoise",
    "bounds.LocalPrediction",
    "bounds.bound_curves",
    "bounds.TheoremInputs",
    "bounds.UpdateNoise",
    "bounds.certified_inputs",
    "bounds.compare_local",
    "bounds.expected_residuals",
    "bounds.expected_stationarity",
    "bounds.linear_noise",
    "bounds.linear_noise_path",
    "bounds.local_prediction",
    "bounds.step_laboratory",
    "bounds.step_region",
    "bounds.validate_drift",
    "cases.run_case",
    "comparison.compare",
    "plot.alignment",
    "plot.contraction",
    "plot.eigenvalues",
    "stochastic.adage",
    "stochastic.exact_ascent",
    "stochastic.fictitious_play",
    "stochastic.total_derivative",
    "stochastic.unrolled_adjoint",
    "symbolic.AlignmentFormula",
}


def marks_of(module: str, name: str) -> list:
    slow = f"{module}.{name}".removeprefix("smfg_verify.") in _SLOW
    return [mark for mark, given in ((pytest.mark.untyped, name in _UNTYPED), (pytest.mark.slow, slow)) if given]


EXAMPLES = [
    pytest.param(public, id=f"{public.module}.{public.name}", marks=marks_of(public.module, public.name))
    for public in NAMES
]


def test_what_is_marked_slow_is_there():
    assert {f"{public.module}.{public.name}".removeprefix("smfg_verify.") for public in NAMES} >= _SLOW


@pytest.mark.parametrize("public", EXAMPLES)
def test_the_example_prints_what_it_says(public, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    text = inspect.getdoc(public.value) or ""
    example = doctest.DocTestParser().get_doctest(
        text, {}, public.name, inspect.getfile(inspect.unwrap(public.value)), 0
    )
    assert example.examples
    failures = []
    doctest.DocTestRunner(verbose=False).run(example, out=failures.append)
    assert not failures, "".join(failures)
