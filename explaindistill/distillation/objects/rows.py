"""Raw objects as rows of a frame, and back in the container that a teacher knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.raw_objects import RawObject, is_raw, raw_objects
from explaindistill.data.rows import as_frame, container_of, labels_of, repacked
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.protocols import Domain

__all__ = ["OBJECT", "ObjectRows", "check_domain"]

OBJECT = "object"
"""Name of the one column where rows are objects and nothing else."""


def check_domain(domain: Any) -> None:
    """Refuse what is no domain.

    Raises
    ------
    InvalidInputError

    Examples
    --------
    >>> check_domain("text")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: domain must be a domain such as TextDomain(), or None, got 'text'
    """
    if isinstance(domain, type) or not isinstance(domain, Domain):
        words = f"the class {domain.__name__}" if isinstance(domain, type) else repr(domain)
        raise InvalidInputError(f"domain must be a domain such as TextDomain(), or None, got {words}")


@dataclass(frozen=True)
class ObjectRows:
    """How objects of a domain stand in frames.

    Attributes
    ----------
    domain : Domain
    name : str
        Column that holds them.
    like : container without objects
        As ``fit`` was given them.
    labels, container
        Of a frame with ordinary columns, as in :class:`~explaindistill.data.schema.Schema`.

    Examples
    --------
    >>> from explaindistill.domains.text import TextDomain
    >>> rows = ObjectRows.of(TextDomain(), ["so good", "so bad"])
    >>> frame = rows.frame(["so good", "so bad"])
    >>> frame.values.tolist(), rows.restored(frame)
    ([[(object)], [(object)]], ['so good', 'so bad'])
    """

    domain: Any
    name: str
    like: Any
    labels: tuple[Any, ...] | None = None
    container: Any = None

    @classmethod
    def of(cls, domain: Any, X: Any) -> ObjectRows:
        """Read how objects are given; ``domain.column`` names the column of a frame that holds them.

        Raises
        ------
        InvalidInputError
            If the column is not there.
        """
        check_domain(domain)
        column = getattr(domain, "column", None)
        if column is None:
            return cls(domain, OBJECT, _emptied(X))
        frame = as_frame(X)
        return cls(domain, _named(column, frame), frame[str(column)].iloc[:0], labels_of(X), container_of(X))

    @property
    def is_mixed(self) -> bool:
        """Whether there are ordinary columns beside the objects."""
        return self.container is not None

    def frame(self, X: Any) -> pd.DataFrame:
        """Rows with each object as one cell; rows that are so already stay as they are.

        Raises
        ------
        InvalidInputError
            For no objects, or what the domain refuses.
        """
        if isinstance(X, pd.DataFrame) and self.name in X.columns and is_raw(X[self.name]):
            return X
        if not self.is_mixed:
            index = X.index if isinstance(X, pd.Series) else None
            return pd.DataFrame({self.name: self._cells(X)}, index=index)
        frame = as_frame(X)
        _named(self.name, frame)
        return frame.assign(**{self.name: self._cells(frame[self.name])})

    def alone(self, value: Any) -> Any:
        """One object in a list, or as it came where it is one in a list or an array already."""
        single = np.empty(1, dtype=object)
        single[0] = value
        try:
            return self.frame(list(single))
        except InvalidInputError:
            return self.frame(value)

    def cells(self, objects: NDArray[np.object_]) -> pd.Series:
        """Objects ``(n,)`` as cells of a column."""
        return pd.Series([RawObject(value, self.domain.key(value)) for value in objects], dtype=object)

    def objects(self, frame: pd.DataFrame) -> NDArray[np.object_]:
        """The objects ``(n,)`` of such rows."""
        return raw_objects(frame[self.name])

    def replaced(self, frame: pd.DataFrame, objects: NDArray[np.object_]) -> pd.DataFrame:
        """The same rows with other objects."""
        return frame.assign(**{self.name: self.cells(objects).to_numpy()})

    def restored(self, frame: pd.DataFrame) -> Any:
        """What the teacher is asked with: objects in its own container, or the frame that holds them."""
        objects = self.objects(frame)
        if not self.is_mixed:
            return self.domain.restore(objects, self.like)
        dtype = object if isinstance(self.like.dtype, pd.CategoricalDtype) else self.like.dtype
        column = pd.Series(list(objects), index=frame.index, dtype=dtype)
        return repacked(frame.assign(**{self.name: column}), self.container, self.labels)

    def _cells(self, X: Any) -> NDArray[np.object_]:
        objects = self.domain.objects(X)
        if not isinstance(objects, np.ndarray) or objects.dtype != object or objects.ndim != 1:
            raise InvalidInputError(
                f"{type(self.domain).__name__}.objects must give a one-dimensional array of objects, got "
                f"{type(objects).__name__} of shape {np.shape(objects)}"
            )
        if len(objects) == 0:
            raise InvalidInputError("X must hold at least 1 object, got none")
        return self.cells(objects).to_numpy()


def _named(column: Any, frame: pd.DataFrame) -> str:
    """The domain's column, once it is known to be there."""
    if isinstance(column, list | tuple):
        raise InvalidInputError(
            f"the domain's column must be one name, got {column!r}; put the texts of several together in one column"
        )
    if str(column) not in frame.columns:
        raise InvalidInputError(
            f"the domain's column is {str(column)!r}, the columns are: {', '.join(frame.columns)}"
            f"{did_you_mean(str(column), list(frame.columns))}"
        )
    return str(column)


def _emptied(X: Any) -> Any:
    """The container without what it holds, so that nothing keeps the objects of a fit."""
    if isinstance(X, pd.Series | pd.DataFrame):
        return X.iloc[:0]
    if isinstance(X, np.ndarray):
        return X[:0].copy()
    return [] if not isinstance(X, Mapping) else {}
