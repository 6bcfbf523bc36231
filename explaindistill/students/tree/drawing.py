"""A tree as a drawing: its questions in reading order, and what each leaf answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.drawing import Branch, GroupShares, TreeDrawing, answer_words, question_words
from explaindistill.students.tree.model import TreeModel

__all__ = ["drawing", "sketched"]


def drawing(self: Any) -> TreeDrawing:
    """Say what there is to draw: the questions, and the answers with the share of rows that gets each.

    Returns
    -------
    TreeDrawing
        See :mod:`explaindistill.data.drawing`.

    Examples
    --------
    >>> import explaindistill as xd
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> root = xd.TreeRegressor(max_leaf_nodes=2, shrinkage=0).fit(X, X["age"] > 20).drawing().root
    >>> root.text, [(child.edge, child.text) for child in root.children]
    ('age ≤ 20?', [('yes', '0'), ('no', '1')])
    """
    check_is_fitted(self)
    tree: TreeModel = self.tree_
    classes = tuple(self.classes_.tolist()) if hasattr(self, "classes_") else None
    count, share, whose = tree.shown

    def grown(i: int, edge: str) -> Branch:
        # the script of a tree calls nodes by their numbers
        rows, node = (float(share[i]), int(count[i])), str(i)
        if tree.feature[i] < 0:
            values = tuple(tree.value[i].tolist())
            return Branch(answer_words(values, classes), edge, *rows, values=values, node=node)
        text, edges = _question(tree, i)
        sides = zip((tree.left[i], tree.right[i]), edges, strict=True)
        return Branch(text, edge, *rows, children=tuple(grown(int(child), words) for child, words in sides), node=node)

    return TreeDrawing(grown(0, ""), classes, rows=whose)


def _question(tree: TreeModel, i: int) -> tuple[str, tuple[str, str]]:
    feature, table, missing_left = tree.schema[int(tree.feature[i])], tree.sets[i], bool(tree.missing_left[i])
    if table is None:
        return question_words(feature, float(tree.threshold[i]), missing_left=missing_left)
    return question_words(feature, None, np.flatnonzero(table).tolist(), missing_left)


def sketched(root: Mapping[str, Any], classes: tuple[Any, ...] | None) -> TreeDrawing:
    """The nested form of ``sketch()`` as a drawing, with who is in each leaf; in regression without bars."""

    def grown(node: Mapping[str, Any]) -> Branch:
        children = tuple(map(grown, node["children"]))
        values: tuple[float, ...] = () if children or classes is None else tuple(node["values"].values())
        pairs = ((e["attribute"], tuple((g["group"], g["share"]) for g in e["groups"])) for e in node["who"])
        who = tuple(GroupShares(attribute, shares) for attribute, shares in pairs)
        return Branch(node["text"], node["edge"], node["share"], node["n"], values, children, who=who)

    return TreeDrawing(grown(root), classes)
