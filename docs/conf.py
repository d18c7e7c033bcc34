"""The documentation, built by the command that stands in README.

Pages are Markdown, so that they can be read where the repository is browsed; examples/ and walk/ are run and their pictures
taken as they are, so that no picture is older than the code.
"""

import os
import re
import shutil
from importlib.metadata import version as version_of
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.roles import XRefRole
from sphinx_gallery.scrapers import figure_rst, matplotlib_scraper

# one thread a process, as the times in these pages were measured
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

project = "sklearn-hardmax"
author = "The sklearn-hardmax developers"
project_copyright = author
version = release = version_of(project)

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "walk"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
default_role = "code_or_link"
nitpicky = True
suppress_warnings = ["config.cache"]  # `pictures` below is a function: all pages are read anew, in seconds

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # types stand in the docstrings, with shapes
numpydoc_show_class_members = False  # the template of autosummary lists them
numpydoc_class_members_toctree = False
numpydoc_validation_checks = {
    "all",  # but:
    "GL01",  # docstrings begin right behind their quotes
    "ES01", "EX01", "SA01",  # not everything needs a second paragraph, an example, a neighbour
    "PR07", "RT03",  # a name, a type and a shape may say it all
    "PR08", "RT04",  # and a description may begin with a dtype or the name of a function
    "SS05",  # takes plurals for verbs
}  # fmt: skip
numpydoc_validation_exclude = {
    r"\.(Construction|Trained|LayerTrace|CodeLine|HeadWindows)$",  # have fields, which nobody passes
    r"\.to_(list|aeon|arrow|awkward)$",  # one line with the shape is enough
    r"\.array_shapes$",  # for Transformer.load, which checks files by it
    r"\.fit_(transform|predict)$",  # docstrings of scikit-learn, which name what is returned
}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-hardmax"
html_show_sourcelink = False
html_sidebars = {page: [] for page in ("index", "changelog", "auto_walk/*")}  # pages without neighbours
html_theme_options = {"navigation_with_keys": False, "show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}


# -- pictures ----------------------------------------------------------------------------------------------------------


def pictures(block, block_vars, gallery_conf):
    """The picture that an example saved beside itself, moved here; else the open figures."""
    script = Path(block_vars["src_file"])
    saved = script.with_name(f"{script.stem.removeprefix('plot_')}.png")
    if not saved.exists():
        return matplotlib_scraper(block, block_vars, gallery_conf)
    path = next(block_vars["image_path_iterator"])
    shutil.move(saved, path)
    import matplotlib.pyplot as plt  # only now, when the gallery has chosen its backend

    plt.close("all")
    return figure_rst([path], gallery_conf["src_dir"])


sphinx_gallery_conf = {
    "examples_dirs": ["../examples", "walk"],
    "gallery_dirs": ["auto_examples", "auto_walk"],
    "ignore_pattern": r"(/benchmarks/|__init__\.py)",
    "image_scrapers": (pictures,),
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "backreferences_dir": None,
    "capture_repr": (),
    "abort_on_example_error": True,
}


# -- `code` is a link where it names one thing of these pages --------------------------------------------------------------


class CodeOrLink(XRefRole):
    """The role of `single backticks` in docstrings."""

    def process_link(self, env, refnode, has_explicit_title, title, target):
        """Remember where the name was used, as the roles of Python do."""
        refnode["py:module"], refnode["py:class"] = env.ref_context.get("py:module"), env.ref_context.get("py:class")
        return title, target.partition("(")[0]


def code_of_pages(app, doctree):
    """The same for `code` in Markdown."""
    if Path(app.env.doc2path(app.env.docname)).suffix != ".md":
        return
    for code in list(doctree.findall(nodes.literal)):
        where = {"refdoc": app.env.docname, "py:module": None, "py:class": None}
        target = code.astext().partition("(")[0]
        if not isinstance(code.parent, nodes.reference | addnodes.pending_xref):
            link = addnodes.pending_xref("", refdomain="", reftype="code_or_link", reftarget=target, **where)
            code.replace_self(link)
            link += code


def link_if_known(app, env, node, contnode):
    """The link of a name, or the code itself; a method needs its class, by name or around it."""
    if node["reftype"] != "code_or_link":
        return None
    domain, module, own, target = env.domains["py"], node["py:module"], node["py:class"], node["reftarget"]
    found = domain.find_obj(env, module, own, target, "obj", 1)
    if len({entry.node_id for _, entry in found}) != 1:
        return contnode
    name, entry = found[0]
    if entry.objtype in ("method", "property") and "." not in target and not name.startswith(f"{module}.{own}."):
        return contnode
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)


# -- links to scripts ----------------------------------------------------------------------------------------------------


def pages_of_scripts(app, docname, source):
    """Where the repository is browsed a link leads to a script; here to the page that it became."""
    source[0] = re.sub(r"\]\((?:\.\./)?(examples|walk)/(plot_\w+)\.py\)", r"](auto_\1/\2.rst)", source[0])


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", pages_of_scripts)
    app.add_role("code_or_link", CodeOrLink(warn_dangling=False))
    app.connect("doctree-read", code_of_pages)
    app.connect("missing-reference", link_if_known)
