"""A tree as questions with a leaf of values at each end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.data.program import AnyOf, Condition, Input, Leaf, Link, Missing, Not, Program, Split, Unseen
from explaindistill.data.program_columns import classes_of, inputs_of, listed, up_to
from explaindistill.students._missing import MISSING_NOTE, unmet_missing

__all__ = ["program"]


def program(self: Any) -> Program:
    """The tree as nested questions; each leaf holds its values."""
    form, kind = self.to_dict(), type(self).__name__
    nodes = form["nodes"]
    inputs = inputs_of(form["schema"], [n["feature"] for n in nodes if "feature" in n])
    by_name = {i.name: i for i in inputs}

    def grown(at: int) -> Split | Leaf:
        node = nodes[at]
        if "feature" not in node:
            return Leaf(tuple(node["value"]))
        column = by_name[node["feature"]]
        sides = node["missing_left"], node["unseen_left"]
        return Split(_goes_left(column, node, *sides), grown(node["left"]), grown(node["right"]))

    classes = classes_of(form)
    n_outputs = len(nodes[0]["value"])
    link: Link = "identity" if classes is None else "probabilities"
    notes = (MISSING_NOTE,) if unmet_missing(self.schema_, self.tree_.used) else ()
    return Program(kind, inputs, classes, n_outputs, link, grown(0), notes=notes)


def _goes_left(column: Input, node: Mapping[str, Any], missing_left: bool, unseen_left: bool) -> Condition:
    if "left_categories" in node:
        main = listed(column, node["left_categories"])
    elif node["threshold"] == "known":
        return Not(Missing(column))
    else:
        main = up_to(column, float(node["threshold"]))
    ways: list[Condition] = [main]
    if missing_left:
        ways.append(Missing(column))
    if unseen_left and column.is_category and not column.other:
        ways.append(Unseen(column))
    return ways[0] if len(ways) == 1 else AnyOf(tuple(ways))
