import explaindistill

project = "explaindistill"
author = "explaindistill developers"
copyright = "the explaindistill developers"
release = explaindistill.__version__
version = release

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.doctest",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates", "README.md"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"explaindistill {release}"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_member_order = "alphabetical"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
default_role = "literal"
nitpicky = False


def skip_routing(app, what, name, obj, skip, options):
    """Leave out scikit-learn's generated methods: their docstrings refer to labels of its own manual."""
    return skip or name == "get_metadata_routing" or (name.startswith("set_") and name.endswith("_request"))


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-skip-member", skip_routing)
