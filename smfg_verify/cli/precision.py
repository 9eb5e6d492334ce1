"""The arithmetic of every command that computes."""


def use_float64() -> None:
    """Switch JAX to double precision, before a command makes its first array."""
    import jax

    jax.config.update("jax_enable_x64", True)
