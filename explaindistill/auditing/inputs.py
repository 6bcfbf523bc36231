"""The input of an audit: rows that no fitting saw, a decision rule, and every model with its answers to these rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from explaindistill.asking.labelling import label_keyed
from explaindistill.asking.memory import Memory
from explaindistill.auditing.answers import Answer, aligned, answer_of
from explaindistill.auditing.baseline import fit_baseline
from explaindistill.auditing.notes import turned_around
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.overlap import unseen
from explaindistill.auditing.validation import (
    attribute_columns,
    check_threshold,
    favorable_class,
    row_values,
    same_task_teacher,
    strata_values,
    stress_rows,
    true_labels,
)
from explaindistill.data.disclosure import disclosed
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.rows import as_frame
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.data.text_codes import coded, reads_codes, uncoded
from explaindistill.data.weights import as_weights
from explaindistill.distillation.choosing.student_choice import StudentChoice
from explaindistill.distillation.distiller import Distiller
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.once import once
from explaindistill.measures.row_values import RowValues
from explaindistill.protocols import Task, can_be_asked

__all__ = [
    "SECOND",
    "WITHOUT",
    "AuditInput",
    "AuditRows",
    "Model",
    "asked",
    "audit_rows",
    "decision_rule",
    "prepare",
]

WITHOUT = " without teacher"
"""What a baseline's name ends in, after its student's name."""
SECOND = "second teacher"
BLOCK_ROWS = 100_000
"""Rows that a student is asked about at once."""


@dataclass(frozen=True)
class AuditRows:
    """The audited rows and what is known of each; ``None`` where it was not passed.

    Attributes
    ----------
    frame : DataFrame of n rows
        In the form of ``schema``.
    y : ndarray of shape (n,), optional
        True labels or values.
    weight, clusters, strata : ndarrays of shape (n,), optional
    attributes : DataFrame of n rows
        Sensitive columns; none where none were named.
    equal_in_value : ndarray of shape (n,)
        Marks rows that equal, in value, some row of fitting without being that row.

    Examples
    --------
    >>> X = pd.DataFrame({"age": range(100), "sex": ["f", "m"] * 50})
    >>> rule = decision_rule(["yes", "no"], "yes", 0.5)
    >>> nothing_else = {"sample_weight": None, "clusters": None, "strata": None}
    >>> rows = audit_rows(X, None, rule, sensitive="sex", **nothing_else)
    >>> len(rows), len(rows.take(X["age"] < 30)), rows.attributes.columns.tolist()
    (100, 30, ['sex'])
    """

    frame: pd.DataFrame
    schema: Schema
    y: Any
    weight: NDArray[np.float64] | None
    clusters: NDArray[Any] | None
    attributes: pd.DataFrame
    strata: NDArray[Any] | None
    equal_in_value: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def coded(self) -> pd.DataFrame:
        """The frame with its text as codes, for what is copied many times; every model of an audit answers it."""
        return coded(self.frame) if self.schema.container == "frame" else self.frame

    def disclosed(self, min_category_size: int) -> Schema:
        """The schema without rare categories and without anybody's extreme; see :func:`disclosed`."""
        key = ("disclosed", min_category_size)
        return once(self.frame, key, lambda: disclosed(self.schema, self.frame, min_category_size))

    def take(self, keep: NDArray[np.bool_]) -> AuditRows:
        """Return the marked rows only."""

        def at(values: Any) -> Any:
            return None if values is None else values[keep]

        return replace(
            self,
            frame=self.frame if keep.all() else self.frame.loc[keep],
            y=at(self.y),
            weight=at(self.weight),
            clusters=at(self.clusters),
            attributes=self.attributes.loc[keep].reset_index(drop=True),
            strata=at(self.strata),
            equal_in_value=self.equal_in_value[keep],
        )

    def counted_attributes(self) -> pd.DataFrame:
        """Sensitive columns of the rows that count: those of weight 0 make no group larger."""
        return self.attributes if self.weight is None else self.attributes.loc[self.weight > 0]

    def sampling(self, keep: NDArray[Any] | None = None) -> dict[str, Any]:
        """Weights and clusters, of all rows or of the chosen ones, as keyword arguments of a measure."""
        rows = {"clusters": self.clusters, "sample_weight": self.weight}
        if keep is None:
            return rows
        return {name: None if values is None else values[keep] for name, values in rows.items()}


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
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> case = prepare(teacher, {"tree": tree}, rows, rule)
    >>> [(model.name, model.can_be_asked, model.P.shape) for model in case.models()]
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


@dataclass(frozen=True)
class AuditInput:
    """All that is measured is a function of this.

    Attributes
    ----------
    rows : AuditRows
    rule : DecisionRule
    teacher : Model
    students : tuple of Model
    baselines : mapping of str to Model
        By the name of the student; empty where there were no true labels to train on.
    second_teacher : Model, optional
    train : pair (X, y), optional
        Rows and true labels of fitting.
    stress : DataFrame, optional
        Rows of the caller's own to try the models on.
    store : path or label store, optional
        Where the teacher's answers are kept.
    notes : tuple of str
        What was noticed in the rows and in the students' columns.
    partitions : mapping of str to fitted tree
        By the name of a student: the tree whose leaves are the cells of the frame ``cells``.
    errors : mapping of str to Exception
        By the name of a baseline or of the second teacher that could not be fitted or asked: what it met.
    row_values : list of RowValues
        Filled while Shapley values are measured: they are about people, and go into no frame.
    objects : ObjectAudit, optional
        Where students are of a domain: the objects that the rows are columns of.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> case = prepare(teacher, {"tree": tree}, rows, rule)
    >>> case.task, [name for name, P in case.answers() if P is not None]
    ('classification', ['teacher', 'tree'])
    >>> str(case.decided(case.teacher.P)[-1])
    'yes'
    """

    rows: AuditRows
    rule: DecisionRule
    teacher: Model
    students: tuple[Model, ...]
    baselines: Mapping[str, Model] = field(default_factory=dict)
    second_teacher: Model | None = None
    train: tuple[Any, Any] | None = None
    stress: pd.DataFrame | None = None
    store: Any = None
    notes: tuple[str, ...] = ()
    partitions: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Exception] = field(default_factory=dict)
    row_values: list[RowValues] = field(default_factory=list)
    objects: ObjectAudit | None = None

    @property
    def task(self) -> Task:
        """What the models do."""
        return self.rule.task

    def models(self) -> tuple[Model, ...]:
        """The teacher, then its students."""
        return (self.teacher, *self.students)

    def answers(self) -> Iterator[tuple[str, NDArray[np.float64] | None]]:
        """Name and answers of the teacher, of each student and its baseline; None for a baseline without labels."""
        yield self.teacher.name, self.teacher.P
        for s in self.students:
            yield s.name, s.P
            yield s.name + WITHOUT, self.baselines[s.name].P if s.name in self.baselines else None

    def decided(self, P: NDArray[np.float64]) -> NDArray[Any]:
        """Decisions on the audited rows, whose weights count; rows of other places have none."""
        return self.rule.decide(P, self.rows.weight)

    def rule_of(self, P: NDArray[np.float64]) -> DecisionRule:
        """The rule on other rows than all audited ones, of who answered ``P`` there: a top share keeps its cut."""
        return self.rule if self.rule.classes is None else self.rule.fixed(P, self.rows.weight)

    def bounds(self) -> dict[str, float]:
        """By model the probability from which on it decides favourably; none where the most probable is decided."""
        if self.rule.classes is None:
            return {}
        bounds = {model.name: self.rule.bound(model.P, self.rows.weight) for model in self.models()}
        return {name: bound for name, bound in bounds.items() if bound is not None}


def decision_rule(classes: ArrayLike | None, favorable: Any, threshold: Any) -> DecisionRule:
    """Rule for a teacher's classes, sorted; see the functions of `validation` for what is refused.

    Examples
    --------
    >>> rule = decision_rule(["yes", "no"], "yes", 0.7)
    >>> rule.classes.tolist(), rule.decide(np.array([[0.4, 0.6], [0.1, 0.9]])).tolist()
    (['no', 'yes'], ['no', 'yes'])
    """
    sorted_classes = None if classes is None else np.unique(classes)
    rule = DecisionRule(sorted_classes, favorable_class(favorable, sorted_classes), threshold)
    check_threshold(rule)
    return rule


def audit_rows(
    X: Any,
    y: ArrayLike | None,
    rule: DecisionRule,
    *,
    sensitive: Any,
    sample_weight: ArrayLike | None,
    clusters: ArrayLike | None,
    strata: Any,
) -> AuditRows:
    """The caller's rows in one form; see the functions of `validation` for what is refused.

    Examples
    --------
    >>> X = pd.DataFrame({"age": range(100), "sex": ["f", "m"] * 50})
    >>> rule = decision_rule(["yes", "no"], "yes", 0.5)
    >>> nothing_else = {"sample_weight": None, "clusters": None, "strata": None}
    >>> rows = audit_rows(X, None, rule, sensitive="sex", **nothing_else)
    >>> rows.frame.shape, rows.weight is None, rows.schema["sex"].sensitive
    ((100, 2), True, True)
    """
    rows = as_frame(X)
    attributes = attribute_columns(sensitive, rows)
    schema = Schema.infer(X, sensitive=[c for c in attributes.columns if c in rows.columns])
    return AuditRows(
        frame=schema.frame(X),
        schema=schema,
        y=true_labels(y, len(rows), rule.classes),
        weight=None if sample_weight is None else as_weights(sample_weight, len(rows)),
        clusters=None if clusters is None else row_values(clusters, rows, "groups"),
        attributes=attributes,
        strata=None if strata is None else strata_values(strata, rows),
        equal_in_value=np.zeros(len(rows), dtype=bool),
    )


def prepare(
    teacher: Any,
    students: Mapping[str, Any],
    rows: AuditRows,
    rule: DecisionRule,
    *,
    train: tuple[Any, ArrayLike] | None = None,
    stress: Any = None,
    second_teacher: Any = None,
    store: Any = None,
) -> AuditInput:
    """Set rows of fitting aside, ask the teacher and the students once, and train the baselines.

    Parameters
    ----------
    teacher : teacher adapter
    students : mapping of str to fitted student or Distiller
    rows : AuditRows
    rule : DecisionRule
    train, stress, second_teacher, store : see :func:`explaindistill.audit`

    Raises
    ------
    InvalidInputError
        Names the argument, the rule and the value; nothing is asked of the teacher before all of them hold. What the
        second teacher or a baseline meets is not raised: it is kept in ``errors``.

    Examples
    --------
    >>> from explaindistill import TreeClassifier
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> case = prepare(teacher, {"tree": tree}, rows, rule)
    >>> case.students[0].features, case.students[0].P[0].round(3).tolist()
    (('age',), [0.75, 0.25])
    """
    again = None if second_teacher is None else same_task_teacher(second_teacher, rule.classes)
    tried = None if stress is None else stress_rows(stress, rows.schema)
    distillers = [s for s in students.values() if isinstance(s, Distiller)]
    keep, equal, notes = unseen(rows.frame, distillers, train)
    rows = replace(rows, equal_in_value=equal).take(keep)
    teacher_model, *asked_students = asked(teacher, students, rows, rule, store)
    models = tuple(asked_students)
    second = None if again is None else _tried(lambda: _teacher(SECOND, again, rows, rule, store))
    baselines = {} if train is None else {s.name: _tried(partial(_baseline, s, train, rows, rule)) for s in models}
    optional = {SECOND: second, **{name + WITHOUT: model for name, model in baselines.items()}}
    return AuditInput(
        rows=rows,
        rule=rule,
        teacher=teacher_model,
        students=models,
        baselines={name: model for name, model in baselines.items() if isinstance(model, Model)},
        second_teacher=second if isinstance(second, Model) else None,
        train=train,
        stress=tried,
        store=store,
        errors={name: model for name, model in optional.items() if isinstance(model, Exception)},
        notes=(
            *turned_around(teacher_model.P, rows.y, rule.classes, rows.weight),
            *notes,
            *rows.schema.notices,
        ),
    )


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
    >>> from explaindistill.teachers import as_teacher
    >>> X = pd.DataFrame({"age": range(100)})
    >>> P = pd.DataFrame({"no": 1 - X["age"] / 100, "yes": X["age"] / 100})
    >>> teacher, tree = as_teacher((X, P)), TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> rule = decision_rule(teacher.classes_, "yes", 0.5)
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> [model.name for model in asked(teacher, {"tree": tree}, rows, rule)]
    ['teacher', 'tree']
    """
    teacher_model = _teacher("teacher", teacher, rows, rule, store, keys)
    models = tuple(_student(name, student, rows, rule) for name, student in students.items())
    _check_outputs(teacher_model, models)
    return (teacher_model, *models)


def _check_outputs(teacher: Model, students: tuple[Model, ...]) -> None:
    """Values of several outputs are compared column by column: numpy would stretch a single one over all of them."""
    for student in students:
        if student.P.shape != teacher.P.shape:
            mine, theirs = (P.shape[1] if P.ndim > 1 else 1 for P in (student.P, teacher.P))
            raise InvalidInputError(
                f"student {student.name!r} must answer as many values per row as the teacher, {theirs}, got {mine}; "
                "fit it to all of them, or audit a teacher per output"
            )


def _tried(make: Callable[[], Model]) -> Model | Exception:
    """A model that an audit can do without, or the error that it met: what rests on it is then "cannot say"."""
    try:
        return make()
    except MemoryError:
        raise
    except Exception as error:  # whatever fitting or asking somebody's model meets
        return error


def _teacher(name: str, teacher: Any, rows: AuditRows, rule: DecisionRule, store: Any, keys: Any = None) -> Model:
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


def _baseline(student: Model, train: tuple[Any, Any], rows: AuditRows, rule: DecisionRule) -> Model:
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
