"""Whether the band of Distill-and-Compare keeps its word: runs without any difference in which some place is flagged.

The score is the outcome's own probability in every run, so that each finding is false. The truth is smooth or has an
interaction that neither twin can say; the score is known as a probability, or recorded after a monotone transformation.

    python benchmarks/compare_bands.py --quick
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options

from explaindistill import ComparisonSettings, distill_and_compare

ASKED = 0.08


def rows(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Columns of several kinds, two of them correlated."""
    age = rng.integers(18, 70, n)
    return pd.DataFrame(
        {
            "age": age,
            "income": rng.lognormal(3 + 0.01 * age, 0.5).round(1),
            "priors": rng.poisson(1.5, n),
            "region": rng.choice(list("abcd"), n, p=[0.4, 0.3, 0.2, 0.1]),
            "member": rng.random(n) < 0.3,
        }
    )


def smooth(X: pd.DataFrame) -> np.ndarray:
    """Log-odds that the twins can say."""
    z = np.sin(X["age"] / 12) + 0.5 * np.log1p(X["priors"]) - 0.4 * (X["region"] == "b") - 0.02 * X["income"]
    return z.to_numpy() + 0.5 * X["member"].to_numpy() + 0.2


def tangled(X: pd.DataFrame) -> np.ndarray:
    """Log-odds with an interaction that they cannot."""
    return smooth(X) + 0.8 * ((X["age"] > 40) & X["member"]).to_numpy() * (X["priors"] > 1).to_numpy()


def false_alarms(
    truth: Callable[[pd.DataFrame], np.ndarray], recorded: bool, n: int, runs: int, n_boot: int
) -> tuple[float, float]:
    """Share of runs with any finding, and how wide the band is in standard errors."""
    flagged, widths = 0, []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        X = rows(n, rng)
        p = expit(truth(X))
        y = rng.random(n) < p
        score, scale = (np.round(10 * p**0.7), "recorded") if recorded else (p, "probability")
        with threadpool_limits(1):  # small matrices: more threads only wait for each other
            settings = ComparisonSettings(n_boot=n_boot, learners={})
            found = distill_and_compare(X, score, y, scale=scale, settings=settings, random_state=seed)
        flagged += bool(found.differing)
        widths.append(found.critical)
    return flagged / runs, float(np.mean(widths))


def power(n: int, runs: int, n_boot: int) -> float:
    """Share of runs that find a column which the score counts twice."""
    hits = 0
    for seed in range(runs):
        rng = np.random.default_rng(10_000 + seed)
        X = rows(n, rng)
        z = smooth(X)
        y = rng.random(n) < expit(z)
        settings = ComparisonSettings(n_boot=n_boot, learners={})
        score = expit(z + 0.6 * X["member"])
        found = distill_and_compare(X, score, y, scale="probability", settings=settings, random_state=seed)
        hits += "member" in found.differing
    return hits / runs


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--runs", type=int, default=200)
    args = parser.parse_args(argv)
    runs, n_boot = (12, 100) if args.quick else (args.runs, 200)
    bars = Bars(f"False alarms of the Distill-and-Compare band, {runs} runs a cell, {n_boot} resamples")
    start = time.perf_counter()
    cells = [
        ("smooth", smooth, False, 1000),
        ("interaction", tangled, False, 2000),
        ("recorded, 11 grades", smooth, True, 1000),
    ]
    for name, truth, recorded, n in cells:
        share, width = false_alarms(truth, recorded, n, runs, n_boot)
        note = f"(+- {1.96 * np.sqrt(share * (1 - share) / runs):.3f}; {width:.2f} standard errors)"
        if args.quick:
            bars.add(f"{name}, n = {n}", f"<= {ASKED}", f"{share:.3f} {note}", None)
        else:
            bars.at_most(f"{name}, n = {n}", ASKED, share, note=note)
    found = power(2000, runs, n_boot)
    bars.add("power: +0.6 on a flag of 30 %, n = 2000", "-", f"{found:.2f}", True)
    print(f"{time.perf_counter() - start:.0f} s")
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
