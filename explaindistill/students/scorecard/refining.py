"""A scorecard whose curve of risks moves towards labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from explaindistill.numerics.model_trees.refit import fit_towards
from explaindistill.students._changed import changed
from explaindistill.students._toward import PRIOR_ROWS, Array, Move
from explaindistill.students.scorecard.model import risk_table

__all__ = ["toward_labels"]


def toward_labels(self: Any, frame: pd.DataFrame, answer: Array, labels: Array) -> Move:
    """The curve of risks ``expit(a + s total)`` moves; points, and with them what counts, stay.

    It never falls with the total: the slope s is held at 0 or above.
    """
    model = self.model_
    total = model.values(frame).sum(axis=1)
    Z = np.column_stack([np.ones(len(total)), total])
    start = np.array([[self.offset_], [self.slope_]])
    toward = fit_towards(Z, labels[:, 1:], start, np.ones((2, 1), dtype=bool), "binary", PRIOR_ROWS)

    def move(strength: float) -> Any:
        offset, slope = ((1 - strength) * start + strength * toward)[:, 0].tolist()
        slope = max(slope, 0.0)
        totals = np.arange(model.lowest, model.lowest + len(model.risk))
        risk = risk_table(expit(offset + slope * totals), self.digits)
        return changed(self, model_=replace(model, risk=risk), offset_=offset, slope_=slope)

    return move
