"""A model tree whose intercepts and coefficients move towards labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.numerics.model_trees.leaf_models import Loss
from explaindistill.numerics.model_trees.refit import fit_towards
from explaindistill.students._changed import changed
from explaindistill.students._toward import PRIOR_ROWS, Array, Move
from explaindistill.students.model_tree.model import LinearTreeModel

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """Intercepts of the leaves, and coefficients where they stand on the paths; questions and terms stay."""
    tree: LinearTreeModel = self.tree_
    K = tree.n_outputs
    loss: Loss = "squared" if not hasattr(self, "classes_") else "binary" if K == 1 else "softmax"
    keys, Z = _design(tree, frame)
    start, support = np.zeros((len(keys), K)), np.zeros((len(keys), K), dtype=bool)
    for q, (v, t) in enumerate(keys):
        if t < 0:
            start[q], support[q] = tree.nodes[v].intercept, True
        for term, k, coefficient in tree.nodes[v].terms:
            if term == t:
                start[q, k], support[q, k] = coefficient, True
    toward = fit_towards(Z, labels[:, -K:], start, support, loss, PRIOR_ROWS)

    def move(strength: float) -> Any:
        numbers = dict(zip(keys, (1 - strength) * start + strength * toward, strict=True))
        nodes = tuple(
            replace(
                node,
                intercept=tuple(numbers[v, -1].tolist()) if node.feature < 0 else (),
                terms=tuple((t, k, float(numbers[v, t][k])) for t, k, _ in node.terms),
            )
            for v, node in enumerate(tree.nodes)
        )
        moved = replace(tree, nodes=nodes)
        return changed(self, tree_=moved.with_importance(frame, np.full(len(frame), 1.0 / len(frame))))

    return move


def _design(tree: LinearTreeModel, frame: pd.DataFrame) -> tuple[list[tuple[int, int]], Array]:
    """What each number multiplies: its (node v, term t), t = -1 for intercepts, and the columns ``(n, q)``.

    Column q is ``1[row i passes node v] z_t(x_i)``, so that the tree's linear predictors are ``Z @ numbers``.
    """
    keys: list[tuple[int, int]] = []
    designs: list[Array] = []
    columns = tree.columns(frame)
    for v, rows in tree.walk(columns, len(frame)):
        node = tree.nodes[v]
        terms = list(dict.fromkeys(t for t, _, _ in node.terms))
        for t in terms if node.feature >= 0 else [*terms, -1]:
            z = np.zeros(len(frame))
            if t < 0:
                z[rows] = 1.0
            else:
                j = tree.schema.names.index(tree.terms[t].column.feature)
                z[rows] = tree.terms[t].values(tree.schema[j], columns[j][rows])
            keys.append((v, t))
            designs.append(z)
    return keys, np.column_stack(designs)
