"""An additive student as a program: one curve per term."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.data.program import Curve, Grid, Input, Link, Program
from explaindistill.data.program_columns import class_link, classes_of, inputs_of

__all__ = ["program"]


def program(self: Any) -> Program:
    """Intercept and one curve, or surface, per term."""
    form, kind = self.to_dict(), type(self).__name__
    inputs = inputs_of(form["schema"], [g["feature"] for s in form["shapes"] for g in s["grids"]])
    by_name = {i.name: i for i in inputs}
    curves = tuple(
        Curve(s["name"], tuple(_grid(g, by_name[g["feature"]]) for g in s["grids"]), _tuples(s["values"]))
        for s in form["shapes"]
    )
    classes, K = classes_of(form), len(form["intercept"])
    link: Link = "exp" if classes is None and form["scale_"] == "log" else class_link(classes, K)
    return Program(kind, inputs, classes, K, link, base=tuple(form["intercept"]), curves=curves)


def _grid(grid: Mapping[str, Any], column: Input) -> Grid:
    places = tuple((c, p) for c, p in zip(column.categories, grid["position"], strict=False) if p >= 0)
    n = len(grid["knots"]) or max(grid["position"], default=-1) + 1
    at = grid["position"][len(column.categories)] if column.other else -1
    return Grid(column, tuple(grid["knots"]), places, n if grid["missing"] else None, at if at >= 0 else None)


def _tuples(values: Any) -> Any:
    return tuple(_tuples(v) for v in values) if isinstance(values, list) else float(values)
