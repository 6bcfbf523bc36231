"""From the JSON form of a student to the columns, conditions and numbers of a program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from explaindistill.data.program import AnyOf, AtMost, Clipped, Condition, Input, Link, Missing, Not, OneOf, Unseen

__all__ = ["class_link", "classes_of", "column_factor", "inputs_of", "listed", "up_to"]

SECONDS_PER_DAY = 86400.0


def inputs_of(schema: Mapping[str, Any], names: Iterable[str]) -> tuple[Input, ...]:
    """Inputs of some columns in the order of a schema's JSON form; each gets a name that every language accepts.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill.data.schema import Schema
    >>> schema = Schema.infer(pd.DataFrame({"for": [1.5, 2.5], "age": [20, 40], "Age!": [1, 2]})).to_dict()
    >>> [column.variable for column in inputs_of(schema, ["Age!", "for", "age"])]
    ['x_for', 'x_age', 'x_age_']
    """
    wanted, variables, out = set(names), set[str](), []
    for feature in schema["features"]:
        if feature["name"] in wanted:
            out.append(_input(feature, variables))
    return tuple(out)


def _input(feature: Mapping[str, Any], variables: set[str]) -> Input:
    word = re.sub(r"[^a-z0-9]+", "_", feature["name"].lower()).strip("_")[:40] or "column"
    variable = f"x_{word}"  # the prefix keeps it apart from every keyword and function
    while variable in variables:
        variable += "_"
    variables.add(variable)
    seen_in_fitting = {key: feature[key] for key in ("nullable", "minimum", "maximum")}
    other = bool(feature.get("other", False))
    named = tuple(feature["categories"])[: -1 if other else None]
    return Input(feature["name"], feature["kind"], named, variable, other, **seen_in_fitting)


def classes_of(form: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Classes of a student's JSON form, or None in regression.

    Examples
    --------
    >>> classes_of({"classes": ["no", "yes"]}), classes_of({})
    (('no', 'yes'), None)
    """
    return None if form.get("classes") is None else tuple(form["classes"])


def class_link(classes: tuple[Any, ...] | None, n_outputs: int) -> Link:
    """The last step of a sum: nothing in regression, a logistic curve for one log odds, softmax for several.

    Examples
    --------
    >>> class_link(None, 2), class_link(("no", "yes"), 1), class_link(("a", "b", "c"), 3)
    ('identity', 'logistic', 'softmax')
    """
    if classes is None:
        return "identity"
    return "logistic" if n_outputs == 1 else "softmax"


def listed(column: Input, codes: Iterable[int]) -> Condition:
    """The value is one of the categories with these codes; the code after the last named one is "(other)".

    Examples
    --------
    >>> home = Input("home", "categorical", ("own", "rent"), "x_home", other=True)
    >>> listed(home, [0]).values, [type(way).__name__ for way in listed(home, [1, 2]).conditions]
    (('own',), ['OneOf', 'Unseen'])
    """
    places = list(codes)
    named = OneOf(column, tuple(column.categories[c] for c in places if c < len(column.categories)))
    if not column.other or len(column.categories) not in places:
        return named
    other: Condition = Unseen(column) if column.categories else Not(Missing(column))
    return AnyOf((named, other)) if named.values else other


def up_to(column: Input, bound: float) -> Condition:
    """Compare numbers as they are; of an order, list the categories up to the bound.

    Examples
    --------
    >>> grade = Input("grade", "ordered", ("A", "B", "C"), "x_grade")
    >>> up_to(grade, 1.0).values, up_to(Input("age", "integer", (), "x_age"), 30.0).bound
    (('A', 'B'), 30.0)
    """
    if not column.is_category:
        return AtMost(column, bound)
    return OneOf(column, tuple(c for i, c in enumerate(column.categories) if i <= bound))


def column_factor(
    column: Mapping[str, Any], by_name: Mapping[str, Input], limits: Mapping[str, Any] | None = None
) -> Clipped | Condition:
    """One column of a design (JSON form of ``data.design.Column``) as a number or a condition.

    ``limits`` holds ``low`` and ``high`` of a number that is clipped, and ``centre`` of one that is centred.

    Examples
    --------
    >>> home = Input("home", "categorical", ("own", "rent"), "x_home")
    >>> column_factor({"feature": "home", "operation": "level", "level": "own"}, {"home": home}).values
    ('own',)
    """
    source = by_name[column["feature"]]
    if column["operation"] == "missing":
        return Missing(source)
    if column["operation"] == "level":
        if source.kind == "boolean":
            return OneOf(source, (1.0,))
        is_category = column["level"] in source.categories
        return listed(source, [source.categories.index(column["level"]) if is_category else len(source.categories)])
    if column["operation"] in ("at_most", "above"):
        below = up_to(source, float(column["threshold"]))
        return below if column["operation"] == "at_most" else Not(AnyOf((below, Missing(source))))
    unit = SECONDS_PER_DAY if source.kind == "datetime" else 1.0
    bounds = {} if limits is None else {k: float(limits[k]) for k in ("low", "high", "centre") if k in limits}
    return Clipped(source, unit, float(column["fill"]), **bounds)
