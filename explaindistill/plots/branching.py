"""Model trees, rule lists and scorecards as plain things to draw, from their ``to_dict()``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.schema import Schema
from explaindistill.plots.forms import answer_words, question_words

__all__ = ["leaf_frame", "model_root", "point_frame", "risk_frame", "rule_frame"]


def model_root(form: Mapping[str, Any], favorable: Any = None) -> dict[str, Any]:
    """Nested nodes of a model tree as :func:`plots.tree` draws them.

    Leaves are numbered from 1, left to right (``leaf``); ``node`` spells the answers on the way after a
    ``w``, 1 for the left side.
    A leaf says and shows what it answers to a row with all its terms at their centres.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from explaindistill import ModelTreeRegressor
    >>> X = pd.DataFrame({"x": np.tile(np.linspace(-1, 1, 50), 8), "flag": np.repeat([False, True], 200)})
    >>> student = ModelTreeRegressor(max_leaf_nodes=2).fit(X, np.where(X["flag"], 2 * X["x"], -3 * X["x"]))
    >>> root = model_root(student.to_dict())
    >>> root["text"], [child["leaf"] for child in root["children"]]
    ('flag?', [1, 2])
    """
    tree, schema = form["tree"], Schema.from_dict(form["tree"]["schema"])
    nodes, numbers = tree["nodes"], count(1)
    intercepts = [n["intercept"] for n in nodes if "feature" not in n]
    low, high = min(b[0] for b in intercepts), max(b[0] for b in intercepts)

    def grown(i: int, edge: str, way: str, terms: int) -> dict[str, Any]:
        node = nodes[i]
        terms += len({t for t, _, _ in node.get("terms", ())})
        out: dict[str, Any] = {"node": way, "edge": edge, "share": node["share"], "children": []}
        if "feature" in node:
            text, edges = _asked(node, schema)
            sides = zip(("left", "right"), edges, "10", strict=True)
            children = [grown(node[side], words, way + mark, terms) for side, words, mark in sides]
            return out | {"text": text, "children": children, "value": None}
        values, target = _central(form, node["intercept"], favorable)
        place = (node["intercept"][0] - low) / (high - low) if high > low else 0.5
        more = f" + {terms} term{'s' * (terms > 1)}" if terms else ""
        told = {"text": f"{answer_words(values, form.get('classes'))}{more}", "leaf": next(numbers)}
        return out | told | {"value": place if target is None else values[target]}

    return grown(0, "", "w", 0)


def _asked(node: Mapping[str, Any], schema: Schema) -> tuple[str, tuple[str, str]]:
    listed_left = node.get("listed_left", True)
    told = {"missing_left": node.get("missing_left", False)}
    told |= {"left_categories": node["listed"]} if node.get("threshold") is None else {"threshold": node["threshold"]}
    if listed_left:
        return question_words(told, schema[node["feature"]])
    text, (left, right) = question_words(told | {"missing_left": not told["missing_left"]}, schema[node["feature"]])
    return text, (right, left)


def _central(form: Mapping[str, Any], intercept: Sequence[float], favorable: Any) -> tuple[list[float], int | None]:
    """What a leaf answers at its centres, and the place of the favourable class (the last one when None)."""
    classes = form.get("classes")
    if classes is None:
        return list(intercept), None
    odds = np.array([0.0, *intercept] if len(intercept) == 1 else intercept)
    shares = np.exp(odds - odds.max())
    place = classes.index(favorable) if favorable in classes else len(classes) - 1
    return [float(p) for p in shares / shares.sum()], place


def leaf_frame(form: Mapping[str, Any]) -> pd.DataFrame:
    """What each leaf of a model tree adds up: one line per term and output, one column per leaf in their order.

    Returns
    -------
    DataFrame
        ``term`` and ``output``, then ``1``, ``2``, …: the coefficient, NaN where a leaf has no such term. The first
        lines are what is added to every row, ``"always"``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from explaindistill import ModelTreeRegressor
    >>> X = pd.DataFrame({"x": np.tile(np.linspace(-1, 1, 50), 8), "flag": np.repeat([False, True], 200)})
    >>> student = ModelTreeRegressor(max_leaf_nodes=2).fit(X, np.where(X["flag"], 2 * X["x"], -3 * X["x"]))
    >>> leaf_frame(student.to_dict())["term"].tolist()
    ['always', 'x − 0']
    """
    tree, schema = form["tree"], Schema.from_dict(form["tree"]["schema"])
    outputs = _outputs(form)
    columns: list[dict[tuple[int, int], float]] = []

    def walk(i: int, sums: dict[tuple[int, int], float]) -> None:
        node, sums = tree["nodes"][i], dict(sums)
        for t, k, coefficient in node.get("terms", ()):
            sums[t, k] = sums.get((t, k), 0.0) + coefficient
        if "feature" in node:
            walk(node["left"], sums)
            walk(node["right"], sums)
        else:
            columns.append(sums | {(-1, k): b for k, b in enumerate(node["intercept"])})

    walk(0, {})
    keys = sorted({key for sums in columns for key in sums})
    lines = [
        {"term": "always" if t < 0 else _factor(tree["terms"][t], schema), "output": outputs[k]}
        | {str(i): sums.get((t, k), np.nan) for i, sums in enumerate(columns, start=1)}
        for t, k in keys
    ]
    return pd.DataFrame(lines)


def _outputs(form: Mapping[str, Any]) -> list[str]:
    classes, n = form.get("classes"), form["tree"]["n_outputs"]
    if classes is None:
        return [""] if n == 1 else [str(k) for k in range(n)]
    return [str(classes[1])] if n == 1 else [str(c) for c in classes]


def _factor(term: Mapping[str, Any], schema: Schema) -> str:
    column = term["column"]
    feature = schema[column["feature"]]
    if column["operation"] == "missing":
        return f"{feature.name} is missing"
    if column["operation"] == "level":
        return feature.name if feature.kind == "boolean" else f"{feature.name} = {column['level']}"
    if feature.kind == "datetime":
        return f"{feature.name} − {feature.words(86400.0 * term['centre'])}, days"
    return f"{feature.name} {'+' if term['centre'] < 0 else '−'} {abs(term['centre']):.6g}"


def rule_frame(form: Mapping[str, Any], favorable: Any = None) -> pd.DataFrame:
    """Rules in their order: ``rule``, ``condition``, ``n``, ``coverage``, ``answer`` in words and ``value`` for a bar.

    ``value`` is the probability of the favourable class (the last when None), or the place of the value between the
    smallest and the largest; ``agreement`` with its ``low`` and ``high`` is the share of the rows of fitting under the
    rule whose teacher said the same (NaN in regression).

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from explaindistill import RuleListClassifier
    >>> X = pd.DataFrame({"x": np.arange(100)})
    >>> student = RuleListClassifier(max_rules=1).fit(X, np.where(X["x"] < 30, "no", "yes"))
    >>> rule_frame(student.to_dict(), "yes")["coverage"].round(2).tolist()
    [0.7, 0.3]
    """
    found, table, classes = form["rules"], form["table"], form.get("classes")
    default = found["rules"][-1]["rest"] if found["rules"] else found["base"]
    values = [rule["value"] for rule in found["rules"]] + [default]
    low, high = min(v[0] for v in values), max(v[0] for v in values)
    target = None if classes is None else classes.index(favorable) if favorable in classes else len(classes) - 1
    lines = []
    for i, value in enumerate(values):
        at = table["rule"].index(i + 1)
        place = (value[0] - low) / (high - low) if high > low else 0.5
        line = {key: table[key][at] for key in ("rule", "condition", "n", "coverage", "coverage_low", "coverage_high")}
        agreed = [
            table[key][at] if key in table else np.nan for key in ("precision", "precision_low", "precision_high")
        ]
        line |= dict(zip(("agreement", "low", "high"), agreed, strict=True))
        lines.append(
            line | {"answer": answer_words(value, classes), "value": place if target is None else value[target]}
        )
    return pd.DataFrame(lines)


def point_frame(form: Mapping[str, Any]) -> pd.DataFrame:
    """Points of a scorecard: ``term`` and ``estimate``.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from explaindistill import ScorecardClassifier
    >>> X = pd.DataFrame({"late": np.arange(200) % 2 == 1})
    >>> card = ScorecardClassifier(max_terms=1).fit(X, np.where(np.arange(200) % 4 == 3, "bad", "good"))
    >>> point_frame(card.to_dict())["term"].tolist()
    ['late']
    """
    schema = Schema.from_dict(form["schema"])
    terms = [_condition(column, schema) for column in form["columns"]]
    return pd.DataFrame({"term": terms, "estimate": [float(p) for p in form["points"]]})


def _condition(column: Mapping[str, Any], schema: Schema) -> str:
    feature, operation = schema[column["feature"]], column["operation"]
    if operation in ("above", "at_most"):
        return f"{feature.name} {'>' if operation == 'above' else '≤'} {feature.words(column['threshold'])}"
    if operation == "missing":
        return f"{feature.name} is missing"
    return feature.name if feature.kind == "boolean" else f"{feature.name} = {column['level']}"


def risk_frame(form: Mapping[str, Any]) -> pd.DataFrame:
    """Risk of each total of a scorecard: ``x`` (the total), ``estimate``, and ``share`` of the rows of fitting.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from explaindistill import ScorecardClassifier
    >>> X = pd.DataFrame({"late": np.arange(200) % 2 == 1})
    >>> card = ScorecardClassifier(max_terms=1).fit(X, np.where(np.arange(200) % 4 == 3, "bad", "good"))
    >>> round(float(risk_frame(card.to_dict())["share"].sum()), 9)
    1.0
    """
    totals = np.arange(form["lowest"], form["lowest"] + len(form["risk"]))
    return pd.DataFrame({"x": totals, "estimate": form["risk"], "share": form["share"]})
