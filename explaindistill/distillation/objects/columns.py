"""What a student sees of objects: the columns of their domain, and the ordinary ones beside them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.rows import is_unicode
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.errors import InvalidInputError

__all__ = ["ObjectColumns", "object_view"]


class ObjectColumns:
    """The transformer between rows that hold objects and a student.

    Parameters
    ----------
    rows : ObjectRows
    ordinary : sequence of str
        Columns beside the objects that the student may see.

    Attributes
    ----------
    columns_ : transformer of the domain
        After :meth:`fit`.
    names_ : list of str
        Names of the domain's columns.

    Notes
    -----
    Between :meth:`fit` and :meth:`forget` no object is looked at twice.

    Examples
    --------
    >>> from explaindistill.domains.text import TextDomain
    >>> texts = ["so good", "so very bad"] * 10
    >>> rows = ObjectRows.of(TextDomain(kinds=["form"]), texts)
    >>> frame = rows.frame(texts)
    >>> ObjectColumns(rows, []).fit(frame, np.zeros(20)).transform(frame)["number of words"].tolist()[:2]
    [2.0, 3.0]
    """

    columns_: Any
    names_: list[str]

    def __init__(self, rows: ObjectRows, ordinary: list[str]) -> None:
        self.rows, self.ordinary = rows, ordinary
        self._dtypes: pd.Series | None = None
        self._known: _Known | None = None

    def fit(
        self, frame: pd.DataFrame, P: NDArray[np.float64], ask: Any = None, classes: NDArray[Any] | None = None
    ) -> ObjectColumns:
        """Fit the domain's columns to real rows and the teacher's answers, and remember what they say of these.

        Parameters
        ----------
        frame : DataFrame
            Rows that hold objects.
        P : ndarray of shape (n, k), (n,) or (n, m)
        ask : callable, optional
            See :class:`~explaindistill.protocols.Domain`.
        classes : ndarray of shape (k,), optional

        Raises
        ------
        InvalidInputError
            If the domain makes no columns, or one that is named as an ordinary one.
        """
        columns = self.rows.domain.columns()
        offered = {"ask": ask, "classes": classes}
        parameters = inspect.signature(columns.fit).parameters
        columns.fit(
            self.rows.objects(frame), P, **{name: value for name, value in offered.items() if name in parameters}
        )
        self.columns_, self._dtypes, self._known = columns, None, _Known()
        self.transform(frame)
        if both := sorted(set(self.names_) & set(self.ordinary)):
            raise InvalidInputError(
                f"the domain's columns and the ordinary ones must have different names, got {', '.join(both)} twice; "
                "rename the ordinary one"
            )
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Columns ``(n, d)`` of rows that hold objects, the domain's first; of equal objects one is looked at."""
        known = _Known() if self._known is None else self._known
        digests = [cell.digest for cell in frame[self.rows.name]]
        new = known.new(digests)
        if new:
            known.add([digests[i] for i in new], self._fresh(frame.iloc[new]))
        columns = known.at(digests).set_axis(frame.index, axis=0)
        ordinary = [name for name in self.ordinary if name not in self.names_]
        return pd.concat([columns, frame[ordinary]], axis=1) if ordinary else columns

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """While it lasts no object is looked at twice."""
        before = self._known
        self._known = _Known() if before is None else before
        try:
            yield
        finally:
            self._known = before

    def forget(self) -> None:
        """Remember nothing of any object from here on."""
        self._known = None

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns."""
        return np.array([*self.names_, *self.ordinary], dtype=object)

    def _fresh(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The domain's columns of rows, checked, in the dtypes of fitting."""
        columns = self.columns_.transform(self.rows.objects(frame))
        who = type(self.rows.domain).__name__
        if not isinstance(columns, pd.DataFrame) or len(columns) != len(frame) or columns.shape[1] == 0:
            shape = getattr(columns, "shape", None)
            raise InvalidInputError(
                f"the columns of {who} must be a DataFrame of one row per object and at least one column, got "
                f"{type(columns).__name__} of shape {shape} for {len(frame)} objects"
            )
        names = columns.columns.tolist()
        if wrong := [n for n in names if not isinstance(n, str) or not is_unicode(n) or names.count(n) > 1]:
            raise InvalidInputError(f"the columns of {who} must have names that are text and differ, got {wrong[0]!r}")
        columns = columns.reset_index(drop=True)
        if self._dtypes is None:
            self.names_, self._dtypes = names, columns.dtypes
        elif names != self.names_:
            raise InvalidInputError(f"the columns of {who} must be those of fit, got {', '.join(names)}")
        return columns if columns.dtypes.equals(self._dtypes) else columns.astype(self._dtypes)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_known": None}


def object_view(rows: ObjectRows, schema: Schema, features: Any = None) -> StudentView:
    """What a student sees of rows that hold objects, before the domain's columns are fitted.

    Parameters
    ----------
    rows : ObjectRows
    schema : Schema
        Of rows that hold objects.
    features : list of column names (or positions), optional
        The ordinary columns that it may see; all when None.

    Raises
    ------
    InvalidInputError
        If ``features`` is a transformer, or there are no ordinary columns.
    """
    ordinary = [name for name in schema.names if name != rows.name]
    if features is None:
        return StudentView(schema, ObjectColumns(rows, ordinary))
    if hasattr(features, "transform") or not ordinary:
        raise InvalidInputError(
            "features must be a list of the ordinary columns beside the objects, or None; what a student sees of an "
            "object is for the domain to say"
        )
    return StudentView(schema, ObjectColumns(rows, StudentView.choose(features, schema.select(ordinary), None).names))


class _Known:
    """Columns of the objects that were looked at, by the digest of their content."""

    def __init__(self) -> None:
        self.frame: pd.DataFrame | None = None
        self.place: dict[bytes, int] = {}

    def new(self, digests: list[bytes]) -> list[int]:
        """Position of the first of each object that is not known."""
        first: dict[bytes, int] = {}
        for i, digest in enumerate(digests):
            if digest not in self.place:
                first.setdefault(digest, i)
        return list(first.values())

    def add(self, digests: list[bytes], columns: pd.DataFrame) -> None:
        """Take in objects that differ from each other and from those known."""
        start = len(self.place)
        self.place.update({digest: start + i for i, digest in enumerate(digests)})
        self.frame = columns if self.frame is None else pd.concat([self.frame, columns], ignore_index=True)

    def at(self, digests: list[bytes]) -> pd.DataFrame:
        """Columns of known objects."""
        assert self.frame is not None  # rows are at least one
        return self.frame.iloc[[self.place[digest] for digest in digests]]
