"""The figures of a job, with what each shows in words."""

from smfg_verify.report.formats.document import Picture
from smfg_verify.report.formats.saved import Saved

# Stem of the files' name -> title and description, for those who read the figure and those who cannot see it.
_KNOWN = {
    "equilibrium": (
        "Equilibrium under the uniform leader",
        "The mean field by state, the follower's policy by state and action, and the leader's policy by observation "
        "and action, uniform and after the run where there was one: vectors as bars, matrices as heat maps.",
    ),
    "alignment": (
        "Cosine of the direct gradient with the total one",
        "Histogram over random leaders with the smallest cosine found, and the cosine's course along the run where "
        "there was one. Below zero the direct gradient is a direction of descent.",
    ),
    "alignment-field": (
        "Total and direct gradient over the leader's parameters",
        "For one free parameter the objective and both gradients against it, for two the arrows of both gradients over "
        "contours of the objective.",
    ),
    "contraction": (
        "Contraction of the best-response map",
        "Proved and measured moduli against the temperature on logarithmic axes with a line at one, and the "
        "eigenvalues of the linearised map in the complex plane with the unit circle.",
    ),
    "convergence": (
        "Residuals of the run against the claimed rate",
        "One panel a residual on logarithmic axes: the mean of the seeds with the band of the seeds against the "
        "iteration, the line fitted over its window, and a line of slope -1/2.",
    ),
}


def pictures(saved: Saved, *names: str) -> tuple[Picture, ...]:
    """Those of the figures that the job left."""
    return tuple(_picture(saved, name) for name in names if name in saved.pictures)


def further_pictures(saved: Saved) -> tuple[Picture, ...]:
    """Figures that no section is about."""
    return tuple(_picture(saved, name) for name in saved.pictures if name not in _KNOWN)


def _picture(saved: Saved, name: str) -> Picture:
    title, description = _KNOWN.get(name, (name, f"The figure {name} of the job."))
    return Picture(name, title, description, saved.svgs.get(name, ""), saved.pictures[name])
