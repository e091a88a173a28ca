"""How Sphinx makes a site of this folder: `make docs`."""

import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

project = "grokjax"
author = copyright = "grokjax developers"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "**/.*"]

html_theme = "sphinx_book_theme"
html_title = "grokjax"
html_theme_options = {"show_navbar_depth": 1, "show_toc_level": 2, "use_download_button": False}

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4  # our pages link to sections as GitHub names them

# A notebook is run anew at every build, since what it shows depends on all of grokjax; an error ends the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

default_role = "code"  # docstrings write `name`
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_google_docstring, napoleon_numpy_docstring = True, False


def unlink_what_is_no_page(app: Sphinx, doctree: nodes.document) -> None:
    """Links to folders, and those of the README to files outside docs, stay as their text.

    Where tests, sweeps and sources can be seen in a browser the site cannot know.
    """
    for link in [link for link in doctree.findall(addnodes.pending_xref) if link["reftype"] == "myst"]:
        folder = ROOT if link["refdoc"] == "readme" else Path(app.env.doc2path(link["refdoc"])).parent
        if (folder / link["reftarget"]).exists():
            link.replace_self(link.children)


def setup(app: Sphinx) -> None:
    """Pages that are made from the code are written before Sphinx looks which pages there are."""
    from generated_pages import write_pages

    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "generated"))
    app.connect("doctree-read", unlink_what_is_no_page)
