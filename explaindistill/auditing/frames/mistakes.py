"""The frame ``mistakes``: regions of the rows, in words, in which a student decides differently from its teacher."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.mistakes import mistakes

__all__ = ["FRAMES", "measure"]

FRAMES = ("mistakes",)
REGIONS = 6
"""Leaves of the tree that looks for regions: more of them are no longer read."""
REGION_ROWS = 30
"""Fewer rows in a region would measure little on the half that did not look for it."""


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Regions found on one half of the rows and measured on the other; none in regression."""
    return {"mistakes": stack(_mistakes(inputs, options.min_group_size, rng))}


def _mistakes(inputs: AuditInput, minimum: int, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    if inputs.task == "regression":
        return
    seed = int(rng.integers(2**31))
    for s in inputs.students:
        wrong = inputs.decided(inputs.teacher.P) != inputs.decided(s.P)
        options = GroupOptions(min_group_size=minimum)
        shared: dict[str, Any] = {"rng": seed, "options": options, **inputs.rows.sampling()}
        yield mistakes(inputs.rows.frame, wrong, _grow, subject=s.name, **shared)


def _grow(rows: pd.DataFrame, wrong: NDArray[np.bool_]) -> Any:
    from explaindistill.students.tree.estimators import TreeClassifier

    return TreeClassifier(max_leaf_nodes=REGIONS, min_samples_leaf=REGION_ROWS).fit(rows, wrong)
