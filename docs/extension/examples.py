"""Examples of reports are opened by a click, as pages of their own; Sphinx would have them saved to a file."""

from pathlib import PurePosixPath

from docutils import nodes
from sphinx.addnodes import download_reference
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

# Copied as they are to the top of the site, by html_extra_path.
FOLDER = "examples"


class _OpenExamples(SphinxTransform):
    # Before Sphinx collects what is to be saved.
    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        for node in list(self.document.findall(download_reference)):
            path = PurePosixPath(node["reftarget"])
            if path.suffix == ".html" and path.parent.name == FOLDER:
                up = "../" * self.env.docname.count("/")
                node.replace_self(nodes.reference("", "", *node.children, refuri=f"{up}{path.name}", internal=True))


def setup(app: Sphinx) -> None:
    app.add_transform(_OpenExamples)
