"""Step sizes of the run that tests of the drift look at, and data whose constants are known."""

import jax
import jax.numpy as jnp
import numpy as np

from smfg_verify.bounds.drift.expected_residuals import QUANTITIES, ExpectedResiduals
from smfg_verify.bounds.drift.inequalities import features
from smfg_verify.bounds.drift.validate_drift import schedules_around

STEPS = {"leader": 0.2, "mean_field": 0.5, "follower": 1.0, "critic": 2.0}


def planted(rng, constants, *, noise=0.0):
    """Data that obeys e_theta's inequality with given constants, exactly tight where `noise` is 0."""
    number, schedules = 60, schedules_around(STEPS)
    iterations = np.arange(number)
    steps = np.stack([np.stack(jax.vmap(s.at)(jnp.asarray(iterations)), axis=-1) for s in schedules])
    before = {name: rng.uniform(0.1, 2.0, number) for name in QUANTITIES}
    rounding = {name: np.zeros(number) for name in QUANTITIES}
    data = ExpectedResiduals(np.zeros(number, int), iterations, steps, before, rounding, {}, {}, 1, 0)
    change = features(data, "e_theta") @ constants - noise * rng.uniform(size=steps.shape[:2])
    return data._replace(stationary={"e_theta": before["e_theta"] + change})
