"""Trees and audits of rows in partitions: the same bytes, memory, processor time, rounds and bytes sent.

``python benchmarks/scale.py [--quick] [--rows N] [--audit | --cluster] [--json FILE]``. Rows: 32 columns (18 numbers of
which six are skewed, four of whole numbers, ten categories), a network of 64 and 64 units as teacher, a tree of 32
leaves, greedy. Each fit runs in a process of its own, which says its peak memory. ``--audit`` audits such a tree on
other rows with a label and two sensitive columns, and fits nothing to them: counts against those of DuckDB, memory, and
processor time over that of one pass of the teacher. ``--rows 10000000`` takes some ten minutes and 2 GB of disk.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from _bars import Bars, options
from _scale_cluster import boosted_of_workers, tree_of_workers

import explaindistill as xd

GROUP = 250_000
"""Rows of a row group."""
LEAVES = 32


def rows_of(n: int, seed: int) -> pd.DataFrame:
    """Rows of 32 columns."""
    rng = np.random.default_rng(seed)
    rows = {f"normal {j}": rng.normal(size=n) for j in range(12)}
    rows |= {f"skewed {j}": np.exp(rng.normal(size=n)) for j in range(6)}
    rows |= {f"count {j}": rng.integers(0, 60 * (j + 1), n) for j in range(4)}
    rows |= {f"level {j}": rng.choice([f"l{i}" for i in range(2 + j)], n) for j in range(10)}
    return pd.DataFrame(rows)


def written(folder: Path, n: int, is_audited: bool = False) -> Path:
    """Write n rows as Parquet, never more than a row group in memory."""
    place = folder / f"{'audited' if is_audited else 'rows'} {n}"
    place.mkdir()
    for i, start in enumerate(range(0, n, GROUP)):
        rows = rows_of(min(GROUP, n - start), i + 1000 * is_audited)
        rows = with_outcomes(rows, i) if is_audited else rows
        rows.to_parquet(place / f"{i:05d}.parquet", index=False)
    return place


def with_outcomes(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows with a label that follows the teacher, and two sensitive columns, one of which is missing at times."""
    rng = np.random.default_rng([seed, 3])
    n, yes = len(rows), Network().predict_proba(rows)[:, 1]
    sex = rng.choice(np.array(["f", "m", None], dtype=object), n, p=[0.5, 0.48, 0.02])
    race = rng.choice(["a", "b", "c", "d", "e"], n, p=[0.6, 0.2, 0.15, 0.049, 0.001])
    return rows.assign(approved=np.where(rng.random(n) < yes, "yes", "no"), sex=sex, race=race)


class Network:
    """A fixed network of 64 and 64 units on all columns."""

    classes_ = np.array(["no", "yes"])

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self.weights = [rng.normal(size=s) / np.sqrt(s[0]) for s in ((32, 64), (64, 64), (64, 1))]

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities of both classes."""
        columns = [
            X[c].to_numpy(dtype=float) if X[c].dtype.kind in "if" else X[c].str[1:].astype(float).to_numpy() for c in X
        ]
        hidden = np.column_stack(columns)
        hidden = np.sign(hidden) * np.log1p(np.abs(hidden))
        for weight in self.weights[:-1]:
            hidden = np.maximum(hidden @ weight, 0)
        yes = 1 / (1 + np.exp(-4 * (hidden @ self.weights[-1])[:, 0]))
        return np.column_stack([1 - yes, yes])

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """The more probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self) -> str:
        """Name of the answers."""
        return "network of the benchmark"

    def __sklearn_clone__(self) -> Network:
        return self


class Counted:
    """Partitions, as if of other machines, that count rounds, questions, and bytes of what is sent back.

    Threads that ask at once wait together: of them the one with the most questions counts.
    """

    elsewhere = True
    questions = size = main = 0
    of_threads: ClassVar[Counter[int]] = Counter()
    lock = threading.Lock()

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    @classmethod
    def rounds(cls) -> int:
        """Questions one after the other."""
        return cls.main + max(cls.of_threads.values(), default=0)

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """Ask all parts, and count."""
        answer = self.inner.ask(function, *arguments, reduce=reduce)
        size = len(pickle.dumps(answer))
        with Counted.lock:
            Counted.questions += 1
            Counted.size += size
            if threading.current_thread() is threading.main_thread():
                Counted.main = Counted.rounds() + 1
                Counted.of_threads.clear()
            else:
                Counted.of_threads[threading.get_ident()] += 1
        return answer

    def step(self, function: Callable[..., Any], *arguments: Any) -> Counted:
        """New partitions that count, too."""
        return Counted(self.inner.step(function, *arguments))

    def __len__(self) -> int:
        return len(self.inner)


def tree(search: str) -> Any:
    """The student of all fits."""
    return xd.TreeClassifier(max_leaf_nodes=LEAVES, search=search, structure_temperature=0.5)


def measured(how: str, folder: Path, search: str) -> dict[str, Any]:
    """Fit in this process, and say what it took."""
    distiller = xd.Distiller(Network(), tree(search), n_queries="all", random_state=0)
    opened = xd.open_parquet(folder)
    rows = opened if how == "parquet" else Counted(opened) if how == "counted" else pd.concat(list(opened))
    begin, wall = time.process_time(), time.perf_counter()
    if how == "memory":
        rows = rows.reset_index(drop=True)
    form = json.dumps(distiller.fit(rows).to_dict(), sort_keys=True)
    return {
        "digest": hashlib.sha256(form.encode()).hexdigest(),
        "cpu": time.process_time() - begin,
        "wall": time.perf_counter() - wall,
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "rounds": Counted.rounds(),
        "questions": Counted.questions,
        "mb": Counted.size / 1e6,
    }


def one_pass(folder: Path) -> dict[str, Any]:
    """Read all rows, and ask the teacher about each."""
    teacher, begin, n_yes = Network(), time.process_time(), 0
    for rows in xd.open_parquet(folder).drop(columns=["approved", "sex", "race"]):
        n_yes += int((teacher.predict_proba(rows)[:, 1] >= 0.5).sum())
    return {"cpu": time.process_time() - begin, "n_yes": n_yes}


def audited(folder: Path) -> dict[str, Any]:
    """Audit a tree that was fitted to other rows, in this process."""
    tree = xd.TreeClassifier(max_leaf_nodes=32, search="greedy")
    student = xd.Distiller(Network(), tree, random_state=0).fit(rows_of(20_000, 77))
    rows, begin = xd.open_parquet(folder), time.process_time()
    audit = xd.audit(Network(), {"tree": student}, rows, "approved", sensitive=["sex", "race"], favorable="yes",
                     min_group_size=1)  # fmt: skip
    seconds = time.process_time() - begin
    rates = audit.frames["rates"]
    chosen = rates[(rates["metric"] == "selection_rate") & (rates["subject"] == "labels")]
    counts = {line.group: [int(line.n), int(line.k)] for line in chosen.itertuples()}
    selected = rates[(rates["metric"] == "selection_rate") & (rates["subject"] == "teacher")]
    return {
        "cpu": seconds,
        "gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "counts": counts,
        "n_yes": int(selected[selected["attribute"] == "sex"]["k"].sum()),
        "partitions": audit.manifest["partitions"],
        "failures": len(audit.frames["failures"]),
    }


def plain_counts(folder: Path) -> dict[str, list[int]]:
    """Rows and favourable labels of every group, as DuckDB counts them, or pandas where it is not installed."""
    columns = {"sex": ["sex"], "race": ["race"], "both": ["sex", "race"]}
    tables = []
    try:
        import duckdb
    except ImportError:
        few = pd.concat([rows for rows in xd.open_parquet(folder)[["sex", "race", "approved"]]])
        few["k"] = few["approved"] == "yes"
        for names in columns.values():
            tables.append(few.groupby(names, dropna=False)["k"].agg(["size", "sum"]).reset_index())
    else:
        for names in columns.values():
            query = f"select {', '.join(names)}, count(*), count(*) filter (approved = 'yes') from '{folder}/*.parquet'"
            tables.append(duckdb.sql(f"{query} group by all").df())
    lines = [line for table in tables for line in table.astype(object).where(table.notna(), "(missing)").to_numpy()]
    return {" × ".join(map(str, line[:-2])): [int(line[-2]), int(line[-1])] for line in lines}


def audit_bars(args: Any, n: int) -> int:
    """Bars of an audit of n rows."""
    bars = Bars(f"Audit of rows in partitions: {n:,} rows of 35 columns from Parquet, one machine")
    with tempfile.TemporaryDirectory() as name:
        folder = written(Path(name), n, is_audited=True)
        teacher, audit, counts = apart("pass", folder), apart("audit", folder), plain_counts(folder)
    same = sum(audit["counts"].get(group) == line for group, line in counts.items())
    bars.add("counts equal a plain group-by on every group", "all", f"{same} of {len(counts)}", same == len(counts))
    bars.add("favourable decisions of the teacher over all groups", str(teacher["n_yes"]), str(audit["n_yes"]),
             teacher["n_yes"] == audit["n_yes"])  # fmt: skip
    bars.at_most(f"peak memory, {n:,} rows", 1.5, audit["gb"], " GB")
    bars.at_most("processor time over one pass of the teacher", 3.0, audit["cpu"] / teacher["cpu"], " x",
                 note=f"({teacher['cpu']:.1f} s a pass)")  # fmt: skip
    bars.add("frames that failed", "0", str(audit["failures"]), audit["failures"] == 0)
    return bars.finish(args)


def on_workers(folder: Path) -> dict[str, Any]:
    """Fit on two workers of dask."""
    return tree_of_workers(folder, Network(), tree("greedy"))


def boosted(folder: Path) -> dict[str, Any]:
    """Fit one tree of LightGBM's on two workers of dask."""
    return boosted_of_workers(folder, Network(), LEAVES)


def cluster_bars(args: Any, n: int) -> int:
    """Bars of two workers of dask."""
    bars = Bars(f"Two workers of dask: {n:,} rows of 32 columns from Parquet")
    with tempfile.TemporaryDirectory() as name:
        folder = written(Path(name), n)
        alone, workers = apart("parquet", folder), apart("dask", folder)
        bars.add("the same bytes as from one process", "yes", str(alone["digest"] == workers["digest"]),
                 alone["digest"] == workers["digest"])  # fmt: skip
        bars.at_most("two workers of dask: wall over one process", 0.7, workers["wall"] / alone["wall"], " x",
                     note=f"({alone['wall']:.1f} s alone; {workers['gb']:.2f} GB a worker)")  # fmt: skip
        words = f"{alone['cpu']:.1f} s alone; {workers['busiest']:.1f} s the busier worker, {workers['cpu']:.1f} s all"
        bars.add("processor time, whatever else the machine does", "reported", words, None)
        if importlib.util.find_spec("lightgbm"):
            peer = apart("boosted", folder)
            words = f"{peer['wall']:.1f} s beside {workers['wall']:.1f} s; agreement {peer['agreement']:.3f}"
            bars.add("one tree of LightGBM's on the same workers", "reported", words, None)
    return bars.finish(args)


def apart(how: str, folder: Path, search: str = "greedy") -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--one", how, str(folder), search]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help="rows of the large fit; 100,000 with --quick, else 1,000,000")
    parser.add_argument("--audit", action="store_true", help="audit rows in partitions, and fit nothing to them")
    parser.add_argument(
        "--cluster", action="store_true", help="two workers of dask beside one process; needs two cores"
    )
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.one:
        how, folder = args.one[0], Path(args.one[1])
        alone = {"pass": one_pass, "audit": audited, "dask": on_workers, "boosted": boosted}.get(how)
        print(json.dumps(measured(how, folder, args.one[2]) if alone is None else alone(folder)))
        return 0
    n = args.rows or (100_000 if args.quick else 1_000_000)
    if args.audit:
        return audit_bars(args, n)
    if args.cluster:
        return cluster_bars(args, n)
    few = min(n, 1_000_000)
    bars = Bars(f"Rows in partitions: {n:,} rows of 32 columns from Parquet, one machine")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, large = written(folder, few), written(folder, n) if n > few else None
        here, there = apart("memory", small), apart("parquet", small)
        most = there if large is None else apart("parquet", large)
        bars.add("the same bytes from Parquet as from memory", "yes", str(here["digest"] == there["digest"]),
                 here["digest"] == there["digest"])  # fmt: skip
        bars.at_most(f"peak memory, {n:,} rows out of core", 1.5, most["gb"], " GB")
        bars.at_most("processor time per row over that in memory", 1.3, (most["cpu"] / n) / (here["cpu"] / few), " x",
                     note=f"({here['cpu']:.1f} s in memory for {few:,})")  # fmt: skip
        counted = apart("counted", small)
        bars.at_most("rounds, greedy", 200, counted["rounds"])
        bars.at_most(f"bytes to one machine, {few:,} rows", 50, counted["mb"], " MB")
        tenth = apart("counted", written(folder, few // 10))
        bars.add(
            "the same from a tenth of the rows", "reported", f"{tenth['mb']:.1f} MB, {tenth['rounds']} rounds", None
        )
        if not args.quick:
            auto = apart("counted", small, "auto")
            bars.at_most("rounds, search auto", 400, auto["rounds"], note=f"({auto['questions']:,} questions)")
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
