"""From an audit of objects to one of their columns: the same rows, models and answers, on names that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.answers import answer_of
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.objects.teacher import AskedByObject
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.distillation.distiller import Distiller
from explaindistill.distillation.objects.columns import ObjectColumns
from explaindistill.distillation.objects.rows import ObjectRows
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import can_be_asked

__all__ = ["column_names", "in_columns", "object_rows_of", "reading_once"]


def object_rows_of(students: Mapping[str, Any]) -> ObjectRows | None:
    """How the students' objects stand in frames; None where students are of rows.

    Raises
    ------
    InvalidInputError
        If some are of objects and others are not, or are of another domain.
    """
    forms = {name: getattr(s, "object_rows_", None) for name, s in students.items()}
    if all(rows is None for rows in forms.values()):
        return None
    first, rows = next((name, rows) for name, rows in forms.items() if rows is not None)
    for name, other in forms.items():
        if other is None:
            raise InvalidInputError(
                f"students must all be Distillers of one domain: {first!r} was fitted with domain=, {name!r} was not; "
                "audit them apart"
            )
        if (type(other.domain), other.name) != (type(rows.domain), rows.name):
            raise InvalidInputError(
                f"students must all be Distillers of one domain, got {type(rows.domain).__name__} of {first!r} and "
                f"{type(other.domain).__name__} of {name!r}; audit them apart"
            )
    return rows


def column_names(students: Mapping[str, Any], frame: pd.DataFrame) -> list[str]:
    """Names that the columns of an audit will have: those of the domain, then the ordinary ones."""
    names = [n for s in students.values() for n in s.view_.features.names_]
    return list(dict.fromkeys([*names, *(str(c) for c in frame.columns)]))


@contextmanager
def reading_once(students: Mapping[str, Any]) -> Iterator[None]:
    """While it lasts no student looks at an object twice."""
    with ExitStack() as stack:
        for student in students.values():
            if isinstance(student, Distiller) and student.object_rows_ is not None:
                stack.enter_context(student.view_.features.remembering())
        yield


def in_columns(inputs: AuditInput, rows: ObjectRows) -> AuditInput:
    """The same audit on the columns of the domain, and beside it the objects themselves.

    Raises
    ------
    InvalidInputError
        If columns of two students have one name and other values.
    """
    frame, makers = _columns(inputs, rows)
    sensitive = [c for c in inputs.rows.attributes.columns if c in frame.columns]
    schema = Schema.infer(frame, sensitive=sensitive)
    schema = replace(schema, notices=tuple(n for n in schema.notices if not n.endswith("has one value only")))
    audited = replace(inputs.rows, frame=schema.frame(frame), schema=schema)
    students = tuple(_student(inputs, s, schema) for s in inputs.students)
    by_name = {s.name: s for s in students}
    baselines = {
        name: replace(model, answer=answer_of(model.inner, by_name[name].view, inputs.rule), view=by_name[name].view)
        for name, model in inputs.baselines.items()
    }
    answers = {model.name: model.answer for model in inputs.models()}
    train, labels = (None, None) if inputs.train is None else inputs.train
    return replace(
        inputs,
        rows=audited,
        teacher=_teacher(inputs.teacher, schema),
        students=students,
        baselines=baselines,
        second_teacher=None if inputs.second_teacher is None else _teacher(inputs.second_teacher, schema),
        stress=None,
        objects=ObjectAudit(
            rows, inputs.rows.frame, answers, makers, can_be_asked(inputs.teacher.inner), train, labels, inputs.stress
        ),
        notes=(*inputs.notes, *schema.notices),
    )


def _columns(inputs: AuditInput, rows: ObjectRows) -> tuple[pd.DataFrame, dict[str, ObjectColumns]]:
    """Columns of all students, each name once, with the ordinary ones behind; and who makes which of the domain's."""
    frame = inputs.rows.frame
    table: dict[str, pd.Series] = {}
    makers: dict[str, ObjectColumns] = {}
    for s in inputs.students:
        columns: ObjectColumns = s.view.features
        seen = columns.transform(frame)
        for name in columns.names_:
            if name in table and not table[name].equals(seen[name]):
                raise InvalidInputError(
                    f"students {_maker(inputs, makers[name])!r} and {s.name!r} have columns of one name and other "
                    f"values, {name!r}; fit them to the same objects with the same random_state, or audit them apart"
                )
            table.setdefault(name, seen[name])
            makers.setdefault(name, columns)
    ordinary = [name for name in frame.columns if name != rows.name]
    if both := sorted(set(ordinary) & set(table)):
        raise InvalidInputError(f"column {both[0]!r} of X must be named otherwise than the domain's; rename it")
    return pd.concat([pd.DataFrame(table), frame[ordinary]], axis=1), makers


def _maker(inputs: AuditInput, columns: ObjectColumns) -> str:
    return next(s.name for s in inputs.students if s.view.features is columns)


def _student(inputs: AuditInput, s: Model, schema: Schema) -> Model:
    """A student on the columns that it sees, as it was fitted to them."""
    view = StudentView(schema, [str(name) for name in s.view.features.get_feature_names_out()])
    return replace(s, answer=answer_of(s.inner, view, inputs.rule), view=view)


def _teacher(teacher: Model, schema: Schema) -> Model:
    inner = AskedByObject(teacher.inner) if can_be_asked(teacher.inner) else teacher.inner

    def refused(frame: pd.DataFrame) -> Any:
        return inner.predict(frame)

    return replace(teacher, answer=refused, view=StudentView(schema), inner=inner, P=np.asarray(teacher.P))
