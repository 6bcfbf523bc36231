"""The steps that several commands share: load, train, fit, measure, save."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explaindistill.asking.progress import Stage, Work, under_way
from explaindistill.cli.about import COMMAND
from explaindistill.cli.endpoints import check_endpoint, endpoint_teacher
from explaindistill.cli.rows import SplitRows, read_rows
from explaindistill.data.files import write_whole
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Task

__all__ = [
    "REPORT",
    "STUDENTS",
    "audited",
    "distillers",
    "fit",
    "measure",
    "performance",
    "results_of",
    "save",
    "task_of",
    "teacher_and_rows",
    "train",
    "working",
]

REPORT = ("audit.html", "audit.md", "audit.json")
STUDENTS = "students"
"""Folder for the students of an audit, beside its report."""


def working(words: str) -> AbstractContextManager[Work]:
    """Show on stderr what is going on, where somebody is watching."""
    return under_way(None, [Stage(words)])


def task_of(teacher: Any) -> Task:
    """What the teacher does."""
    return "regression" if teacher.classes_ is None else "classification"


def teacher_and_rows(args: Namespace) -> tuple[Any, SplitRows]:
    """Load the teacher first: it is the cheaper one to be wrong about; its columns are those of the rows.

    Raises
    ------
    InvalidInputError
        If the rows lack a column of the teacher.
    """
    from explaindistill.teachers import load_teacher

    check_endpoint(args)
    if args.teacher_url is not None:
        rows = read_rows(args)
        return endpoint_teacher(args, rows), rows
    teacher = load_teacher(args.teacher, trust=args.trust)
    rows = read_rows(args)
    if (encoder := getattr(teacher, "encoder", None)) is None:
        return teacher, rows
    names = encoder.schema_.names
    if rows.groups is not None and rows.groups.name in names:
        rows = replace(rows, X=rows.X.assign(**{str(rows.groups.name): rows.groups}))
    if absent := [n for n in names if n not in rows.X.columns]:
        raise InvalidInputError(f"data must have the teacher's columns, {', '.join(absent)} missing in {args.data}")
    return teacher, replace(rows, X=rows.X[names])


def train(rows: SplitRows, hidden: tuple[int, ...], epochs: int, seed: int) -> Any:
    """Train a network on the rows for fitting."""
    from explaindistill.teachers import teach

    kind = "torch" if find_spec("torch") else "scikit-learn"
    X, y = rows.part("train")
    with working(f"training a {kind} network on {len(X):,} rows …"):
        return teach(X, y, hidden=hidden, task=rows.task, max_epochs=epochs, random_state=seed)


def performance(teacher: Any, rows: SplitRows) -> tuple[str, float]:
    """Name and value of the teacher's figure on the rows for measuring: accuracy, or R2."""
    X, y = rows.part("test")
    answer = teacher.predict(X)
    if teacher.classes_ is not None:
        return "accuracy", float((answer == y).mean())
    from sklearn.metrics import r2_score

    return "R2", float(r2_score(y, answer))


def fit(
    teacher: Any,
    students: Mapping[str, Any],
    rows: SplitRows,
    n_queries: int | None,
    seed: int,
    store: str | None = None,
    target_name: str | None = None,
) -> dict[str, Any]:
    """Distillers by name; all ask about the same rows. Texts say ``target_name`` where classes are numbers."""
    X, _ = rows.part("train")
    fitted = {}
    for name, distiller in distillers(teacher, students, n_queries, seed, store, target_name).items():
        fitted[name] = distiller.fit(X)
    return fitted


def distillers(
    teacher: Any,
    students: Mapping[str, Any],
    n_queries: int | None,
    seed: int,
    store: str | None = None,
    target_name: str | None = None,
) -> dict[str, Any]:
    """Distillers by name, before their fit."""
    from explaindistill.distillation.distiller import Distiller

    budget: dict[str, Any] = {} if n_queries is None else {"n_queries": n_queries}
    options = budget | {"random_state": seed, "store": store, "target_name": target_name}
    return {name: Distiller(teacher, student, **options) for name, student in students.items()}


def measure(teacher: Any, fitted: Mapping[str, Any], rows: SplitRows, **options: Any) -> Any:
    """Audit on the rows that no fitting saw; ``options`` are those of ``audit``."""
    from explaindistill.auditing.audits import audit

    arguments = audited(rows)
    return audit(teacher, fitted, **arguments, **options)


def audited(rows: SplitRows) -> dict[str, Any]:
    """Rows for measuring, their labels and groups, and the rows for fitting, as arguments of ``audit``."""
    X, y = rows.part("test")
    attributes = rows.attributes.iloc[rows.test] if rows.attributes.shape[1] else None
    arguments = {"X": X, "y": y, "train": rows.part("train"), "sensitive": attributes}
    return arguments if rows.groups is None else arguments | {"groups": rows.groups.iloc[rows.test]}


def results_of(students: Iterable[str]) -> list[str]:
    """Files that ``save`` writes for students of these names."""
    return [*REPORT, COMMAND, *(f"{STUDENTS}/{name}.json" for name in students)]


def save(audit: Any, out: Path) -> None:
    """Write the report for people, as text, and for programs; beside it the students that it is about."""
    audit.save_all(out / name for name in REPORT)
    (out / STUDENTS).mkdir(exist_ok=True)
    for name, student in audit.students.items():
        if hasattr(student, "to_dict"):
            write_whole(out / STUDENTS / f"{name}.json", json.dumps(student.to_dict(), indent=1) + "\n")
