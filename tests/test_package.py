"""The package as a whole: cheap import, public names, direction of imports, tests that mirror it."""

import subprocess
import sys
from pathlib import Path

import smfg_verify
from tests.support import mirrors

ROOT = Path(__file__).parent.parent


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_no_heavy_library_and_flips_no_flag():
    heavy = ("jax", "matplotlib", "cvxpy", "scipy", "xarray", "pandas", "sympy")
    loaded = run_python(f"import smfg_verify, sys; print([m for m in {heavy} if m in sys.modules])")
    assert loaded.strip() == "[]"
    code = (
        "import smfg_verify, jax; [getattr(smfg_verify, n) for n in dir(smfg_verify)]; print(jax.config.jax_enable_x64)"
    )
    assert run_python(code).strip() == "False"


def test_every_public_name_resolves():
    for name in dir(smfg_verify):
        assert getattr(smfg_verify, name) is not None


def test_an_unknown_public_name_is_an_attribute_error():
    assert not hasattr(smfg_verify, "solve_everything")


def test_imports_point_down():
    linter = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([linter, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_every_module_that_computes_has_a_test_module_under_its_name_or_says_what_holds_it():
    assert mirrors.unheld() == [], (
        "add tests/<room>/test_<module>.py, or a line with its reason to tests/support/mirrors.py"
    )
    assert mirrors.idle_lines() == [], "lines of tests/support/mirrors.py that are needed no more, or name no tests"
