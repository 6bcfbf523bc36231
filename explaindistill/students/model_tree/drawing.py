"""A model tree as a drawing: its questions, what each leaf answers at its centres, and what it adds up."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.drawing import Branch, TreeDrawing, answer_words, question_words
from explaindistill.data.schema import Feature

__all__ = ["drawing"]


def drawing(self: Any) -> TreeDrawing:
    """Say what there is to draw: the questions, the answer of each leaf to a row with all its terms at their centres.

    Returns
    -------
    TreeDrawing
        With ``sums``, the coefficients of each leaf; leaves are numbered from 1, left to right. See
        :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"x": np.tile(np.linspace(-1, 1, 50), 8), "flag": np.repeat([False, True], 200)})
    >>> y = np.where(X["flag"], 2 * X["x"], -3 * X["x"])
    >>> tree = xd.ModelTreeRegressor(max_leaf_nodes=2).fit(X, y).drawing()
    >>> tree.root.text, [leaf.title for leaf in tree.root.answers()], tree.sums["term"].tolist()
    ('flag?', ['leaf 1', 'leaf 2'], ['always', 'x − 0'])
    """
    check_is_fitted(self)
    model = self.tree_
    classes = tuple(self.classes_.tolist()) if hasattr(self, "classes_") else None
    numbers = count(1)
    share, whose = model.shown

    def grown(i: int, edge: str, way: str, n_terms: int) -> Branch:
        node = model.nodes[i]
        n_terms += len({t for t, _, _ in node.terms})
        if node.feature < 0:
            values = _central(node.intercept, classes)
            more = f" + {n_terms} term{'s' * (n_terms > 1)}" if n_terms else ""
            text = f"{answer_words(values, classes)}{more}"
            return Branch(text, edge, share[i], values=values, node=way, title=f"leaf {next(numbers)}")
        text, edges = _question(node, model.schema[node.feature])
        sides = zip((node.left, node.right), edges, "10", strict=True)
        children = tuple(grown(child, words, way + mark, n_terms) for child, words, mark in sides)
        return Branch(text, edge, share[i], children=children, node=way)

    outputs = _outputs(classes, model.n_outputs)
    return TreeDrawing(
        root=grown(0, "", "w", 0),
        classes=classes,
        kind="model tree",
        title="The model tree",
        unit=_unit(classes, model.n_outputs),
        answer="the answer to a row with all terms at their centres",
        sums=_sums(model, outputs),
        rows=whose,
    )


def _question(node: Any, feature: Feature) -> tuple[str, tuple[str, str]]:
    """As the tree asks it; where the listed categories go right, "yes" is the answer on the right."""
    if node.threshold is not None or node.listed_left:
        return question_words(feature, node.threshold, node.listed, node.missing_left)
    text, edges = question_words(feature, None, node.listed, not node.missing_left)
    return text, (edges[1], edges[0])


def _central(intercept: tuple[float, ...], classes: tuple[Any, ...] | None) -> tuple[float, ...]:
    """What a leaf answers where every term is 0: its intercepts, or exp(a_k) / sum of exp(a_j) with a_0 = 0 for two."""
    if classes is None:
        return tuple(intercept)
    odds = np.array([0.0, *intercept] if len(intercept) == 1 else intercept)
    shares = np.exp(odds - odds.max())
    return tuple(float(p) for p in shares / shares.sum())


def _outputs(classes: tuple[Any, ...] | None, n_outputs: int) -> list[str]:
    if classes is None:
        return [""] if n_outputs == 1 else [str(k) for k in range(n_outputs)]
    return [str(classes[1])] if n_outputs == 1 else [str(c) for c in classes]


def _unit(classes: tuple[Any, ...] | None, n_outputs: int) -> str:
    if classes is None:
        return "value"
    return f"log-odds of {classes[1]}" if n_outputs == 1 else "scores of the classes"


def _sums(model: Any, outputs: list[str]) -> pd.DataFrame:
    """One line per term and output, the intercepts ("always") first; one column per leaf, by its number."""
    columns: list[dict[tuple[int, int], float]] = []

    def walk(i: int, sums: dict[tuple[int, int], float]) -> None:
        node, sums = model.nodes[i], dict(sums)
        for t, k, coefficient in node.terms:
            sums[t, k] = sums.get((t, k), 0.0) + coefficient
        if node.feature < 0:
            columns.append(sums | {(-1, k): b for k, b in enumerate(node.intercept)})  # -1 sorts before every term
        else:
            walk(node.left, sums)
            walk(node.right, sums)

    walk(0, {})
    lines = [
        {"term": "always" if t < 0 else _factor(model.terms[t], model.schema), "output": outputs[k]}
        | {str(leaf): sums.get((t, k), np.nan) for leaf, sums in enumerate(columns, start=1)}
        for t, k in sorted({key for sums in columns for key in sums})
    ]
    return pd.DataFrame(lines)


def _factor(term: Any, schema: Any) -> str:
    """A term as a reader multiplies it: a flag, or a number less its centre."""
    column = term.column
    feature = schema[column.feature]
    if column.operation == "missing":
        return f"{feature.name} is missing"
    if column.operation == "level":
        return str(feature.name) if feature.kind == "boolean" else f"{feature.name} = {column.level}"
    if feature.kind == "datetime":
        return f"{feature.name} − {feature.words(86400.0 * term.centre)}, days"
    return f"{feature.name} {'+' if term.centre < 0 else '−'} {abs(term.centre):.6g}"
