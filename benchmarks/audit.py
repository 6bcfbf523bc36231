"""How long a full audit takes and how much memory, what it costs beside busy neighbours, and signs of life.

python benchmarks/audit.py --quick
python benchmarks/audit.py --base REVISION    # the same commands on another commit, in turn
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from _audit_shell import THREADS, against, beside_neighbours
from _bars import Bars, options
from _data import load
from _teachers import forest

import explaindistill as xd
import explaindistill.teachers
from explaindistill.measures.bias import group_rates
from explaindistill.measures.gaps import group_gaps

AUDITED = 32_561
GIB = 2**20  # ru_maxrss counts kibibytes


class Cached:
    """A teacher that keeps its answers: what an audit costs without what its teacher costs."""

    def __init__(self, teacher: Any) -> None:
        self._teacher, self.classes_, self._kept = teacher, teacher.classes_, {}

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Answers of the teacher, asked once per table."""
        key = hashlib.sha256(pd.util.hash_pandas_object(X, index=False).to_numpy().tobytes()).digest()
        if key not in self._kept:
            self._kept[key] = self._teacher.predict_proba(X)
        return self._kept[key]

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self) -> str:
        """A name: the teacher is the same one in all runs."""
        return "cached forest"

    def __sklearn_clone__(self) -> Cached:
        return self


def adult(quick: bool) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]:
    """Rows to fit on, and 32,561 rows to audit (those that are left, drawn with replacement where they are fewer)."""
    data = load("adult")
    order = np.random.default_rng(0).permutation(len(data.X))
    fit, rest = order[: len(order) // 3], order[len(order) // 3 :]
    if quick:
        fit = fit[:3_000]
    n = 1_500 if quick else AUDITED
    rest = rest[:n] if len(rest) >= n else np.r_[rest, np.random.default_rng(1).choice(rest, n - len(rest))]
    return data.X.iloc[fit], data.y.iloc[fit], data.X.iloc[rest], data.y.iloc[rest]


def full(bars: Bars, quick: bool) -> None:
    X, y, held, truth = adult(quick)
    teacher = Cached(forest(X, y, "classification", n_trees=20 if quick else 100))
    kinds = {"tree": xd.TreeClassifier(), "gam": xd.GAMClassifier(), "linear": xd.LinearClassifier()}
    students = {
        name: xd.Distiller(teacher, kind, n_queries=4_000 if quick else 20_000, random_state=0).fit(X)
        for name, kind in kinds.items()
    }
    who = held[["sex", "race"]].assign(age=pd.cut(held["age"], [0, 25, 35, 45, 55, 120]))
    asked: dict[str, Any] = {"train": (X, y), "sensitive": who, "favorable": sorted(y.unique())[1]}
    xd.audit(teacher, students, held, truth, **asked)  # the answers are kept from here on
    start = time.perf_counter()
    record = xd.audit(teacher, students, held, truth, **asked)
    spent = time.perf_counter() - start
    size = f"{len(held):,} rows, 3 students, sex × race × age band"
    bars.at_most(
        f"full audit, {size}, answers cached", 60, spent, " s", f"({sum(map(len, record.frames.values()))} lines)"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    bars.at_most("peak memory of the process, fits included", 1.5, peak, " GiB")
    start = time.perf_counter()
    page = record.save(Path("/tmp") / f"audit-{os.getpid()}.html")
    bars.add("its page", "reported", f"{time.perf_counter() - start:.1f} s", None)
    bars.add("size of its page", "reported", f"{page.stat().st_size / 1000:.0f} kB", None)
    page.unlink()
    name = "with stability (3 refits of each student) and Distill-and-Compare (200 resamples)"
    if quick:  # the resamples take two minutes whatever the number of rows
        bars.add(name, "<= 300 s", "not in --quick", None)
        return
    start = time.perf_counter()
    xd.audit(teacher, students, held, truth, n_refits=3, compare=True, **asked)
    bars.at_most(name, 300, time.perf_counter() - start, " s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB
    bars.add("peak memory of all of it", "reported", f"{peak:.2f} GiB", None)


def large(bars: Bars, quick: bool) -> None:
    n = 100_000 if quick else 1_000_000
    rng = np.random.default_rng(0)
    who = pd.DataFrame({"region": pd.Categorical.from_codes(rng.integers(0, 30, n), [f"r{i}" for i in range(30)])})
    d, y = rng.random(n) < 0.4, rng.random(n) < 0.5
    start = time.perf_counter()
    rates = group_rates(d, attributes=who, favorable=True, y=y)
    group_gaps(rates)
    bars.at_most(f"rates and gaps of one model, {n:,} rows, 30 groups", 5, time.perf_counter() - start, " s")


LARGE = {"200-columns": 20, "146-columns": 30, "100000-rows": 25, "1000000-rows": 120}
"""Seconds that each of them may take."""


def made_up(bars: Bars, quick: bool) -> None:
    """Wide and long tables, each in a process of its own."""
    free = {name: value for name, value in os.environ.items() if name not in THREADS}
    for name, seconds in LARGE.items():
        if quick:
            bars.add(f"{name}: audit", f"<= {seconds} s", "not in --quick", None)
            continue
        command = [sys.executable, str(Path(__file__).parent / "_audit_cases.py"), name]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, env=free).stdout)
        bars.at_most(f"{name}: audit", seconds, told["seconds"], " s")
        more, frame = told["peak"] - told["before"], told["frame"]
        if name == "1000000-rows":
            bars.at_most(f"{name}: memory on top of the frame's own, over the frame", 2, more / frame, " x")
        note = f"{frame / 2**20:.0f} MiB; peak {told['peak'] / 2**20:.0f} MiB, {told['before'] / 2**20:.0f} before"
        bars.add(f"{name}: frame", "reported", note, None)


def alive(bars: Bars) -> None:
    """The longest time without a report while a teacher takes five seconds for each question."""
    X = pd.DataFrame({"debt": np.linspace(0, 1, 400)})

    def slow(rows: pd.DataFrame) -> np.ndarray:
        time.sleep(5)
        return rows["debt"].to_numpy() ** 2

    times = [time.perf_counter()]
    xd.label(xd.teachers.as_teacher(slow), X, batch_size=200, progress=lambda _: times.append(time.perf_counter()))
    times.append(time.perf_counter())
    bars.at_most("longest time without a sign of life, a slow teacher", 2, float(np.diff(times).max()), " s")


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--base", metavar="REVISION", help="compare with this commit")
    args = parser.parse_args(argv)
    bars = Bars("Time and memory of an audit on two cores")
    alive(bars)
    against(bars, args.quick, args.base)
    if not args.quick:
        beside_neighbours(bars)
    made_up(bars, args.quick)
    large(bars, args.quick)
    full(bars, args.quick)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
