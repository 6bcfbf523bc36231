"""Audits from the shell, whole processes: against another commit in turn, and beside busy neighbours."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from _bars import Bars
from _data import FOLDER

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
ONE_THREAD = dict.fromkeys(THREADS, "1")
TIMES_FASTER = {"german_credit": 3.0, "compas": 3.0, "adult": 2.5}
TABLES = {
    "german_credit": ("--target", "credit"),
    "compas": ("--target", "two_year_recid", "--drop", "decile_score,score_text,is_recid", "--task", "classification"),
    "adult": ("--target", "income-per-year"),
}
ABOUT = {
    "german_credit": ("--sensitive", "personal_status,foreign_worker", "--favorable", "1"),
    "compas": ("--sensitive", "race,sex", "--favorable", "0"),
    "adult": ("--sensitive", "sex,race", "--favorable", ">50K"),
}


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall and of processors, and the peak of memory in bytes, of one whole process."""

    wall: float
    cpu: float
    peak: int


def spent(command: Sequence[str], tree: Path = ROOT, env: dict[str, str] | None = None) -> Spent:
    """Run a command on the package of a tree, and wait for it; what an earlier one wrote is removed first."""
    shutil.rmtree(command[-1], ignore_errors=True)
    free = {name: value for name, value in os.environ.items() if name not in THREADS}
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env=free | {"PYTHONPATH": str(tree)} | (env or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    words = process.stderr.read() if process.stderr is not None else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):  # 3: something cannot be decided with so few rows
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {words.decode()[-2000:]}")
    return Spent(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


@contextmanager
def tree_of(revision: str) -> Iterator[Path]:
    """Another commit of this repository, in a folder of its own for as long as it is needed."""
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", str(tree), revision], check=True, capture_output=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True, capture_output=True)


def _taught(name: str, place: Path, n_rows: int | None) -> list[str]:
    """The command that audits three students of a small network on one table."""
    import pandas as pd

    rows = pd.read_csv(FOLDER / f"{name}.csv.gz")
    if n_rows is not None and len(rows) > n_rows:
        rows = rows.sample(n_rows, random_state=0)
    table, teacher = place / f"{name}.csv", place / f"{name}-teacher"
    rows.to_csv(table, index=False)
    run = [sys.executable, "-m", "explaindistill"]
    spent([*run, "teach", "--data", str(table), *TABLES[name], "--out", str(teacher)])
    audited = ["--teacher", str(teacher), "--data", str(table), *TABLES[name], *ABOUT[name]]
    return [*run, "audit", *audited, "--student", "tree,gam,linear", "--out", str(place / f"{name}-audit")]


def against(bars: Bars, quick: bool, base: str | None) -> None:
    """How much faster this commit is than another, in turn, the same command on the same teacher."""
    names = ["german_credit"] if quick else list(TABLES)
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            command = _taught(name, Path(place), 1_000 if quick else None)
            bar = f"{name}: audit from the shell"
            if base is None:
                spent(command)
                bars.add(bar, "reported", _words(spent(command)), None)
                continue
            with tree_of(base) as tree:
                spent(command), spent(command, tree)
                pairs = [(spent(command), spent(command, tree)) for _ in range(2 if quick else 3)]
            ours, theirs = ([pair[i] for pair in pairs] for i in (0, 1))
            bars.add(bar, "reported", f"{_median(ours)}; {base[:10]}: {_median(theirs)}", None)
            faster = statistics.median(b.wall / a.wall for a, b in pairs)
            bars.at_least(f"{bar}, {base[:10]} over this commit", TIMES_FASTER[name], faster, " x")
            less = statistics.median(b.cpu / a.cpu for a, b in pairs)
            bars.add(f"{bar}, the same of processor time", "reported", f"{less:.2f} x", None)


def _words(one: Spent) -> str:
    return f"{one.wall:.1f} s, {one.cpu:.1f} s of processors, {one.peak / 2**30:.2f} GiB"


def _median(runs: list[Spent]) -> str:
    return (
        f"{statistics.median(r.wall for r in runs):.1f} s, {statistics.median(r.cpu for r in runs):.1f} s of processors"
    )


@contextmanager
def busy(n: int) -> Iterator[None]:
    """So many processes that never rest."""
    neighbours = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for process in neighbours:
            process.kill()
            process.wait()


def beside_neighbours(bars: Bars) -> None:
    """Processor time with the threads that an audit takes by itself, over that of one thread, while others work."""
    with tempfile.TemporaryDirectory() as place:
        command = _taught("german_credit", Path(place), None)
        spent(command)
        with busy(2):
            ratios = [spent(command).cpu / spent(command, env=ONE_THREAD).cpu for _ in range(3)]
    bars.at_most(
        "two busy neighbours: processor time by default over that of one thread", 1.3, statistics.median(ratios), " x"
    )
