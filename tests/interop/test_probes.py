"""Mean fields at which foreign code is read."""

import numpy as np

from smfg_verify.interop.probes import joint_fields, probe_fields
from tests.interop.foreign_sites import N


def test_probes_lie_in_the_simplex_and_reach_every_mixture_of_few_vertices():
    for fields in (probe_fields(N), joint_fields(3, 2), probe_fields(2), probe_fields(300)):
        np.testing.assert_allclose(fields.sum(axis=1), 1.0, atol=1e-12)
        assert fields.min() >= 0.0
    fields = probe_fields(N)
    for count in (2, 3, 4):
        uniform = {
            tuple(np.flatnonzero(f)) for f in fields if np.allclose(f[f > 0], 1 / count) and (f > 0).sum() == count
        }
        assert len(uniform) == {2: 15, 3: 20, 4: 15}[count]
