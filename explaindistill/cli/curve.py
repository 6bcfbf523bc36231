"""The command curve: fidelity against the number of questions."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from explaindistill.asking.forecast import Forecast
from explaindistill.cli.asking import print_rows_sent, stand_in_for, told_beforehand
from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.steps import task_of, teacher_and_rows, working
from explaindistill.cli.students import check_students, make_students
from explaindistill.data.files import write_whole

__all__ = ["run_curve"]


def run_curve(args: Namespace, console: Console) -> int:
    """Measure fidelity against the number of questions; write it as a table and a drawing."""
    from explaindistill import plots
    from explaindistill.distillation.studies.query_curves import query_curve

    check_students(args.student, args.set)
    refuse_overwriting(args.out, ("curve.csv", "curve.svg"), args.force)
    teacher, rows = teacher_and_rows(args)
    students = make_students(args.student, task_of(teacher), args.set, args.random_state, args.min_category_size)
    options: dict[str, Any] = {
        "n_queries": args.sizes,
        "n_repeats": args.repeats,
        "proxy": args.proxy,
        "store": args.store,
    }
    (X, _), (held, _) = rows.part("train"), rows.part("test")
    options |= {"X_test": held, "random_state": args.random_state}

    def forecast() -> Forecast:
        stand_in = stand_in_for(teacher, args.store)
        for student in students.values():
            query_curve(stand_in, X, student, dry_run=True, **options)
        return stand_in.forecast(args.price_per_row)

    if told_beforehand(args, teacher, console, forecast):
        return 0
    with results_folder(args.out) as out:
        curves = []
        for name, student in students.items():
            with working(f"fitting {name} to more and more answers …"):
                curves.append(query_curve(teacher, X, student, name=name, **options))
        curve = pd.concat(curves, ignore_index=True)
        write_whole(out / "curve.csv", curve.to_csv(index=False))
        figure = plots.figure(6.6, 3.0)
        unit = "share" if teacher.classes_ is not None else "number"
        plots.query_curve(curve, figure.subplots(), unit=unit)
        drawing = plots.svg(figure, "curve", "fidelity against questions", "one line per student, bands are intervals")
        write_whole(out / "curve.svg", drawing)
    console.print(_curve_table(curve))
    print_rows_sent(teacher, console, price_per_row=args.price_per_row)
    console.print(f"written to {args.out}")
    return 0


def _curve_table(curve: pd.DataFrame) -> Table:
    table = Table(title="fidelity by the number of rows asked", title_justify="left")
    for heading in ("student", "rows asked", str(curve["metric"].iloc[0]), "interval"):
        table.add_column(heading, justify="left" if heading == "student" else "right")
    for line in curve.itertuples():
        figures = f"{line.n_queries:,.0f}", f"{line.estimate:.3f}", f"{line.low:.3f} – {line.high:.3f}"
        table.add_row(Text(str(line.subject)), *figures)
    return table
