"""Ordered rules as a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.data.program import AnyOf, Condition, Input, Leaf, Missing, Not, OneOf, Program, Split, Unseen
from explaindistill.data.program_columns import classes_of, inputs_of, listed, up_to

__all__ = ["program"]


def program(self: Any) -> Program:
    """Ordered rules as a chain of questions; what the last one leaves is the default."""
    form, kind = self.to_dict(), type(self).__name__
    model = form["rules"]
    rules, names = model["rules"], [f["name"] for f in model["schema"]["features"]]
    inputs = inputs_of(model["schema"], [names[row["feature"]] for rule in rules for row in rule["literals"]])
    by_name = {i.name: i for i in inputs}
    chain: Split | Leaf = Leaf(tuple(rules[-1]["rest"] if rules else model["base"]))
    for rule in reversed(rules):
        broken = tuple(Not(_literal(by_name[names[row["feature"]]], row)) for row in rule["literals"])
        chain = Split(Not(AnyOf(broken)), Leaf(tuple(rule["value"])), chain)
    classes, n_outputs = classes_of(form), len(model["base"])
    return Program(kind, inputs, classes, n_outputs, "identity" if classes is None else "probabilities", chain)


def _literal(column: Input, row: Mapping[str, Any]) -> Condition:
    """One condition of a rule: ``low < x <= high``, or some categories, or none; unseen in an order is missing."""
    missing: Condition = Missing(column)
    if column.kind == "ordered":
        missing = AnyOf((missing, Unseen(column)))
    if row.get("nothing"):
        main: Condition = OneOf(column, ())
    elif "codes" in row:
        inside = listed(column, row["codes"])
        main = inside if row["inside"] else Not(AnyOf((inside, missing)))
    else:
        low = () if row["low"] is None else (up_to(column, float(row["low"])),)
        high = () if row["high"] is None else (Not(up_to(column, float(row["high"]))),)
        main = Not(AnyOf((*low, *high, missing)))
    return AnyOf((main, missing)) if row["missing"] else main
