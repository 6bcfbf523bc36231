"""What a student sees of a row: all columns, some of them, or what a transformer makes of them."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.data.rows import as_frame
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["StudentView", "WholeRows"]


def _name_at(position: numbers.Integral, schema: Schema) -> str:
    """Name of a column by its place, which may count from the end."""
    if not -len(schema) <= int(position) < len(schema):
        raise InvalidInputError(f"features must be places of the {len(schema)} columns, got {position}")
    return schema.names[int(position)]


@dataclass(frozen=True)
class StudentView:
    """Rows as a student sees them.

    Attributes
    ----------
    schema : Schema
        Of whole rows.
    features : list of names, fitted transformer, or None
        What is seen; all columns when None.

    Examples
    --------
    >>> X = pd.DataFrame({"age": [31, 45], "city": ["Bern", "Zug"], "income": [50.0, 60.0]})
    >>> view = StudentView.choose(["income", 0], Schema.infer(X), X)
    >>> view.names, view.is_transformed, view.of(X).shape
    (['income', 'age'], False, (2, 2))
    """

    schema: Schema
    features: Any = None

    @classmethod
    def choose(cls, features: Any, schema: Schema, X: Any) -> StudentView:
        """Make a view of what the user named.

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
            return cls(schema, None if features is None else clone(features).fit(X))
        if isinstance(features, str) or not isinstance(features, Iterable):
            raise InvalidInputError(f"features must be a list of columns, a transformer or None, got {features!r}")
        names = [_name_at(f, schema) if isinstance(f, numbers.Integral) else str(f) for f in features]
        if not names:
            raise InvalidInputError("features must name at least 1 column, got none")
        if unknown := [n for n in names if n not in schema.names]:
            near = did_you_mean(unknown[0], schema.names)
            raise InvalidInputError(
                f"features names {', '.join(unknown)}, the columns are: {', '.join(schema.names)}{near}"
            )
        if len(set(names)) < len(names):
            raise InvalidInputError(f"features must name each column once, got {', '.join(names)}")
        return cls(schema, names)

    @property
    def is_transformed(self) -> bool:
        """Whether a transformer stands between the rows and the student, whose columns then are not those of rows."""
        return self.features is not None and not isinstance(self.features, list)

    @property
    def names(self) -> list[str]:
        """Columns of whole rows that the student draws on: all of them where a transformer does."""
        return list(self.features) if isinstance(self.features, list) else self.schema.names

    def of(self, frame: pd.DataFrame) -> Any:
        """Return what is seen of rows in the schema's form; a transformer sees the user's own container."""
        if self.is_transformed:
            return self.features.transform(self.schema.restore(frame))
        return frame if self.features is None else frame[self.names]

    def restored(self, frame: pd.DataFrame) -> Any:
        """Return what is seen in the user's own container: an array in, an array out."""
        rows = self.of(frame)
        return self.schema.restore(rows) if isinstance(rows, pd.DataFrame) else rows


class WholeRows:
    """A teacher for rows as a student sees them: the other columns are those of one row."""

    def __init__(self, teacher: Any, view: StudentView, frame: pd.DataFrame) -> None:
        self.teacher, self.schema, self.frame = teacher, view.schema, frame
        self.names = view.names
        self.classes_ = teacher.classes_

    def of(self, X: Any) -> pd.DataFrame:
        """All columns of the rows."""
        rows = as_frame(X).set_axis(self.names, axis=1)
        whole = self.frame.take(np.zeros(len(rows), dtype=np.intp)).reset_index(drop=True)
        return whole.assign(**{name: rows[name].array for name in self.names})

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the teacher."""
        return np.asarray(self.teacher.predict_proba(self.schema.restore(self.of(X))), dtype=float)

    def predict(self, X: Any) -> NDArray[Any]:
        """Answers of the teacher."""
        return np.asarray(self.teacher.predict(self.schema.restore(self.of(X))))
