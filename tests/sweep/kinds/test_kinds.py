"""A cell of each kind is what the public function gives that it stands for, seed by seed and place by place."""

from pathlib import Path

import numpy as np
import pytest

from smfg_verify import ac_smfg, check, exact_residuals, games, optimise_leader, stackelberg_gradient, validate_bounds
from smfg_verify.bounds import RateVerdict
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.conduct import How, conduct
from smfg_verify.sweep.dataset import to_dataset
from smfg_verify.sweep.kinds.outcome import CellStatus
from smfg_verify.sweep.settings import settings_of

DISCOUNTS, SEEDS, RUN = (0.8, 0.9), (0, 4), {"iterations": 30, "checkpoints": 2}


def swept(directory, **tables):
    plan = make_plan(settings_of({"games": ["laffer-tax"], **tables}, Path()))
    return to_dataset(conduct(plan, directory, How(), say=lambda line: None))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return swept(
        tmp_path_factory.mktemp("kinds"),
        what=["solve", "check", "run"],
        seeds=list(SEEDS),
        parameters={"discount": list(DISCOUNTS)},
        run=RUN,
        check={"properties": ["coverage"], "budget": "quick"},
    )


def test_every_cell_is_done(found):
    for kind in ("solve", "check", "run"):
        assert (found[f"{kind}_status"] == CellStatus.DONE).all()
        assert (found[f"{kind}_attempts"] == 1).all()
    assert found["run_e_mu"].dims == ("game", "discount", "seed", "iteration")
    assert found["check_constant"].dims == ("game", "discount", "statement")


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_solve_is_the_gradient_at_the_uniform_leader(found, discount):
    gradient = stackelberg_gradient(games.load("laffer-tax", discount=discount), np.zeros((1, 2)))
    here = found.sel(game="laffer-tax", discount=discount)
    assert float(here["solve_objective"]) == float(gradient.objective)
    total, direct = np.asarray(gradient.total), np.asarray(gradient.direct)
    cosine = np.vdot(total, direct) / np.sqrt(np.vdot(total, total) * np.vdot(direct, direct))
    np.testing.assert_allclose(float(here["solve_alignment"]), cosine, rtol=1e-14)


@pytest.mark.parametrize("discount", DISCOUNTS)
def test_each_seed_of_a_run_is_that_seed_run_alone(found, discount):
    game = games.load("laffer-tax", discount=discount)
    for seed in SEEDS:
        trace = ac_smfg(game, num_iterations=30, seeds=[seed], checkpoints=2)
        alone = exact_residuals(game, trace)
        here = found.sel(game="laffer-tax", discount=discount, seed=seed)
        assert found["iteration"].values.tolist() == alone.iterations.tolist()
        for name in ("e_omega", "e_mu", "objective"):
            np.testing.assert_array_equal(here[f"run_{name}"].values, getattr(alone, name)[0])


@pytest.mark.slow
def test_validate_has_the_rates_of_its_run(tmp_path):
    found = swept(tmp_path, what="validate", seeds=list(SEEDS), parameters={"discount": [0.9]}, run=RUN)
    assert found["validate_slope"].dims == ("game", "discount", "residual")
    game = games.load("laffer-tax", discount=0.9)
    report = validate_bounds(game, ac_smfg(game, num_iterations=30, seeds=SEEDS, checkpoints=2))
    here = found.sel(game="laffer-tax", discount=0.9)
    assert found["residual"].values.tolist() == [row.name for row in report.rows]
    verdicts = [list(RateVerdict)[code] for code in here["validate_verdict"].values]
    assert verdicts == [row.verdict for row in report.rows]
    np.testing.assert_array_equal(here["validate_slope"].values, [row.slope for row in report.rows])


def test_check_has_verdicts_and_constants_by_statement(found):
    report = check(games.load("laffer-tax", discount=0.9), "coverage", budget="quick")
    here = found.sel(game="laffer-tax", discount=0.9)
    assert found["statement"].values.tolist() == [f"coverage/{finding.statement}" for finding in report.findings]
    words = here["check_verdict"].attrs["flag_meanings"].split()[1:]
    assert [words[code] for code in here["check_verdict"].values] == [f.verdict.value for f in report.findings]
    np.testing.assert_array_equal(here["check_constant"].values, [finding.constant for finding in report.findings])
    assert words[int(here["check_property_verdict"].sel(property="coverage"))] == "certified"


@pytest.mark.slow
def test_compare_and_the_best_leader(tmp_path):
    settings = {"methods": ["exact-ascent"], "samples": 100, "seeds": 2, "trials": 1, "tuning_samples": 100}
    found = swept(tmp_path, what=["solve", "compare"], solve={"leader": "best"}, compare=settings)
    here = found.sel(game="laffer-tax")
    optimum = optimise_leader(games.load("laffer-tax"), np.zeros((1, 2)))
    assert float(here["solve_objective"]) == float(optimum.gradient.objective)
    assert here["method"].values.tolist() == ["exact-ascent"]
    assert float(here["compare_objective"][0]) <= float(optimum.gradient.objective) + 1e-9
    assert int(here["compare_verdict"][0]) == -1  # nothing to compare it with
