"""Which test module mirrors which module of the package, and what holds those that have no mirror.

`smfg_verify/<room>/<module>.py` is tested by `tests/<room>/test_<module>.py`. A module without functions has nothing to
test. The others are listed here, by path or pattern: the module of tests that holds them, and why it is not a mirror.
"""

import ast
import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE, TESTS = ROOT / "smfg_verify", ROOT / "tests"

_WORDS = "renders a record in words, which are read where the records are made"
_WHOLE = "has no result of its own: it carries out what others compute, and is tested as a command"
_INNER = "an inner part of what that module tests from outside, against one oracle"
HELD_BY = {
    "assumptions/along/*.py": (
        "assumptions/along/test_along_run.py",
        "one run, which takes seconds, serves all its tests",
    ),
    "assumptions/certificates/growing.py": ("assumptions/certificates/test_export.py", _INNER),
    "assumptions/certificates/tables.py": ("assumptions/certificates/test_export.py", _INNER),
    "assumptions/checking.py": ("assumptions/test_all_properties.py", _WHOLE),
    "assumptions/constants/sampled_constants.py": ("assumptions/constants/test_game_constants.py", _INNER),
    "assumptions/contraction/near_equilibria.py": ("assumptions/contraction/test_secants.py", _INNER),
    "assumptions/enclosure/envelope.py": ("assumptions/enclosure/test_table_enclosures.py", _INNER),
    "assumptions/enclosure/interpreter.py": ("assumptions/enclosure/test_machine_arithmetic.py", _INNER),
    "assumptions/enclosure/leader/affine.py": ("assumptions/enclosure/leader/test_boxes.py", _INNER),
    "assumptions/enclosure/leader/bases.py": ("assumptions/enclosure/leader/test_boxes.py", _INNER),
    "assumptions/enclosure/leader/gradients.py": ("assumptions/enclosure/leader/test_boxes.py", _INNER),
    "assumptions/enclosure/leader/residual.py": ("assumptions/enclosure/leader/test_equilibria.py", _INNER),
    "assumptions/enclosure/leader/within.py": ("assumptions/enclosure/leader/test_responses.py", _INNER),
    "assumptions/enclosure/leader/world.py": ("assumptions/enclosure/leader/test_boxes.py", _INNER),
    "assumptions/enclosure/response/budget.py": ("assumptions/one_sided/test_certified_rate.py", _INNER),
    "assumptions/enclosure/response/index/judged.py": ("assumptions/enclosure/response/index/test_cover.py", _INNER),
    "assumptions/enclosure/response/linear.py": ("assumptions/enclosure/response/test_slopes.py", _INNER),
    "assumptions/enclosure/response/measures.py": ("assumptions/enclosure/response/test_search.py", _INNER),
    "assumptions/enclosure/response/problem.py": ("assumptions/enclosure/response/test_slopes.py", _INNER),
    "assumptions/enclosure/response/proof.py": ("assumptions/one_sided/test_certified_rate.py", _INNER),
    "assumptions/enclosure/response/rowwise/pieces.py": (
        "assumptions/enclosure/response/rowwise/test_bounds.py",
        _INNER,
    ),
    "assumptions/enclosure/response/tables/shared.py": ("assumptions/enclosure/response/tables/test_affine.py", _INNER),
    "assumptions/enclosure/response/turning.py": ("assumptions/enclosure/response/test_slopes.py", _INNER),
    "assumptions/enclosure/response/zones/faced.py": ("assumptions/enclosure/response/zones/test_bounds.py", _INNER),
    "assumptions/enclosure/rules/affine_operations.py": ("assumptions/enclosure/test_machine_arithmetic.py", _INNER),
    "assumptions/enclosure/rules/functions.py": ("assumptions/enclosure/rules/test_rules.py", _INNER),
    "assumptions/enclosure/rules/primitives.py": ("assumptions/enclosure/rules/test_rules.py", _INNER),
    "assumptions/enclosure/simplices.py": ("assumptions/enclosure/response/test_models.py", _INNER),
    "assumptions/enclosure/slope_forms.py": ("assumptions/enclosure/response/tables/test_curved.py", _INNER),
    "assumptions/enclosure/values.py": ("assumptions/enclosure/rules/test_integers.py", _INNER),
    "assumptions/gradient_domination/certified_constants.py": (
        "assumptions/gradient_domination/test_findings.py",
        _INNER,
    ),
    "assumptions/gradient_alignment/box_cover.py": ("assumptions/gradient_alignment/test_leader_box.py", _INNER),
    "assumptions/gradient_alignment/statements.py": ("assumptions/gradient_alignment/test_sentences.py", _INNER),
    "assumptions/gradient_alignment/witness.py": ("assumptions/gradient_alignment/test_findings.py", _INNER),
    "assumptions/gradient_alignment/zeros.py": ("assumptions/gradient_alignment/test_sentences.py", _INNER),
    "assumptions/lipschitz/sentences.py": ("assumptions/test_sentences.py", _WORDS),
    "assumptions/one_sided/measured_rate.py": ("assumptions/one_sided/test_findings.py", _INNER),
    "assumptions/one_sided/sentences.py": ("assumptions/test_sentences.py", _WORDS),
    "assumptions/outlook.py": ("report/tables/test_summary.py", _WORDS),
    "assumptions/properties.py": ("assumptions/test_all_properties.py", "a registry, tested by what it holds"),
    "assumptions/sentence.py": ("assumptions/test_sentences.py", _WORDS),
    "assumptions/settings.py": ("assumptions/test_all_properties.py", "options, refused where they are given"),
    "assumptions/untraced.py": ("interop/test_foreign_code.py", "needs code that JAX does not see"),
    "assumptions/uniqueness/occupation.py": ("assumptions/uniqueness/test_occupation_monotonicity.py", _INNER),
    "bounds/*/sentences.py": ("records/test_coded_text.py", _WORDS),
    "bounds/local/limit_record.py": ("bounds/local/test_limit_points.py", "the record of what is found there"),
    "bounds/local/linear_noise.py": ("bounds/steps/test_laboratory.py", _INNER),
    "bounds/rates/findings.py": ("bounds/rates/test_validate_bounds.py", _INNER),
    "bounds/rates/report.py": ("bounds/rates/test_validate_bounds.py", "the record of what is found there"),
    "bounds/steps/sweep*.py": (
        "bounds/steps/test_laboratory.py",
        "one sweep, which takes seconds, serves all its tests",
    ),
    "cases/registry.py": ("cases/test_cases.py", "a registry, tested by what it holds"),
    "cases/sentences.py": ("records/test_coded_text.py", _WORDS),
    "cases/*/*.py": ("cases/test_cases.py", "every case is carried out there, and once with a broken ingredient"),
    "report/tables/certificates.py": ("jobs/test_certificates.py", _WORDS),
    "cli/commands/*.py": ("cli/test_options.py", _WHOLE),
    "cli/result_options.py": ("cli/test_options.py", "options, which commands are tested with"),
    "cli/saving.py": ("cli/test_files.py", _WHOLE),
    "cli/screen.py": ("cli/test_app.py", _WHOLE),
    "comparison/tuning.py": ("comparison/test_compare.py", "one comparison, which takes seconds, serves all its tests"),
    "exact/equilibrium/entropy_bias.py": ("assumptions/contraction/test_temperature_conflict.py", _INNER),
    "exact/equilibrium/search.py": ("exact/equilibrium/test_solve.py", _INNER),
    "exact/at_iterate.py": ("bounds/rates/test_tracking_residuals.py", _INNER),
    "exact/sparse/at_iterate.py": ("bounds/rates/test_run_residuals.py", _INNER),
    "exact/compiling.py": ("exact/test_batching.py", _INNER),
    "exact/implicit/linear.py": ("exact/implicit/test_certificate.py", _INNER),
    "exact/implicit/probes.py": ("exact/implicit/test_certificate.py", _INNER),
    "exact/implicit/problem.py": ("exact/implicit/test_certificate.py", _INNER),
    "exact/equilibrium/tested.py": ("exact/equilibrium/test_nash.py", _INNER),
    "exact/sparse/cooling.py": ("exact/sparse/test_nash.py", _INNER),
    "exact/sparse/regret.py": ("exact/sparse/test_nash.py", _INNER),
    "exact/sparse/search.py": ("exact/sparse/test_equilibrium.py", _INNER),
    "assumptions/ergodicity/common_state.py": ("assumptions/ergodicity/test_mixing_at_size.py", _INNER),
    "assumptions/ergodicity/pure_policies.py": ("assumptions/ergodicity/test_mixing_at_size.py", _INNER),
    "exact/sparse/visits.py": ("assumptions/ergodicity/test_coverage_at_size.py", _INNER),
    "exact/sparse/equations/places.py": ("exact/sparse/test_equilibrium.py", _INNER),
    "exact/sparse/certificate.py": ("exact/sparse/test_certified_gradient.py", _INNER),
    "exact/sparse/gradient.py": ("exact/sparse/test_certified_gradient.py", _INNER),
    "exact/sparse/equations/linearisation.py": ("exact/sparse/test_equilibrium.py", _INNER),
    "exact/sparse/equations/local_moves.py": ("exact/sparse/test_equilibrium.py", _INNER),
    "exact/sparse/equations/local_slopes.py": ("exact/sparse/test_certified_gradient.py", _INNER),
    "exact/sparse/newton.py": ("exact/sparse/test_equilibrium.py", _INNER),
    "game/base.py": ("game/test_tabular.py", "the contract, tested by a game that keeps it"),
    "game/reach/*.py": ("game/reach/test_reached.py", _INNER),
    "interop/environment.py": ("interop/test_mfglib_import.py", _INNER),
    "interop/extras.py": ("interop/test_gymnasium_export.py", "needs a package that is not installed"),
    "jobs/along.py": ("cli/test_along.py", _WHOLE),
    "jobs/bound.py": ("cli/test_bound.py", _WHOLE),
    "jobs/compare.py": ("comparison/test_compare.py", _WHOLE),
    "jobs/derive.py": ("cli/test_derive.py", _WHOLE),
    "jobs/drift.py": ("cli/test_drift.py", _WHOLE),
    "jobs/finished.py": ("cli/test_files.py", _WHOLE),
    "jobs/one_game.py": ("cli/test_options.py", _WHOLE),
    "jobs/pipeline.py": ("cli/test_options.py", _WHOLE),
    "jobs/plan.py": ("cli/test_plan.py", _WHOLE),
    "jobs/progress.py": ("cli/test_app.py", _WHOLE),
    "jobs/sweep.py": ("cli/test_sweep.py", _WHOLE),
    "jobs/theorems/*.py": ("cli/test_theorems.py", _WHOLE),
    "jobs/settings.py": ("cli/test_options.py", "options, refused where they are given"),
    "records/parts.py": ("records/test_portable.py", _INNER),
    "records/versions.py": ("test_publishing.py", "what is written down is compared with what is installed"),
    "report/formats/sections/*.py": (
        "report/formats/test_contents.py",
        "parts of one document, which is held to its record as a whole",
    ),
    "report/leader_policies.py": ("report/tables/test_run.py", _INNER),
    "report/show.py": ("report/test_words.py", _WORDS),
    "report/show_game.py": ("cli/test_app.py", _WHOLE),
    "report/theorems/*.py": ("cli/test_theorems.py", _WHOLE),
    "report/theorem/*.py": ("cli/test_bound.py", _WHOLE),
    "report/sweep/files.py": ("cli/test_sweep.py", _WHOLE),
    "report/sweep/tables.py": ("cli/test_sweep.py", _WHOLE),
    "sweep/kinds/*.py": ("sweep/kinds/test_kinds.py", "one sweep, which takes seconds, serves all its tests"),
    "sweep/serial.py": ("sweep/test_conduct.py", _INNER),
    "sweep/store.py": ("sweep/test_conduct.py", _INNER),
    "sweep/undisturbed.py": ("sweep/test_interrupted.py", "needs processes of its own"),
    "theorems/answers.py": ("theorems/test_matching.py", "what is decided there"),
    "theorems/deciding.py": ("theorems/test_matching.py", _INNER),
    "theorems/published/*.py": ("theorems/test_matching.py", "statements, held against games there"),
    "symbolic/*/sentences.py": ("symbolic/rates/test_records.py", _WORDS),
    "symbolic/constants/records.py": ("symbolic/constants/test_expressions.py", _WORDS),
    "symbolic/formula_game.py": ("symbolic/test_game.py", _INNER),
    "symbolic/games/*.py": ("symbolic/games/test_registry.py", "a game's formulas, compared with its class there"),
    "symbolic/proofs/claims.py": ("symbolic/proofs/test_alignment.py", _INNER),
    "symbolic/proofs/memoryless.py": ("symbolic/proofs/test_alignment.py", _INNER),
    "symbolic/responses.py": ("symbolic/test_gradient.py", _INNER),
    "symbolic/sheet.py": ("symbolic/test_gradient.py", _INNER),
    "symbolic/symbols.py": ("symbolic/test_game.py", _INNER),
    "symbolic/tables.py": ("symbolic/test_game.py", _INNER),
    "stochastic/iterate.py": ("stochastic/test_ac_smfg.py", _INNER),
    "stochastic/samples.py": ("stochastic/test_updates.py", _INNER),
    "stochastic/engine/run.py": ("stochastic/engine/test_start_and_resume.py", _INNER),
}


def mirror_of(module: Path) -> Path:
    """Where the tests of a module stand; both relative, to the package and to the tests."""
    return module.with_name(f"test_{module.name.lstrip('_')}")


def modules_that_compute() -> list[Path]:
    """Modules with at least one function, relative to the package."""
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if not file.name.startswith("__")]
    return [file.relative_to(PACKAGE) for file in files if _has_function(ast.parse(file.read_text()))]


def _has_function(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def without_mirror() -> list[str]:
    """Modules that compute and have no mirror."""
    return [module.as_posix() for module in modules_that_compute() if not (TESTS / mirror_of(module)).exists()]


def unheld() -> list[str]:
    """Those of them that no line above names."""
    return [name for name in without_mirror() if not any(fnmatch.fnmatch(name, pattern) for pattern in HELD_BY)]


def idle_lines() -> list[str]:
    """Lines above that name no module without a mirror, or tests that are not there."""
    names = without_mirror()
    needed = [pattern for pattern in HELD_BY if fnmatch.filter(names, pattern)]
    return [name for name, (tests, _) in HELD_BY.items() if name not in needed or not (TESTS / tests).exists()]
