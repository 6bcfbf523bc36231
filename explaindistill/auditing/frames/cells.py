"""The frame ``cells``: the teacher's mean answer in cells of the columns that each student may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput, Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.teacher_cells import teacher_cells

__all__ = ["FRAMES", "measure", "partitions"]

FRAMES = ("cells",)
CELLS = 24
"""Cells at most: what a person can look through, and a page can carry."""


def partitions(inputs: AuditInput, minimum: int) -> dict[str, Any]:
    """The tree whose leaves are the cells, by the name of the student whose columns it divides.

    A cell holds at least ``minimum`` audited rows, and the cells together are all rows once: none can be worked out
    from others. There is no tree where there are too few rows, or the student sees none of the columns.
    """
    from explaindistill.students.tree.estimators import TreeRegressor

    trees = {}
    for s in inputs.students:
        rows = _columns(inputs, s)
        if len(rows) >= max(minimum, 2) and rows.shape[1]:
            tree = TreeRegressor(max_leaf_nodes=CELLS, min_samples_leaf=minimum)
            trees[s.name] = tree.fit(rows, inputs.teacher.P)
    return trees


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Mean answers in the cells of ``inputs.partitions``."""
    shared: dict[str, Any] = {"classes": inputs.rule.classes, "minimum": options.min_group_size}
    tables = [
        teacher_cells(_columns(inputs, s), inputs.teacher.P, inputs.partitions[s.name], subject=s.name, **shared)
        for s in inputs.students
        if s.name in inputs.partitions
    ]
    return {"cells": stack(tables)}


def _columns(inputs: AuditInput, s: Model) -> pd.DataFrame:
    return inputs.rows.frame[[c for c in inputs.rows.frame.columns if c in s.features]]
