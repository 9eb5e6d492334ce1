"""What became of the certified findings of a check, in lines."""

from collections.abc import Sequence

from rich.text import Text

from smfg_verify.jobs.certificates import Written


def certificate_lines(written: Sequence[Written]) -> Text:
    """Where certificates are, and why other certified findings have none."""
    lines = [f"Certificate of {each.kind}: {each.path}" for each in written if each.path is not None]
    lines += [f"No certificate: {each.reason}" for each in written if each.path is None]
    return Text("\n".join(lines or ["No certificate: nothing is certified."]))
