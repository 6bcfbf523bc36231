"""The frames ``complexity`` and ``students``: how much there is to read of each student, and how it was fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.inputs import AuditInput, Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.protocols import Complexity

__all__ = ["FRAMES", "measure"]

FRAMES = ("complexity", "students")


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """One line per student in each frame."""
    return {
        "complexity": pd.DataFrame([{"subject": s.name, **_complexity(s)} for s in inputs.students]),
        "students": pd.DataFrame([_line(s) for s in inputs.students]),
    }


def _complexity(s: Model) -> dict[str, Any]:
    """What the student counts itself; of one that does not count, its class's name only."""
    if hasattr(s.inner, "complexity"):
        return dict(s.inner.complexity().as_dict())
    unknown = Complexity(type(s.inner).__name__, 0, 0, 0)
    return dict.fromkeys(unknown.as_dict()) | {"family": unknown.family}


def _line(s: Model) -> dict[str, Any]:
    return {
        "subject": s.name,
        "family": type(s.inner).__name__,
        "n_features_seen": len(s.features),
        "features_seen": ", ".join(s.features),
        "targets": "as fitted by the caller" if s.distiller is None else s.distiller.label_mode_,
    }
