"""Comparisons: equal samples, equal tuning, honest statistics, diverged seeds in sight, results kept and resumed."""

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from smfg_verify import games
from smfg_verify.bounds import exact_residuals
from smfg_verify.cli.app import main
from smfg_verify.comparison import CompareSettings, compare, find_contender, paired_difference
from smfg_verify.comparison.compare import _FIRST_TUNING_SEED, ContenderResult
from smfg_verify.comparison.paired import PairedVerdict
from smfg_verify.comparison.quartiles import quartiles
from smfg_verify.comparison.tuning import tune
from smfg_verify.jobs.compare import Compared
from smfg_verify.jobs.settings import GameSettings
from smfg_verify.records.codec import plain
from smfg_verify.records.typed import structured
from smfg_verify.report.figures.comparison import comparison_figure
from smfg_verify.report.figures.drawing import save_figure
from smfg_verify.report.tables.comparison import comparison_markdown, comparison_tables
from smfg_verify.stochastic import Schedule, ac_smfg

QUICK = CompareSettings(
    samples=600, seeds=5, trials=2, tuning_seeds=2, tuning_samples=400, exact_iterations=20, checkpoints=5
)


@pytest.fixture(scope="module")
def game():
    return games.load("laffer-tax")


@pytest.fixture(scope="module")
def found(game):
    return compare(game, ["ac-smfg", "nested-loop", "exact-ascent"], QUICK)


@pytest.mark.slow
def test_every_sampled_method_draws_as_much_as_it_may_and_no_more(found):
    for result in found.results.values():
        if result.transitions_per_iteration:
            assert QUICK.samples - result.transitions_per_iteration < result.samples[-1] <= QUICK.samples
    assert found.results["exact-ascent"].samples[-1] == 0
    assert found.results["exact-ascent"].iterations[-1] == QUICK.exact_iterations


def test_a_result_is_the_method_s_own_run_measured_exactly(game, found):
    result = found.results["ac-smfg"]
    schedule = Schedule.from_constants(result.options["schedule"])
    trace = ac_smfg(game, num_iterations=300, seeds=range(5), schedule=schedule, checkpoints=5)
    exact = exact_residuals(game, trace)
    np.testing.assert_allclose(result.measures.objective, exact.objective, rtol=1e-9)
    np.testing.assert_allclose(result.measures.policy_gap, exact.policy_gap, rtol=1e-7, atol=1e-12)
    assert np.all(result.measures.exploitability > -1e-9)


def test_the_difference_is_that_of_the_final_objectives_and_exact_ascent_wins_on_laffer_tax(found):
    ends = {name: result.measures.objective[:, -1] for name, result in found.results.items()}
    entry = found.differences["exact-ascent"]
    assert entry.difference == pytest.approx(np.mean(ends["exact-ascent"] - ends["ac-smfg"]))
    assert entry.verdict is PairedVerdict.BETTER
    assert entry.level == pytest.approx(1.0 - 0.05 / 2)
    assert "ac-smfg" not in found.differences


def test_tuning_keeps_the_best_trial_and_never_sees_the_comparison_s_seeds(game, found):
    seen = []

    def iterations_of(method):
        seen.append(method)
        return 50

    method, trials = tune(
        game,
        find_contender("ac-smfg"),
        num_trials=4,
        seeds=range(3),
        iterations_of=iterations_of,
        random_seed=1,
    )
    assert len(trials) == len(seen) == 4
    assert trials[0].options == find_contender("ac-smfg").default().options()
    assert method.options() == max(trials, key=lambda trial: trial.score).options
    assert len({json.dumps(trial.options, sort_keys=True) for trial in trials}) == 4
    assert QUICK.seeds <= _FIRST_TUNING_SEED
    assert all(len(result.trials) == QUICK.trials for result in found.results.values())


def test_random_options_stay_within_a_decade():
    contender, random = find_contender("nested-loop"), np.random.default_rng(0)
    for _ in range(50):
        options = contender.drawn(random).options()
        for name, value in options["schedule"].items():
            assert 0.0999 < value / contender.options["schedule"][name] < 10.001
        assert options["inner_iterations"] in (5, 20, 80)


def test_intervals_cover_a_known_difference():
    random, hits = np.random.default_rng(0), 0
    for trial in range(200):
        base = random.standard_normal(16)
        entry = paired_difference(base + 0.5 + random.exponential(1.0, 16) - 1.0, base, seed=trial)
        hits += entry.lower <= 0.5 <= entry.upper
    assert 168 <= hits <= 198


def test_what_cannot_be_tested_says_why():
    numbers = np.arange(6.0)
    assert "fewer" not in paired_difference(numbers, numbers).reason
    assert paired_difference(numbers, numbers).verdict is PairedVerdict.UNDECIDED
    lost = paired_difference(np.where(numbers == 2, np.nan, numbers), numbers)
    assert lost.verdict is PairedVerdict.NOT_TESTED
    assert "1 seeds of the method" in lost.reason
    assert paired_difference(numbers[:3], numbers[:3]).verdict is PairedVerdict.NOT_TESTED


def test_a_diverged_seed_counts_as_the_worst():
    values = np.array([[1.0], [2.0], [3.0], [np.nan], [np.nan]])
    low, middle, _ = quartiles(values, -np.inf)
    assert [low[0], middle[0]] == [-np.inf, 1.0]
    low, middle, high = quartiles(values, np.inf)
    assert [low[0], middle[0], high[0]] == [2.0, 3.0, np.inf]


def test_diverged_seeds_are_shown_in_table_and_figure(game, found):
    result = found.results["nested-loop"]
    diverged = np.array([True, True, True, False, False])
    objective = np.where(diverged[:, None], np.nan, result.measures.objective)
    broken = dataclasses.replace(
        result, diverged=diverged, measures=dataclasses.replace(result.measures, objective=objective)
    )
    comparison = dataclasses.replace(found, results={**found.results, "nested-loop": broken})
    console = Console(width=240, file=io.StringIO())
    console.print(comparison_tables(Compared(GameSettings("laffer-tax"), game, comparison)))
    line = next(text for text in console.file.getvalue().splitlines() if "nested-loop" in text)
    assert "diverged" in line
    assert "3 of 5" in line
    assert "3 of 5" in comparison_markdown(comparison)
    # Not in the first panel: there the median seed has diverged from the beginning.
    panels = comparison_figure(comparison, game="laffer-tax").axes
    assert "Nested loop (3 diverged)" in {label for axes in panels for label in axes.get_legend_handles_labels()[1]}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_measure_that_is_zero_or_lost_throughout_has_axes_that_fit(found, value, tmp_path):
    results = {}
    for name, result in found.results.items():
        nothing = np.full_like(result.measures.e_omega, value)
        fields = {field.name: nothing for field in dataclasses.fields(result.measures)}
        results[name] = dataclasses.replace(result, measures=dataclasses.replace(result.measures, **fields))
    figure = comparison_figure(dataclasses.replace(found, results=results), game="nothing")
    assert all(low < high for low, high in (axes.get_ylim() for axes in figure.axes))
    assert save_figure(figure, tmp_path, "comparison")


def test_a_result_survives_its_record(found):
    result = found.results["nested-loop"]
    again = structured(ContenderResult, json.loads(json.dumps(plain(result), allow_nan=False)))
    assert plain(again) == plain(result)


@pytest.mark.slow
def test_the_command_writes_resumes_and_refuses(tmp_path, capsys):
    words = ["compare", "laffer-tax", "--method", "ac-smfg", "--method", "exact-ascent", "--samples", "400"]
    words += ["--seeds", "5", "--trials", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    record = json.loads((tmp_path / "compare.json").read_text())
    assert record["differences"]["exact-ascent"]["verdict"] == "better"
    assert (tmp_path / "compare.png").stat().st_size > 10_000
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert "trials" not in capsys.readouterr().err
    assert main([*words[:2], "--method", "nested-lop"]) == 2
    assert "did you mean 'nested-loop'" in capsys.readouterr().err
    assert main(["compare", "laffer-tax", "--samples", "100", "--out", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_difference_of_rounding_alone_is_undecided():
    """The same method twice, but for errors in the last digit that all have one sign."""
    reference = np.linspace(1.0, 2.0, 8)
    values = reference + np.array([1, 2, 1, 2, 1, 2, 1, 2]) * 2e-16
    assert np.all(values >= reference)
    assert np.any(values > reference)
    found = paired_difference(values, reference, errors=np.full(8, 1e-15))
    assert found.verdict is PairedVerdict.UNDECIDED
    assert found.lower < 0.0 < found.upper
    assert paired_difference(values + 1e-9, reference, errors=np.full(8, 1e-15)).verdict is PairedVerdict.BETTER
