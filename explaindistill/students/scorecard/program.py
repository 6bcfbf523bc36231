"""A scorecard as a program: points, and the risk of each total."""

from __future__ import annotations

from typing import Any

from explaindistill.data.program import Program, Term
from explaindistill.data.program_columns import classes_of, column_factor, inputs_of

__all__ = ["program"]


def program(self: Any) -> Program:
    """One term of points per condition; the total is looked up in the table of risks."""
    form, kind = self.to_dict(), type(self).__name__
    inputs = inputs_of(form["schema"], [c["feature"] for c in form["columns"]])
    by_name = {i.name: i for i in inputs}
    pairs = zip(form["columns"], form["points"], strict=True)
    terms = tuple(Term(column_factor(c, by_name), (float(z),)) for c, z in pairs)
    risk = tuple(form["risk"])
    return Program(
        kind, inputs, classes_of(form), 1, "risk", base=(0.0,), terms=terms, lowest=form["lowest"], risk=risk
    )
