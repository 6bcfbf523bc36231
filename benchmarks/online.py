"""Students that follow a stream: memory, fidelity against batch, changes found, false alarms, river's Hoeffding tree.

Rows are loan applications (13 columns, categories and missing values), drawn without end; the teacher is a network that
was trained on 20,000 of them. ``--rows`` (default 1,000,000) arrive in chunks of 1,000, three streams per student.
With ``--store`` a stopped run goes on. Against river, trees of constant leaves stand against
majority leaves, and trees with a few coefficients per leaf against leaves with a naive Bayes model each; the other two
pairs are shown, and are no bar.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.append(sys.path.pop(0))

from _bars import Bars, environment, kept, options, storing
from _teachers import Network

from explaindistill.data.datasets import lending
from explaindistill.distillation.wrappers.online import OnlineStudent
from explaindistill.students.gam.estimators import GAMClassifier
from explaindistill.students.linear.estimators import LinearClassifier
from explaindistill.students.model_tree.estimators import ModelTreeClassifier
from explaindistill.students.tree.estimators import TreeClassifier

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


def long_run(teacher: Any, name: str, n: int, seed: int) -> list[dict[str, Any]]:
    """Memory, fidelity against batch and false alarms of one student on a stationary stream."""
    test = applications(100_000, 7)
    said = teacher.predict_proba(test).argmax(axis=1)
    online = OnlineStudent(STUDENTS[name](), classes=teacher.classes_, random_state=seed)
    memory, start = [], time.perf_counter()
    for X, P in stream(teacher, n, seed):
        online.update(X, P)
        memory.append(resident())
    took = time.perf_counter() - start
    few = min(n, MOST_BATCH[name])
    parts = list(stream(teacher, few, seed))
    batch = STUDENTS[name]().set_params(classes=teacher.classes_)
    batch.fit(pd.concat([x for x, _ in parts], ignore_index=True), np.concatenate([p for _, p in parts]))
    ours, theirs = (100 * float((s.predict(test) == teacher.classes_[said]).mean()) for s in (online, batch))
    events = online.history_["event"]
    ratio = max(memory) / max(memory[: max(len(memory) // 10, 1)]) if memory[0] else np.nan
    line = {"student": name, "rows": n, "memory": ratio, "online": ours, "batch": theirs, "batch_rows": few}
    return [line | {"fits": (events == "fit").sum(), "alarms": (events == "drift").sum(), "seconds": took}]


def apart(function: Any, *args: Any) -> Any:
    """Call in a process of its own, so that memory which others left behind hides nothing."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


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


def change(teacher: Any, what: str, before: int, seed: int) -> list[dict[str, Any]]:
    """Rows until an abrupt change is found in one stream."""
    other = another(91) if what == "another teacher" else Shifted(teacher, 1.0)
    test = applications(20_000, 7)
    differ = 100 * float((other.predict_proba(test).argmax(1) != teacher.predict_proba(test).argmax(1)).mean())
    online = OnlineStudent(TreeClassifier(32), classes=teacher.classes_, random_state=seed)
    for X, P in stream(teacher, before, 100 + seed):
        online.update(X, P)
    # the change does not come at the edge of a block
    if offset := 100 * seed % CHUNK:
        first = applications(offset, 5 + seed)
        online.update(first, teacher.predict_proba(first))
    for X, P in stream(other, 20_000, 200 + seed):
        online.update(X, P)
    found = online.history_.query("event == 'drift' and row > @before")
    delay = float(found["row"].iloc[0]) - before - offset if len(found) else np.inf
    return [{"what": what, "differ": differ, "delay": delay, "reason": found["reason"].iloc[0] if len(found) else ""}]


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


def against_river(teacher: Any, n: int, seed: int) -> list[dict[str, Any]]:
    """Prequential fidelity on one stream at as many leaves as river's tree has in the end; nothing without river."""
    python = environment("river", ["river==0.26.1", "pandas"])
    if python is None:
        return []
    parts = list(stream(teacher, n, 50 + seed))
    frame = pd.concat([x for x, _ in parts], ignore_index=True)
    P = np.concatenate([p for _, p in parts])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        frame.assign(p=P[:, 1]).to_csv(path, index=False)
        job = [python, "-c", RIVER, path]
        told = json.loads(subprocess.run(job, check=True, capture_output=True, text=True).stdout)
    lines = []
    for other in told:
        leaves = max(2, int(other["leaves"]))
        for kind, student in {"constant": TreeClassifier(leaves), "model": ModelTreeClassifier(leaves)}.items():
            online = OnlineStudent(student, classes=teacher.classes_)
            online.update(frame, P)
            ours = 100 * float(online.fidelity()["fidelity"].iloc[1])
            line = {"leaf": other["leaf"], "soft": other["soft"], "leaves": leaves, "rows": n, "kind": kind}
            lines.append(line | {"ours": ours, "theirs": 100 * other["fidelity"]})
    return lines


def judge_river(bars: Bars, found: pd.DataFrame) -> None:
    """Like against like is a bar: majority against constants, a naive Bayes model per leaf against coefficients."""
    if found.empty:
        bars.add("prequential fidelity over river", ">= 0", "river cannot be installed here", None)
        return
    for (leaf, kind, soft), part in found.groupby(["leaf", "kind", "soft"], sort=False):
        like = (leaf == "mc") == (kind == "constant")
        gain = part["ours"] - part["theirs"]
        theirs = f"{'majority' if leaf == 'mc' else 'naive Bayes'} leaves, {'soft' if soft else 'hard'} labels"
        note = f"({part['ours'].mean():.2f} against {part['theirs'].mean():.2f} %, "
        note += f"{part['leaves'].median():.0f} leaves, {len(part)} streams of {part['rows'].iloc[0]:,} rows)"
        bar = f"fidelity before learning: {kind} leaves over river's {theirs}"
        if like:
            bars.at_least(bar, 0, float(gain.min()), " points, worst stream", note)
        else:
            bars.add(bar, "reported", f"{gain.mean():+.4g} points {note}", None)


def judge_long(bars: Bars, found: pd.DataFrame) -> None:
    """Memory, fidelity and false alarms."""
    for student, part in found.groupby("student", sort=False):
        name = f"{student}, {len(part)} x {part['rows'].iloc[0]:,} rows"
        bars.at_most(f"{name}: peak memory over that of the first tenth, worst", 1.1, float(part["memory"].max()))
        lost = part["batch"] - part["online"]
        note = f"(online {part['online'].mean():.2f} %, batch on {part['batch_rows'].iloc[0]:,} rows "
        note += f"{part['batch'].mean():.2f} %; each {', '.join(f'{v:+.2f}' for v in lost)}; "
        note += f"{part['fits'].median():.0f} fits, {part['seconds'].median():.0f} s)"
        bars.at_most(f"{name}: fidelity lost against batch, mean", 0.5, float(lost.mean()), " points", note)
    total = int(found["rows"].sum())
    bars.at_most(f"false alarms in {total:,} stationary rows", max(1, total // 3_000_000), int(found["alarms"].sum()))


def judge_changes(bars: Bars, found: pd.DataFrame) -> None:
    """Delays, the worst of each kind of change."""
    for what, part in found.groupby("what", sort=False):
        note = f"(median {part['delay'].median():,.0f}; {(part['reason'] == 'teacher').sum()} called the teacher's)"
        bar = f"{what} ({part['differ'].mean():.1f} % of answers): rows until found, worst of {len(part)}"
        bars.at_most(bar, 5000, float(part["delay"].max()), "", note)


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each stationary stream")
    parser.add_argument("--students", nargs="+", choices=list(STUDENTS), default=list(STUDENTS))
    parser.add_argument("--river-rows", type=int, default=100_000, help="rows of the stream shared with river")
    parser.add_argument("--streams", type=int, default=3, help="streams of each student, and of river")
    storing(parser)
    parser.add_argument("--parts", nargs="+", default=["long", "changes", "river"])
    args = parser.parse_args(argv)
    n = 20_000 if args.quick else args.rows
    data = lending(5_000 if args.quick else 20_000, random_state=3)
    teacher = Network(seed=0, epochs=10 if args.quick else 60).fit(data.X.drop(columns="applied_on"), data.y)
    store = None if args.quick else args.store
    bars = Bars(f"online students, {n:,} rows in chunks of {CHUNK:,}")

    def cells(jobs: dict[str, Any]) -> pd.DataFrame:
        found = [kept(store, f"online-{key}", job) for key, job in jobs.items()]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    if "changes" in args.parts:
        seeds, before = (2, 8_000) if args.quick else (10, 30_000)
        pairs = [(w, s) for w in ("another teacher", "log-odds moved by 1") for s in range(seeds)]
        judge_changes(bars, cells({f"change-{w[:3]}-{s}": partial(change, teacher, w, before, s) for w, s in pairs}))
    if "river" in args.parts:
        streams, rows = (1, 5_000) if args.quick else (args.streams, args.river_rows)
        judge_river(
            bars, cells({f"river-{rows}-{s}": partial(against_river, teacher, rows, s) for s in range(streams)})
        )
    if "long" in args.parts:
        streams = range(1 if args.quick else args.streams)
        pairs = [(k, s) for s in streams for k in args.students]
        judge_long(bars, cells({f"long-{k}-{n}-{s}": partial(apart, long_run, teacher, k, n, s) for k, s in pairs}))
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
