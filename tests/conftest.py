"""Settings shared by all tests: float64, quick compilation, hypothesis without time limits."""

import gc
import importlib
import os

import jax
import jaxlib.version
import pytest
from hypothesis import settings
from jax.experimental.compilation_cache import compilation_cache
from jaxtyping import install_import_hook

# Tests compile thousands of programs that each run once, so the compiler is told not to optimise them; programs that
# choose their own options keep them. Read when JAX starts its backend, also by the processes that tests start.
# jaxlib 0.11 knows the old code generator no more, and dies of flags that it does not know.
_OLD_EMITTERS = "" if jaxlib.version.__version_info__ >= (0, 11) else "--xla_cpu_use_fusion_emitters=false "
_QUICK = f"{_OLD_EMITTERS}--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_QUICK}".strip()
jax.config.update("jax_enable_x64", True)
# What is printed is the same in every terminal; tests of a width ask for their own.
os.environ["COLUMNS"] = "160"
# Traces of programs are hundreds of thousands of objects that are alive: to look through them at every 700 new ones, as
# Python does unasked, is a twentieth of the time of tests that compile.
gc.set_threshold(50_000, 10, 10)
# Nothing is read from the folder of whoever runs the tests, nor left there.
os.environ["SMFG_VERIFY_CACHE"] = "off"

# The same examples every time, so that a change is judged by itself; `--hypothesis-profile=search` draws more of them.
settings.register_profile("default", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", settings.get_profile("default"), derandomize=False, max_examples=1000)
settings.load_profile("default")


_NOT_TYPED = {
    "wrong_types": "hands over what annotations forbid, which are checked first",
    "untyped": "is about code as it is without checks: its text, its hash in another process, or its speed",
}


def pytest_addoption(parser):
    parser.addoption("--typed", action="store_true", help="check every annotation of the package at run time")


def pytest_configure(config):
    """Before any module of the package is imported."""
    if config.getoption("--typed"):
        importlib.import_module("tests.support.annotations")
        install_import_hook("smfg_verify", "tests.support.annotations.checked")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """`--dist loadscope` deals out folders."""
    if config.getoption("dist") == "loadscope":
        return importlib.import_module("tests.support.by_folder").ByFolder(config, log)
    return None


def pytest_collection_modifyitems(config, items):
    """Where annotations are checked, what annotations forbid never reaches our own words, and code is other code."""
    if config.getoption("--typed"):
        for item in items:
            for marker, reason in _NOT_TYPED.items():
                if item.get_closest_marker(marker):
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def without_jaxs_cache():
    """Programs that are compiled, not read from a cache that whoever runs the tests has switched on."""
    folder = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    yield
    jax.config.update("jax_compilation_cache_dir", folder)
    compilation_cache.reset_cache()


@pytest.fixture(autouse=True, scope="module")
def _bounded_number_of_compiled_programs():
    """Programs that belong to no game, of which tests compile hundreds, count too."""
    yield
    importlib.import_module("smfg_verify.game.programs.program_memory").drop_programs_if_many()
