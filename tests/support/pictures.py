"""Figures held against pictures of them that were looked at: `python -m tests.support.pictures` draws these anew.

A picture is of 60 pixels to the inch in 16 shades of each colour, and two are compared after a blur of two pixels, by
the largest difference at any place (0 to 255). Measured on these figures: two drawings with one version do not differ
at all; one word of a legend, one label, one line of another colour make 31 and more. Another minor version of
matplotlib brings letters of another size, which move all else: 3.10.8 (FreeType 2.6.1) against 3.11.2 (2.14.3) makes
up to 240 with everything where it should be. So no tolerance serves two versions: pictures hold for the one that the
lock pins, and what holds with every version (nothing overlaps, words, legends) is tested without pictures.
"""

import io
import json
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib import ft2font
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter

from smfg_verify.report.figures.style import house_style

PICTURES = Path(__file__).parents[1] / "report" / "figures" / "pictures"
VERSIONS = PICTURES / "versions.json"
TOLERANCE = 10.0
_DOTS, _BITS, _BLUR = 60, 4, 2.0


def versions() -> dict[str, str]:
    """What letters look like depends on: the minor version of matplotlib, and its FreeType."""
    return {"matplotlib": matplotlib.__version__.rpartition(".")[0], "freetype": ft2font.__freetype_version__}


@house_style
def picture(figure) -> Image.Image:
    """The figure as a small picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=_DOTS)
    return ImageOps.posterize(Image.open(buffer).convert("RGB"), _BITS)


def kept(name: str) -> Image.Image:
    """The picture that was looked at."""
    return Image.open(PICTURES / f"{name}.png").convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The largest difference at any place after a blur; infinite between pictures of different sizes."""
    if one.size != other.size:
        return float("inf")
    apart = np.asarray(one, dtype=float) - np.asarray(other, dtype=float)
    return float(np.abs(gaussian_filter(apart, (_BLUR, _BLUR, 0.0))).max())


def write(figures) -> None:
    """Draw every picture anew; look at them before they are committed."""
    PICTURES.mkdir(exist_ok=True)
    for name, figure in figures.items():
        picture(figure).save(PICTURES / f"{name}.png", optimize=True)
    VERSIONS.write_text(json.dumps(versions()) + "\n")


if __name__ == "__main__":
    from tests.report.figures.records.every_figure import FIGURES, PICTURED

    write({f"{name}-{width}": FIGURES[name](width) for name, width in PICTURED})
