"""From a frame to a drawing: each function takes ``ax=``, returns it, and labels itself with units.

Colours are those of Okabe and Ito (told apart by colour-blind eyes), and every series has a marker of its own,
so that nothing is said by colour alone. :func:`svg` turns a figure into small clean text whose colours are
CSS variables, for pages that have a light and a dark side. Drawings take frames or the ``to_dict()`` of a student;
they never see a student itself.
"""

from explaindistill.plots.branching import leaf_frame, model_root, point_frame, risk_frame, rule_frame
from explaindistill.plots.canvas import figure, label
from explaindistill.plots.curves import query_curve
from explaindistill.plots.forms import Term, coefficient_frame, effect_unit, kind, terms, tree_root
from explaindistill.plots.results import fidelity_size, group_dots, importance_pairs, reliability, transfer_arrows
from explaindistill.plots.structures import coefficients, draw, rules, shape, surface, term, tree
from explaindistill.plots.twins import twin_curves
from explaindistill.plots.vector import svg

__all__ = [
    "Term",
    "coefficient_frame",
    "coefficients",
    "draw",
    "effect_unit",
    "fidelity_size",
    "figure",
    "group_dots",
    "importance_pairs",
    "kind",
    "label",
    "leaf_frame",
    "model_root",
    "point_frame",
    "query_curve",
    "reliability",
    "risk_frame",
    "rule_frame",
    "rules",
    "shape",
    "surface",
    "svg",
    "term",
    "terms",
    "transfer_arrows",
    "tree",
    "tree_root",
    "twin_curves",
]
