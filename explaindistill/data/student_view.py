"""What a student sees of a row: all columns, some of them, or what a transformer makes of them."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.data.schema import Schema, as_frame
from explaindistill.errors import InvalidInputError

__all__ = ["View", "WholeRows", "seen_columns"]


def seen_columns(features: Any, schema: Schema, X: Any) -> Any:
    """Names that the student sees, a fitted transformer, or None for all.

    Parameters
    ----------
    features : list of column names (or positions), transformer, or None
    schema : Schema
    X : rows in the user's own container, to fit a transformer on

    Raises
    ------
    InvalidInputError
        If the list is empty or names what is not there.
    """
    if features is None or hasattr(features, "transform"):
        return None if features is None else clone(features).fit(X)
    names = [schema.names[f] if isinstance(f, numbers.Integral) else str(f) for f in features]
    if not names:
        raise InvalidInputError("features must name at least 1 column, got none")
    if unknown := [n for n in names if n not in schema.names]:
        raise InvalidInputError(f"features names {', '.join(unknown)}, the columns are: {', '.join(schema.names)}")
    return names


@dataclass(frozen=True)
class View:
    """Rows as a student sees them.

    Attributes
    ----------
    schema : Schema
        Of whole rows.
    features : list of names, fitted transformer, or None
        As :func:`seen_columns` returns it.
    """

    schema: Schema
    features: Any = None

    def of(self, frame: pd.DataFrame) -> Any:
        """Return what is seen of rows in the schema's form; a transformer sees the user's own container."""
        if self.features is None:
            return frame
        if isinstance(self.features, list):
            return frame[self.features]
        return self.features.transform(self.schema.restore(frame))

    def restored(self, frame: pd.DataFrame) -> Any:
        """Return what is seen in the user's own container: an array in, an array out."""
        seen = self.of(frame)
        return self.schema.restore(seen) if isinstance(seen, pd.DataFrame) else seen


class WholeRows:
    """A teacher for rows as a student sees them: the other columns are those of one row."""

    def __init__(self, teacher: Any, view: View, frame: pd.DataFrame) -> None:
        self.teacher, self.schema, self.frame = teacher, view.schema, frame
        self.names = view.features or view.schema.names
        self.classes_ = teacher.classes_

    def of(self, X: Any) -> pd.DataFrame:
        """All columns of the rows."""
        seen = as_frame(X).set_axis(self.names, axis=1)
        whole = self.frame.take(np.zeros(len(seen), dtype=np.intp)).reset_index(drop=True)
        return whole.assign(**{name: seen[name].array for name in self.names})

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the teacher."""
        return np.asarray(self.teacher.predict_proba(self.schema.restore(self.of(X))), dtype=float)

    def predict(self, X: Any) -> NDArray[Any]:
        """Answers of the teacher."""
        return np.asarray(self.teacher.predict(self.schema.restore(self.of(X))))
