"""The frame ``thresholds``: selection rates of groups at other thresholds, for the slider of the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.threshold_rates import threshold_rates

__all__ = ["FRAMES", "measure"]

FRAMES = ("thresholds",)


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Rates of the teacher and each student; none without groups, a threshold, or where rows have weights."""
    return {"thresholds": stack(_rates(inputs, options.min_group_size))}


def _rates(inputs: AuditInput, minimum: int) -> Iterator[pd.DataFrame]:
    rows, at = inputs.rows, inputs.rule.position
    if at is None or rows.attributes.shape[1] == 0 or rows.weight is not None:
        return
    bounds = inputs.bounds()
    for model in inputs.models():
        bound = bounds.get(model.name)
        if bound is not None and np.isfinite(bound):
            shared: dict[str, Any] = {"minimum": minimum, "clustered": rows.clusters is not None}
            yield threshold_rates(model.P[:, at], bound, rows.attributes, subject=model.name, **shared)
