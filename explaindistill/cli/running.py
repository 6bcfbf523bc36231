"""What each command does; every one returns its exit code."""

from __future__ import annotations

import ast
import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from explaindistill import plugins
from explaindistill.auditing.profiles.loading import load_profile, profile_names
from explaindistill.cli.endpoints import check_endpoint, endpoint_teacher
from explaindistill.cli.folders import results_folder
from explaindistill.cli.judging import run_check, run_compare
from explaindistill.cli.labels import run_labels
from explaindistill.cli.rows import Rows, read_rows, split
from explaindistill.cli.students import make_students
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Task

__all__ = ["COMMANDS", "run_audit", "run_curve", "run_demo", "run_distill", "run_list", "run_teach"]

REPORT = ("audit.html", "audit.md", "audit.json")
FAILED, INCONCLUSIVE = 1, 3
PROFILES = "profiles"


def run_demo(args: Namespace, console: Console) -> int:
    """Train a network on the embedded example, distil it into four students, audit all of them."""
    from explaindistill.data.datasets import lending

    with results_folder(args.out) as out:
        data = lending(4_000 if args.quick else 20_000, args.random_state)
        train, test = split(len(data.X), 0.3, args.random_state)
        rows = Rows(data.X, data.y.to_numpy(), "classification", data.X[list(data.sensitive)], train, test)
        teacher = _train(rows, (32,) if args.quick else (64, 64), 8 if args.quick else 30, args.random_state)
        sizes = ["tree.max_leaf_nodes=16", "model_tree.max_leaf_nodes=8"]
        students = make_students(("tree", "model_tree", "gam", "linear"), "classification", sizes, args.random_state)
        fitted = _fit(teacher, students, rows, 5_000 if args.quick else None, args.random_state)
        audit = _measure(teacher, fitted, rows, favorable=data.favorable)
        _save(audit, out)
    _summary(audit, console)
    planted = f"{data.truth.rates['sex']['male'] - data.truth.rates['sex']['female']:.3f}"
    console.print(f"In the example, women are approved less often than men by {planted} in the labels: it was planted.")
    _where(out, console)
    return 0


def run_teach(args: Namespace, console: Console) -> int:
    """Train a network and save it as a folder, with its figures on rows it did not see."""
    from explaindistill.teachers import save_teacher

    rows = read_rows(args)
    with results_folder(args.out) as out:
        teacher = _train(rows, args.hidden, args.epochs, args.random_state)
        save_teacher(teacher, out)
        name, figure = _performance(teacher, rows)
        note = {
            "target": args.target,
            "n_rows": len(rows.X),
            "test_share": args.test_share,
            "random_state": args.random_state,
            name: figure,
        }
        (out / "teaching.json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    console.print(f"{name} {figure:.3f} on {len(rows.test):,} rows that the network did not see; saved in {out}")
    return 0


def run_distill(args: Namespace, console: Console) -> int:
    """Fit one student and write what it is, for people and for programs."""
    teacher, rows = _teacher_and_rows(args)
    task = _task(teacher)
    students = make_students([args.student], task, args.set, args.random_state)
    for name in args.export:
        _check_export(name)
    with results_folder(args.out) as out:
        fitted = _fit(teacher, students, rows, args.n_queries, args.random_state, args.store)[args.student]
        student = fitted.student_
        (out / "student.json").write_text(json.dumps(student.to_dict(), indent=1) + "\n", encoding="utf-8")
        (out / "student.txt").write_text(student.describe() + "\n", encoding="utf-8")
        for name in args.export:
            student.export(out / name)
        measured = fitted.score(rows.part("test")[0])
    console.print(student.describe(), markup=False, highlight=False)
    word = "agreement" if task == "classification" else "R²"
    console.print(f"\n{word} with the teacher {measured:.3f} on {len(rows.test):,} rows that fitting did not see")
    known = fitted.n_queries_ - fitted.cost_.n_asked
    stored = f", {known:,} known to the store" if args.store else ""
    console.print(f"{fitted.cost_.n_asked:,} rows asked{stored}; written to {out}")
    return 0


def run_audit(args: Namespace, console: Console) -> int:
    """Fit students, measure everything, write the report, and hold it against the requirements."""
    rules = dict(_rule(text) for text in args.require)
    statements = dict(_statement(text) for text in args.state)
    if args.profile is not None:
        load_profile(args.profile)
    teacher, rows = _teacher_and_rows(args)
    task = _task(teacher)
    if task != rows.task:
        raise InvalidInputError(
            f"teacher does {task}, but target {args.target!r} looks like {rows.task}; give --task {task}"
        )
    favorable = _favorable(args.favorable, teacher.classes_)
    students = make_students(args.student, task, args.set, args.random_state)
    with results_folder(args.out) as out:
        fitted = _fit(teacher, students, rows, args.n_queries, args.random_state, args.store)
        audit = _measure(
            teacher,
            fitted,
            rows,
            favorable=favorable,
            threshold=args.threshold,
            date=args.date,
            price_per_row=args.price_per_row,
            min_group_size=args.min_group_size,
            profile=args.profile,
            statements=statements or None,
            rules=rules or None,
            store=args.store,
        )
        _save(audit, out)
    _summary(audit, console)
    _where(out, console)
    return _verdict(audit.check(rules)) if rules else 0


def run_curve(args: Namespace, console: Console) -> int:
    """Measure fidelity against the number of questions; write it as a table and a drawing."""
    from explaindistill import plots
    from explaindistill.distillation.studies.query_curves import query_curve

    teacher, rows = _teacher_and_rows(args)
    students = make_students(args.student, _task(teacher), args.set, args.random_state)
    options = {"n_queries": args.sizes, "n_repeats": args.repeats, "proxy": args.proxy, "store": args.store}
    held = rows.part("test")[0]
    with results_folder(args.out) as out:
        parts = []
        for name, student in students.items():
            with _working(f"fitting {name} to more and more answers …"):
                shared = {"X_test": held, "name": name, "random_state": args.random_state}
                parts.append(query_curve(teacher, rows.part("train")[0], student, **shared, **options))
        curve = pd.concat(parts, ignore_index=True)
        curve.to_csv(out / "curve.csv", index=False)
        figure = plots.figure(6.6, 3.0)
        unit = "share" if teacher.classes_ is not None else "number"
        plots.query_curve(curve, figure.subplots(), unit=unit)
        drawing = plots.svg(figure, "curve", "fidelity against questions", "one line per student, bands are intervals")
        (out / "curve.svg").write_text(drawing, encoding="utf-8")
    console.print(_curve_table(curve))
    console.print(f"written to {out}")
    return 0


def _curve_table(curve: pd.DataFrame) -> Table:
    table = Table(title="fidelity by the number of rows asked", title_justify="left")
    for heading in ("student", "rows asked", str(curve["metric"].iloc[0]), "interval"):
        table.add_column(heading, justify="left" if heading == "student" else "right")
    for line in curve.itertuples():
        figures = f"{line.n_queries:,.0f}", f"{line.estimate:.3f}", f"{line.low:.3f} – {line.high:.3f}"
        table.add_row(Text(str(line.subject)), *figures)
    return table


def run_list(args: Namespace, console: Console) -> int:
    """Name the plug-ins of every room, or of one."""
    rooms = (*plugins.ROOMS, PROFILES) if args.room is None else (args.room,)
    for room in rooms:
        if room == PROFILES:
            console.print(_profiles())
            continue
        table = Table(title=room, title_justify="left", box=None, show_header=False, padding=(0, 2))
        for name in plugins.names(room):
            table.add_row(name, _first_line(room, name))
        console.print(table)
    return 0


def _profiles() -> Table:
    table = Table(title=PROFILES, title_justify="left", box=None, show_header=False, padding=(0, 2))
    for name in profile_names():
        told = load_profile(name)
        table.add_row(name, f"{told.title}; read {told.retrieved}, {told.status}")
    return table


COMMANDS = {
    "demo": run_demo,
    "teach": run_teach,
    "distill": run_distill,
    "audit": run_audit,
    "check": run_check,
    "compare": run_compare,
    "labels": run_labels,
    "curve": run_curve,
    "list": run_list,
}


def _working(words: str) -> Status:
    """Show on stderr what is going on, where somebody is watching."""
    return Console(stderr=True).status(words)


def _task(teacher: Any) -> Task:
    return "regression" if teacher.classes_ is None else "classification"


def _train(rows: Rows, hidden: tuple[int, ...], epochs: int, seed: int) -> Any:
    from explaindistill.teachers import teach

    kind = "torch" if find_spec("torch") else "scikit-learn"
    X, y = rows.part("train")
    with _working(f"training a {kind} network on {len(X):,} rows …"):
        return teach(X, y, hidden=hidden, task=rows.task, max_epochs=epochs, random_state=seed)


def _performance(teacher: Any, rows: Rows) -> tuple[str, float]:
    X, y = rows.part("test")
    answer = teacher.predict(X)
    if teacher.classes_ is not None:
        return "accuracy", float((answer == y).mean())
    from sklearn.metrics import r2_score

    return "R2", float(r2_score(y, answer))


def _fit(
    teacher: Any, students: Mapping[str, Any], rows: Rows, n_queries: int | None, seed: int, store: str | None = None
) -> dict[str, Any]:
    """Distillers by name; all ask about the same rows."""
    from explaindistill.distillation.distiller import Distiller

    X, _ = rows.part("train")
    asked: dict[str, Any] = {} if n_queries is None else {"n_queries": n_queries}
    fitted = {}
    for name, student in students.items():
        with _working(f"fitting {name} to the teacher's answers …"):
            fitted[name] = Distiller(teacher, student, random_state=seed, store=store, **asked).fit(X)
    return fitted


def _measure(teacher: Any, fitted: Mapping[str, Any], rows: Rows, **options: Any) -> Any:
    from explaindistill.auditing.audits import audit

    X, y = rows.part("test")
    with _working(f"measuring on {len(X):,} rows that no fitting saw …"):
        groups = rows.attributes.iloc[rows.test] if rows.attributes.shape[1] else None
        return audit(teacher, fitted, X, y, train=rows.part("train"), sensitive=groups, **options)


def _save(audit: Any, out: Path) -> None:
    for name in REPORT:
        audit.save(out / name)


def _teacher_and_rows(args: Namespace) -> tuple[Any, Rows]:
    """Load the teacher first: it is the cheaper one to be wrong about; its columns are those of the rows."""
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
    if absent := [n for n in names if n not in rows.X.columns]:
        raise InvalidInputError(f"data must have the teacher's columns, {', '.join(absent)} missing in {args.data}")
    return teacher, replace(rows, X=rows.X[names])


def _favorable(text: str | None, classes: Any) -> Any:
    """Return the class whose name was typed."""
    if text is None:
        return None
    if classes is None:
        raise InvalidInputError(f"favorable is for classes, got {text!r} for a regression teacher")
    for known in classes.tolist():
        if str(known) == text:
            return known
    raise InvalidInputError(f"favorable must be one of {', '.join(map(str, classes))}, got {text!r}")


def _check_export(name: str) -> None:
    kinds = plugins.names("export")
    if Path(name).name != name or not Path(name).suffix:
        raise InvalidInputError(f"export must be a file name such as student.py, got {name!r}")
    if not kinds:
        raise InvalidInputError("export has no generator in this version")


def _rule(text: str) -> tuple[str, str]:
    for sign in (">=", "<=", ">", "<"):
        metric, found, bound = text.partition(sign)
        if found:
            return metric.strip(), f"{sign} {bound.strip()}"
    raise InvalidInputError(f'require must look like "fidelity.agreement >= 0.95", got {text!r}')


def _statement(text: str) -> tuple[str, str]:
    key, equals, words = text.partition("=")
    if not (equals and key.strip() and words.strip()):
        raise InvalidInputError(f'state must look like "data_source=applications of 2025", got {text!r}')
    return key.strip(), words.strip()


def _verdict(verdicts: pd.DataFrame) -> int:
    """Exit code: one failure fails; what cannot be decided is not a pass."""
    seen = set(verdicts["verdict"])
    if "fail" in seen:
        return FAILED
    return INCONCLUSIVE if seen - {"pass"} or verdicts.empty else 0


def _summary(audit: Any, console: Console) -> None:
    """Print the first figures: fidelity, size, verdicts; each with its interval."""
    fidelity = audit.frames["fidelity"]
    main = "agreement" if audit.task == "classification" else "r2"
    table = Table(title="fidelity: how often the student answers as the teacher does", title_justify="left")
    for heading in ("student", main, "interval", "rows", "to read"):
        table.add_column(heading, justify="left" if heading == "student" else "right")
    for name, student in audit.students.items():
        chosen = fidelity[(fidelity["metric"] == main) & (fidelity["subject"] == name)]
        if "subset" in chosen:
            chosen = chosen[chosen["subset"].isin(["", "all"]) | chosen["subset"].isna()]
        row = chosen.iloc[0]
        table.add_row(
            Text(name), f"{row.estimate:.3f}", f"{row.low:.3f} – {row.high:.3f}", f"{row.n:,}", _size(student)
        )
    console.print(table)
    for rule, verdicts in audit.frames["verdicts"].groupby("rule", sort=False):
        console.print(_verdict_table(str(rule), verdicts))


def _verdict_table(rule: str, verdicts: pd.DataFrame) -> Table:
    """One line per model: its worst verdict, and the group that it comes from."""
    title = Text(f"{rule}: each model, and the group that keeps it worst")
    table = Table(title=title, title_justify="left")
    for heading in ("model", "verdict", "estimate", "interval", "where"):
        whole = heading != "where"  # a narrow terminal folds the place, not these
        justify: Literal["left", "right"] = "right" if heading in ("estimate", "interval") else "left"
        table.add_column(heading, justify=justify, no_wrap=whole, overflow="fold")
    severity = verdicts["verdict"].map({"fail": 0, "inconclusive": 1, "cannot say": 2, "pass": 3})
    ordered = verdicts.assign(severity=severity).sort_values(["severity", "estimate"], kind="stable")
    for model, rows in ordered.groupby("subject", sort=False):
        worst = rows.iloc[0]
        where = " ".join(str(w) for w in (worst["attribute"], worst["group"]) if isinstance(w, str) and w)
        figures = f"{worst['estimate']:.3f}", f"{worst['low']:.3f} – {worst['high']:.3f}"
        table.add_row(Text(str(model)), worst["verdict"], *figures, Text(where or "all rows"))
    return table


def _size(student: Any) -> str:
    if not hasattr(student, "complexity"):
        return ""
    size = student.complexity()
    return f"{size.n_leaves} leaves" if size.n_leaves is not None else f"{size.n_terms} terms"


def _where(out: Path, console: Console) -> None:
    console.print(f"\nOpen {out / REPORT[0]}; the same as text: {out / REPORT[1]}; for programs: {out / REPORT[2]}")


def _first_line(room: str, name: str) -> str:
    """First line of a plug-in's docstring, read without importing it: it may need a package that is not there."""
    spec = find_spec(f"explaindistill.{room}.{name}")
    if spec is None or spec.origin is None:
        return ""
    words = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return words.partition("\n")[0].partition(" :math:")[0].rstrip(".:")
