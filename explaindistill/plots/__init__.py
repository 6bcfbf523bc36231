"""From a frame to a drawing: each function takes ``ax=``, returns it, and labels itself with units.

Colours are those of Okabe and Ito (told apart by colour-blind eyes), and every series has a marker of its own,
so that nothing is said by colour alone. :func:`svg` turns a figure into small clean text whose colours are
CSS variables, for pages that have a light and a dark side. Drawings take frames, or what a student's ``drawing()``
gives (:mod:`explaindistill.data.drawing`); they never see a student itself.
"""

from explaindistill.plots.canvas import figure, fitted, label
from explaindistill.plots.curves import query_curve
from explaindistill.plots.effects import dependence
from explaindistill.plots.images import image_reasons
from explaindistill.plots.parts_of_gaps import gap_parts
from explaindistill.plots.policies import phase_plane, timeline
from explaindistill.plots.results import fidelity_size, group_dots, importance_pairs, reliability, transfer_arrows
from explaindistill.plots.rule_list import rules
from explaindistill.plots.score_pictures import answer_counts, confusion, roc, score_densities
from explaindistill.plots.sounds import sound_reasons
from explaindistill.plots.structures import coefficients, draw, n_lines, tree
from explaindistill.plots.swarm import swarm
from explaindistill.plots.terms import shape, surface, term, terms
from explaindistill.plots.twins import twin_curves
from explaindistill.plots.vector import svg

__all__ = [
    "answer_counts",
    "coefficients",
    "confusion",
    "dependence",
    "draw",
    "fidelity_size",
    "figure",
    "fitted",
    "gap_parts",
    "group_dots",
    "image_reasons",
    "importance_pairs",
    "label",
    "n_lines",
    "phase_plane",
    "query_curve",
    "reliability",
    "roc",
    "rules",
    "score_densities",
    "shape",
    "sound_reasons",
    "surface",
    "svg",
    "swarm",
    "term",
    "terms",
    "timeline",
    "transfer_arrows",
    "tree",
    "twin_curves",
]
