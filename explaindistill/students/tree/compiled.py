"""A tree as plain Python objects: one row costs a few microseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from explaindistill.data.schema import Feature
from explaindistill.errors import InvalidInputError
from explaindistill.students.tree.model import TreeModel

__all__ = ["CompiledTree"]


class CompiledTree:
    """Answers one row at a time.

    Parameters
    ----------
    tree : TreeModel
    outputs : sequence
        Classes, or names of the outputs.
    is_classifier : bool
    """

    def __init__(self, tree: TreeModel, outputs: Sequence[Any], is_classifier: bool) -> None:
        self._nodes = [_node(tree, i) for i in range(len(tree.feature))]
        self._columns = frozenset(node[0] for node in self._nodes if node is not None)
        single = not is_classifier and len(outputs) == 1
        self._answers = [row[0] if single else dict(zip(outputs, row, strict=True)) for row in tree.value.tolist()]

    def one(self, row: Mapping[str, Any]) -> Any:
        """Answer one row.

        Parameters
        ----------
        row : mapping of column to value
            None and NaN are missing; columns that the tree never asks for do not matter.

        Returns
        -------
        dict of class to probability, dict of output to value, or a float where there is one output

        Raises
        ------
        InvalidInputError
            If the row lacks a column that the tree asks for, also where this row's path does not.
        """
        if not self._columns <= row.keys():
            absent = ", ".join(sorted(map(repr, self._columns - row.keys())))
            raise InvalidInputError(f"the row has no column {absent}; say None where a value is missing")
        nodes = self._nodes
        position = 0
        while (node := nodes[position]) is not None:
            name, number, threshold, sides, missing, yes, no = node
            value = row[name]
            if value is None or value != value or value is pd.NA:  # noqa: PLR0124 - NaN differs from itself
                goes = missing
            elif sides is not None:
                goes = sides.get(value, threshold)
            else:
                goes = (value if number is None else number(value)) <= threshold
            position = yes if goes else no
        answer = self._answers[position]
        return dict(answer) if isinstance(answer, dict) else answer


def _seconds(value: Any) -> float:
    return float(pd.Timestamp(value).timestamp())


def _node(tree: TreeModel, i: int) -> tuple[Any, ...] | None:
    """What :meth:`CompiledTree.one` needs of a node, in one tuple: unpacking is what an attribute would cost."""
    if tree.feature[i] < 0:
        return None
    feature: Feature = tree.schema[int(tree.feature[i])]
    table = tree.sets[i]
    sides = None if table is None else dict(zip(feature.categories, table.tolist(), strict=True))
    # for sets the place of the threshold holds the side of unseen categories
    unseen = bool(table[-1]) if table is not None and feature.other else bool(tree.unseen_left[i])
    threshold = float(tree.threshold[i]) if sides is None else unseen
    number = _seconds if feature.kind == "datetime" else None
    return (
        feature.name,
        number,
        threshold,
        sides,
        bool(tree.missing_left[i]),
        int(tree.left[i]),
        int(tree.right[i]),
    )
