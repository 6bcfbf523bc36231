"""What every benchmark shares: ``--quick``, ``--json FILE``, one table of bars, exit 1 where a bar falls short.

::

    args = options("What this measures").parse_args(argv)
    bars = Bars("title")
    bars.at_least("agreement, adult", asked=0.93, measured=0.941, unit="")
    bars.at_most("fit time over CART", asked=1 / 15, measured=0.05)
    return bars.finish(args)
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

ENVIRONMENTS = Path(__file__).parent / ".envs"


@dataclass(frozen=True)
class Row:
    """One bar: what was asked, what was measured, whether it holds (None: not measured, and why)."""

    bar: str
    asked: str
    measured: str
    holds: bool | None


@dataclass
class Bars:
    """The bars of one benchmark."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def at_least(self, bar: str, asked: float, measured: float, unit: str = "", note: str = "") -> None:
        """Record a bar that the figure must reach; NaN does not."""
        self.add(bar, f">= {asked:g}{unit}", f"{measured:.4g}{unit}{note and ' ' + note}", measured >= asked)

    def at_most(self, bar: str, asked: float, measured: float, unit: str = "", note: str = "") -> None:
        """Record a bar that the figure must not exceed; NaN does."""
        self.add(bar, f"<= {asked:g}{unit}", f"{measured:.4g}{unit}{note and ' ' + note}", measured <= asked)

    def add(self, bar: str, asked: str, measured: str, holds: bool | None) -> None:
        """Record a bar in words; ``holds`` None means that it could not be measured here."""
        self.rows.append(Row(bar, asked, measured, None if holds is None else bool(holds)))

    def finish(self, args: argparse.Namespace) -> int:
        """Print the table, write the JSON, return the exit code."""
        table = Table("bar", "asked", "measured", "holds", title=self.title + (" (quick)" if args.quick else ""))
        for row in self.rows:
            unknown = "-" if row.asked == "reported" else "not measured"
            table.add_row(row.bar, row.asked, row.measured, {True: "yes", False: "NO", None: unknown}[row.holds])
        Console(width=160).print(table)
        if args.json:
            args.json.write_text(json.dumps([asdict(row) for row in self.rows], indent=1) + "\n")
        return int(any(row.holds is False for row in self.rows))


def options(description: str) -> argparse.ArgumentParser:
    """Options that every benchmark takes; a benchmark may add its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="the same table on less data, under 50 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows {bar, asked, measured, holds} here")
    return parser


def storing(parser: argparse.ArgumentParser) -> None:
    """Give a benchmark the option ``--store FOLDER``."""
    parser.add_argument("--store", type=Path, metavar="FOLDER", help="keep what was measured; a stopped run goes on")


def kept(store: Path | None, key: str, make: Callable[[], list[dict[str, Any]]]) -> pd.DataFrame:
    """Lines of one cell: read where an earlier run measured them, else measured and written."""
    file = None if store is None else store / f"{key}.csv"
    if file is not None and file.exists():
        return pd.read_csv(file)
    start = time.perf_counter()
    frame = pd.DataFrame(make())
    print(f"{key} ({time.perf_counter() - start:.0f} s)", file=sys.stderr, flush=True)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        frame.to_csv(file, index=False)
    return frame


def seconds(function: Callable[[], Any]) -> float:
    """Wall time of one call, garbage collected first."""
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(ours: Callable[[], Any], theirs: Callable[[], Any], runs: int = 5) -> tuple[float, float, float]:
    """Medians of both and the median of the paired ratios ours / theirs, after one warm-up of each."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def environment(name: str, packages: Sequence[str], python: str | None = None) -> Path | None:
    """Python of an environment with an opponent's own packages, made at the first call; None where that fails."""
    folder = ENVIRONMENTS / name
    done, interpreter = folder / ".done", folder / "bin" / "python"
    if done.exists() and done.read_text() == "\n".join(packages):
        return interpreter
    if python is None:
        venv.create(folder, with_pip=True, clear=True)
    else:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    command = [interpreter, "-m", "pip", "install", "-q", *packages]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        print(f"{name}: cannot be installed here\n{result.stderr[-800:]}", file=sys.stderr)
        return None
    done.write_text("\n".join(packages))
    return interpreter
