"""The frame ``performance``: every model, and every student without its teacher, against the true labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.failures import cause_of
from explaindistill.auditing.frames._lines import cannot_say, stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures import performance as measures
from explaindistill.measures.paired_shares import paired_share_difference
from explaindistill.measures.table import frame

__all__ = ["FRAMES", "measure"]

FRAMES = ("performance",)


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Accuracy and its like for classes, R² and its like for values; without labels a line that says so."""
    return {"performance": stack([*_performance(inputs), *_against_teacher(inputs)])}


def _performance(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    metric = "accuracy" if inputs.task == "classification" else "r2"
    for name, P in inputs.answers():
        if inputs.rows.y is None:
            yield cannot_say(metric, name, "true labels were not given: pass y")
        elif P is None:
            met = inputs.errors.get(name)
            why = "rows to train on were not given: pass train=(X, y)" if met is None else cause_of(met)
            yield cannot_say(metric, name, why)
        else:
            yield _performance_of(inputs, name, P)


def _against_teacher(inputs: AuditInput) -> Iterator[pd.DataFrame]:
    """How much more often each student is right than its teacher, on the rows whose true label is known."""
    y = inputs.rows.y
    if inputs.task == "regression" or y is None:
        return
    labelled = pd.notna(y)
    right = {model.name: (inputs.decided(model.P) == y)[labelled] for model in inputs.models()}
    for s in inputs.students:
        names: dict[str, Any] = {"subject": s.name, "reference": "teacher", **inputs.rows.sampling(labelled)}
        line = paired_share_difference("accuracy_difference", right[s.name], right["teacher"], **names)
        yield frame([line])


def _performance_of(inputs: AuditInput, name: str, P: NDArray[np.float64]) -> pd.DataFrame:
    shared: dict[str, Any] = {**inputs.rows.sampling(), "subject": name}
    if inputs.task == "regression":
        return measures.regression_performance(inputs.rows.y, P, **shared)
    return measures.performance(inputs.rows.y, P, inputs.rule, **shared)
