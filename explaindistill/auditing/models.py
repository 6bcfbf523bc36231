"""Models under audit with their answers to the audited rows: the teacher, its students, and their baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.asking.labelling import label_keyed
from explaindistill.asking.memory import Memory
from explaindistill.auditing.answers import Answer, aligned, answer_of
from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.baseline import fit_baseline
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.student_view import StudentView
from explaindistill.data.text_codes import reads_codes, uncoded
from explaindistill.distillation.choosing.student_choice import StudentChoice
from explaindistill.distillation.distiller import Distiller
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.once import once
from explaindistill.protocols import can_be_asked

__all__ = ["SECOND", "WITHOUT", "Model", "asked", "baseline_model", "teacher_model"]

WITHOUT = " without teacher"
"""What a baseline's name ends in, after its student's name."""
SECOND = "second teacher"
BLOCK_ROWS = 100_000
"""Rows that a student is asked about at once."""


@dataclass(frozen=True)
class Model:
    """One model under audit: the teacher, a student, a student's baseline, or the second teacher.

    Attributes
    ----------
    name : str
        The subject of its lines in every frame.
    answer : callable
        Rows in the schema's form to answers, in the order of the rule's classes.
    P : ndarray of shape (n, k) or (n,)
        Its answers to the audited rows.
    view : StudentView
        What ``inner`` sees of a row.
    inner : teacher adapter or fitted estimator
    estimator : object
        What the caller passed: a Distiller around ``inner``, or ``inner`` itself.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> [(model.name, model.can_be_asked, model.P.shape) for model in asked(teacher, {"tree": tree}, rows, rule)]
    [('teacher', False, (100, 2)), ('tree', True, (100, 2))]
    """

    name: str
    answer: Answer
    P: NDArray[np.float64]
    view: StudentView
    inner: Any
    estimator: Any

    @property
    def can_be_asked(self) -> bool:
        """Whether it answers new rows; recorded answers cannot."""
        return can_be_asked(self.inner)

    @property
    def distiller(self) -> Distiller | None:
        """The Distiller that fitted it; None for a model that was fitted otherwise."""
        return self.estimator if isinstance(self.estimator, Distiller) else None

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that it draws on; all of them where a transformer stands between."""
        return tuple(self.view.names)

    def seen(self, coded_rows: pd.DataFrame, rows: AuditRows) -> Any:
        """What ``inner`` sees of rows whose text is coded: a model that somebody else wrote is shown text."""
        if not reads_codes(self.inner) or self.view.is_transformed:
            coded_rows = uncoded(coded_rows, rows.frame)
        return self.view.restored(coded_rows)

    def regions(self, rows: pd.DataFrame) -> tuple[NDArray[Any], dict[Any, str]] | None:
        """Leaf or rule of each row, and the words of each.

        None where the model has no leaves, or has them on transformed columns: such rules are not about the columns of
        the audit.
        """
        return once(rows, ("regions", id(self.inner)), lambda: self._regions(rows))

    def _regions(self, rows: pd.DataFrame) -> tuple[NDArray[Any], dict[Any, str]] | None:
        if self.view.is_transformed or not (hasattr(self.inner, "apply") and hasattr(self.inner, "rules")):
            return None
        table = self.inner.rules()
        if not {"leaf", "rule"} <= set(table):
            return None
        leaf = np.asarray(self.inner.apply(self.view.restored(rows)))
        return leaf, dict(zip(table["leaf"], table["rule"], strict=True))

    def rules(self, rows: pd.DataFrame) -> tuple[NDArray[Any], dict[Any, str]] | None:
        """Leaf or rule of each row, and the words of each, of any student that has them; None as for `regions`."""
        if self.view.is_transformed or not hasattr(self.inner, "regions"):
            return self.regions(rows)
        return once(rows, ("rules", id(self.inner)), lambda: self._rules(rows))

    def _rules(self, rows: pd.DataFrame) -> tuple[NDArray[Any], dict[Any, str]]:
        region, words = self.inner.regions(self.view.restored(rows))
        return np.asarray(region), dict(words)


def asked(
    teacher: Any, students: Mapping[str, Any], rows: AuditRows, rule: DecisionRule, store: Any = None, keys: Any = None
) -> tuple[Model, ...]:
    """The teacher and its students with their answers to the rows.

    With the ``keys`` of the rows ``(n, 2)`` the teacher is asked at once, and nothing is remembered of its answers.

    Raises
    ------
    InvalidInputError
        If a student answers another number of values than the teacher.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> [model.name for model in asked(teacher, {"tree": tree}, rows, rule)]
    ['teacher', 'tree']
    """
    first = teacher_model("teacher", teacher, rows, rule, store, keys)
    models = tuple(_student(name, student, rows, rule) for name, student in students.items())
    _check_outputs(first, models)
    return (first, *models)


def _check_outputs(teacher: Model, students: tuple[Model, ...]) -> None:
    """Values of several outputs are compared column by column: numpy would stretch a single one over all of them."""
    for student in students:
        if student.P.shape != teacher.P.shape:
            mine, theirs = (P.shape[1] if P.ndim > 1 else 1 for P in (student.P, teacher.P))
            raise InvalidInputError(
                f"student {student.name!r} must answer as many values per row as the teacher, {theirs}, got {mine}; "
                "fit it to all of them, or audit a teacher per output"
            )


def teacher_model(name: str, teacher: Any, rows: AuditRows, rule: DecisionRule, store: Any, keys: Any = None) -> Model:
    """A teacher with its answers to the rows; with their ``keys`` nothing is remembered of what it answers.

    Examples
    --------
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> teacher = as_teacher((X, pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})))
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> teacher_model(SECOND, teacher, rows, rule, None).P[3].tolist()
    [0.97, 0.03]
    """
    shown = None
    if rows.schema.container == "frame" and not reads_codes(teacher):
        shown = partial(uncoded, like=rows.schema.restore(rows.frame.iloc[:0]))
    ask = Memory(teacher, store, shown)

    def answer(frame: pd.DataFrame) -> NDArray[np.float64]:
        return aligned(ask(rows.schema.restore(frame)), teacher.classes_, rule.classes)

    with asking_for("audit: audited rows" if name != SECOND else "audit: second teacher"):
        if keys is None:
            P = answer(rows.frame)
        else:
            restored = rows.schema.restore(rows.frame)
            keyed = KeyedRows.of(restored if shown is None else shown(restored), keys)
            P = aligned(label_keyed(teacher, keyed), teacher.classes_, rule.classes)
    return Model(name, answer, P, StudentView(rows.schema), teacher, teacher)


def _student(name: str, student: Any, rows: AuditRows, rule: DecisionRule) -> Model:
    """A Distiller is asked about whole rows, of which it shows its student the columns that this one may see."""
    whole = StudentView(rows.schema)
    inner, view = student, whole
    if isinstance(student, Distiller):
        inner, view = student.student_, StudentView(rows.schema, student.view_.features)
    answer = _of_plain_rows(answer_of(student, whole, rule), inner, view, rows)
    return Model(name, answer, _in_blocks(answer, rows.frame), view, inner, student)


def _in_blocks(answer: Answer, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Answers to many rows, some at a time: what a student makes of them on its way would not fit beside them."""
    parts = [answer(frame.iloc[i : i + BLOCK_ROWS]) for i in range(0, len(frame), BLOCK_ROWS)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _of_plain_rows(answer: Answer, inner: Any, view: StudentView, rows: AuditRows) -> Answer:
    """Answers of a model that somebody else wrote, which is shown text as text."""
    if reads_codes(inner) and not view.is_transformed:
        return answer
    like = rows.frame.iloc[:0]
    return lambda frame: answer(uncoded(frame, like))


def baseline_model(student: Model, train: tuple[Any, Any], rows: AuditRows, rule: DecisionRule) -> Model:
    """A copy of a student that true labels taught and no teacher, with its answers to the rows.

    Parameters
    ----------
    student : Model
    train : pair (X, y)
        Rows and true labels.
    rows : AuditRows
    rule : DecisionRule

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> _, student = asked(teacher, {"tree": tree}, rows, rule)
    >>> baseline_model(student, (X, ["no", "yes"] * 50), rows, rule).name
    'tree without teacher'
    """
    baseline = fit_baseline(_unfitted(student), student.view, train, rule.classes)
    answer = _of_plain_rows(answer_of(baseline, student.view, rule), baseline, student.view, rows)
    return Model(student.name + WITHOUT, answer, _in_blocks(answer, rows.frame), student.view, baseline, baseline)


def _unfitted(model: Model) -> Any:
    """A copy without its fit; that of a Distiller's student has the seeds which the Distiller drew for it."""
    if model.distiller is None:
        return clone(model.estimator)
    if isinstance(model.distiller.student, StudentChoice):
        return clone(model.inner)  # the one that was chosen, with the settings that it won with
    parameters = model.inner.get_params(deep=True)
    seeds = {name: seed for name, seed in parameters.items() if name.split("__")[-1] == "random_state"}
    return clone(model.distiller.student).set_params(**seeds)
