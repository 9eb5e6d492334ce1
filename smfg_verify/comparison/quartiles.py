"""Quartiles over seeds that do not hide the seeds that diverged."""

import numpy as np
from jaxtyping import Float


def quartiles(values: Float[np.ndarray, "S C"], worst: float) -> Float[np.ndarray, "3 C"]:
    """Quartiles over seeds at every checkpoint, a seed without a number counted as the worst.

    Args:
        values: by seed and checkpoint.
        worst: minus infinity where more is better, plus infinity where less is.

    Returns:
        Lower quartile, median and upper quartile, each one of the values (interpolating between infinite ones would
        give no number).
    """
    counted = np.where(np.isfinite(values), values, worst)
    return np.quantile(counted, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
