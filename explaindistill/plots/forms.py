"""A student's ``to_dict()`` as plain things to draw: a nested tree, frames of shapes, a frame of coefficients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema

__all__ = ["Term", "coefficient_frame", "effect_unit", "kind", "terms", "tree_root"]

NORMAL_95 = 1.959963984540054
SHOWN_CATEGORIES = 6
SECONDS_PER_YEAR = 365.2425 * 86400


@dataclass(frozen=True)
class Term:
    """One term of an additive model: a frame for :func:`plots.shape` (one feature) or :func:`plots.surface` (two).

    Examples
    --------
    >>> import numpy as np
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(200) % 50, "pay": np.arange(200) % 7})
    >>> first = terms(xd.GAMRegressor().fit(X, X["age"] / 10).to_dict())[0]
    >>> first.name, first.features, first.frame.columns.tolist()
    ('age', ('age',), ['x', 'estimate', 'low', 'high', 'output'])
    """

    name: str
    features: tuple[str, ...]
    frame: pd.DataFrame
    missing: float
    spread: float


def kind(form: Mapping[str, Any]) -> str:
    """What a form describes; ``""`` for something else.

    Returns
    -------
    str
        ``"tree"``, ``"additive"``, ``"linear"``, ``"model tree"``, ``"rules"`` or ``"points"``.

    Examples
    --------
    >>> kind({"format": "something"})
    ''
    """
    if "nodes" in form and "schema" in form and "columns" not in form:
        return "tree"
    if "shapes" in form and "intercept" in form:
        return "additive"
    for key, found in (("tree", "model tree"), ("rules", "rules"), ("points", "points")):
        if key in form:
            return found
    return "linear" if "coefficients" in form and "columns" in form else ""


def effect_unit(form: Mapping[str, Any]) -> str:
    """Unit of what the terms of a sum add.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> effect_unit(xd.LinearClassifier(classes=["no", "yes"]).fit(X, np.where(X["age"] > 20, "yes", "no")).to_dict())
    'log-odds of yes'
    """
    classes = form.get("classes")
    odds = f"log-odds of {classes[1]}" if classes is not None and len(form["intercept"]) == 1 else "score"
    if kind(form) == "additive":
        return {"value": "effect on the value", "log": "effect on the log of the value"}.get(form["scale_"], odds)
    return "value" if classes is None else odds


def tree_root(form: Mapping[str, Any], favorable: Any = None) -> dict[str, Any]:
    """Nested nodes: ``text``, ``edge``, ``share``, ``n``, ``value``, ``node`` and ``children``.

    ``value`` of a leaf is what its bar shows: the probability of the favourable class (the last class when
    None), or the place of its number between the smallest and the largest leaf.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> root = tree_root(xd.TreeRegressor(max_leaf_nodes=2).fit(X, X["age"] > 20).to_dict())
    >>> root["text"], [(child["edge"], child["text"]) for child in root["children"]]
    ('age ≤ 20?', [('yes', '0'), ('no', '1')])
    """
    schema, nodes, classes = Schema.from_dict(form["schema"]), form["nodes"], form["classes"]
    outputs = [n["value"][0] for n in nodes if "feature" not in n]
    low, high = min(outputs), max(outputs)
    target = classes.index(favorable) if classes is not None and favorable in classes else -1

    def grown(i: int, edge: str) -> dict[str, Any]:
        node = nodes[i]
        out: dict[str, Any] = {"node": i, "edge": edge, "share": node["share"], "n": node["n"], "children": []}
        if "feature" not in node:
            place = (node["value"][0] - low) / (high - low) if high > low else 0.5
            value = place if classes is None else node["value"][target]
            return out | {"text": answer_words(node["value"], classes), "value": value}
        feature = schema[node["feature"]]
        question, edges = question_words(node, feature)
        children = [grown(node[side], word) for side, word in zip(("left", "right"), edges, strict=True)]
        return out | {"text": question, "children": children, "value": None}

    return grown(0, "")


def answer_words(value: Sequence[float], classes: list[Any] | None) -> str:
    """Most probable class with its probability, or the value, in words."""
    if classes is None:
        return ", ".join(f"{v:.4g}" for v in value)
    top = int(np.argmax(value))
    return f"{classes[top]} {value[top]:.2f}"


def question_words(node: Mapping[str, Any], feature: Feature) -> tuple[str, tuple[str, str]]:
    """The question of a node, and what its left and right branches answer."""
    left, right = "yes", "no"
    if "left_categories" in node:
        chosen = [str(feature.categories[c]) for c in node["left_categories"]]
        more = f" … {len(chosen) - SHOWN_CATEGORIES} more" if len(chosen) > SHOWN_CATEGORIES else ""
        question = f"{feature.name} is {' or '.join(chosen[:SHOWN_CATEGORIES])}{more}?"
    elif node["threshold"] == "known":
        return f"{feature.name} is known?", ("yes", "no")
    elif feature.kind == "boolean":
        question, left, right = f"{feature.name}?", "no", "yes"
    else:
        question = f"{feature.name} ≤ {feature.words(node['threshold'])}?"
    if feature.nullable:
        left, right = (f"{left}, missing", right) if node["missing_left"] else (left, f"{right}, missing")
    return question, (left, right)


def terms(form: Mapping[str, Any]) -> list[Term]:
    """Terms of an additive model, the one that moves answers most first; bands are 95 % where errors are known.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(300) % 50, "pay": np.arange(300) % 7})
    >>> found = terms(xd.GAMRegressor().fit(X, X["age"] / 10 + X["pay"]).to_dict())
    >>> [term.name for term in found]
    ['pay', 'age']
    """
    schema = Schema.from_dict(form["schema"])
    outputs = form.get("classes") or []
    names = [str(c) for c in outputs] if len(form["intercept"]) > 1 else [""]
    found = []
    for shape in form["shapes"]:
        build = _curve if len(shape["grids"]) == 1 else _surface
        features = tuple(g["feature"] for g in shape["grids"])
        frame, missing = build(shape, [schema[f] for f in features], names)
        found.append(Term(shape["name"], features, frame, missing, float(np.sum(shape["spread"]))))
    return sorted(found, key=lambda t: (-t.spread, t.name))


def _curve(shape: Mapping[str, Any], features: list[Feature], names: list[str]) -> tuple[pd.DataFrame, float]:
    grid, feature, parts = shape["grids"][0], features[0], []
    places = grid["knots"] or [[i for i, p in enumerate(grid["position"]) if p == place] for place in _range(grid)]
    for k, name in enumerate(names):
        values = np.asarray(shape["values"][k], dtype=float)
        sd = np.full(len(values), math.nan) if shape["sd"] is None else np.asarray(shape["sd"][k], dtype=float)
        estimate, half = values[: len(places)], NORMAL_95 * sd[: len(places)]
        told = {"estimate": estimate, "low": estimate - half, "high": estimate + half, "output": name}
        if grid["knots"] and feature.kind == "boolean":
            parts.append(pd.DataFrame({"level": [feature.words(v) for v in places]} | told))
        elif grid["knots"]:
            parts.append(pd.DataFrame({"x": _shown(feature, places)} | told))
        else:
            words = [", ".join(feature.words(float(c)) for c in codes) for codes in places]
            parts.append(pd.DataFrame({"level": words} | told))
    missing = float(shape["values"][0][-1]) if grid["missing"] else math.nan
    return pd.concat(parts, ignore_index=True), missing


def _shown(feature: Feature, numbers: list[float]) -> NDArray[np.float64]:
    """Numbers of a column as its axis shows them: moments as years."""
    x = np.asarray(numbers, dtype=float)
    return 1970.0 + x / SECONDS_PER_YEAR if feature.kind == "datetime" else x


def _range(grid: Mapping[str, Any]) -> range:
    return range(max(grid["position"], default=-1) + 1)


def _surface(shape: Mapping[str, Any], features: list[Feature], names: list[str]) -> tuple[pd.DataFrame, float]:
    axes = []
    for grid, feature in zip(shape["grids"], features, strict=True):
        if grid["knots"]:
            axes.append(list(_shown(feature, grid["knots"])))
        else:
            codes = [[i for i, p in enumerate(grid["position"]) if p == place] for place in _range(grid)]
            axes.append([", ".join(feature.words(float(c)) for c in group) for group in codes])
    values = np.asarray(shape["values"][-1], dtype=float)[: len(axes[0]), : len(axes[1])]
    cells = [
        {"x": x, "y": y, "i": i, "j": j, "estimate": values[i, j], "output": names[-1]}
        for i, x in enumerate(axes[0])
        for j, y in enumerate(axes[1])
    ]
    return pd.DataFrame(cells), math.nan


def coefficient_frame(form: Mapping[str, Any]) -> pd.DataFrame:
    """Coefficients per standard deviation of their columns: ``term``, ``output``, ``estimate``, ``coefficient``.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> found = coefficient_frame(xd.LinearRegressor(penalty=0).fit(X, 0.1 * X["age"]).to_dict())
    >>> found[["term", "coefficient", "estimate"]].round(2).values.tolist()
    [['age', 0.1, 1.44]]
    """
    schema = Schema.from_dict(form["schema"])
    classes = form["classes"]
    K = len(form["intercept"])
    outputs = list(range(K)) if classes is None else (classes[1:] if K == 1 else classes)
    rows = []
    for column, coefficients, scale in zip(form["columns"], form["coefficients"], form["scale"], strict=True):
        for output, coefficient in zip(outputs, coefficients, strict=True):
            term = _term(column, schema[column["feature"]])
            full = term if K == 1 else f"{term} → {output}"
            rows.append({"term": full, "output": output, "estimate": coefficient * scale, "coefficient": coefficient})
    return pd.DataFrame(rows, columns=["term", "output", "estimate", "coefficient"])


def _term(column: Mapping[str, Any], feature: Feature) -> str:
    name = feature.name
    if column["operation"] == "missing":
        return f"{name} is missing"
    if column["operation"] == "level":
        return name if feature.kind == "boolean" else f"{name} = {column['level']}"
    return name
