"""audit(): measure a teacher and its students once; Audit: the frozen record of it, which shows and saves itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, overload

import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill import plugins
from explaindistill.asking.forecast import Forecast
from explaindistill.auditing.about import About
from explaindistill.auditing.columns import named_in
from explaindistill.auditing.display_names import DisplayNames
from explaindistill.auditing.explanations import explanation
from explaindistill.auditing.failures import Failures, is_strict
from explaindistill.auditing.frames.cells import partitions
from explaindistill.auditing.frames.every import frame_names, measure_all, notes, suppressed
from explaindistill.auditing.inputs import SECOND, WITHOUT, AuditInput, AuditRows, audit_rows, decision_rule, prepare
from explaindistill.auditing.manifest import manifest, privacy_spent
from explaindistill.auditing.notes import nobody_said
from explaindistill.auditing.opening.sentences import Opening
from explaindistill.auditing.opening.writing import write_opening
from explaindistill.auditing.options import AuditOptions, check_rows, columns_wanted
from explaindistill.auditing.pictures import plot
from explaindistill.auditing.profiles.loading import load_profile
from explaindistill.auditing.rehearsal import Rehearsal
from explaindistill.auditing.report_kinds import kind_of
from explaindistill.auditing.validation import in_row_order, labelled_rows, named_students
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, disclosed
from explaindistill.data.files import write_whole
from explaindistill.data.rows_sent import asking_for
from explaindistill.data.schema import Schema
from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.row_values import RowValues
from explaindistill.measures.suppression import with_common_values
from explaindistill.measures.verdicts import check, check_rules
from explaindistill.protocols import Task
from explaindistill.teachers import as_teacher

__all__ = ["Audit", "audit"]

UNJUDGED = (
    "corpus", "columns", "cost", "query_curve", "complexity", "students", "profile_requirements", "dependence",
    "recommendation", "roc", "score_shares", "answer_pairs", "attribution_cells", "thresholds",
)  # fmt: skip
"""Frames that hold no figures with intervals under the name of a metric."""


@dataclass(frozen=True, repr=False)
class Audit:
    """Everything that was measured, and nothing about single people.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        ``verdicts``, ``fidelity``, ``performance``, ``teacher``, ``teachers`` (each teacher of an ensemble),
        ``rates``, ``gaps``, ``worst_pairs``, ``tests``, ``strata``, ``missing_bounds``, ``power``, ``group_fidelity``,
        ``transfer``, ``calibration``, ``reliability``, ``flips``, ``proxies``, ``leaf_audit``, ``mistakes``,
        ``stability``, ``importance``, ``importance_comparison``, ``attribution_gaps``,
        ``attribution_cells``, ``interactions``,
        ``comparison``, ``comparison_terms``, ``comparison_quality``, ``missing_inputs``, ``complexity``, ``students``,
        ``dependence``, ``dependence_comparison``, ``dependent_rows``, ``corpus``, ``columns``, ``believability``,
        ``cost``, ``query_curve``, ``deployment``, ``cells``, ``rule_fidelity``, ``worst_case``, ``roc``,
        ``score_shares``, ``answer_pairs``, ``decided_as``, ``profile``, ``profile_requirements``, ``recommendation``,
        ``thresholds``; each row of a measure has its ``n``, ``estimate``, ``low`` and ``high``. A frame that does not
        apply is empty. So is one that could not be measured: then ``failures`` (``module``, ``frame``, ``cause``) and
        the notes say why, and what rests on it is "cannot say".
    manifest : dict
        Digests, seeds, versions, date.
    students : mapping of str to fitted student
    notes : tuple of str
        What a reader must know.
    favorable : class, optional
        The decision that people want. None where nobody said it: what depends on it is then "cannot say".
    requirements : mapping
        What the caller held the figures against; without any there is no verdict.
    bounds : mapping of str to float
        The probability of the favourable class from which on a model decides it; none where the most probable class is
        decided.
    cells : mapping of str to fitted tree
        Which cell of the frame ``cells`` a row falls into, per student.
    row_values : tuple of RowValues
        Shapley values of rows, for :meth:`explanation`: in memory alone, in nothing that is saved or pickled.
    about : About
        What only people can say: title, decision, purpose, owner, data, date.
    names : DisplayNames
        How columns, classes and groups are called in what people read, and the units of columns.
    command : str
        What was typed, where the command line made the audit.
    pages : list of str
        Paths, as they were given, of the HTML pages that were saved: what a notebook links to.

    Notes
    -----
    Of the frames about groups: ``worst_pairs`` compares any pair, with simultaneous intervals; ``tests`` is one
    declared family (Holm, Benjamini–Hochberg); ``strata`` compares inside strata; ``missing_bounds`` are Manski's;
    ``power`` is what the sizes could have shown; ``calibration`` and ``reliability`` are against true labels;
    ``flips`` change a sensitive input alone; ``proxies`` are strength and use; ``leaf_audit`` says which rule meets
    whom. ``dependence`` are curves along columns, ``dependence_comparison`` the areas between those of teacher and
    students, the largest first. ``dependent_rows`` is whether rows look as if they belonged together: copies, columns
    that look like keys, errors alike in time; where they do, a warning stands in front. ``fidelity`` is also by rule of
    the student ("where …"), on stressed and what-if rows, of students without teacher and of the second teacher.
    ``teacher`` is what to know before imitating it; ``profile`` and ``profile_requirements`` are a rule set's;
    ``recommendation`` is who keeps a requirement when all students are judged together.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 300 for i in range(300)], "sex": ["f", "m"] * 150})
    >>> P = pd.DataFrame({"no": X["debt"] ** 2, "yes": 1 - X["debt"] ** 2})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    >>> report = xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], favorable="yes", n_explained=0)
    >>> report.check({"fidelity.agreement": ">= 0.9"})[["subject", "verdict"]].values.tolist()
    [['tree', 'pass']]
    >>> report.frames["rates"].query("metric == 'selection_rate'")[["subject", "group", "n"]].values.tolist()
    [['teacher', 'f', 150], ['teacher', 'm', 150], ['tree', 'f', 150], ['tree', 'm', 150]]
    """

    frames: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    students: Mapping[str, Any]
    schema: Schema
    task: Task
    teacher_name: str
    classes: NDArray[Any] | None
    favorable: Any
    threshold: Any
    notes: tuple[str, ...]
    requirements: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, float] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)
    about: About = field(default_factory=About)
    names: DisplayNames = field(default_factory=DisplayNames)
    command: str = ""
    pages: list[str] = field(default_factory=list, compare=False)
    row_values: tuple[RowValues, ...] = field(default=(), compare=False)

    plot = plot
    explanation = explanation

    def __getstate__(self) -> dict[str, Any]:
        """All but what is about single people: pickles and copies go without it."""
        return vars(self) | {"row_values": ()}

    @cached_property
    def opening(self) -> Opening:
        """What a reader learns first: sentences whose every figure knows the cell of the frame it was read from."""
        return write_opening(self)

    def check(self, requirements: Mapping[str, str]) -> pd.DataFrame:
        """Hold the figures against requirements: one verdict per requirement, subject and group.

        Parameters
        ----------
        requirements : mapping
            Such as ``{"fidelity.agreement": ">= 0.95", "bias.impact_ratio": ">= 0.8"}``. One passes where the whole
            interval keeps it, fails where the whole interval breaks it, and is inconclusive between.

        Returns
        -------
        DataFrame
            ``rule``, ``metric``, ``subject``, ``attribute``, ``group``, ``estimate``, ``low``, ``high``, ``n``,
            ``verdict`` ("pass", "fail", "inconclusive", "cannot say"), ``reason``.
        """
        return check(self.frames, requirements)

    def save(self, path: str | Path, kind: str | None = None) -> Path:
        """Write the report; the ending decides the kind: ``.html``, ``.md``, ``.json`` or ``.csv``.

        ``kind="model-card"`` writes a model card with the front matter that Hugging Face reads.

        Raises
        ------
        InvalidInputError
            For an ending that says nothing, where ``kind`` is not given.
        """
        target = Path(path)
        kind = kind or kind_of(target)
        text = plugins.door("report").render(self, kind)
        if kind == "html":
            self.pages.append(str(path))
        return write_whole(target, text)

    def summary(self) -> str:
        """The first screen as text: what to be warned of, fidelity, worst class and group, verdicts."""
        return str(plugins.door("report").summary(self))

    def save_all(self, paths: Iterable[str | Path]) -> list[Path]:
        """Write the report in several kinds, by their endings; the drawings are made once for all.

        Raises
        ------
        InvalidInputError
            For an ending that says nothing; nothing is written then.

        Examples
        --------
        >>> import tempfile
        >>> import explaindistill as xd
        >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)]})
        >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
        >>> report = xd.audit((X, P), xd.TreeClassifier(max_leaf_nodes=2).fit(X, P), X, n_explained=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     [path.name for path in report.save_all([f"{folder}/a.md", f"{folder}/a.json"])]
        ['a.md', 'a.json']
        """
        targets = [Path(path) for path in paths]
        kinds = [kind_of(target) for target in targets]
        texts = plugins.door("report").render_all(self, kinds)
        self.pages.extend(str(target) for target, kind in zip(targets, kinds, strict=True) if kind == "html")
        return [write_whole(target, text) for target, text in zip(targets, texts, strict=True)]

    def _repr_html_(self) -> str:
        return str(plugins.door("report").notebook(self))

    def __str__(self) -> str:
        """The opening as text of 80 columns."""
        return str(plugins.door("report").opened(self))

    def __repr__(self) -> str:
        """Short text: who was audited, on how many rows, with what verdicts."""
        counts = self.frames["verdicts"]["verdict"].value_counts().to_dict()
        verdicts = ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) or "no rule"
        return (
            f"Audit of {', '.join(self.students)} against {self.teacher_name} "
            f"on {self.manifest['n_rows']:,} rows: {verdicts}{self._lost()}{self._dependent()}"
        )

    def _dependent(self) -> str:
        return "; rows may not be independent" if dependence_warnings(self.frames["dependent_rows"]) else ""

    def _lost(self) -> str:
        names = self.frames["failures"]["frame"].tolist() if "failures" in self.frames else []
        return f"; could not be measured: {', '.join(names)}" if names else ""


@overload
def audit(
    teacher: Any, students: Any, X: Any, y: ArrayLike | None = None, *, dry_run: Literal[True], **options: Any
) -> Forecast: ...


@overload
def audit(
    teacher: Any, students: Any, X: Any, y: ArrayLike | None = None, *, dry_run: Literal[False] = False, **options: Any
) -> Audit: ...


def audit(  # type: ignore[misc]  # the options are spelled out here alone
    teacher: Any,
    students: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    train: tuple[Any, ArrayLike] | None = None,
    sensitive: Any = None,
    favorable: Any = None,
    threshold: float | Mapping[str, float] = 0.5,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    strata: Any = None,
    about: About | Mapping[str, str] | None = None,
    display_names: DisplayNames | Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
    stress: Any = None,
    second_teacher: Any = None,
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
    store: Any = None,
    random_state: int = 0,
    strict: bool | None = None,
    dry_run: bool = False,
) -> Audit | Forecast:
    """Measure what students kept of a teacher, on rows that no fitting saw.

    Parameters
    ----------
    teacher : teacher adapter, fitted estimator, torch module, or callable
    students : fitted student or Distiller, or mapping of name to one
    X : DataFrame or array of shape (n, d)
        Audited rows. Rows that fitting saw (same index label and same values) are left out and counted.
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
    store : path or LabelStore, optional
        Keeps the teacher's answers, so that an audit that was cut off, or is made again, asks nothing twice.
    random_state : int, default=0
    strict : bool, optional
        Whether an error inside a frame is raised; else the audit goes on, the frame is empty, and ``failures`` and the
        notes say why. When None the environment variable ``EXPLAINDISTILL_STRICT`` decides, and False without one.
    dry_run : bool, default=False
        Tell what the audit would ask of the teacher, with the same arguments, and ask nothing: the first student
        answers in its place. That takes about as long as the audit without the time of the teacher.

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
    adapter = as_teacher(teacher)
    named = named_students(students, adapter)
    rule = decision_rule(adapter.classes_, favorable, threshold)
    check_rules({} if requirements is None else requirements, _judgeable(), _subjects(named))
    arguments = {"y": y, "sensitive": sensitive, "sample_weight": sample_weight, "groups": groups, "strata": strata}
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
    shown.check([*rows.frame.columns, *groups_of], rule.classes, groups_of)
    rows = replace(rows, names=shown)
    train = None if train is None else labelled_rows(*train, rule)
    check_rows(options, rows, rule, train)
    if dry_run:
        rehearsal = Rehearsal(adapter, named, rows, rule, options, train, store)
        return rehearsal.forecast(stress, second_teacher)
    before = getattr(adapter, "epsilon", None)
    with asking_for("audit"):
        inputs = prepare(
            adapter, named, rows, rule, train=train, stress=stress, second_teacher=second_teacher, store=store
        )
        inputs = replace(inputs, notes=(*columns.notes, *inputs.notes))
        record = _measured(inputs, options, dict(requirements or {}), Failures(is_strict(strict)))
    notes_of_all = (*record.notes, *privacy_spent(adapter, before))
    return replace(record, notes=notes_of_all, about=described, names=shown)


def _measured(inputs: AuditInput, options: AuditOptions, requirements: dict[str, str], failures: Failures) -> Audit:
    """Measure, withhold what is about few people, and judge what is left."""
    for model, error in inputs.errors.items():
        failures.add("inputs", ["fidelity", "performance"], error, model)
    size = min(MIN_CATEGORY_SIZE, options.min_group_size)
    inputs = replace(inputs, rows=_nameless(inputs.rows, size))
    inputs = _divided(inputs, options.min_group_size, failures)
    measured = measure_all(inputs, options, failures)
    frames = suppressed(measured, inputs.rows.counted_attributes(), options.min_group_size, failures)
    sentences = notes(frames, failures)
    frames["failures"] = failures.to_frame()
    frames["verdicts"] = check(frames, requirements)
    return Audit(
        frames=frames,
        manifest=manifest(inputs, options, requirements),
        students={s.name: s.inner for s in inputs.students},
        schema=disclosed(inputs.rows.schema, inputs.rows.frame, size),
        task=inputs.task,
        teacher_name=_teacher_name(inputs.teacher.inner),
        classes=inputs.rule.classes,
        favorable=inputs.rule.favorable,
        threshold=inputs.rule.threshold,
        notes=(
            *nobody_said(inputs.rule, inputs.rows.attributes),
            *dependence_warnings(frames["dependent_rows"]),
            *inputs.notes,
            *sentences,
        ),
        requirements=requirements,
        bounds=inputs.bounds(),
        cells=inputs.partitions,
        row_values=tuple(inputs.row_values),
    )


def _nameless(rows: AuditRows, min_category_size: int) -> AuditRows:
    """Rows whose groups are named by enough people each: the name of a group of one would be that person's."""
    return replace(rows, attributes=with_common_values(rows.attributes, min_category_size))


def _judgeable() -> list[str]:
    """Frames that a requirement may name: those of figures."""
    return [name for name in frame_names() if name not in UNJUDGED]


def _subjects(students: Mapping[str, Any]) -> list[str]:
    return ["labels", "teacher", SECOND, *students, *(name + WITHOUT for name in students)]


def _divided(inputs: AuditInput, minimum: int, failures: Failures) -> AuditInput:
    """The input with the trees of the frame ``cells``; without them where none could be grown."""
    try:
        return replace(inputs, partitions=partitions(inputs, minimum))
    except MemoryError:
        raise
    except Exception as error:  # one frame rests on them
        failures.add("cells", ["cells"], error)
        return inputs


def _teacher_name(teacher: Any) -> str:
    inner = getattr(teacher, "estimator", getattr(teacher, "module", None))
    return type(teacher).__name__ + (f"({type(inner).__name__})" if inner is not None else "")
