"""The commands distill and best: one student, named or chosen, written for people and for programs."""

from __future__ import annotations

import json
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from explaindistill.cli.asking import forecast_fit, print_rows_sent, stand_in_for, told_beforehand
from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.steps import fit, task_of, teacher_and_rows
from explaindistill.cli.students import check_students, make_students
from explaindistill.cli.summary import print_candidates
from explaindistill.data.files import write_whole
from explaindistill.data.rows_sent import asking_for
from explaindistill.errors import InvalidInputError
from explaindistill.export import kind_of
from explaindistill.protocols import Task

__all__ = ["run_best", "run_distill"]


def run_distill(args: Namespace, console: Console) -> int:
    """Fit one student and write what it is, for people and for programs."""
    check_students([args.student], args.set)

    def named(task: Task) -> dict[str, Any]:
        return make_students([args.student], task, args.set, args.random_state, args.min_category_size)

    return _run(args, console, named)


def run_best(args: Namespace, console: Console) -> int:
    """Let all families compete for the reader's budget; write the winner, and how all of them did."""
    from explaindistill.distillation.choosing.student_choice import StudentChoice

    choice = StudentChoice(args.max_lines, args.max_numbers, args.max_columns, args.optimize)
    if args.min_category_size is not None:
        choice.set_params(min_category_size=args.min_category_size)
    choice.checked()
    return _run(args, console, lambda task: {"best": choice}, ("candidates.csv",))


def _run(
    args: Namespace, console: Console, students_of: Callable[[Task], dict[str, Any]], further: tuple[str, ...] = ()
) -> int:
    """Fit the one student, write its files, and ``further`` ones of a student that was chosen."""
    for name in args.export:
        _check_export(name)
    refuse_overwriting(args.out, ("student.json", "student.txt", *further, *args.export), args.force)
    teacher, rows = teacher_and_rows(args)
    task = task_of(teacher)
    students = students_of(task)
    if told_beforehand(
        args, teacher, console, lambda: forecast_fit(stand_in_for(teacher, args.store), students, rows, args)
    ):
        return 0
    with results_folder(args.out) as out:
        [fitted] = fit(teacher, students, rows, args.n_queries, args.random_state, args.store, args.target).values()
        student = fitted.student_
        with asking_for("held-out"):
            fidelity = fitted.score(rows.part("test")[0])
        exported = {name: _exported(student, name) for name in args.export}
        # from here on nothing is refused, so that a mistake leaves nothing behind
        write_whole(out / "student.json", json.dumps(student.to_dict(), indent=1) + "\n")
        write_whole(out / "student.txt", student.describe() + "\n")
        for name, content in exported.items():
            write_whole(out / name, content)
        if further:
            write_whole(out / "candidates.csv", fitted.candidates_.to_csv(index=False))
    if further:
        print_candidates(fitted.candidates_, console)
    console.print(student.describe(), markup=False, highlight=False)
    word = "agreement" if task == "classification" else "R²"
    console.print(f"\n{word} with the teacher {fidelity:.3f} on {len(rows.test):,} rows that fitting did not see")
    print_rows_sent(teacher, console, [fitted], args.price_per_row)
    console.print(f"written to {args.out}")
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
