"""The command teach: a network for those who have no teacher at hand."""

from __future__ import annotations

import json
from argparse import Namespace

from rich.console import Console

from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.rows import read_rows
from explaindistill.cli.steps import performance, train
from explaindistill.data.files import write_whole

__all__ = ["run_teach"]


def run_teach(args: Namespace, console: Console) -> int:
    """Train a network and save it as a folder, with its figures on rows it did not see."""
    from explaindistill.teachers import save_teacher

    refuse_overwriting(args.out, ("teacher.json", "weights.npz", "teaching.json"), args.force)
    rows = read_rows(args)
    with results_folder(args.out) as out:
        teacher = train(rows, args.hidden, args.epochs, args.random_state)
        save_teacher(teacher, out)
        name, figure = performance(teacher, rows)
        note = {
            "target": args.target,
            "n_rows": len(rows.X),
            "test_share": args.test_share,
            "random_state": args.random_state,
            name: figure,
        }
        write_whole(out / "teaching.json", json.dumps(note, indent=1) + "\n")
    console.print(f"{name} {figure:.3f} on {len(rows.test):,} rows that the network did not see; saved in {args.out}")
    return 0
