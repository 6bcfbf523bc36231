"""Whether nominal 95 % intervals hold the truth in 95 % of samples.

Wilson and score intervals are enumerated exactly (no simulation error); AUC, any-pair and transfer intervals are
simulated, 20,000 samples per cell (4,000 with ``--quick``).

    python benchmarks/interval_coverage.py --quick
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options

from explaindistill.numerics.statistics.intervals import (
    bonett_price,
    clopper_pearson,
    mover_difference,
    simultaneous_level,
    wilson,
)
from explaindistill.numerics.statistics.ranks import auc_interval
from explaindistill.numerics.statistics.score_limits import score_difference, score_ratio

SIZES = (20, 50, 100, 200, 500, 1000, 5000)
QUICK_SIZES = (20, 100, 500)
RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
Array = NDArray[np.float64]


def window(n: int, p: float) -> tuple[Array, Array]:
    """Counts that hold all but 1e-8 of a binomial's mass, and their probabilities."""
    half = 6 * np.sqrt(n * p * (1 - p)) + 6
    k = np.arange(max(0, int(n * p - half)), min(n, int(n * p + half)) + 1).astype(float)
    return k, stats.binom.pmf(k, n, p)


def held(low: Array, high: Array, truth: float, mass: Array) -> float:
    """Probability of the samples whose interval holds the truth."""
    return float(mass[(low <= truth) & (truth <= high)].sum() / mass.sum())


def single(interval: Callable[..., Any]) -> Iterator[tuple[str, float, float]]:
    """Each cell of one proportion: its name, expected successes, coverage."""
    for n, p in product(SIZES, RATES):
        k, mass = window(n, p)
        yield f"n={n} p={p}", n * p, held(*interval(k, n), p, mass)


def double(
    interval: Callable[..., Any], truth: Callable[[float, float], float], quick: bool
) -> Iterator[tuple[str, float, float]]:
    """Each cell of two proportions: a group of every size against one as large, and against 500 and 5,000 rows.

    With ``quick`` fewer sizes, against one as large and against 500.

    Limits hang on the counts alone: they are worked out once for all rates, of the counts that any rate may give.
    """
    sizes, others = (QUICK_SIZES, (500,)) if quick else (SIZES, (500, 5000))
    for n, m in sorted({(size, other) for size in sizes for other in (size, *others)}):
        (a, of_a), (b, of_b) = lattice(n), lattice(m)
        low, high = interval(a[:, None], n, b[None, :], m)
        for (p, mass_a), (q, mass_b) in product(of_a.items(), of_b.items()):
            mass = np.outer(mass_a, mass_b)
            yield f"n={n},{m} p={p},{q}", min(n * p, m * q), held(low, high, truth(p, q), mass)


def lattice(n: int) -> tuple[Array, dict[float, Array]]:
    """Counts in the window of any rate, and by rate the probability of each."""
    windows = {rate: window(n, rate) for rate in RATES}
    k = np.unique(np.concatenate([counts for counts, _ in windows.values()]))
    masses = {
        rate: np.where(np.isin(k, counts), stats.binom.pmf(k, n, rate), 0.0) for rate, (counts, _) in windows.items()
    }
    return k, masses


def proportions(bars: Bars, quick: bool) -> None:
    """The three intervals of the frames; cells that they cannot hold are named, with the exact interval beside."""
    grids = {
        "wilson": list(single(wilson)),
        "score, difference": list(double(score_difference, lambda p, q: p - q, quick)),
        "score, ratio": list(double(score_ratio, lambda p, q: p / q, quick)),
    }
    for name, cells in grids.items():
        coverage = np.array([c for _, _, c in cells])
        dense = [(c, cell) for cell, expected, c in cells if expected >= 5]
        bars.at_least(f"{name}: mean over {len(cells)} cells, at least", 0.94, float(coverage.mean()))
        bars.at_most(f"{name}: mean over {len(cells)} cells, at most", 0.97, float(coverage.mean()))
        bars.at_least(f"{name}: worst cell with n p >= 5", 0.925, min(dense)[0], note=f"({min(dense)[1]})")
        sparse = sorted((c, cell) for cell, expected, c in cells if expected < 5 and c < 0.925)
        shown = ", ".join(f"{cell}: {c:.3f}" for c, cell in sparse[:4])
        print(f"{name}: {len(sparse)} cells with n p < 5 below 0.925{': ' + shown if shown else ''}")
    exact = min((c, cell) for cell, _, c in single(clopper_pearson))
    bars.at_least("clopper-pearson (exact, offered for rare events): worst cell", 0.95, exact[0], note=f"({exact[1]})")


def auc_limits(score: Array, m: int, n: int) -> tuple[Array, Array]:
    """The package's interval for many samples at once: first m columns positive, n negative, no ties."""
    rank = stats.rankdata(score, axis=1)
    above = (rank[:, :m] - stats.rankdata(score[:, :m], axis=1)) / n
    below = 1 - (rank[:, m:] - stats.rankdata(score[:, m:], axis=1)) / m
    u, v = above.var(axis=1, ddof=1) / m, below.var(axis=1, ddof=1) / n
    spread = np.maximum(u**2 / (m - 1) + v**2 / (n - 1), 1e-300)
    return auc_interval(above.mean(axis=1), m, n, variance=u + v, freedom=(u + v) ** 2 / spread)


def areas(bars: Bars, draws: int, rng: np.random.Generator) -> None:
    """AUC of two normals, equal and unequal spread, from 25 rows of each label."""
    found = []
    for (m, n), theta, spread in product(
        ((25, 25), (25, 100), (100, 25), (50, 50), (25, 400), (200, 200)), (0.55, 0.7, 0.8, 0.9, 0.95), (0.67, 1.0, 1.5)
    ):
        shift = np.sqrt(1 + spread**2) * stats.norm.ppf(theta)
        score = np.hstack([rng.normal(size=(draws, m)) * spread + shift, rng.normal(size=(draws, n))])
        low, high = auc_limits(score, m, n)
        found.append((float(((low <= theta) & (theta <= high)).mean()), f"{m}+{n} rows, AUC {theta}, spread {spread}"))
    bars.at_least(
        f"AUC (Newcombe 2006 widened to logit t): worst of {len(found)} cells",
        0.93,
        min(found)[0],
        note=f"({min(found)[1]})",
    )
    print("AUC, the five lowest:", ", ".join(f"{cell}: {c:.3f}" for c, cell in sorted(found)[:5]))


def pairs(bars: Bars, draws: int, rng: np.random.Generator) -> None:
    """All pairs at once: the share of samples in which every pair's interval holds its true difference."""
    found = []
    for size, n, p, spread in product((3, 5, 8), (30, 100, 1000), (0.1, 0.3, 0.5), (0.0, 0.1)):
        truth = p + spread * np.linspace(-0.9, 0.9, size)
        k = rng.binomial(n, truth, (draws, size))
        both = list(combinations(range(size), 2))
        a, b = (np.array(side) for side in zip(*both, strict=True))
        # many samples have the same two counts: limits are worked out once for each
        both_counts, place = np.unique(k[:, a] * (n + 1) + k[:, b], return_inverse=True)
        first, second = np.divmod(both_counts, n + 1)
        limits = score_difference(first, n, second, n, simultaneous_level(size, size * n))
        low, high = (ends[place].reshape(k[:, a].shape) for ends in limits)
        gap = truth[a] - truth[b]
        whole = float(((low <= gap) & (gap <= high)).all(axis=1).mean())
        found.append((whole, f"{size} groups of {n}, p={p}, spread {spread}"))
    worst = min(found)
    bars.at_least(f"any pair: worst of {len(found)} cells, all pairs held", 0.945, worst[0], note=f"({worst[1]})")


def transfers(bars: Bars, draws: int, rng: np.random.Generator) -> None:
    """Shift of a gap between two models that decide about the same people, from 100 rows per group."""
    found = []
    flips = ((0.005, 0.005), (0.02, 0.02), (0.05, 0.01), (0.1, 0.05), (0.15, 0.0))
    for n, m, (a_up, a_down), (b_up, b_down) in product((100, 300, 1000), (100, 1000), flips, flips):
        sides = []
        for rows, up, down in ((n, a_up, a_down), (m, b_up, b_down)):
            counts = rng.multinomial(rows, [up, down, 1 - up - down], draws)
            shift = (counts[:, 0] - counts[:, 1]) / rows
            low, high = bonett_price(counts[:, 0], counts[:, 1], rows)
            sides.append((shift, np.minimum(low, shift), np.maximum(high, shift)))
        low, high = mover_difference(*sides)
        truth = (a_up - a_down) - (b_up - b_down)
        cell = f"n={n},{m} flips {a_up}/{a_down}, {b_up}/{b_down}"
        found.append((float(((low <= truth) & (truth <= high)).mean()), cell))
    bars.at_least(f"transfer: worst of {len(found)} cells", 0.94, min(found)[0], note=f"({min(found)[1]})")


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    draws = 4_000 if args.quick else 20_000
    rng = np.random.default_rng(0)
    bars = Bars("Coverage of nominal 95 % intervals")
    proportions(bars, args.quick)
    areas(bars, draws, rng)
    pairs(bars, draws, rng)
    transfers(bars, draws, rng)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
