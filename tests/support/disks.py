"""A disk that refuses files beyond a size, as `ulimit -f 8` has it."""

import contextlib
import resource

import jax


@contextlib.contextmanager
def small_files(limit=8192):
    """No file of this process may grow beyond `limit` bytes; JAX meanwhile keeps no programs, which it would cut."""
    old, kept = resource.getrlimit(resource.RLIMIT_FSIZE), jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", kept)
