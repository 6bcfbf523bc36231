"""A sum of coefficients as a program."""

from __future__ import annotations

from typing import Any

from explaindistill.data.program import Program, Term
from explaindistill.data.program_columns import class_link, classes_of, column_factor, inputs_of

__all__ = ["program"]


def program(self: Any) -> Program:
    """Intercept and one term per column of the design."""
    form, kind = self.to_dict(), type(self).__name__
    inputs = inputs_of(form["schema"], [c["feature"] for c in form["columns"]])
    by_name = {i.name: i for i in inputs}
    parts = zip(form["columns"], form["coefficients"], form["centre"], strict=True)
    terms = tuple(Term(column_factor(c, by_name, {"centre": centre}), tuple(b)) for c, b, centre in parts)
    classes, K = classes_of(form), len(form["intercept"])
    return Program(kind, inputs, classes, K, class_link(classes, K), base=tuple(form["intercept"]), terms=terms)
