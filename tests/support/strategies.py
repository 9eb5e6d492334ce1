"""What hypothesis draws: numbers of fixed shapes, so that a compiled program is compiled once."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays


def tables(shape, largest, smallest=None):
    """Arrays of a shape with entries between `smallest`, minus the largest if None, and `largest`.

    Below 1e-30 there is only zero: products of smaller numbers underflow, where no identity holds to relative accuracy.
    """
    least = -largest if smallest is None else smallest
    numbers = st.floats(least, largest, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-30 else 0.0)
    return arrays.arrays(float, shape, elements=numbers)


def _normalised(weights):
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), 1.0 / weights.shape[-1])


def distributions(*shape):
    """Rows that sum to one along the last axis; entries of exactly zero and far apart in size are likely."""
    entry = st.sampled_from([0.0, 1e-12, 1e-6, 0.01]) | st.floats(0.05, 1.0)
    return arrays.arrays(float, shape, elements=entry, fill=st.nothing()).map(_normalised)
