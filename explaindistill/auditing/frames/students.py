"""The frames ``complexity`` and ``students``: how much there is to read of each student, and how it was fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.frames._lines import Measured, attempt
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.options import AuditOptions
from explaindistill.protocols import Complexity

__all__ = ["FRAMES", "measure"]

FRAMES = ("complexity", "students")
COLUMNS = {
    "complexity": ("subject", *Complexity("", 0, 0, 0).as_dict()),
    "students": ("subject", "family", "n_features_seen", "features_seen", "targets"),
}


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> Measured:
    """One line per student in each frame."""
    return {
        **attempt(["complexity"], lambda: {"complexity": pd.DataFrame([_complexity(s) for s in inputs.students])}),
        **attempt(["students"], lambda: {"students": pd.DataFrame([_line(s) for s in inputs.students])}),
    }


def _complexity(s: Model) -> dict[str, Any]:
    """What the student counts itself, and the lists of its columns; of one that does not count, its class's name."""
    if hasattr(s.inner, "complexity"):
        counted = s.inner if s.distiller is None else s.distiller
        return {"subject": s.name, **counted.complexity().as_dict()}
    unknown = Complexity(type(s.inner).__name__, 0, 0, 0)
    return {"subject": s.name, **dict.fromkeys(unknown.as_dict()), "family": unknown.family}


def _line(s: Model) -> dict[str, Any]:
    return {
        "subject": s.name,
        "family": type(s.inner).__name__,
        "n_features_seen": len(s.features),
        "features_seen": ", ".join(s.features),
        "targets": "as fitted by the caller" if s.distiller is None else s.distiller.label_mode_,
    }
