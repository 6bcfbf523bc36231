"""The commands that read saved audits: hold one against a policy, or compare two."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console
from rich.table import Table

from explaindistill.auditing.comparing import compare
from explaindistill.auditing.gates import gate

__all__ = ["run_check", "run_compare"]

LISTED = 40


def run_check(args: Namespace, console: Console) -> int:
    """Print every check that did not pass; 0 pass, 1 fail, 3 inconclusive."""
    answer = gate(args.audit, args.policy)
    console.print(str(answer), markup=False, highlight=False)
    return answer.exit_code


def run_compare(args: Namespace, console: Console) -> int:
    """Print what moved beyond chance, and what else changed."""
    changes = compare(args.old, args.new)
    moved = changes[changes["moved"].isin(["beyond chance", "only in old", "only in new"])]
    table = Table("what", "where", "old", "new", "change", "", box=None, padding=(0, 2))
    for row in moved.head(LISTED).to_dict("records"):
        where = " ".join(row[k] for k in ("subject", "attribute", "group", "subset", "feature") if row[k])
        figures = (f"{row['old']:.4g}", f"{row['new']:.4g}", f"{row['change']:+.4g}")
        table.add_row(f"{row['frame']}.{row['metric']}", where, *figures, row["moved"])
    if len(moved):
        console.print(table, markup=False)
    for note in changes.attrs["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)
    hidden = f", {len(moved) - LISTED} not listed" if len(moved) > LISTED else ""
    beyond = int((changes["moved"] == "beyond chance").sum())
    console.print(f"{beyond} of {len(changes)} figures moved beyond chance{hidden}", markup=False, highlight=False)
    return 0
