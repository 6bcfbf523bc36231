"""Students that follow a stream: memory, fidelity against batch, changes found, false alarms, river's Hoeffding tree.

Rows are loan applications (13 columns, categories and missing values), drawn without end; the teacher is a network that
was trained on 20,000 of them. ``--rows`` (default 1,000,000) arrive in chunks of 1,000, a stream per student.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(sys.path.pop(0))

from _bars import Bars, environment, options
from _teachers import Network

from explaindistill.datasets import lending
from explaindistill.online import OnlineStudent
from explaindistill.students.gam import GAMClassifier
from explaindistill.students.linear import LinearClassifier
from explaindistill.students.model_tree import ModelTreeClassifier
from explaindistill.students.tree import TreeClassifier

CHUNK = 1_000
STUDENTS = {
    "tree": lambda: TreeClassifier(32),
    "gam": lambda: GAMClassifier(n_jobs=1),
    "linear": LinearClassifier,
}
MOST_BATCH = {"tree": 1_000_000, "gam": 200_000, "linear": 200_000}
PER_DRAW = 20_000


def applications(n: int, seed: int) -> pd.DataFrame:
    """Fresh rows."""
    return lending(n, random_state=seed).X.drop(columns="applied_on")


def stream(teacher: Any, n: int, seed: int) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """Chunks of rows with the teacher's answers."""
    for draw in range(-(-n // PER_DRAW)):
        X = applications(min(PER_DRAW, n - draw * PER_DRAW), 1_000_000 * (seed + 1) + draw)
        P = teacher.predict_proba(X)
        for start in range(0, len(X), CHUNK):
            rows = slice(start, start + CHUNK)
            yield X[rows], P[rows]


def resident() -> int:
    """Memory of this process now, in bytes; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS")), 0)


def long_run(bars: Bars, teacher: Any, n: int, names: list[str]) -> None:
    """Memory, fidelity against batch and false alarms of each student on a stationary stream of its own."""
    alarms = 0
    test = applications(20_000, 7)
    said = teacher.predict_proba(test)
    for seed, name in enumerate(names):
        online = OnlineStudent(STUDENTS[name](), classes=teacher.classes_, random_state=seed)
        memory, start = [], time.perf_counter()
        for X, P in stream(teacher, n, seed):
            online.update(X, P)
            memory.append(resident())
        took = time.perf_counter() - start
        fits = (online.history_["event"] == "fit").sum()
        alarms += int((online.history_["event"] == "drift").sum())
        tenth = max(len(memory) // 10, 1)
        ratio = max(memory) / max(memory[:tenth]) if memory[0] else np.nan
        bars.at_most(f"{name}: peak memory over that of the first tenth", 1.1, ratio)
        few = min(n, MOST_BATCH[name])
        parts = list(stream(teacher, few, seed))
        batch = STUDENTS[name]().set_params(classes=teacher.classes_)
        batch.fit(pd.concat([x for x, _ in parts], ignore_index=True), np.concatenate([p for _, p in parts]))
        ours, theirs = (
            100 * float((s.predict(test) == teacher.classes_[said.argmax(axis=1)]).mean()) for s in (online, batch)
        )
        note = f"(online {ours:.2f} %, batch on {few:,} rows {theirs:.2f} %; {fits} fits, {took:.0f} s)"
        bars.at_most(f"{name}: fidelity lost against batch", 0.5, theirs - ours, " points", note)
        print(f"{name} done: {took:.0f} s", file=sys.stderr)
    total = n * len(names)
    asked = max(1, total // 3_000_000)
    bars.at_most(f"false alarms in {total:,} stationary rows", asked, alarms)


class Shifted:
    """The same teacher, less generous: its log-odds moved."""

    def __init__(self, teacher: Any, by: float) -> None:
        self.teacher, self.by, self.classes_ = teacher, by, teacher.classes_

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities (n, 2)."""
        odds = np.log(np.clip(self.teacher.predict_proba(X), 1e-9, None)) + np.array([self.by, 0.0])
        e = np.exp(odds - odds.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


def another(seed: int) -> Any:
    """A teacher to whom income and debt mean nothing: trained where they were shuffled."""
    data = lending(20_000, random_state=seed)
    X, rng = data.X.drop(columns="applied_on"), np.random.default_rng(seed)
    for name in ("income", "debt_ratio"):
        X[name] = rng.permutation(X[name].to_numpy())
    return Network(seed=seed).fit(X, data.y)


def changes(bars: Bars, teacher: Any, seeds: int, before: int) -> None:
    """Rows until an abrupt change is found, the worst of some streams."""
    test = applications(20_000, 7)
    kinds = {"another teacher": another(91), "log-odds moved by 1": Shifted(teacher, 1.0)}
    for what, other in kinds.items():
        delays, reasons = [], []
        differ = 100 * float((other.predict_proba(test).argmax(1) != teacher.predict_proba(test).argmax(1)).mean())
        for seed in range(seeds):
            online = OnlineStudent(TreeClassifier(32), classes=teacher.classes_, random_state=seed)
            # the change does not come at the edge of a block
            offset = 100 * seed % CHUNK
            for X, P in stream(teacher, before, 100 + seed):
                online.update(X, P)
            first = applications(offset, 5 + seed) if offset else None
            if first is not None:
                online.update(first, teacher.predict_proba(first))
            for X, P in stream(other, 20_000, 200 + seed):
                online.update(X, P)
            found = online.history_.query("event == 'drift' and row > @before")
            delays.append(float(found["row"].iloc[0]) - before - offset if len(found) else np.inf)
            reasons += found["reason"].head(1).tolist()
        note = f"(median {statistics.median(delays):,.0f}; {reasons.count('teacher')} of {seeds} called the teacher's)"
        bars.at_most(
            f"{what} ({differ:.1f} % of answers): rows until found, worst of {seeds}", 5000, max(delays), "", note
        )


RIVER = """
import json, sys
import pandas as pd
from river import tree
frame = pd.read_csv(sys.argv[1])
p = frame.pop("p").to_numpy()
rows = [{k: v for k, v in row.items() if v == v and v is not None} for row in frame.to_dict("records")]
out = []
for leaf in ("mc", "nba"):
    for soft in (False, True):
        model, right, n = tree.HoeffdingTreeClassifier(leaf_prediction=leaf), 0, 0
        for i, (x, q) in enumerate(zip(rows, p)):
            if i >= 1000:
                right, n = right + (bool(model.predict_one(x)) == (q > 0.5)), n + 1
            if soft:
                model.learn_one(x, True, w=q), model.learn_one(x, False, w=1 - q)
            else:
                model.learn_one(x, bool(q > 0.5))
        out.append({"leaf": leaf, "soft": soft, "fidelity": right / n, "leaves": model.n_leaves})
print(json.dumps(out))
"""


def against_river(bars: Bars, teacher: Any, n: int) -> None:
    """Prequential fidelity on one stream at as many leaves as river's tree has in the end."""
    python = environment("river", ["river==0.26.1", "pandas"])
    if python is None:
        bars.add("prequential fidelity over river", ">= 0", "river cannot be installed here", None)
        return
    parts = list(stream(teacher, n, 50))
    frame = pd.concat([x for x, _ in parts], ignore_index=True)
    P = np.concatenate([p for _, p in parts])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame.assign(p=P[:, 1]).to_csv(path, index=False)
        job = [python, "-c", RIVER, path]
        told = json.loads(subprocess.run(job, check=True, capture_output=True, text=True).stdout)
    for other in told:
        leaves, plain = max(2, int(other["leaves"])), other["leaf"] == "mc"
        students = {"tree": TreeClassifier(leaves)}
        if not plain:
            # a naive Bayes model of all columns in each leaf: its like is a tree with a few coefficients per leaf
            students["model tree"] = ModelTreeClassifier(max_leaf_nodes=leaves)
        for name, student in students.items():
            online = OnlineStudent(student, classes=teacher.classes_)
            online.update(frame, P)
            ours = float(online.fidelity()["fidelity"].iloc[1])
            what = f"{'majority' if plain else 'naive Bayes'} leaves, {'soft' if other['soft'] else 'hard'}"
            gain = 100 * (ours - other["fidelity"])
            note = f"({100 * ours:.2f} against {100 * other['fidelity']:.2f} %, {leaves} leaves, {n:,} rows)"
            bars.at_least(f"prequential fidelity, {name} over river's {what}", 0, gain, " points", note)


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each stationary stream")
    parser.add_argument("--students", nargs="+", choices=list(STUDENTS), default=list(STUDENTS))
    parser.add_argument("--river-rows", type=int, default=100_000, help="rows of the stream shared with river")
    parser.add_argument("--parts", nargs="+", default=["long", "changes", "river"])
    args = parser.parse_args(argv)
    n = 20_000 if args.quick else args.rows
    data = lending(5_000 if args.quick else 20_000, random_state=3)
    teacher = Network(seed=0, epochs=10 if args.quick else 60).fit(data.X.drop(columns="applied_on"), data.y)
    bars = Bars(f"online students, {n:,} rows in chunks of {CHUNK:,}")
    if "changes" in args.parts:
        changes(bars, teacher, *((2, 8_000) if args.quick else (10, 30_000)))
    if "river" in args.parts:
        against_river(bars, teacher, 5_000 if args.quick else args.river_rows)
    if "long" in args.parts:
        long_run(bars, teacher, n, args.students)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
