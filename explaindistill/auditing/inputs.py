"""The case of an audit: everything that is compared, brought into one form, on rows that no fitting saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from explaindistill.asking.labelling import label
from explaindistill.data.row_keys import row_keys
from explaindistill.data.schema import Schema, as_frame
from explaindistill.data.targets import one_hot
from explaindistill.distillation.distiller import Distiller
from explaindistill.distillation.student_fit import as_targets, check_task, fit_student
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import decisions
from explaindistill.measures.table import frame, row
from explaindistill.protocols import Task, can_be_asked
from explaindistill.teachers._adapt import as_teacher

__all__ = [
    "SECOND",
    "WITHOUT",
    "Case",
    "Subject",
    "aligned",
    "cannot_say",
    "decided",
    "named_answers",
    "open_case",
    "stack",
]

Answer = Callable[[pd.DataFrame], NDArray[np.float64]]
WITHOUT = " without teacher"
SECOND = "second teacher"


@dataclass(frozen=True)
class Subject:
    """One model under audit: its answers ``P`` on the audited rows, in the order of the case's classes.

    ``given`` is what the caller passed, ``inner`` the fitted student inside it, ``baseline`` the answers of the same
    student trained on true labels without the teacher, or None.
    """

    name: str
    given: Any
    inner: Any
    answer: Answer
    P: NDArray[np.float64]
    features: tuple[str, ...]
    baseline: NDArray[np.float64] | None


@dataclass(frozen=True)
class Case:
    """All that is measured is a function of this.

    ``attributes`` are the sensitive columns, one row per audited row; ``equal_in_value`` marks rows that equal,
    in value, some row of fitting without being that row. ``strata`` are the strata of the rows, ``stress`` rows of the
    caller's own to try both on, ``P_second`` the answers of a second teacher, ``store`` where answers are kept; each
    None where it was not given.
    """

    task: Task
    schema: Schema
    frame: pd.DataFrame
    y: Any
    weight: NDArray[np.float64] | None
    clusters: NDArray[Any] | None
    teacher: Any
    teacher_answer: Answer
    P: NDArray[np.float64]
    subjects: tuple[Subject, ...]
    attributes: pd.DataFrame
    classes: Any
    favorable: Any
    threshold: Any
    equal_in_value: NDArray[np.bool_]
    notes: tuple[str, ...]
    n_teacher_rows: int
    train: tuple[Any, Any] | None
    strata: NDArray[Any] | None = None
    stress: pd.DataFrame | None = None
    P_second: NDArray[np.float64] | None = None
    store: Any = None

    @property
    def can_be_asked(self) -> bool:
        """Whether the teacher answers rows that were not recorded."""
        return can_be_asked(self.teacher)


def decided(case: Case, P: NDArray[np.float64], own: bool = True) -> NDArray[Any]:
    """Decisions by the rule of the case; ``own`` tells that the rows are those of the case, which may have weights."""
    weight = case.weight if own else None
    return decisions(P, case.classes, case.favorable, case.threshold, sample_weight=weight)


def named_answers(case: Case) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
    """Every model of the case with its answers; None where a twin without teacher could not be trained."""
    yield "teacher", case.P
    for s in case.subjects:
        yield s.name, s.P
        yield s.name + WITHOUT, s.baseline


def stack(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Frames of one kind below each other; an empty frame of measures where there are none."""
    found = [p for p in parts if len(p)]
    return pd.concat(found, ignore_index=True) if found else frame([])


def cannot_say(metric: str, subject: str, reason: str, **more: Any) -> pd.DataFrame:
    """One line that says why there is no figure."""
    line = row(metric, np.nan, np.nan, np.nan, n=0, subject=subject, status="undefined", reason=reason, **more)
    return frame([line])


def open_case(
    teacher: Any,
    students: Any,
    X: Any,
    y: ArrayLike | None,
    *,
    train: tuple[Any, ArrayLike] | None,
    sensitive: Any,
    favorable: Any,
    threshold: Any,
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
    strata: Any = None,
    stress: Any = None,
    second_teacher: Any = None,
    store: Any = None,
) -> Case:
    """Check every argument, ask the teacher and the students once, and set rows of fitting aside.

    Raises
    ------
    InvalidInputError
        Names the argument, the rule and the value; nothing is asked of the teacher before all of them hold.
    """
    adapter = as_teacher(teacher)
    named = _named(students)
    classes = None if adapter.classes_ is None else np.unique(adapter.classes_)
    task: Task = "regression" if classes is None else "classification"
    for name, student in named.items():
        _check_student(name, student, adapter)
    given, attributes = as_frame(X), _attributes(sensitive, X)
    schema = Schema.infer(X, sensitive=[c for c in attributes.columns if c in given.columns])
    truth = _truth(y, len(given), classes)
    again = None if second_teacher is None else _second(second_teacher, classes)
    tried = None if stress is None else _stress(stress, schema)
    favorable = _favorable(favorable, classes)
    _check_threshold(threshold)
    weight = None if sample_weight is None else _check_sample_weight(sample_weight, np.empty((len(given), 1)))
    clusters = None if groups is None else np.asarray(groups)
    layers = None if strata is None else _strata(strata, given)
    kept, equal, notes = _unseen(schema.frame(X), named, train)
    rows = schema.frame(X).loc[kept]
    pick = _picker(kept)
    answer = _teacher_answer(adapter, schema, classes, store)
    subjects = tuple(_subject(n, s, rows, schema, classes, train) for n, s in named.items())
    return Case(
        task=task,
        schema=schema,
        frame=rows,
        y=pick(truth),
        weight=pick(weight),
        clusters=pick(clusters),
        teacher=adapter,
        teacher_answer=answer,
        P=answer(rows),
        subjects=subjects,
        attributes=attributes.loc[kept].reset_index(drop=True),
        classes=classes,
        favorable=favorable,
        threshold=threshold,
        equal_in_value=equal[kept],
        notes=(*notes, *schema.notices, *_uses_sensitive(subjects, attributes)),
        n_teacher_rows=len(rows),
        train=train,
        strata=pick(layers),
        stress=tried,
        P_second=None if again is None else _teacher_answer(again, schema, classes, store)(rows),
        store=store,
    )


def _second(teacher: Any, classes: NDArray[Any] | None) -> Any:
    again = as_teacher(teacher)
    own = None if again.classes_ is None else np.unique(again.classes_).tolist()
    if own != (None if classes is None else classes.tolist()):
        raise InvalidInputError(f"second_teacher must have the teacher's classes, got {own}")
    return again


def _stress(stress: Any, schema: Schema) -> pd.DataFrame:
    rows = as_frame(stress)
    if missing := [c for c in schema.names if c not in rows.columns]:
        raise InvalidInputError(f"stress must have the columns of X, {', '.join(missing)} missing")
    if len(rows) == 0:
        raise InvalidInputError("stress must have at least 1 row, got none")
    return schema.frame(rows[schema.names])


def _strata(strata: Any, rows: pd.DataFrame) -> NDArray[Any]:
    if isinstance(strata, str):
        if strata not in rows.columns:
            raise InvalidInputError(f"strata names {strata!r}, the columns are: {', '.join(rows.columns)}")
        return rows[strata].to_numpy()
    values = np.asarray(strata)
    if values.shape != (len(rows),):
        raise InvalidInputError(f"strata must have one entry per row of X, {len(rows)}, got shape {values.shape}")
    return values


def _named(students: Any) -> dict[str, Any]:
    named = dict(students) if isinstance(students, Mapping) else {"student": students}
    if not named:
        raise InvalidInputError("students must hold at least 1 fitted student, got none")
    if taken := {"labels", "teacher"} & set(named):
        raise InvalidInputError(f"students must not be called {', '.join(sorted(taken))}; choose other names")
    return {str(k): v for k, v in named.items()}


def _check_student(name: str, student: Any, teacher: Any) -> None:
    if not hasattr(student, "predict"):
        raise InvalidInputError(f"student {name!r} must be a fitted estimator, got {type(student).__name__}")
    check_is_fitted(student)
    check_task(student.student if isinstance(student, Distiller) else student, teacher)


def _attributes(sensitive: Any, X: Any) -> pd.DataFrame:
    rows = as_frame(X)
    if sensitive is None:
        return pd.DataFrame(index=pd.RangeIndex(len(rows)))
    if isinstance(sensitive, pd.DataFrame | pd.Series):
        given = sensitive.to_frame() if isinstance(sensitive, pd.Series) else sensitive
        if len(given) != len(rows):
            raise InvalidInputError(f"sensitive must have one row per row of X, {len(rows)}, got {len(given)}")
        return given.reset_index(drop=True)
    names = [sensitive] if isinstance(sensitive, str) else list(sensitive)
    if unknown := [n for n in names if n not in rows.columns]:
        raise InvalidInputError(
            f"sensitive names {', '.join(map(str, unknown))}, the columns are: {', '.join(rows.columns)}; "
            "for attributes outside the model give a DataFrame"
        )
    return rows[names].reset_index(drop=True)


def _truth(y: ArrayLike | None, n: int, classes: NDArray[Any] | None) -> NDArray[Any] | None:
    if y is None:
        return None
    truth = np.asarray(y).ravel()
    if len(truth) != n:
        raise InvalidInputError(f"y must have one value per row of X, {n}, got {len(truth)}")
    if classes is None:
        return truth.astype(float)
    one_hot(truth, classes)
    return truth


def _favorable(favorable: Any, classes: NDArray[Any] | None) -> Any:
    if classes is None:
        return None
    if favorable is None:
        return classes[1] if len(classes) == 2 else None
    if favorable not in classes.tolist():
        raise InvalidInputError(f"favorable must be one of the classes {classes.tolist()}, got {favorable!r}")
    return favorable


def _check_threshold(threshold: Any) -> None:
    share = threshold.get("top") if isinstance(threshold, Mapping) else threshold
    if not isinstance(share, int | float) or not 0 < share < 1:
        raise InvalidInputError(f'threshold must lie between 0 and 1, or be {{"top": share}}, got {threshold!r}')


def _unseen(
    rows: pd.DataFrame, named: Mapping[str, Any], train: tuple[Any, Any] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    """Which rows no fitting saw, which equal one it saw in value, and what to say about both.

    A row was seen where its index label and its values both are among the rows of fitting; the same values under
    another label are another person.
    """
    keys = _joined(row_keys(rows))
    seen_ids: set[tuple[Any, bytes]] = set()
    seen_values: set[bytes] = set()
    for index, fitted in _fitted_rows(named, train, list(rows.columns)):
        values = _joined(fitted)
        seen_values.update(values)
        if index is not None:
            seen_ids.update(zip(index.tolist(), values, strict=True))
    labelled = zip(rows.index.tolist(), keys, strict=True)
    same = np.array([pair in seen_ids for pair in labelled], dtype=np.bool_)
    equal = np.array([k in seen_values for k in keys], dtype=np.bool_) & ~same
    notes = []
    if same.all():
        raise InvalidInputError(f"X must hold rows that fitting did not see, but all {len(keys)} were in it")
    if same.any():
        notes.append(f"{int(same.sum())} of {len(keys)} rows were seen in fitting and are left out of every figure")
    if equal.any():
        notes.append(
            f"{int(equal.sum())} rows equal, in value, a row seen in fitting; fidelity is shown with and without them"
        )
    return ~same, equal, notes


def _fitted_rows(
    named: Mapping[str, Any], train: tuple[Any, Any] | None, columns: list[str]
) -> Iterable[tuple[pd.Index | None, NDArray[np.uint64]]]:
    for student in named.values():
        if isinstance(student, Distiller):
            yield student.fit_rows_.index, student.fit_rows_.keys
    if train is not None:
        rows = as_frame(train[0])
        missing = [c for c in columns if c not in rows.columns]
        if missing:
            raise InvalidInputError(f"train must have the columns of X, {', '.join(missing)} missing")
        yield (rows.index if isinstance(train[0], pd.DataFrame) else None), row_keys(rows[columns])


def _joined(keys: NDArray[np.uint64]) -> list[bytes]:
    packed = np.ascontiguousarray(keys).view(f"V{keys.shape[1] * 8}").ravel()
    return packed.tolist()


def _picker(kept: NDArray[np.bool_]) -> Callable[[Any], Any]:
    return lambda values: None if values is None else values[kept]


def _teacher_answer(teacher: Any, schema: Schema, classes: NDArray[Any] | None, store: Any) -> Answer:
    def answer(rows: pd.DataFrame) -> NDArray[np.float64]:
        return aligned(label(teacher, schema.restore(rows), store=store), teacher.classes_, classes)

    return answer


def _subject(
    name: str,
    student: Any,
    rows: pd.DataFrame,
    schema: Schema,
    classes: NDArray[Any] | None,
    train: tuple[Any, Any] | None,
) -> Subject:
    is_distiller = isinstance(student, Distiller)
    inner = student.student_ if is_distiller else student
    seen = student.features_ if is_distiller else None
    features = tuple(seen) if isinstance(seen, list) else tuple(schema.names)
    answer = _student_answer(student, schema, classes)
    baseline = None
    if train is not None:
        twin = _without_teacher(student, train, schema, classes)
        baseline = _student_answer(twin, schema, classes, _columns_of(student))(rows)
    return Subject(name, student, inner, answer, answer(rows), features, baseline)


def _columns_of(student: Any) -> Any:
    return student.features_ if isinstance(student, Distiller) else None


def _student_answer(student: Any, schema: Schema, classes: NDArray[Any] | None, features: Any = None) -> Answer:
    def answer(rows: pd.DataFrame) -> NDArray[np.float64]:
        seen: Any = rows
        if isinstance(features, list):
            seen = rows[features]
        elif features is not None:
            seen = features.transform(schema.restore(rows))
        seen = schema.restore(seen) if isinstance(seen, pd.DataFrame) else seen
        if classes is None:
            return np.asarray(student.predict(seen), dtype=float)
        if hasattr(student, "predict_proba"):
            return aligned(np.asarray(student.predict_proba(seen), dtype=float), student.classes_, classes)
        return one_hot(student.predict(seen), classes)

    return answer


def aligned(P: NDArray[np.float64], own: NDArray[Any] | None, classes: NDArray[Any] | None) -> NDArray[np.float64]:
    """Columns of ``P`` in the order of ``classes``; a class the model does not know has probability 0."""
    if classes is None or own is None or np.array_equal(own, classes):
        return P
    out = np.zeros((len(P), len(classes)))
    out[:, np.searchsorted(classes, own)] = P
    return out


def _without_teacher(student: Any, train: tuple[Any, Any], schema: Schema, classes: NDArray[Any] | None) -> Any:
    """The same student, fitted to true labels."""
    fresh = clone(student.student if isinstance(student, Distiller) else student)
    if isinstance(student, Distiller):
        known = {k: v for k, v in student.student_.get_params(deep=True).items() if k.split("__")[-1] == "random_state"}
        fresh.set_params(**known)
    rows = schema.frame(train[0])
    y = np.asarray(train[1]).ravel()
    if len(y) != len(rows):
        raise InvalidInputError(f"train must hold as many labels as rows, {len(rows)}, got {len(y)}")
    features = _columns_of(student)
    seen: Any = rows
    if features is not None:
        seen = rows[features] if isinstance(features, list) else features.transform(schema.restore(rows))
    fit_student(fresh, as_targets(rows, y, None, classes), schema, seen)
    return fresh


def _uses_sensitive(subjects: tuple[Subject, ...], attributes: pd.DataFrame) -> list[str]:
    notes = []
    for s in subjects:
        used = [c for c in attributes.columns if c in s.features and c in _used(s)]
        if used:
            columns = "column" if len(used) == 1 else "columns"
            notes.append(f"The student “{s.name}” uses the sensitive {columns} {', '.join(used)}.")
    return notes


def _used(subject: Subject) -> set[str]:
    if not hasattr(subject.inner, "importance"):
        return set(subject.features)
    table = subject.inner.importance()
    return set(table.loc[table["estimate"] > 0, "feature"])
