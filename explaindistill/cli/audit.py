"""The command audit: fit, measure, write the report, and hold it against requirements."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from explaindistill.asking.forecast import Forecast
from explaindistill.auditing.audits import check_requirements
from explaindistill.auditing.profiles.loading import load_profile
from explaindistill.cli.about import about_of, save_command, typed_command
from explaindistill.cli.asking import forecast_audit, print_rows_sent, stand_in_for, told_beforehand
from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.steps import fit, measure, results_of, save, task_of, teacher_and_rows
from explaindistill.cli.students import check_students, make_students
from explaindistill.cli.summary import print_places, print_summary
from explaindistill.errors import InvalidInputError
from explaindistill.measures.favorable import class_typed
from explaindistill.numerics.threads import limited

__all__ = ["run_audit"]

FAILED, INCONCLUSIVE = 1, 3


def run_audit(args: Namespace, console: Console) -> int:
    """Fit students, measure everything, write the report, and hold it against the requirements."""
    check_students(args.student, args.set)
    requirements = dict(_rule(text) for text in args.require)
    check_requirements(requirements, args.student)  # before a teacher or a row is read
    statements = dict(_statement(text) for text in args.state)
    if args.profile is not None:
        load_profile(args.profile)  # a name that is none is refused before the work begins
    about = about_of(args)
    if args.teacher_url is None:  # the owner then is no claim about an endpoint
        args = Namespace(**{**vars(args), "owner": None})
    refuse_overwriting(args.out, results_of(args.student), args.force)
    teacher, rows = teacher_and_rows(args)
    task = task_of(teacher)
    if task != rows.task:
        raise InvalidInputError(
            f"teacher does {task}, but target {args.target!r} looks like {rows.task}; give --task {task}"
        )
    favorable = _favorable(args.favorable, teacher.classes_)
    students = make_students(args.student, task, args.set, args.random_state, args.min_category_size)
    options = {
        "favorable": favorable,
        "threshold": args.threshold,
        "about": about,
        "price_per_row": args.price_per_row,
        "min_group_size": args.min_group_size,
        "dependence": args.dependence,
        "profile": args.profile,
        "worst_case": args.worst_case,
        "n_made_up": args.made_up,
        "statements": statements or None,
        "requirements": requirements or None,
    }

    def forecast() -> Forecast:
        return forecast_audit(stand_in_for(teacher, args.store), students, rows, args, **options)

    if told_beforehand(args, teacher, console, forecast):
        return 0
    with results_folder(args.out) as out, limited(args.jobs):
        fitted = fit(teacher, students, rows, args.n_queries, args.random_state, args.store, args.target)
        audit = measure(teacher, fitted, rows, store=args.store, n_jobs=args.jobs, **options)
        audit = replace(audit, command=typed_command(args.words))
        save(audit, out)
        save_command(args.words, out)
    print_summary(audit, console)
    print_rows_sent(teacher, console, fitted.values(), args.price_per_row)
    print_places(Path(args.out), console)
    if not requirements:
        return 0 if audit.frames["failures"].empty else INCONCLUSIVE
    return _exit_code(audit.check(requirements), complete=audit.frames["failures"].empty)


def _favorable(text: str | None, classes: Any) -> Any:
    """Return the class whose name was typed."""
    if text is None:
        return None
    if classes is None:
        raise InvalidInputError(f"favorable is for classes, got {text!r} for a regression teacher")
    return class_typed(text, classes)


def _rule(text: str) -> tuple[str, str]:
    """Metric and bound of ``"metric >= 0.95"``; longer signs are tried first, since ``>`` is in ``>=``."""
    for sign in (">=", "<=", ">", "<"):
        if sign in text:
            metric, _, bound = text.partition(sign)
            return metric.strip(), f"{sign} {bound.strip()}"
    raise InvalidInputError(f'require must look like "fidelity.agreement >= 0.95", got {text!r}')


def _statement(text: str) -> tuple[str, str]:
    key, equals, words = text.partition("=")
    if not (equals and key.strip() and words.strip()):
        raise InvalidInputError(f'state must look like "data_source=applications of 2025", got {text!r}')
    return key.strip(), words.strip()


def _exit_code(verdicts: pd.DataFrame, complete: bool = True) -> int:
    """One failure fails; what cannot be decided is not a pass, nor is an audit that could not be measured in full."""
    distinct = set(verdicts["verdict"])
    if "fail" in distinct:
        return FAILED
    return INCONCLUSIVE if distinct - {"pass"} or verdicts.empty or not complete else 0
