"""Whether the direct gradient, which the method follows, points along the total one."""

from smfg_verify.assumptions.summary import constant_words
from smfg_verify.report.formats.document import Section
from smfg_verify.report.formats.saved import Saved
from smfg_verify.report.formats.sections.equilibrium import gradient_table
from smfg_verify.report.formats.sections.pictures import pictures

_PROPERTY = "gradient-alignment"


def alignment_section(saved: Saved) -> Section:
    """The gradient with its parts under the uniform leader, and both gradients over all leaders looked at."""
    said: tuple[str, ...] = ()
    if saved.assumptions is not None and _PROPERTY in saved.assumptions.properties:
        cosine = saved.assumptions.finding(_PROPERTY, "cosine")
        said = (f"cosine, {cosine.verdict.value}, {constant_words(cosine)}. {cosine.meaning}",)
    return Section("Alignment", said, (gradient_table(saved.record),), pictures(saved, "alignment", "alignment-field"))
