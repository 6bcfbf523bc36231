"""Rule lists as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.students._form import check_header, header, plain
from explaindistill.students.rules.model import RuleList

__all__ = ["empty", "head"]


def head(student: Any) -> dict[str, Any]:
    """What both kinds of rule list write: header, parameters, rules and their table."""
    parameters = {k: plain(v) for k, v in student.get_params().items() if k != "classes"}
    # JSON has no NaN, which an interval of too few rows is
    table = {name: [None if pd.isna(v) else plain(v) for v in column] for name, column in student.table_.items()}
    head = header(student, "rules") | {"parameters": parameters}
    return head | {"rules": student.rules_.to_dict(), "table": table}


def _column(values: list[Any]) -> list[Any]:
    """Numbers with NaN again where JSON has null."""
    return [np.nan if v is None else v for v in values]


def empty(cls: Any, data: Mapping[str, Any]) -> Any:
    """A rule list as it was written, but for its classes or values."""
    check_header(cls, "rules", data)
    student = cls(**data["parameters"])
    student.rules_ = RuleList.from_dict(data["rules"])
    student.table_ = pd.DataFrame({name: _column(values) for name, values in data["table"].items()})
    student.schema_ = student.rules_.schema
    student.n_features_in_ = len(student.schema_)
    if student.schema_.container == "frame":
        student.feature_names_in_ = np.array(student.schema_.names, dtype=object)
    return student
