"""Settings shared by all tests: float64, and hypothesis profiles that do not time single examples."""

import jax
from hypothesis import settings

jax.config.update("jax_enable_x64", True)

settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")
