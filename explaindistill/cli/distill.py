"""The command distill: one student, written for people and for programs."""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from rich.console import Console

from explaindistill.cli.asking import forecast_fit, print_rows_sent, stand_in_for, told_beforehand
from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.steps import fit, task_of, teacher_and_rows
from explaindistill.cli.students import make_students
from explaindistill.data.files import write_whole
from explaindistill.data.rows_sent import asking_for
from explaindistill.errors import InvalidInputError
from explaindistill.export import kind_of

__all__ = ["run_distill"]


def run_distill(args: Namespace, console: Console) -> int:
    """Fit one student and write what it is, for people and for programs."""
    for name in args.export:
        _check_export(name)
    refuse_overwriting(args.out, ("student.json", "student.txt", *args.export), args.force)
    teacher, rows = teacher_and_rows(args)
    task = task_of(teacher)
    students = make_students([args.student], task, args.set, args.random_state, args.min_category_size)
    if told_beforehand(
        args, teacher, console, lambda: forecast_fit(stand_in_for(teacher, args.store), students, rows, args)
    ):
        return 0
    with results_folder(args.out) as out:
        fitted = fit(teacher, students, rows, args.n_queries, args.random_state, args.store)[args.student]
        student = fitted.student_
        with asking_for("held-out"):
            fidelity = fitted.score(rows.part("test")[0])
        exported = {name: _exported(student, name) for name in args.export}
        # from here on nothing is refused, so that a mistake leaves nothing behind
        write_whole(out / "student.json", json.dumps(student.to_dict(), indent=1) + "\n")
        write_whole(out / "student.txt", student.describe() + "\n")
        for name, content in exported.items():
            write_whole(out / name, content)
    console.print(student.describe(), markup=False, highlight=False)
    word = "agreement" if task == "classification" else "R²"
    console.print(f"\n{word} with the teacher {fidelity:.3f} on {len(rows.test):,} rows that fitting did not see")
    print_rows_sent(teacher, console, [fitted], args.price_per_row)
    console.print(f"written to {out}")
    return 0


def _exported(student: Any, name: str) -> bytes:
    """What the student is in the language of a file's ending, proved as every export is."""
    with tempfile.TemporaryDirectory() as draft:
        return Path(student.export(Path(draft) / name)).read_bytes()


def _check_export(name: str) -> None:
    """Refuse a place that is no file name before the work begins."""
    if Path(name).name != name or not Path(name).suffix:
        raise InvalidInputError(f"export must be a file name such as student.py, got {name!r}")
    kind_of(Path(name), None)
