"""The JSON form of additive students."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.schema import Schema
from explaindistill.students._form import check_header, header, plain
from explaindistill.students.gam.shapes import Shape

__all__ = ["FIT_NOTES", "read", "write"]

PLAIN = ("scale_", "labels_", "dispersion_", "deviance_", "n_iter_", "converged_", "edits_")
FIT_NOTES = {"shapes": ("edf", "n", "sd", "spread")}
"""Fields of a curve that decide no answer: ``export.json`` can leave them out."""
FRAMES = ("term_path_", "pair_trials_")


def write(student: Any) -> dict[str, Any]:
    """Everything that predicting, showing and explaining needs."""
    out: dict[str, Any] = {
        **header(student, "gam"),
        "parameters": {k: _json(v) for k, v in student.get_params(deep=False).items()},
        "schema": student.schema_.to_dict(),
        "named": hasattr(student, "feature_names_in_"),
        "intercept": student.intercept_.tolist(),
        "shapes": [s.to_dict() for s in student.shapes_],
    }
    out |= {name: getattr(student, name) for name in PLAIN}
    out |= {name: _table(getattr(student, name)) for name in FRAMES}
    if hasattr(student, "classes_"):
        out["classes"] = student.classes_.tolist()
    return out


def read(cls: Any, data: Mapping[str, Any]) -> Any:
    """Inverse of :func:`write`; runs no code.

    Raises
    ------
    InvalidInputError
        If the form is of another class or version.
    """
    check_header(cls, "gam", data)
    student = cls(**data["parameters"])
    student.schema_ = Schema.from_dict(data["schema"])
    student.n_features_in_ = len(student.schema_)
    if data["named"]:
        student.feature_names_in_ = np.array(student.schema_.names, dtype=object)
    student.intercept_ = np.asarray(data["intercept"], dtype=float)
    student.shapes_ = [Shape.from_dict(s) for s in data["shapes"]]
    for name in PLAIN:
        setattr(student, name, data[name])
    for name in FRAMES:
        setattr(student, name, pd.DataFrame(data[name]["rows"], columns=data[name]["columns"]))
    if "classes" in data:
        student.classes_ = np.asarray(data["classes"])
    else:
        student.n_outputs_ = 1
    return student


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    rows = [[None if isinstance(v, float) and np.isnan(v) else v for v in row] for row in frame.to_numpy().tolist()]
    return {"columns": list(frame.columns), "rows": rows}


def _json(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | tuple):
        return np.asarray(value).tolist()
    if isinstance(value, Mapping):
        return {str(k): _json(v) for k, v in value.items()}
    value = plain(value)
    return value if isinstance(value, str | int | float | bool) else None
