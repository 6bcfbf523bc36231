"""The first figures of an audit and of a competition, as tables on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from explaindistill.cli.about import COMMAND
from explaindistill.cli.steps import REPORT, STUDENTS
from explaindistill.measures.verdicts import worst
from explaindistill.report.verdict_words import in_front

__all__ = ["print_candidates", "print_places", "print_summary"]


def print_summary(audit: Any, console: Console) -> None:
    """Print the first figures: fidelity, size, verdicts; each with its interval."""
    for warning in in_front(audit):
        console.print(Text(warning, style="bold"))
    fidelity = audit.frames["fidelity"]
    main = "agreement" if audit.task == "classification" else "r2"
    table = Table(title="fidelity: how often the student answers as the teacher does", title_justify="left")
    for heading in ("student", main, "interval", "rows", "to read"):
        table.add_column(heading, justify="left" if heading == "student" else "right")
    for name, student in audit.students.items():
        chosen = fidelity[(fidelity["metric"] == main) & (fidelity["subject"] == name)]
        if "subset" in chosen:
            chosen = chosen[chosen["subset"].isin(["", "all"]) | chosen["subset"].isna()]
        if chosen.empty:
            table.add_row(Text(name), "cannot say", "", "", _size(student))
            continue
        row = chosen.iloc[0]
        table.add_row(
            Text(name), f"{row.estimate:.3f}", f"{row.low:.3f} – {row.high:.3f}", f"{int(row.n):,}", _size(student)
        )
    console.print(table)
    if len(audit.frames["verdicts"]):
        for rule, verdicts in worst(audit.frames["verdicts"]).groupby("rule", sort=False):
            console.print(_verdict_table(str(rule), verdicts))
    for line in audit.frames["failures"].to_dict("records"):
        frame_name = f" ({line['part']})" if line["part"] else ""
        console.print(f"cannot say: {line['frame']}{frame_name}: {line['cause']}", markup=False, highlight=False)


def print_places(out: Path, console: Console) -> None:
    """Print which file to open, and where the students are."""
    console.print(f"\nOpen {out / REPORT[0]}; the same as text: {out / REPORT[1]}; for programs: {out / REPORT[2]}")
    console.print(f"The students as JSON: {out / STUDENTS}; the command: {out / COMMAND}")


def _verdict_table(rule: str, verdicts: pd.DataFrame) -> Table:
    """One line per model: its worst verdict, and the group that it comes from; ``verdicts`` are the worst of each."""
    title = Text(f"{rule}: each model, and the group that keeps it worst")
    table = Table(title=title, title_justify="left")
    for heading in ("model", "verdict", "estimate", "interval", "where"):
        whole = heading != "where"  # a narrow terminal folds the place, not these
        justify: Literal["left", "right"] = "right" if heading in ("estimate", "interval") else "left"
        table.add_column(heading, justify=justify, no_wrap=whole, overflow="fold")
    for line in verdicts.to_dict("records"):
        where = " ".join(str(w) for w in (line["attribute"], line["group"]) if isinstance(w, str) and w)
        if pd.isna(line["estimate"]):
            table.add_row(Text(line["subject"]), line["verdict"], "", "", Text(where or line["reason"]))
            continue
        figures = f"{line['estimate']:.3f}", f"{line['low']:.3f} – {line['high']:.3f}"
        table.add_row(Text(line["subject"]), line["verdict"], *figures, Text(where or "all rows"))
    return table


def _size(student: Any) -> str:
    """Leaves or terms; empty for a student that does not say how much there is to read."""
    if not hasattr(student, "complexity"):
        return ""
    size = student.complexity()
    return f"{size.n_leaves} leaves" if size.n_leaves is not None else f"{size.n_terms} terms"


def print_candidates(frame: pd.DataFrame, console: Console) -> None:
    """One line per student that competed, best first."""
    measure = {"agreement": "agreement", "-kl": "divergence", "r2": "R²"}[frame.attrs["metric"]]
    title = "students that competed, on real rows that their fit did not see; → was chosen"
    table = Table(title=title, title_justify="left", box=None)  # without lines it fits into 80 columns
    for heading in ("student", "lines", "numbers", measure, "behind the best"):
        table.add_column(heading, justify="left" if heading == "student" else "right", no_wrap=True)
    for line in frame.to_dict("records"):
        size = (f"{line[name]:,}" for name in ("n_lines", "n_numbers"))
        score = -line["score"] if measure == "divergence" else line["score"]
        behind = f"{line['behind']:.3f} ({line['behind_low']:.3f} to {line['behind_high']:.3f})"
        name = f"{'→ ' if line['chosen'] else '  '}{line['student']}"
        table.add_row(name, *size, f"{score:.3f}", "" if line["behind"] == 0 else behind)
    console.print(table)
