"""audit(): measure a teacher and its students once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, overload

import pandas as pd
from numpy.typing import ArrayLike

from explaindistill.asking.forecast import Forecast
from explaindistill.asking.on_workers import check_workers
from explaindistill.asking.progress import Show, under_way
from explaindistill.auditing.about import About
from explaindistill.auditing.audit_rows import audit_rows
from explaindistill.auditing.columns import named_in
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.auditing.failures import Failures, is_strict
from explaindistill.auditing.frames.every import frame_names
from explaindistill.auditing.inputs import prepare
from explaindistill.auditing.manifest import privacy_spent
from explaindistill.auditing.measured import measured
from explaindistill.auditing.models import SECOND, WITHOUT
from explaindistill.auditing.notes import uses_sensitive
from explaindistill.auditing.objects.columns import column_names, in_columns, object_rows_of, reading_once
from explaindistill.auditing.objects.shown import labels_to_show, shown_objects
from explaindistill.auditing.options import AuditOptions, check_rows, columns_wanted
from explaindistill.auditing.partitions.opening import check_arguments, rows_drawn
from explaindistill.auditing.partitions.whole import EveryRow
from explaindistill.auditing.profiles.loading import load_profile
from explaindistill.auditing.record import Audit
from explaindistill.auditing.rehearsal import Rehearsal
from explaindistill.auditing.stages import stages
from explaindistill.auditing.validation import decision_rule, in_row_order, labelled_rows, named_students
from explaindistill.data.rows_sent import asking_for
from explaindistill.distillation.objects.teacher import teacher_of_objects
from explaindistill.measures.once import unchanged_tables
from explaindistill.measures.verdicts import check_rules
from explaindistill.numerics.threads import limited, n_threads
from explaindistill.protocols import Attributes, ClassLabel, Rows, TeacherLike, can_be_asked
from explaindistill.scale.opening import partitions_of
from explaindistill.teachers import as_teacher

__all__ = ["audit", "check_requirements"]

UNJUDGED = (
    "corpus", "columns", "cost", "query_curve", "complexity", "students", "profile_requirements", "dependence",
    "recommendation", "roc", "score_shares", "answer_pairs", "attribution_cells", "thresholds",
)  # fmt: skip
"""Frames that hold no figures with intervals under the name of a metric."""


@overload
def audit(
    teacher: TeacherLike, students: Any, X: Rows, y: ArrayLike | None = None, *, dry_run: Literal[True], **options: Any
) -> Forecast: ...


@overload
def audit(
    teacher: TeacherLike,
    students: Any,
    X: Rows,
    y: ArrayLike | None = None,
    *,
    dry_run: Literal[False] = False,
    **options: Any,
) -> Audit: ...


def audit(  # type: ignore[misc]  # the options are spelled out here alone
    teacher: TeacherLike,
    students: Any,
    X: Rows,
    y: ArrayLike | None = None,
    *,
    train: tuple[Any, ArrayLike] | None = None,
    sensitive: Attributes | None = None,
    favorable: ClassLabel | None = None,
    threshold: float | Mapping[str, float] = 0.5,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    strata: Attributes | None = None,
    about: About | Mapping[str, str] | None = None,
    display_names: DisplayNames | Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    stress: Rows | None = None,
    second_teacher: TeacherLike | None = None,
    profile: str | None = None,
    statements: Mapping[str, str] | None = None,
    date: str | None = None,
    requirements: Mapping[str, str] | None = None,
    n_refits: int = 0,
    price_per_row: float | None = None,
    query_curve: pd.DataFrame | None = None,
    min_group_size: int = 10,
    n_explained: int = 500,
    compare: bool = False,
    time_models: bool = False,
    dependence: bool | Iterable[str] = False,
    worst_case: bool | int = False,
    n_made_up: int = 0,
    margin: float | None = None,
    show: Iterable[Any] = (),
    store: Any = None,
    random_state: int = 0,
    strict: bool | None = None,
    dry_run: bool = False,
    progress: Show = None,
    n_jobs: int | None = None,
) -> Audit | Forecast:
    """Measure what students kept of a teacher, on rows that no fitting saw.

    Parameters
    ----------
    teacher : teacher adapter, fitted estimator, torch module, or callable
    students : fitted student or Distiller, or mapping of name to one
    X : DataFrame or array of shape (n, d), or rows in partitions
        Audited rows. Of rows in partitions (:func:`explaindistill.open_parquet`, a frame of dask) what is a sum is that
        of all of them, and all else rests on 100,000 drawn ones; each frame says it in its column ``rows``, and ``y``,
        ``sensitive``, ``sample_weight`` and ``strata`` are names of columns. Rows that fitting saw (same index label
        and same values) are left out and counted.
    y : array of shape (n,), or name of a column of X, optional
        True labels or values, which models do not see: a column that is named is taken out of the rows, unless a model
        was fitted with it (then a note says so). The same holds for ``sample_weight`` and ``groups``, and for
        ``sensitive`` and ``strata`` where it is known which columns the teacher reads.
    train : pair (X, y), or (X, name of a column of X), optional
        Rows and true labels to train each student *without* the teacher on, for comparison.
    sensitive : names of columns of X, or DataFrame with one row per row of X, optional
        Need not be inputs of any model.
    favorable : class, optional
        The decision that people want. It is never guessed: without it figures that depend on it (rates by group,
        their gaps and ratios, transfer, calibration) are "cannot say".
    threshold : float in (0, 1), or ``{"top": share}``, default=0.5
        Two classes: favourable where its probability reaches the threshold, or within the top share.
    sample_weight : array of shape (n,), or name of a column of X, optional
    groups : array of shape (n,), or name of a column of X, optional
        Clusters of rows that belong together (one person, one branch); intervals then are cluster-robust.
    strata : name of a column of X, or array of shape (n,), optional
        Jobs, sites or years inside which groups are compared (Cochran–Mantel–Haenszel, Breslow–Day).
    about : About, or mapping of its fields, optional
        ``title``, ``decision``, ``purpose``, ``owner``, ``data_name``, ``row_name`` and ``date``, as the report shall
        say them; nothing of it is guessed.
    display_names : mapping, optional
        How things are called in what people read:
        ``{"columns": {"debt": "debt / income"}, "classes": {"1": "approved"}, "groups": {"sex": {"f": "women"}}}``.
        Frames, JSON and CSV keep the names of the data, and JSON and CSV list these beside.
    units : mapping of column to unit, optional
        Such as ``{"income": "euro a month"}``.
    stress : DataFrame with the columns of X, optional
        Rows of your own ("what if?") on which fidelity is measured besides; they need no labels.
    second_teacher : as ``teacher``, optional
        The same teacher trained again: its agreement with the first is the most that noise lets a student reach.
    profile : str, optional
        Name of a dated rule set, such as ``"nyc-ll144@2023-07"``: its arithmetic and the tables that it asks for.
        ``explaindistill list profiles`` names all.
    statements : mapping of str to str, optional
        What only people can say and a rule set asks for, such as ``{"data_source": "applications of 2025"}``; with
        ``exclusion_justification`` categories that the rule set may leave out are left out. Kept in the manifest.
    date : str, optional
        Date of the audit as it shall stand in the report; never read from the clock.
    requirements : mapping, optional
        What the first page holds the figures against; see :meth:`Audit.check`. Without any there are figures and
        intervals, and no pass or fail.
    n_refits : int, 0 or at least 3, default=0
        How often each Distiller is refitted on bootstrapped rows of ``train`` to measure stability; the teacher is
        asked anew each time (or its store).
    min_group_size : int, default=10
        Figures of groups of fewer people are withheld in every frame, and with them those of further groups from which
        they could be worked out; 1 shows everything.
    price_per_row : float >= 0, optional
        Price of one answer of the teacher, in any currency, for what distilling cost; the teacher's own when None.
    query_curve : DataFrame, optional
        Fidelity against the number of questions, as :func:`explaindistill.query_curve` measured it, for the report.
    n_explained : int, at least 0, default=500
        Rows that get Shapley values: exact for the students, and for a forest or boosted trees as teacher that shap
        reads; else sampled with the best student as control, which asks the teacher about 4 (d - 1) rows for each. 0
        leaves them out, and with them missed interactions and what a gap between groups comes from.
    compare : bool, default=False
        Whether the teacher's use of each column is compared with what the outcomes support, see
        :func:`explaindistill.distill_and_compare`; needs ``y``.
    time_models : bool, default=False
        Whether single rows and batches are timed for the deployment card. Times differ from run to run, and a report
        that holds them is no longer the same bytes each time; sizes and operations are always there.
    dependence : bool or names of columns, default=False
        Whether curves are measured: how the answers of teacher and students change along each column (or those named),
        as accumulated local effects and partial dependence. Each column asks the teacher about 3,000 rows.
    worst_case : bool, or int of at least 1, default=False
        Whether rows near people are searched on which teacher and student differ most, see
        :func:`explaindistill.measures.disagreement.worst_disagreements`. It asks the teacher about up to 200,000 rows
        for all students together, or as many as the number says.
    n_made_up : int, at least 0, default=0
        Rows made up near the audited ones (MUNGE) and put to the teacher, on which the fidelity of each rule of a
        student is measured besides: more of them than people give closer limits, which hold of such rows.
    margin : float, optional
        Difference of two selection rates, or of a regressor's means in their unit, below which the words "inherited"
        and "hidden" call them the same; three points, or a tenth of the standard deviation of the teacher's values,
        when None.
    show : labels of rows of X, default=()
        Of students with a ``domain``: objects that the HTML page shows, each with what counted for every student's
        answer. Others never stand in any report, and these in no other kind of it.
    store : path or LabelStore, optional
        Keeps the teacher's answers, so that an audit that was cut off, or is made again, asks nothing twice.
    random_state : int, default=0
    strict : bool, optional
        Whether an error inside a frame is raised; else the audit goes on, the frame is empty, and ``failures`` and the
        notes say why. When None the environment variable ``EXPLAINDISTILL_STRICT`` decides, and False without one.
    dry_run : bool, default=False
        Tell what the audit would ask of the teacher, with the same arguments, and ask nothing: the first student
        answers in its place. That takes about as long as the audit without the time of the teacher.
    progress : bool or callable, optional
        How far it is: None shows a bar after two seconds in a terminal or a notebook, True always, False never; a
        callable is given a :class:`~explaindistill.asking.progress_report.Progress` at least once a second, from a
        thread of its own. What was answered when an audit is interrupted is in ``store``.
    n_jobs : int, optional
        Threads of what the audit itself computes; None is one, -1 as many as this process may use. A model that is
        asked keeps its own.

    Returns
    -------
    Audit, or with ``dry_run`` a :class:`~explaindistill.asking.forecast.Forecast`
        Its number is that of the audit, or where answers decide what is asked further an upper bound, which is said;
        rows that are sent again after a failure come on top. What an audit did ask stands in
        ``manifest["rows_sent"]``.

    Raises
    ------
    InvalidInputError
        For an argument, or a requirement, that breaks a rule; nothing is asked or measured before all of them hold.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> forest = RandomForestClassifier(20, random_state=0).fit(X[:300], y[:300])
    >>> student = xd.Distiller(forest, xd.TreeClassifier(max_leaf_nodes=8), random_state=0).fit(X[:300])
    >>> report = xd.audit(forest, {"tree": student}, X[300:], y[300:])
    >>> report
    Audit of tree against EstimatorTeacher(RandomForestClassifier) on 269 rows: ...
    """
    n_threads(n_jobs)  # a number that is none is refused before anything is asked
    arguments = {"y": y, "sensitive": sensitive, "sample_weight": sample_weight, "groups": groups, "strata": strata}
    if (parts := partitions_of(X)) is not None:
        top = isinstance(threshold, Mapping)
        check_arguments(arguments, {"dry_run": dry_run, "store": store is not None, "threshold={'top': …}": top})
    described, shown = About.of(about, date), DisplayNames.of(display_names, units)
    options = AuditOptions(
        n_refits=n_refits,
        n_explained=n_explained,
        min_group_size=min_group_size,
        price_per_row=price_per_row,
        query_curve=query_curve,
        compare=compare,
        time_models=time_models,
        dependence=columns_wanted(dependence),
        worst_case=worst_case,
        n_made_up=n_made_up,
        margin=margin,
        profile=None if profile is None else load_profile(profile),
        statements=statements or {},
        requirements=requirements or {},
        date=described.date or None,
        random_state=random_state,
    )
    objects = object_rows_of(dict(students) if isinstance(students, Mapping) else {"student": students})
    adapter = as_teacher(teacher) if objects is None else teacher_of_objects(teacher, objects)
    if objects is not None:
        check_arguments(arguments if parts else {}, {"a domain": parts is not None})
        X = objects.frame(X)
        train = None if train is None else (objects.frame(train[0]), train[1])
        stress = None if stress is None else objects.frame(stress)
        if second_teacher is not None:
            second_teacher = teacher_of_objects(second_teacher, objects)
    named = named_students(students, adapter)
    labels = labels_to_show(show, None if objects is None else X)
    rule = decision_rule(adapter.classes_, favorable, threshold)
    check_requirements({} if requirements is None else requirements, named)
    if parts is not None:
        check_workers(adapter, parts)
        X = rows_drawn(parts, arguments)
    columns = named_in(X, arguments, adapter, named)
    ordered = {argument: in_row_order(values, columns.X, argument) for argument, values in columns.values.items()}
    rows = audit_rows(
        columns.X,
        ordered["y"],
        rule,
        sensitive=ordered["sensitive"],
        sample_weight=ordered["sample_weight"],
        clusters=ordered["groups"],
        strata=ordered["strata"],
    )
    groups_of = {str(c): rows.attributes[c].dropna().unique() for c in rows.attributes.columns}
    names = rows.frame.columns if objects is None else column_names(named, rows.frame)
    shown.check([*names, *groups_of], rule.classes, groups_of)
    train = None if train is None else labelled_rows(*train, rule)
    check_rows(options, rows, rule, train)
    if dry_run:
        rehearsal = Rehearsal(adapter, named, rows, rule, options, train, store)
        return rehearsal.forecast(stress, second_teacher)
    before = getattr(adapter, "epsilon", None)
    plan = stages(len(rows), rows.frame.shape[1], options, can_be_asked(adapter))
    with (
        asking_for("audit"), under_way(progress, plan, store), limited(n_jobs), unchanged_tables(), reading_once(named)
    ):  # fmt: skip
        inputs = prepare(
            adapter,
            named,
            rows,
            rule,
            train=train,
            stress=stress,
            second_teacher=second_teacher,
            store=store,
        )
        if objects is not None:
            inputs = in_columns(inputs, objects)
        used = uses_sensitive(inputs.students, inputs.rows.attributes, shown)
        whole = None if parts is None else EveryRow(parts, arguments, named)
        of_rows = inputs.notes if whole is None else [f"Of the drawn rows: {note}" for note in inputs.notes]
        inputs = replace(inputs, notes=(*columns.notes, *of_rows, *used))
        failures = Failures(is_strict(strict), objects is not None)
        record = measured(inputs, options, dict(requirements or {}), failures, whole)
        if objects is not None:
            lists = {name: words for name, s in named.items() if (words := s.lists())}
            record = replace(record, shown=shown_objects(inputs, labels), lists=lists)
    notes_of_all = (*record.notes, *privacy_spent(adapter, before))
    return replace(record, notes=notes_of_all, about=described, names=shown)


def check_requirements(requirements: Mapping[str, str], students: Iterable[str]) -> None:
    """Refuse requirements that no audit of students of these names could be held against, before any work.

    Raises
    ------
    InvalidInputError
        With the nearest name.

    Examples
    --------
    >>> check_requirements({"fidelity.agreemnt": ">= 0.9"}, ["tree"])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: fidelity has no metric 'agreemnt'; did you mean 'agreement'?; it has: ...
    """
    check_rules(requirements, _judgeable(), _subjects(students))


def _judgeable() -> list[str]:
    """Frames that a requirement may name: those of figures."""
    return [name for name in frame_names() if name not in UNJUDGED]


def _subjects(students: Iterable[str]) -> list[str]:
    students = list(students)
    return ["labels", "teacher", SECOND, *students, *(name + WITHOUT for name in students)]
