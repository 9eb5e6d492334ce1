"""What is said of an equilibrium that did not converge: how many of a batch, the worst of those, and its cause."""

import jax.numpy as jnp
import pytest

from smfg_verify.exact.equilibrium.outcome import Equilibrium, EquilibriumMethod, Status, raise_unless_converged

WORDS = {
    Status.NOT_FOUND: "jump in the mean field",
    Status.INACCURATE: "not isolated",
    Status.SEVERAL_CLASSES: "more than one recurrent class",
    Status.OTHER_SOURCE: "says something else there",
    Status.NO_SLOPE: "no finite slope .*, in the mass of state 1 and action 0",
}


def outcome(statuses, residuals=None, steep=-1) -> Equilibrium:
    """A batch of outcomes of a game of two states and two actions, its mean field on pairs."""
    status = jnp.asarray(statuses)
    like = jnp.zeros(status.shape)
    return Equilibrium(
        mean_field=jnp.zeros((*status.shape, 2, 2)),
        follower_policy=jnp.zeros((*status.shape, 2, 2)),
        follower_value=jnp.zeros((*status.shape, 2)),
        residual=like if residuals is None else jnp.asarray(residuals),
        converged=status == Status.CONVERGED,
        steps=jnp.zeros(status.shape, int),
        method=jnp.full(status.shape, int(EquilibriumMethod.NEWTON)),
        cycled=status < 0,
        error_bound=like + 0.25,
        value_error_bound=like,
        spectral_radius=like + 0.5,
        status=status,
        steep_entry=jnp.full(status.shape, steep),
    )


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.CONVERGED])
def test_each_end_has_its_cause(status):
    with pytest.raises(RuntimeError, match=rf"1 of 1 not converged \({status.name}\), .*{WORDS[status]}"):
        raise_unless_converged(outcome(int(status), steep=2))


def test_of_a_batch_the_failed_ones_are_counted_and_their_largest_residual_is_said():
    batch = outcome([1, 0, 1, 2], residuals=[9.0, 0.125, 8.0, 0.5])
    with pytest.raises(RuntimeError, match=r"2 of 4 not converged \(NOT_FOUND\), residual 0\.5, error bound 0\.25"):
        raise_unless_converged(batch)
    raise_unless_converged(outcome([1, 1], residuals=[9.0, 9.0]))
    assert bool(outcome(1).stable)
