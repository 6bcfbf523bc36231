"""Parts of the rows with the answers of all models: each model is asked once about each row, where the row lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.on_workers import asked_alone
from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.models import asked
from explaindistill.auditing.overlap import unseen
from explaindistill.auditing.partitions.cells import Cells, Levels
from explaindistill.auditing.validation import true_labels
from explaindistill.data.parts import PartOfRows
from explaindistill.data.row_keys import row_keys, scrambled
from explaindistill.data.schema import Schema
from explaindistill.data.weights import as_weights
from explaindistill.distillation.distiller import Distiller
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import NEAR_BOUNDARY, margin
from explaindistill.measures.table import positions
from explaindistill.measures.value_bands import ValueBands

__all__ = ["AnsweredRows", "PartQuestions", "RowTotals", "distances"]

Floats = NDArray[np.float64]
SEEN_NOWHERE = "row of a part"
"""Label of rows in partitions: they have no index that would tell them from others of the same values."""


def distances(P: Floats, rule: DecisionRule) -> Floats:
    """How far each answer is from the boundary, as `explaindistill.measures.fidelity.fidelity` takes it.

    Examples
    --------
    >>> distances(np.array([[0.3, 0.7], [0.5, 0.5]]), DecisionRule(["no", "yes"], "yes", 0.6)).round(2).tolist()
    [0.1, 0.1]
    """
    bound = rule.bound(P)
    return margin(P) / 2 if bound is None else np.abs(P[:, rule.position] - bound)


@dataclass(frozen=True, eq=False)
class AnsweredRows:
    """What an audit keeps of the rows of a part.

    Attributes
    ----------
    answers : mapping of str to ndarray of shape (n, k) or (n,)
        By model, the teacher first.
    decided : mapping of str to int ndarray of shape (n,)
        By model the position of its decision among the classes; empty for values.
    y : ndarray of shape (n,), optional
        Position of the true label among the classes, -1 where it is missing; or true values.
    weight : ndarray of shape (n,), optional
    attributes : mapping of str to Levels
    equal : bool ndarray of shape (n,)
        Rows that equal, in value, a row of fitting.
    totals : RowTotals
    """

    answers: Mapping[str, Floats]
    decided: Mapping[str, NDArray[np.int16]]
    y: NDArray[Any] | None
    weight: Floats | None
    attributes: Mapping[str, Levels]
    equal: NDArray[np.bool_]
    totals: RowTotals

    def __len__(self) -> int:
        return len(self.equal)

    def weights(self) -> Floats:
        """Weights ``(n,)``, ones where rows have none."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def cells(self, rule: DecisionRule, teacher: str) -> Cells:
        """Rows counted by groups, labels and decisions."""
        codes: dict[str, NDArray[np.int64]] = {"equal": self.equal.astype(np.int64)}
        if rule.classes is None:
            return Cells.of(self.attributes, codes, self.weight)
        if self.y is not None:
            codes["labels"] = self.y.astype(np.int64)
        first = self.answers[teacher].argmax(axis=1)
        codes["near"] = (distances(self.answers[teacher], rule) < NEAR_BOUNDARY / 2).astype(np.int64)
        for name, P in self.answers.items():
            codes[f"decision of {name}"] = self.decided[name].astype(np.int64)
            codes[f"first of {name}"] = P.argmax(axis=1)
            if name != teacher and len(rule.classes) > 3:
                # the place of the teacher's class in the student's order, of equals the first, as argsort has it
                mine = P[np.arange(len(P)), first][:, None]
                before = (mine < P) | ((mine == P) & (np.arange(P.shape[1]) < first[:, None]))
                codes[f"place in {name}"] = before.sum(axis=1)
        return Cells.of(self.attributes, codes, self.weight)


@dataclass(frozen=True, eq=False)
class RowTotals:
    """Rows, those of a weight above 0, those equal to rows of fitting, those sent to each model, and their digest.

    Examples
    --------
    >>> one = RowTotals(2, 2, 0, np.array([2]), np.array([1, 2], dtype=np.uint64))
    >>> (one + one).n, (one + one).digest.tolist()
    (4, [2, 4])
    """

    n: int
    n_used: int
    n_equal: int
    n_sent: NDArray[np.int64]
    digest: NDArray[np.uint64]
    """Sum of the keys of the rows: the same in any order."""

    def __add__(self, other: RowTotals) -> RowTotals:
        """Of the rows of both."""
        return RowTotals(
            self.n + other.n,
            self.n_used + other.n_used,
            self.n_equal + other.n_equal,
            self.n_sent + other.n_sent,
            self.digest + other.digest,
        )


@dataclass(frozen=True, eq=False)
class PartQuestions:
    """What is asked about each part.

    Attributes
    ----------
    teacher : teacher adapter
    students : mapping of str to fitted student or Distiller
    rule : DecisionRule
    schema : Schema
        Columns that models see.
    y, weight : names of columns, or None
    sensitive : names of columns
    bands : mapping of str to ValueBands
        Of sensitive columns of many numbers.
    """

    teacher: Any
    students: Mapping[str, Any]
    rule: DecisionRule
    schema: Schema
    y: str | None
    weight: str | None
    sensitive: Sequence[str]
    bands: Mapping[str, ValueBands]

    def of(self, part: PartOfRows) -> AnsweredRows:
        """Ask all models about the rows of a part."""
        extra = [name for name in (self.y, self.weight, *self.sensitive) if name is not None]
        frame = part.frame(list(dict.fromkeys([*self.schema.names, *extra])))
        frame = frame.set_axis(pd.RangeIndex(len(frame)), axis=0)
        y = None if self.y is None else true_labels(frame[self.y], len(frame), self.rule.classes)
        weight = None if self.weight is None else as_weights(frame[self.weight], len(frame), is_part=True)
        rows = AuditRows(
            frame=self.schema.frame(frame),
            schema=self.schema,
            y=y,
            weight=weight,
            clusters=None,
            attributes=frame[list(self.sensitive)],
            strata=None,
            equal_in_value=np.zeros(len(frame), dtype=bool),
        )
        keys = row_keys(rows.frame)
        models, sent = asked_alone(self.teacher, lambda: asked(self.teacher, self.students, rows, self.rule, keys=keys))
        used = len(frame) if weight is None else int((weight > 0).sum())
        equal = self._equal(rows.frame, keys)
        if extra:
            # the same number whatever the order of the rows; a label that moves to another row changes it
            keys = scrambled(keys) * (row_keys(frame[list(dict.fromkeys(extra))]) | np.uint64(1))
        digest = keys.sum(axis=0, dtype=np.uint64)
        truth = y
        if y is not None and self.rule.classes is not None:
            codes, labels = pd.factorize(y)
            truth = np.append(positions(labels, self.rule.classes), -1)[codes].astype(np.int16)
        decided = {} if self.rule.classes is None else {m.name: self._decided(m.P) for m in models}
        return AnsweredRows(
            {model.name: np.ascontiguousarray(model.P) for model in models},
            decided,
            truth,
            weight,
            {name: self._levels(frame[name]) for name in self.sensitive},
            equal,
            RowTotals(len(frame), used, int(equal.sum()), sent, digest),
        )

    def _decided(self, P: Floats) -> NDArray[np.int16]:
        # numbers stand for classes: as many names as rows would have to be looked up
        classes = np.arange(len(self.rule.classes))
        return np.asarray(replace(self.rule, classes=classes, favorable=self.rule.position).decide(P), dtype=np.int16)

    def _equal(self, rows: pd.DataFrame, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        distillers = [s for s in self.students.values() if isinstance(s, Distiller)]
        if not distillers:
            return np.zeros(len(rows), dtype=bool)
        labelled = rows.set_axis(pd.Index([SEEN_NOWHERE] * len(rows)), axis=0)
        return unseen(labelled, distillers, None, keys)[1]

    def _levels(self, column: pd.Series) -> Levels:
        bands = self.bands.get(str(column.name))
        return Levels.of(column if bands is None else bands.of(column))
