"""How much answers about objects change where one column says nothing: the importance that a teacher of objects has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames._lines import RECORDED_ONLY, cannot_say, drawn
from explaindistill.auditing.inputs import AuditInput
from explaindistill.measures.importance import LossGrowth, compare_importance, permutation_importance

__all__ = ["SILENCED_ROWS", "silencing"]

SILENCED_ROWS = 300
"""Objects at most in which a column is silenced: each costs a question for every column that it has something of."""
SILENCED_COLUMNS = 60
"""Columns at most that are silenced: those that students lean on most, then the first ones. Objects that a column has
nothing of stay as they are and cost no question."""
METHOD = "bootstrap-t over rows"

Floats = NDArray[np.float64]
Tables = list[pd.DataFrame]


def silencing(inputs: AuditInput, seed: int) -> tuple[Tables, Tables]:
    """Importance of each column by silencing it, for the teacher and its students, and how alike they are.

    The figure is that of permutation importance (half the squared distance between a row's answers before and after,
    or the squared difference of values), with the object changed and not the column.
    """
    objects = inputs.objects
    assert objects is not None
    if not objects.can_be_asked:
        return [cannot_say("silencing", "teacher", RECORDED_ONLY.format("changed"))], []
    weight = inputs.rows.weight
    counted = np.flatnonzero(np.ones(len(inputs.rows), dtype=bool) if weight is None else weight > 0)
    at = counted[drawn(len(counted), SILENCED_ROWS, np.random.default_rng(seed))]
    base = objects.frame.iloc[at].reset_index(drop=True)
    names = _leaned_on(inputs)
    growth: dict[str, dict[str, Floats]] = {model.name: {} for model in inputs.models()}
    before = {model.name: objects.answers[model.name](base) for model in inputs.models()}
    for j, column in enumerate(names):
        after = objects.silenced(base, column, np.random.default_rng([seed, j]))
        is_domains = column in objects.columns  # of a table's own column every cell may be another one
        moved = objects.changed(base, after) if is_domains else np.ones(len(base), dtype=bool)
        for name, grown in growth.items():
            grown[column] = np.zeros((1, len(base)))
            if moved.any():
                grown[column][0, moved] = _loss(objects.answers[name](after[moved]), before[name][moved])
    w = np.ones(len(at)) if weight is None else weight[at]
    tables = {
        name: permutation_importance(
            LossGrowth(grown, w, position=at), clusters=inputs.rows.clusters, subject=name
        ).assign(metric="silencing", method=METHOD)
        for name, grown in growth.items()
    }
    by_row = {name: np.column_stack([grown[c][0] for c in sorted(grown)]) for name, grown in growth.items()}
    likeness = [
        compare_importance(
            tables["teacher"], tables[s.name], rows=(by_row["teacher"], by_row[s.name]), rng=seed, subject=s.name,
            sample_weight=None if weight is None else w,
        )
        for s in inputs.students
    ]  # fmt: skip
    return list(tables.values()), likeness


def _leaned_on(inputs: AuditInput) -> list[str]:
    """Columns to silence: all of them, or those with the largest share of any student's own structure."""
    names = [str(c) for c in inputs.rows.frame.columns]
    if len(names) <= SILENCED_COLUMNS:
        return names
    share = dict.fromkeys(names, 0.0)
    for s in inputs.students:
        if hasattr(s.inner, "importance"):
            for name, value in s.inner.importance()[["feature", "estimate"]].itertuples(index=False):
                share[name] = max(share.get(name, 0.0), float(value))
    first = sorted(names, key=lambda name: -share[name])[:SILENCED_COLUMNS]
    return [name for name in names if name in set(first)]


def _loss(answer: Any, aim: Floats) -> Floats:
    """As in permutation importance: half the squared distance of probabilities, the squared difference of values."""
    square = (np.asarray(answer, dtype=float) - aim) ** 2
    return np.asarray(square.sum(axis=1) / 2 if square.ndim == 2 else square)
