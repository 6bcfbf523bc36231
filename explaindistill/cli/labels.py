"""The command that looks after label stores: list, verify, export, prune."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from explaindistill.asking.store import LabelStore
from explaindistill.errors import InvalidInputError

__all__ = ["run_labels"]

DAMAGED = 1
SHOWN = 12
"""So many characters of a fingerprint are shown, and enough to name it."""


def run_labels(args: Namespace, console: Console) -> int:
    """Do one thing with a store that is there; a file that is none is left as it is."""
    with LabelStore(args.store, must_exist=True) as store:
        return {"list": _list, "verify": _verify, "export": _export, "prune": _prune}[args.action](args, store, console)


def _list(args: Namespace, store: LabelStore, console: Console) -> int:
    teachers = store.teachers()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("fingerprint", "teacher", "classes", "rows", "per question", "since"):
        table.add_column(heading, no_wrap=heading not in ("teacher", "classes"), overflow="fold")
    for row in teachers.to_dict("records"):
        classes = json.loads(row["classes"])
        words = "values" if classes is None else ", ".join(map(str, classes[:6])) + (" …" if len(classes) > 6 else "")
        table.add_row(
            row["fingerprint"][:SHOWN],
            Text(row["name"]),
            Text(words),
            f"{row['n_rows']:,}",
            "" if pd.isna(row["batch_size"]) else f"{row['batch_size']:,.0f}",
            f"{row['created'][:10]}",
        )
    console.print(table if len(teachers) else f"{store.path} holds no teacher yet", markup=False, highlight=False)
    return 0


def _verify(args: Namespace, store: LabelStore, console: Console) -> int:
    faults = store.verify()
    for words in faults:
        console.print(words, markup=False, highlight=False)
    n = int(store.teachers()["n_rows"].sum())
    outcome = "nothing is wrong" if not faults else f"{len(faults)} fault{'s'[: len(faults) > 1]}"
    teachers = len(store.teachers())
    whose = "1 teacher" if teachers == 1 else f"{teachers} teachers"
    console.print(f"{outcome} in {n:,} answers of {whose}", markup=False, highlight=False)
    return DAMAGED if faults else 0


def _export(args: Namespace, store: LabelStore, console: Console) -> int:
    out = Path(args.out)
    if out.suffix != ".parquet":
        raise InvalidInputError(f"out must end in .parquet, got {out.name!r}")
    if out.exists() and not args.force:
        raise InvalidInputError(f"out: {out} is there already; choose another name, or --force to replace it")
    fingerprint = store.named(args.teacher)
    store.export(fingerprint, out)
    console.print(f"{len(store.answers(fingerprint)):,} answers written to {out}", markup=False, highlight=False)
    return 0


def _prune(args: Namespace, store: LabelStore, console: Console) -> int:
    fingerprint = store.named(args.teacher)
    row = store.teachers().set_index("fingerprint").loc[fingerprint]
    if not args.yes:
        raise InvalidInputError(
            f"this would forget {row['n_rows']:,} answers of {row['name']} ({fingerprint[:SHOWN]}) for good; "
            "say --yes if that is meant"
        )
    console.print(f"{store.prune(fingerprint):,} answers of {row['name']} forgotten", markup=False, highlight=False)
    return 0
