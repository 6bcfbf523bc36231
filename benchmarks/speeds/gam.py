"""Fit time and memory of additive students on one million rows of 30 columns and two classes."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

sys.path.append(str(Path(__file__).parents[1]))
from _bars import Bars, options

from explaindistill.students.gam.estimators import GAMClassifier


def rows(n: int, d: int = 30) -> tuple[pd.DataFrame, np.ndarray]:
    """Columns of several kinds, and the answers of a teacher with interactions."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, d)), columns=[f"x{i}" for i in range(d)])
    for i in range(0, d, 5):
        X[f"x{i}"] = rng.integers(0, 12, n)
    eta = np.zeros(n)
    for i in range(d):
        eta += np.sin(X[f"x{i}"].to_numpy(dtype=float) * (1 + i % 3)) * (1 + i % 4) / 4
    for i in range(10):
        eta += (
            0.3 * X[f"x{i + 1}"].to_numpy(dtype=float) * X[f"x{i + 13}"].to_numpy(dtype=float) / (1 + 3 * (i % 5 == 4))
        )
    p = expit(eta)
    return X, np.column_stack([1 - p, p])


def resident() -> int:
    """Memory of this process now, in bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


class Peak:
    """The most memory held while a block ran, over what was held before it."""

    def __enter__(self) -> Peak:
        self.before = self.most = resident()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def watch(self) -> None:
        """Look at the memory again and again."""
        while not self.stop.wait(0.02):
            self.most = max(self.most, resident())

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self.over = (max(self.most, resident()) - self.before) / 2**30


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args(argv)
    n = 100_000 if args.quick else args.rows
    small, answers = rows(2000)
    GAMClassifier(n_pairs=2, n_jobs=-1).fit(small, answers)  # compiles the kernels
    X, P = rows(n)
    bars = Bars(f"additive students, {n:,} rows x 30")
    for n_pairs, limit in ((0, 25.0), (10, 90.0)):
        start = time.perf_counter()
        with Peak() as peak:
            gam = GAMClassifier(n_pairs=n_pairs, n_jobs=-1).fit(X, P)
        wall = time.perf_counter() - start
        bars.at_most(f"fit, {n_pairs} pairs", limit, wall, " s", f"({gam.n_iter_} steps)")
        bars.at_most(f"memory over the input, {n_pairs} pairs", 1.0, peak.over, " GiB")
        agreement = float(np.mean(gam.predict_proba(X[:20_000]).argmax(1) == P[:20_000].argmax(1)))
        bars.add(f"agreement, {n_pairs} pairs", "(for information)", f"{agreement:.4f}", None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
