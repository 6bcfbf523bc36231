"""A model tree as questions, with the terms that were met on the way added up at each leaf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.data.program import AnyOf, Condition, Input, Leaf, Missing, Not, Program, Split, Term, Unseen
from explaindistill.data.program_columns import class_link, classes_of, column_factor, inputs_of, listed, up_to
from explaindistill.students._missing import MISSING_NOTE, unmet_missing

__all__ = ["program"]


def program(self: Any) -> Program:
    """The tree as nested questions; a leaf holds its intercept and every term on its path."""
    form, kind = self.to_dict(), type(self).__name__
    tree = form["tree"]
    names = [f["name"] for f in tree["schema"]["features"]]
    split_on = [names[n["feature"]] for n in tree["nodes"] if n.get("feature", -1) >= 0]
    added = [tree["terms"][t]["column"]["feature"] for n in tree["nodes"] for t, _, _ in n.get("terms", ())]
    inputs = inputs_of(tree["schema"], split_on + added)
    by_name = {i.name: i for i in inputs}
    K = int(tree["n_outputs"])

    def grown(at: int, carried: tuple[Term, ...]) -> Split | Leaf:
        node = tree["nodes"][at]
        for t, k, coefficient in node.get("terms", ()):
            factor = column_factor(tree["terms"][t]["column"], by_name, tree["terms"][t])
            carried += (Term(factor, tuple(float(coefficient) if k == j else 0.0 for j in range(K))),)
        if node.get("feature", -1) < 0:
            return Leaf(tuple(node["intercept"]), carried)
        condition = _asked(by_name[names[node["feature"]]], node)
        return Split(condition, grown(node["left"], carried), grown(node["right"], carried))

    classes = classes_of(form)
    notes = (MISSING_NOTE,) if unmet_missing(self.schema_, {names.index(name) for name in split_on}) else ()
    return Program(kind, inputs, classes, K, class_link(classes, K), grown(0, ()), notes=notes)


def _asked(column: Input, node: Mapping[str, Any]) -> Condition:
    """Question of a model tree; an unseen value of an order counts as missing."""
    missing: tuple[Condition, ...] = (
        (Missing(column), Unseen(column)) if column.kind == "ordered" else (Missing(column),)
    )
    if node.get("threshold") == "known":
        main: Condition = Not(AnyOf(missing))
    elif node.get("threshold") is not None:
        main = up_to(column, float(node["threshold"]))
    else:
        inside = listed(column, node.get("listed", ()))
        main = inside if node.get("listed_left", True) else Not(AnyOf((inside, *missing)))
    return AnyOf((main, *missing)) if node.get("missing_left", False) else main
