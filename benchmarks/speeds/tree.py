"""Time and memory of the tree student against scikit-learn's CART and LightGBM's data set plus one tree.

1,000,000 × 50 float32 with two-class soft labels and 32 leaves on two threads; timings in turn with the opponent.
"Engine" is binning and growth; "fit" is all that a user waits for, schema and checks included.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _bars import Bars, environment, in_turn, options, seconds
from sklearn.tree import DecisionTreeRegressor

from explaindistill.data.schema import Schema
from explaindistill.numerics.trees.best_first import Grown, grow
from explaindistill.numerics.trees.binning import bin_table
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.histogram import channels
from explaindistill.numerics.trees.local_rows import LocalRows
from explaindistill.numerics.trees.open_leaves import TreeLimits
from explaindistill.students.tree.estimators import TreeClassifier

LEAVES = 32


def rows(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns and the probability of the second class."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    z = X[:, 0] + X[:, 1] * X[:, 2] + np.sin(3 * X[:, 3])
    return X, 1 / (1 + np.exp(-2 * z.astype(float)))


def engine(X: np.ndarray, p: np.ndarray, schema: Schema, frame: pd.DataFrame) -> Grown:
    """Binning and growth, thresholds refined, nothing else."""
    d = len(schema)
    limits = TreeLimits(LEAVES, None, 1, 0.0, None, np.zeros(d, dtype=np.int64), None)
    table = bin_table(schema, frame, None, 2)

    def raw(f: int, index: np.ndarray) -> np.ndarray:
        return X[index, f].astype(float)

    return grow(Grower(LocalRows(table, channels(p[:, None], None), raw, 2), limits, schema.names))


def loss(grown: Grown, p: np.ndarray) -> float:
    """Squared error of the tree on its own rows."""
    return float(((p - p.mean()) ** 2).sum() - grown.gain.sum()) / len(p)


def against_cart(bars: Bars, X: np.ndarray, p: np.ndarray, runs: int) -> None:
    """Time and loss against scikit-learn, in turn."""
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    schema = Schema.infer(frame)
    cart = DecisionTreeRegressor(max_leaf_nodes=LEAVES, random_state=0)
    few = slice(0, 2000)
    engine(X[few], p[few], schema, frame[few]), cart.fit(X[few], p[few])
    pairs = [(seconds(lambda: engine(X, p, schema, frame)), seconds(lambda: cart.fit(X, p))) for _ in range(runs)]
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    note = f"({ours:.2f} s, {theirs:.1f} s; {runs} runs in turn)"
    bars.at_most("binning + growth over CART", 1 / 15, ratio, note=note)
    grown = engine(X, p, schema, frame)
    bars.at_most("loss over CART's", 1.001, loss(grown, p) / float(((p - cart.predict(X)) ** 2).mean()))


def whole_fit(bars: Bars, X: np.ndarray, p: np.ndarray, runs: int) -> None:
    """All that a user waits for: schema, checks, leaf values and rounded thresholds included."""
    frame, P = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]), np.c_[1 - p, p]
    for what, temperature in (("one temperature", 1.0), ("as by default", "auto")):
        student = TreeClassifier(LEAVES, n_jobs=2, structure_temperature=temperature)
        student.fit(frame[:2000], P[:2000])
        times = [seconds(lambda s=student: s.fit(frame, P)) for _ in range(runs)]
        bars.add(f"whole fit, {what}", "(shown)", f"{statistics.median(times):.2f} s", None)


LIGHTGBM = """
import sys, time
import lightgbm, numpy as np
X, p = np.load(sys.argv[1]), np.load(sys.argv[2])
options = dict(objective="regression", num_leaves=32, num_threads=2, verbose=-1, min_data_in_leaf=1, learning_rate=1.0)
for _ in sys.stdin:
    start = time.perf_counter()
    lightgbm.train(options, lightgbm.Dataset(X, p), 1)
    print(time.perf_counter() - start, flush=True)
"""


def against_lightgbm(bars: Bars, X: np.ndarray, p: np.ndarray, runs: int) -> None:
    """LightGBM waits in an environment of its own and takes turns with ours."""
    python = environment("lightgbm", ["lightgbm"])
    if python is None:
        bars.add("binning + growth over LightGBM", "<= 0.8", "LightGBM cannot be installed here", None)
        return
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])])
    schema = Schema.infer(frame)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "X.npy", Path(folder) / "p.npy"]
        np.save(paths[0], X)
        np.save(paths[1], p)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        with subprocess.Popen([python, "-c", LIGHTGBM, *paths], **pipes) as other:

            def turn() -> tuple[float, float]:
                ours = seconds(lambda: engine(X, p, schema, frame))
                other.stdin.write("\n")
                return ours, float(other.stdout.readline())

            turn()
            pairs = [turn() for _ in range(runs)]
            other.stdin.close()
    ratio = statistics.median(a / b for a, b in pairs)
    ours, theirs = (statistics.median(times) for times in zip(*pairs, strict=True))
    note = f"({ours:.2f} s, {theirs:.2f} s; {runs} runs in turn)"
    bars.at_most("binning + growth over LightGBM", 0.8, ratio, note=note)


MEMORY = """
import sys
sys.path.append(sys.argv[1])
from speeds.tree import engine, peak_bytes, resident_bytes, rows
import pandas as pd
from explaindistill.data.schema import Schema
X, p = rows(int(sys.argv[2]), int(sys.argv[3]))
small = X[:2000]
frame = pd.DataFrame(small, columns=[f"x{i}" for i in range(X.shape[1])])
schema = Schema.infer(frame)
engine(small, p[:2000], schema, frame)
frame = pd.DataFrame(X, columns=frame.columns, copy=False)
before = resident_bytes()
open("/proc/self/clear_refs", "w").write("5")
engine(X, p, schema, frame)
print((peak_bytes() - before) / X.nbytes)
"""


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024


def resident_bytes() -> int:
    """Memory of this process now."""
    return _status("VmRSS:")


def peak_bytes() -> int:
    """Peak memory of this process; ``getrusage`` would show its parent's where that was larger."""
    return _status("VmHWM:")


def memory(bars: Bars, n: int, d: int, runs: int) -> None:
    """Peak over the input, in a process of its own; a few megabytes do not depend on the input."""
    if not Path("/proc/self/clear_refs").exists():
        bars.add("peak memory over the input's bytes", "<= 0.6", "needs Linux", None)
        return
    job = [sys.executable, "-c", MEMORY, str(Path(__file__).parents[1]), str(n), str(d)]
    done = [float(subprocess.run(job, check=True, capture_output=True, text=True).stdout) for _ in range(runs)]
    bars.at_most("peak memory over the input's bytes", 0.6, statistics.median(done), note=f"(largest {max(done):.3f})")


def growth(bars: Bars, quick: bool) -> None:
    """Slope of log time over log size, in rows and in columns."""
    sizes = [(n, 10) for n in ((10**5, 10**6) if quick else (10**5, 10**6, 4 * 10**6))]
    widths = [(10**5, d) for d in ((10, 100) if quick else (10, 100, 400))]
    for what, shapes, axis in (("rows", sizes, 0), ("columns", widths, 1)):
        times = []
        for n, d in shapes:
            X, p = rows(n, d)
            frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(d)])
            schema = Schema.infer(frame)
            engine(X, p, schema, frame)
            times.append(
                statistics.median(seconds(lambda X=X, p=p, s=schema, f=frame: engine(X, p, s, f)) for _ in range(5))
            )
        slope = math.log(times[-1] / times[0]) / math.log(shapes[-1][axis] / shapes[0][axis])
        bars.at_most(f"slope of time in {what}", 1.05, slope, note=str([round(t, 3) for t in times]))


def answers(bars: Bars, n: int) -> None:
    """Prediction of many rows, from a frame of one block and from one of separate columns, and of one row."""
    X, p = rows(n, 50)
    block = pd.DataFrame(X, columns=[f"x{i}" for i in range(50)])
    few = slice(0, min(n, 50_000))
    cart = DecisionTreeRegressor(max_leaf_nodes=LEAVES, random_state=0).fit(block.iloc[few], p[few])
    ours = TreeClassifier(LEAVES).fit(block.iloc[few], np.c_[1 - p, p][few])
    columns = pd.concat([block[[c]].copy() for c in block], axis=1)
    for what, frame in (("one block", block), ("separate columns", columns)):
        for threads in (1, 2):
            ours.set_params(n_jobs=threads)
            a, b, ratio = in_turn(lambda f=frame: ours.predict_proba(f), lambda f=frame: cart.predict(f), 9)
            name = f"predict_proba over CART's predict, {what}, {threads} thread{'s' * (threads > 1)}"
            bars.at_most(name, 1.0, ratio, note=f"({1e3 * a:.0f} ms, {1e3 * b:.0f} ms)")
    one, records = ours.compile().one, frame.head(2000).to_dict("records")
    times = [seconds(lambda: [one(r) for r in records]) / len(records) for _ in range(5)]
    bars.at_most("one row, compiled", 50, 1e6 * statistics.median(times), " µs")


COLD = """
import sys, time
import numpy as np
from explaindistill.students.tree import TreeClassifier
rng = np.random.default_rng(0)
X, y = rng.random((2000, 10)), rng.random(2000)
P = np.c_[1 - y, y]
times = []
for _ in range(2):
    start = time.perf_counter()
    TreeClassifier().fit(X, P)
    times.append(time.perf_counter() - start)
print(times[0], times[1])
"""
IMPORT = """
import time, sklearn, pandas
start = time.perf_counter()
import explaindistill
print(time.perf_counter() - start)
"""


def first_use(bars: Bars) -> None:
    """Cold compile in an empty cache, then a fresh process with the cache, then the import."""
    with tempfile.TemporaryDirectory() as cache:
        env = {**os.environ, "NUMBA_CACHE_DIR": cache}

        def ask(code: str) -> list[float]:
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=env)
            return [float(x) for x in done.stdout.split()]

        cold, second = ask(COLD)
        bars.at_most("first fit ever, over the second", 10, cold - second, " s")
        warm = [a - b for a, b in (ask(COLD) for _ in range(3))]
        bars.at_most("first fit of a process, over the second", 1, statistics.median(warm), " s")
        bars.at_most(
            "import over scikit-learn and pandas", 0.3, statistics.median(ask(IMPORT)[0] for _ in range(3)), " s"
        )


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    parser = options(__doc__ or "")
    parser.add_argument(
        "--parts", nargs="+", default=["first", "answers", "cart", "fit", "lightgbm", "memory", "growth"]
    )
    args = parser.parse_args(argv)
    n, d, runs = (100_000, 20, 3) if args.quick else (1_000_000, 50, 5)
    bars = Bars(f"trees on {n:,} × {d}")
    start = time.monotonic()
    parts = {
        "first": lambda: first_use(bars),
        "answers": lambda: answers(bars, n),
        "cart": lambda: against_cart(bars, *rows(n, d), runs),
        "fit": lambda: whole_fit(bars, *rows(n, d), runs),
        "lightgbm": lambda: against_lightgbm(bars, *rows(n, d), runs),
        "memory": lambda: memory(bars, 1_000_000, 50, 1 if args.quick else 5),
        "growth": lambda: growth(bars, args.quick),
    }
    for name, part in parts.items():
        if name in args.parts:
            part()
            print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return bars.finish(args)
