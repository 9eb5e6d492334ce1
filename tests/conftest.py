"""Settings shared by all tests: float64, hypothesis without time limits, and a bound on the compiled programs kept."""

import jax
import pytest
from hypothesis import settings

jax.config.update("jax_enable_x64", True)

settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")


@pytest.fixture(autouse=True, scope="module")
def _bounded_number_of_compiled_programs():
    """After hundreds of programs in one process XLA has failed to link another ("Failed to materialize symbols")."""
    yield
    jax.clear_caches()
