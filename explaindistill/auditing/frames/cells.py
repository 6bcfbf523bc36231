"""The frame ``cells``: the teacher's mean answer in cells of the columns that each student may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import drawn, stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.teacher_cells import teacher_cells

__all__ = ["FRAMES", "measure", "partitions"]

FRAMES = ("cells",)
CELLS = 24
"""Cells at most: what a person can look through, and a page can carry."""


GROWN_ROWS = 20_000
"""Rows at most that the cells are found on: a cell of a twenty-fourth then still holds 800 of them."""


def partitions(inputs: AuditInput, minimum: int) -> dict[str, Any]:
    """The tree whose leaves are the cells, by the name of the student whose columns it divides.

    A cell holds at least ``minimum`` of the rows that it was found on, so no fewer of the audited ones, and the cells
    together are all rows once: none can be worked out from others. There is no tree where there are too few rows, or
    the student sees none of the columns.
    """
    from explaindistill.students.tree.estimators import TreeRegressor

    trees: dict[str, Any] = {}
    found_on = drawn(len(inputs.rows), GROWN_ROWS, np.random.default_rng(0))
    grown: dict[tuple[str, ...], Any] = {}  # students that see the same columns share their cells
    for s in inputs.students:
        rows = _columns(inputs, s)
        columns = tuple(rows.columns)
        if len(rows) >= max(minimum, 2) and columns:
            if columns not in grown:
                tree = TreeRegressor(max_leaf_nodes=CELLS, min_samples_leaf=minimum)
                grown[columns] = tree.fit(rows.iloc[found_on], inputs.teacher.P[found_on])
            trees[s.name] = grown[columns]
    return trees


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Mean answers in the cells of ``inputs.partitions``."""
    shared: dict[str, Any] = {"classes": inputs.rule.classes, "minimum": options.min_group_size}
    measured: dict[int, pd.DataFrame] = {}
    tables = []
    for s in inputs.students:
        if (tree := inputs.partitions.get(s.name)) is not None:
            if id(tree) not in measured:
                measured[id(tree)] = teacher_cells(_columns(inputs, s), inputs.teacher.P, tree, **shared)
            tables.append(measured[id(tree)].assign(subject=s.name))
    return {"cells": stack(tables)}


def _columns(inputs: AuditInput, s: Model) -> pd.DataFrame:
    return inputs.rows.frame[[c for c in inputs.rows.frame.columns if c in s.features]]
