"""What an audit knows of its objects beside their columns: the objects, and every model as a function of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.distillation.objects.columns import ObjectColumns
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.errors import InvalidInputError

__all__ = ["CONTROL", "ObjectAudit"]

CONTROL = ", control"
"""What the name of a control ends in, after that of its edit."""
Answer = Callable[[pd.DataFrame], NDArray[np.float64]]


@dataclass(frozen=True)
class ObjectAudit:
    """Objects of an audit, and who answers them.

    Attributes
    ----------
    rows : ObjectRows
    frame : DataFrame of n rows
        The audited rows, which hold objects; the frame of the audit has their columns.
    answers : mapping of str to callable
        From rows that hold objects to answers, in the order of the rule's classes; by the name of a model.
    columns : mapping of str to ObjectColumns
        By the name of a column of a domain: what makes it.
    can_be_asked : bool
        Whether the teacher answers other objects than those that were recorded.
    train, stress : frames that hold objects, optional
    train_labels : array, optional
    """

    rows: ObjectRows
    frame: pd.DataFrame
    answers: Mapping[str, Answer]
    columns: Mapping[str, ObjectColumns]
    can_be_asked: bool = True
    train: pd.DataFrame | None = None
    train_labels: Any = None
    stress: pd.DataFrame | None = None

    def silenced(self, frame: pd.DataFrame, column: str, rng: np.random.Generator) -> pd.DataFrame:
        """The same rows, in which one column says nothing: of a domain by changed objects, of a table by shuffling."""
        if column not in self.columns:
            return frame.assign(**{column: frame[column].take(rng.permutation(len(frame))).array})
        fitted = self.columns[column].columns_
        changed = self.rows.domain.silenced(self.rows.objects(frame), fitted, column, rng)
        return self._replaced(frame, changed, f"silenced {column}")

    def edits(self) -> dict[str, Callable[..., Any]]:
        """Named changes of the domain, each control behind its edit."""
        edits = dict(self.rows.domain.edits())
        names = [name for name in edits if not name.endswith(CONTROL)]
        ordered = [n for name in names for n in (name, name + CONTROL) if n in edits]
        return {name: edits[name] for name in [*ordered, *(name for name in edits if name not in ordered)]}

    def edited(self, frame: pd.DataFrame, name: str, rng: np.random.Generator) -> pd.DataFrame:
        """The same rows with objects changed by an edit."""
        return self._replaced(frame, self.rows.domain.edits()[name](self.rows.objects(frame), rng), name)

    def changed(self, before: pd.DataFrame, after: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows hold another object than before ``(n,)``."""
        pairs = zip(before[self.rows.name], after[self.rows.name], strict=True)
        return np.array([a != b for a, b in pairs], dtype=bool)

    def names_of_controls(self) -> Iterator[tuple[str, str]]:
        """Edits that have a control, with its name."""
        edits = self.edits()
        yield from ((name, name + CONTROL) for name in edits if name + CONTROL in edits)

    def _replaced(self, frame: pd.DataFrame, objects: Any, what: str) -> pd.DataFrame:
        if len(objects) != len(frame):
            raise InvalidInputError(
                f"{type(self.rows.domain).__name__} must give one object for each, {len(frame)}, got {len(objects)} "
                f"for {what!r}"
            )
        array = np.empty(len(frame), dtype=object)
        for i, value in enumerate(objects):
            array[i] = value
        return self.rows.replaced(frame, array)
