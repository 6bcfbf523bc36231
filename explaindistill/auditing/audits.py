"""audit(): measure a teacher and its students once; Audit: the frozen record of it, which shows and saves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill import plugins
from explaindistill.auditing.frames.comparison import comparison_frames
from explaindistill.auditing.frames.corpus import believed, costs, per_teacher
from explaindistill.auditing.frames.deployment import deployment_of
from explaindistill.auditing.frames.every import cells, measure
from explaindistill.auditing.frames.profile import profile_frames
from explaindistill.auditing.inputs import Case, open_case
from explaindistill.auditing.manifest import manifest
from explaindistill.auditing.profiles.loading import load_profile
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import fidelity_caveat
from explaindistill.measures.suppression import suppress
from explaindistill.measures.verdicts import check
from explaindistill.protocols import Task

__all__ = ["DEFAULT_RULES", "Audit", "audit"]

DEFAULT_RULES: Mapping[str, str] = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}
"""Rules of the first page where the caller gives none; the second needs sensitive columns and holds for any pair."""

CURVE = ("subject", "metric", "n_queries", "n", "n_repeats", "estimate", "low", "high")

KINDS = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".csv": "csv"}


@dataclass(frozen=True, repr=False)
class Audit:
    """Everything that was measured, and nothing about single people.

    Attributes
    ----------
    frames : mapping of str to DataFrame
        ``verdicts``, ``fidelity``, ``performance``, ``rates``, ``gaps``, ``group_fidelity``, ``transfer``,
        ``mistakes``, ``stability``, ``importance``, ``importance_comparison``, ``attribution_gaps``, ``interactions``,
        ``comparison``, ``comparison_terms``, ``comparison_quality``, ``missing_inputs``, ``complexity``, ``corpus``,
        ``believability``, ``cost``, ``deployment``, ``teachers`` (each teacher of an ensemble), ``columns``, ``cells``,
        ``students``; each row of a measure has its ``n``, ``estimate``, ``low`` and ``high``. A frame that does not
        apply is empty.
    manifest : dict
        Digests, seeds, versions, date.
    students : mapping of str to fitted student
    notes : tuple of str
        What a reader must know.
    cells : mapping of str to fitted tree
        Which cell of the frame ``cells`` a row falls into, per student.

    Notes
    -----
    Of the frames about groups: ``worst_pairs`` compares any pair, with simultaneous intervals; ``tests`` is one
    declared family (Holm, Benjamini–Hochberg); ``strata`` compares inside strata; ``missing_bounds`` are Manski's;
    ``power`` is what the sizes could have shown; ``calibration`` and ``reliability`` are against true labels;
    ``flips`` change a sensitive input alone; ``proxies`` are strength and use; ``leaf_audit`` says which rule meets
    whom. ``fidelity`` is also by rule of the student ("where …"), on stressed and what-if rows, of students without
    teacher and of the second teacher. ``teacher`` is what to know before imitating it; ``profile`` and
    ``profile_requirements`` are a rule set's.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 300 for i in range(300)], "sex": ["f", "m"] * 150})
    >>> P = pd.DataFrame({"no": X["debt"] ** 2, "yes": 1 - X["debt"] ** 2})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)
    >>> found = xd.audit((X, P), {"tree": tree}, X, sensitive=["sex"], favorable="yes", n_explained=0)
    >>> found.check({"fidelity.agreement": ">= 0.9"})[["subject", "verdict"]].values.tolist()
    [['tree', 'pass']]
    >>> found.frames["rates"].query("metric == 'selection_rate'")[["subject", "group", "n"]].values.tolist()
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
    rules: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[str, Any] = field(default_factory=dict)

    def check(self, rules: Mapping[str, str]) -> pd.DataFrame:
        """Hold the figures against rules: one verdict per rule, subject and group.

        Parameters
        ----------
        rules : mapping
            Such as ``{"fidelity.agreement": ">= 0.95", "bias.impact_ratio": ">= 0.8"}``. A rule passes where the whole
            interval keeps it, fails where the whole interval breaks it, and is inconclusive between.

        Returns
        -------
        DataFrame
            ``rule``, ``metric``, ``subject``, ``attribute``, ``group``, ``estimate``, ``low``, ``high``, ``n``,
            ``verdict`` ("pass", "fail", "inconclusive", "cannot say"), ``reason``.
        """
        return check(self.frames, rules)

    def save(self, path: str | Path, kind: str | None = None) -> Path:
        """Write the report; the ending decides the kind: ``.html``, ``.md``, ``.json`` or ``.csv``.

        ``kind="model-card"`` writes a model card with the front matter that Hugging Face reads.

        Raises
        ------
        InvalidInputError
            For an ending that says nothing, where ``kind`` is not given.
        """
        target = Path(path)
        chosen = kind or KINDS.get(target.suffix.lower())
        if chosen is None:
            raise InvalidInputError(f"path must end in {', '.join(sorted(KINDS))}, got {target.name!r}; or give kind=")
        text = plugins.door("report").render(self, chosen)
        target.write_text(text, encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        return str(plugins.door("report").notebook(self))

    def __repr__(self) -> str:
        """Short text: who was audited, on how many rows, with what verdicts."""
        counts = self.frames["verdicts"]["verdict"].value_counts().to_dict()
        verdicts = ", ".join(f"{n} {v}" for v, n in sorted(counts.items())) or "no rule"
        return (
            f"Audit of {', '.join(self.students)} against {self.teacher_name} "
            f"on {self.manifest['n_rows']:,} rows: {verdicts}"
        )


def audit(
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
    stress: Any = None,
    second_teacher: Any = None,
    profile: str | None = None,
    statements: Mapping[str, str] | None = None,
    date: str | None = None,
    rules: Mapping[str, str] | None = None,
    n_refits: int = 0,
    price_per_row: float | None = None,
    query_curve: pd.DataFrame | None = None,
    min_group_size: int = 10,
    n_explained: int = 500,
    compare: bool = False,
    time_models: bool = False,
    store: Any = None,
    random_state: int = 0,
) -> Audit:
    """Measure what students kept of a teacher, on rows that no fitting saw.

    Parameters
    ----------
    teacher : teacher adapter, fitted estimator, torch module, or callable
    students : fitted student or Distiller, or mapping of name to one
    X : DataFrame or array of shape (n, d)
        Audited rows. Rows that fitting saw (same index label and same values) are left out and counted.
    y : array of shape (n,), optional
        True labels or values.
    train : pair (X, y), optional
        Rows and true labels to train each student *without* the teacher on, for comparison.
    sensitive : names of columns of X, or DataFrame with one row per row of X, optional
        Need not be inputs of any model.
    favorable : class, optional
        The decision people hope for; the second of two classes when None.
    threshold : float in (0, 1), or ``{"top": share}``, default=0.5
        Two classes: favourable where its probability reaches the threshold, or within the top share.
    sample_weight : array of shape (n,), optional
    groups : array of shape (n,), optional
        Clusters of rows that belong together (one person, one branch); intervals then are cluster-robust.
    strata : name of a column of X, or array of shape (n,), optional
        Jobs, sites or years inside which groups are compared (Cochran–Mantel–Haenszel, Breslow–Day).
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
    rules : mapping, optional
        Rules of the first page; see :meth:`Audit.check`.
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
        Rows that get Shapley values: exact for the students, sampled for the teacher with the best student as control,
        which asks it about 4 (d - 1) rows for each. 0 leaves them out, and with them missed interactions and what a
        gap between groups comes from.
    compare : bool, default=False
        Whether the teacher's use of each column is compared with what the outcomes support, see
        :func:`explaindistill.distill_and_compare`; needs ``y``.
    time_models : bool, default=False
        Whether single rows and batches are timed for the deployment card. Times differ from run to run, and a report
        that holds them is no longer the same bytes each time; sizes and operations are always there.
    store : path or LabelStore, optional
        Keeps the teacher's answers, so that an audit that was cut off, or is made again, asks nothing twice.
    random_state : int, default=0

    Returns
    -------
    Audit

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
    _check_sizes(n_refits, n_explained, min_group_size, train)
    rule_set = None if profile is None else load_profile(profile)
    said = _statements(statements, date)
    case = open_case(
        teacher,
        students,
        X,
        y,
        train=train,
        sensitive=sensitive,
        favorable=favorable,
        threshold=threshold,
        sample_weight=sample_weight,
        groups=groups,
        strata=strata,
        stress=stress,
        second_teacher=second_teacher,
        store=store,
    )
    compared, told = comparison_frames(case, compare, random_state)
    measured = measure(case, np.random.default_rng(random_state), n_refits, n_explained) | compared
    measured |= profile_frames(case, rule_set, measured, said)
    frames = suppress(measured, case.attributes, min_group_size)
    frames["cells"], partition = cells(case, min_group_size)
    frames["believability"], worries = believed(case)
    frames |= {
        "cost": costs(case, price_per_row),
        "deployment": deployment_of(case, time_models),
        "teachers": per_teacher(case),
        "query_curve": _curve(query_curve),
    }
    chosen = dict(rules) if rules is not None else _default_rules(case)
    frames["verdicts"] = check(frames, chosen)
    return Audit(
        frames=frames,
        manifest=manifest(
            case,
            date=date,
            random_state=random_state,
            profile=None if rule_set is None else rule_set.told(),
            statements=said,
        ),
        students={s.name: s.inner for s in case.subjects},
        schema=case.schema,
        task=case.task,
        teacher_name=_teacher_name(case.teacher),
        classes=case.classes,
        favorable=case.favorable,
        threshold=threshold,
        notes=(
            *case.notes,
            *worries,
            *told,
            *([caveat] if (caveat := fidelity_caveat(frames["group_fidelity"])) else []),
        ),
        rules=chosen,
        cells=partition,
    )


def _check_sizes(n_refits: int, n_explained: int, min_group_size: int, train: Any) -> None:
    if n_refits < 0 or n_refits in (1, 2):
        raise InvalidInputError(f"n_refits must be 0 or at least 3, got {n_refits}")
    if min_group_size < 1:
        raise InvalidInputError(f"min_group_size must be at least 1, got {min_group_size}; 1 shows everything")
    if n_refits and train is None:
        raise InvalidInputError("n_refits needs the rows of fitting; pass train=(X, y), or leave it 0")
    if n_explained < 0:
        raise InvalidInputError(f"n_explained must be at least 0, got {n_explained}")


def _curve(frame: pd.DataFrame | None) -> pd.DataFrame:
    if frame is None:
        return pd.DataFrame(columns=list(CURVE))
    if absent := [c for c in CURVE if c not in frame]:
        raise InvalidInputError(f"query_curve must have the columns of xd.query_curve, {', '.join(absent)} missing")
    return frame.reset_index(drop=True)


def _statements(statements: Mapping[str, str] | None, date: str | None) -> dict[str, str]:
    said = dict(statements or {})
    if wrong := [key for key, words in said.items() if not isinstance(words, str)]:
        raise InvalidInputError(f"statements must be texts, {wrong[0]} is {type(said[wrong[0]]).__name__}")
    return said if date is None else {"date": date, **said}


def _default_rules(case: Case) -> dict[str, str]:
    if case.task == "regression":
        return {"fidelity.r2": DEFAULT_RULES["fidelity.agreement"]}
    kept = dict(DEFAULT_RULES)
    if case.attributes.shape[1] == 0 or case.favorable is None:
        kept.pop("bias.worst_impact_ratio")
    return kept


def _teacher_name(teacher: Any) -> str:
    inner = getattr(teacher, "estimator", getattr(teacher, "module", None))
    return type(teacher).__name__ + (f"({type(inner).__name__})" if inner is not None else "")
