"""The input of an audit: rows that no fitting saw, a decision rule, and every model with its answers to these rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.models import SECOND, WITHOUT, Model, asked, baseline_model, teacher_model
from explaindistill.auditing.notes import turned_around
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.overlap import unseen
from explaindistill.auditing.validation import same_task_teacher, stress_rows
from explaindistill.distillation.distiller import Distiller
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.row_values import RowValues
from explaindistill.protocols import Task

__all__ = ["AuditInput", "prepare"]


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
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
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
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
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
    first, *asked_students = asked(teacher, students, rows, rule, store)
    models = tuple(asked_students)
    second = None if again is None else _tried(lambda: teacher_model(SECOND, again, rows, rule, store))
    baselines = {} if train is None else {s.name: _tried(partial(baseline_model, s, train, rows, rule)) for s in models}
    optional = {SECOND: second, **{name + WITHOUT: model for name, model in baselines.items()}}
    return AuditInput(
        rows=rows,
        rule=rule,
        teacher=first,
        students=models,
        baselines={name: model for name, model in baselines.items() if isinstance(model, Model)},
        second_teacher=second if isinstance(second, Model) else None,
        train=train,
        stress=tried,
        store=store,
        errors={name: model for name, model in optional.items() if isinstance(model, Exception)},
        notes=(
            *turned_around(first.P, rows.y, rule.classes, rows.weight),
            *notes,
            *rows.schema.notices,
        ),
    )


def _tried(make: Callable[[], Model]) -> Model | Exception:
    """A model that an audit can do without, or the error that it met: what rests on it is then "cannot say"."""
    try:
        return make()
    except MemoryError:
        raise
    except Exception as error:  # whatever fitting or asking somebody's model meets
        return error
