"""How the pages of this folder become a site: `make docs`."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from smfg_verify.version import __version__  # noqa: E402

project = "smfg_verify"
author = "The smfg_verify authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.extension"]
exclude_patterns = ["_build", "extension"]
nitpicky = True

# Markdown as code hosts read it: formulas between dollars, anchors of headings in their spelling.
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4

# The exact side's docstrings, in the order in which the page of public names has them.
autodoc_member_order = "bysource"
autodoc_typehints = "none"
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
# Lists without types: shapes and units stand in the text.
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "furo"
html_title = f"smfg_verify {release}"
html_static_path = ["static"]
html_extra_path = ["examples"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False

linkcheck_timeout = 20
linkcheck_anchors = False
