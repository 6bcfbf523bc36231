import os
import shutil
import sys
from pathlib import Path

import explaindistill

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "explaindistill"
author = "explaindistill developers"
copyright = "the explaindistill developers"
release = explaindistill.__version__
version = release

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "mathml",
]
html_math_renderer = "mathml"
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}

# The notebooks are committed with their outputs, which a test holds against a new run; pages of cells are run here.
shutil.copytree(
    HERE.parent / "notebooks", HERE / "notebooks", dirs_exist_ok=True, ignore=lambda _, n: {".ipynb_checkpoints"} & {*n}
)
os.environ |= {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / ".notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_execution_excludepatterns = ["notebooks/*"]
exclude_patterns = ["_build", "_ext", "_templates", "README.md"]
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
