"""Whether intervals and words hold off the designs that they were made on: clusters, tails, strata, shuffles.

Each cell draws samples whose truth is known and counts how often the nominal 95 % interval holds it, "cannot say"
left out and shown beside; then how often words and tests are wrong. 1,000 samples a cell (25 with ``--quick``, on fewer
cells). A bar is missed where the figure is on the wrong side by more than two errors of simulation.

Clusters have log-normal sizes and beta-distributed rates of a given intraclass correlation. Cells in which fewer than
five effective events, or non-events, are expected are not asked about.

    python benchmarks/coverage_abroad.py --quick
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, options

from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity
from explaindistill.measures.importance import permutation_growth, permutation_importance
from explaindistill.measures.transfer import Decisions, transfer
from explaindistill.numerics.statistics.hypotheses import stratified
from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.members import clustered_gap, pair
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.tallies import mean_function, tally

Floats = NDArray[np.float64]
ENOUGH = 5.0
"""Expected effective events and non-events from which coverage is asked for."""
ROWS = 20
"""Mean rows of a cluster."""
LEVEL = 0.95
SUPERSAMPLE = 200_000
"""Rows whose figures stand for the truth: their own error is a tenth of that of the largest sample."""


class Held(NamedTuple):
    """What the samples of one cell gave: intervals that hold the truth, those that were given, mean width."""

    held: int
    said: int
    width: float
    draws: int


class Design(NamedTuple):
    """Clusters, the spread of their log sizes, the intraclass correlation, the rates of both groups."""

    clusters: int
    sigma: float
    icc: float
    rates: tuple[float, float]

    def __str__(self) -> str:
        p, q = self.rates
        return f"{self.clusters} clusters, sizes {self.sigma:g}, ICC {self.icc:g}, rates {p:g}/{q:g}"


def sizes(design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
    drawn = rng.lognormal(np.log(ROWS) - design.sigma**2 / 2, design.sigma, design.clusters)
    return np.maximum(1, drawn.round()).astype(np.int64)


def quantile(u: Floats, rate: float, icc: float) -> Floats:
    """Rates of clusters at uniform ranks ``u``: beta with this mean and intraclass correlation."""
    a = (1 - icc) / icc
    return np.asarray(stats.beta.ppf(u, rate * a, (1 - rate) * a))


def drawn(design: Design, within: bool, rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    """Successes, groups, clusters and the true rates of rows; groups inside every cluster, or whole clusters of one."""
    n = sizes(design, rng)
    cluster = np.repeat(np.arange(design.clusters), n)
    common = rng.normal(size=design.clusters)
    ranks = [special.ndtr(common), special.ndtr(0.8 * common + 0.6 * rng.normal(size=design.clusters))]
    rates = [quantile(u, p, design.icc) for u, p in zip(ranks, design.rates, strict=True)]
    group = (rng.random(len(cluster)) < 0.4).astype(np.int64) if within else cluster % 2
    chance = np.where(group == 0, rates[0][cluster], rates[1][cluster])
    return rng.random(len(cluster)) < chance, group, cluster, chance


def events(design: Design, within: bool, part: float, rng: np.random.Generator) -> float:
    """Expected effective events or non-events, the fewer, of the group that has fewer."""
    least = []
    for rate, share in zip(design.rates, (1 - part, part) if within else (1.0, 1.0), strict=True):
        n = sizes(design, rng)[:: 1 if within else 2] * share
        worth = np.mean(n.sum() ** 2 / (n * (1 + np.maximum(n - 1, 0) * design.icc)).sum())
        least.append(worth * min(rate, 1 - rate))
    return float(min(least))


def rate_interval(design: Design, rng: np.random.Generator) -> tuple[float, float, float]:
    x, _, cluster, _ = drawn(design._replace(rates=(design.rates[0],) * 2), False, rng)
    counted = tally(x, np.zeros(len(x), dtype=np.int64), 1, clusters=cluster)
    low, high = wilson(*counted.worth(LEVEL), LEVEL)
    return float(low[0]), float(high[0]), design.rates[0]


def gap_interval(design: Design, within: bool, ratio: bool, rng: np.random.Generator) -> tuple[float, float, float]:
    x, group, cluster, _ = drawn(design, within, rng)
    counted = tally(x, group, 2, clusters=cluster)
    limits = clustered_gap(*counted.share, pair(*counted.members, LEVEL))[int(ratio)]
    p, q = design.rates
    return *limits, p / q if ratio else p - q


def calibration_interval(design: Design, rng: np.random.Generator) -> tuple[float, float, float]:
    """Observed less predicted share, where the prediction knows the group's rate and not the cluster's."""
    x, group, cluster, _ = drawn(design, True, rng)
    predicted = np.where(group == 0, *design.rates)
    smooth = mean_function((x - predicted)[:, None], lambda m: float(m[0]), clusters=cluster)
    return *smooth.limits(LEVEL), 0.0


def slope_interval(design: Design, rng: np.random.Generator) -> tuple[float, float, float]:
    """Slope of a logistic recalibration, 1 where clusters move whole rows of labels and not what the score tells."""
    n = sizes(design, rng)
    cluster = np.repeat(np.arange(design.clusters), n)
    score = rng.normal(size=len(cluster))
    # Labels of a cluster are tied by a normal copula, so that each still has the probability that the score gives.
    tie = np.sqrt(design.icc) * rng.normal(size=design.clusters)[cluster]
    latent = tie + np.sqrt(1 - design.icc) * rng.normal(size=len(cluster))
    chance = special.expit(special.logit(design.rates[0]) + score)
    fitted = recalibrated(special.ndtr(latent) < chance, chance, clusters=cluster)[1]
    if fitted is None:
        return np.nan, np.nan, 1.0
    return *fitted.limits(LEVEL), 1.0


def auc_limits(design: Design, rng: np.random.Generator) -> tuple[float, float, float]:
    """AUC of scores that share a part within clusters; the two shifted normals make a true area of 0.76."""
    x, _, cluster, _ = drawn(design._replace(rates=(design.rates[0],) * 2), False, rng)
    shared = np.sqrt(design.icc) * rng.normal(size=design.clusters)[cluster]
    score = x + shared + np.sqrt(1 - design.icc) * rng.normal(size=len(x))
    if x.all() or not x.any():
        return np.nan, np.nan, 0.5
    return *auc_and_interval(score, x, clusters=cluster)[1:], float(special.ndtr(1 / np.sqrt(2)))


CLUSTERED: dict[str, tuple[bool, Callable[[Design, np.random.Generator], tuple[float, float, float]]]] = {
    "rate": (False, rate_interval),
    "gap, groups across": (False, lambda d, rng: gap_interval(d, False, False, rng)),
    "gap, groups within": (True, lambda d, rng: gap_interval(d, True, False, rng)),
    "ratio, groups across": (False, lambda d, rng: gap_interval(d, False, True, rng)),
    "ratio, groups within": (True, lambda d, rng: gap_interval(d, True, True, rng)),
    "calibration gap": (True, calibration_interval),
    "calibration slope": (False, slope_interval),
    "AUC": (False, auc_limits),
}


def measure(draw: Callable[[], tuple[float, float, float]], draws: int) -> Held:
    limits = np.array([draw() for _ in range(draws)])
    said = np.isfinite(limits[:, 0])
    low, high, truth = limits[said].T if said.any() else np.empty((3, 0))
    width = float(np.median(high - low)) if said.any() else np.nan
    return Held(int(((low <= truth) & (truth <= high)).sum()), int(said.sum()), width, draws)


def error(share: float, n: int) -> float:
    return float(np.sqrt(max(share * (1 - share), 0.25 / max(n, 1)) / max(n, 1)))


def clusters(bars: Bars, draws: int, quick: bool, rng: np.random.Generator) -> None:
    rates = ((0.3, 0.5),) if quick else ((0.05, 0.05), (0.1, 0.2), (0.3, 0.5))
    counts, spreads = ((10, 30), (1.0,)) if quick else ((5, 10, 30, 100), (0.5, 1.0))
    designs = [Design(*d) for d in product(counts, spreads, (0.05, 0.2, 0.5), rates)]
    for name, (within, draw) in CLUSTERED.items():
        cells = []
        for design in designs:
            if min(events(design, within, 0.4, rng) for _ in range(3)) < ENOUGH:
                continue
            if "across" in name and design.clusters < 2 * 5:
                continue  # fewer than five clusters of either group: nothing is said
            held = measure(lambda design=design, draw=draw: draw(design, rng), draws)  # type: ignore[misc]
            if held.said:
                cells.append((held.held / held.said, held, design))
        report(bars, name, cells)


def report(bars: Bars, name: str, cells: list[tuple[float, Held, Design]]) -> None:
    """The worst cell against its bar, with the error of simulation; the rest in one line."""
    for label, few, asked in (("5 clusters", True, 0.92), ("10 clusters and more", False, 0.93)):
        mine = [c for c in cells if (c[2].clusters < 10) == few]
        if not mine:
            continue
        share, held, design = min(mine)
        off = error(share, held.said)
        note = f"(± {off:.3f}; {design}; said {held.said} of {held.draws}; mean {np.mean([c[0] for c in mine]):.3f})"
        bars.add(
            f"{name}, {label}: worst of {len(mine)}", f">= {asked}", f"{share:.3f} {note}", share + 2 * off >= asked
        )
        if not few:
            most = max(mine)
            off = error(most[0], most[1].said)
            bars.add(f"{name}, {label}: highest", "<= 0.98", f"{most[0]:.3f} (± {off:.3f}; {most[2]})",
                     most[0] - 2 * off <= 0.98)  # fmt: skip


RULE = DecisionRule(["no", "yes"], favorable="yes")


def answers(n: int, tail: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Probabilities of teacher and student: 1 % of rows confidently wrong, or a logit noise of Student's t with 2."""
    z = rng.normal(0, 1.5, n)
    if tail == "t2":
        s = z + 0.3 * rng.standard_t(2, n)
    else:
        s = z + rng.normal(0, 0.2, n)
        s = np.where(rng.random(n) < 0.01, -np.sign(z) * 4.5, s)
    return special.expit(z), special.expit(s)


def tails(bars: Bars, draws: int, quick: bool, rng: np.random.Generator) -> None:
    names = ["kl", "js", "brier", "r2_probability"]
    for tail, n in product(("1 % wrong", "t2"), (60, 400) if quick else (60, 400, 2000)):
        t, s = answers(SUPERSAMPLE, tail, rng)
        truth = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], RULE).set_index("metric").loc[names, "estimate"]
        held = np.zeros(len(names))
        for _ in range(draws):
            t, s = answers(n, tail, rng)
            found = fidelity(np.c_[1 - t, t], np.c_[1 - s, s], RULE).set_index("metric").loc[names]
            held += ((found["low"] <= truth) & (truth <= found["high"]) | found["low"].isna()).to_numpy()
        for name, share in zip(names, held / draws, strict=True):
            off = error(share, draws)
            bars.add(f"{name}, {tail}, {n} rows", ">= 0.9", f"{share:.3f} (± {off:.3f})", share + 2 * off >= 0.9)


def sparse(bars: Bars, draws: int, quick: bool, rng: np.random.Generator) -> None:
    cells = ((2, 40), (4, 20)) if quick else ((2, 100), (4, 100), (8, 40), (20, 20))
    for rows, count in cells:
        rejected, every = 0, np.full(count, rows)
        for _ in range(draws):
            p = rng.uniform(0.2, 0.8, count)
            q = special.expit(special.logit(p) + 0.5)
            found = stratified(rng.binomial(rows, q), every, rng.binomial(rows, p), every).homogeneity
            rejected += found < 0.05
        share, name = rejected / draws, f"Breslow–Day at 0.05, {count} strata of {rows} + {rows}"
        off = error(share, draws)
        bars.add(name, "<= 0.06", f"{share:.3f} (± {off:.3f})", share - 2 * off <= 0.06)


def columns(kind: str, n: int, rng: np.random.Generator) -> tuple[Floats, float]:
    """A column and twice its variance, which shuffling it costs a model that answers with it."""
    if kind == "normal":
        return rng.normal(size=n), 2.0
    if kind == "exponential":
        return rng.exponential(size=n), 2.0
    p = 0.05 if kind == "binary, 5 %" else 0.1
    return (rng.random(n) < p).astype(float), 2 * p * (1 - p)


def shuffles(bars: Bars, draws: int, quick: bool, rng: np.random.Generator) -> None:
    kinds = ("normal", "exponential", "binary, 5 %", "binary, 10 %")
    for kind, repeats in product(kinds, (3,) if quick else (3, 5, 30)):
        held = 0
        for _ in range(draws):
            x, truth = columns(kind, 300, rng)
            growth = permutation_growth(lambda r: r["a"].to_numpy(), pd.DataFrame({"a": x}), rng=rng, n_repeats=repeats)
            line = permutation_importance(growth).iloc[0]
            held += bool(line["low"] <= truth <= line["high"])
        share = held / draws
        off = error(share, draws)
        name = f"permutation importance, {kind}, 300 rows, {repeats} shuffles"
        bars.add(name, ">= 0.93", f"{share:.3f} (± {off:.3f})", share + 2 * off >= 0.93)


def words(bars: Bars, draws: int, quick: bool, rng: np.random.Generator) -> None:
    """A student that leaves a known part of a gap of 0.2: how often its audit says another word."""
    cases = {"half is left": (0.10, "reduced"), "0.04 is left": (0.04, "reduced"), "the sign flips": (-0.2, "reversed"),
             "0.03 more": (0.23, "amplified"), "nothing is left": (0.0, "hidden")}  # fmt: skip
    options_of = GroupOptions(reference={"g": "b"}, intersections=False)
    for n, (name, (left, right)) in product((300,) if quick else (300, 2000), cases.items()):
        who = pd.DataFrame({"g": np.repeat(["a", "b"], n)})
        wrong = met = 0
        for _ in range(draws):
            u, a = rng.random(2 * n), np.arange(2 * n) < n
            both = Decisions(None, np.where(a, u < 0.3, u < 0.5), np.where(a, u < 0.5 - left, u < 0.5))
            found = transfer(both, attributes=who, favorable=True, options=options_of)
            word = found.loc[found["metric"] == "transfer", "verdict"].iloc[0]
            wrong += word not in {right, "cannot say"}
            met += word == right
        share = wrong / draws
        off = error(share, draws)
        shown = f"{share:.3f} (± {off:.3f}; right {met / draws:.2f})"
        bars.add(f"words of transfer, {n} + {n}, {name}: wrong", "<= 0.025", shown, share - 2 * off <= 0.025)


PARTS: dict[str, Callable[[Bars, int, bool, np.random.Generator], None]] = {
    "clusters": clusters, "tails": tails, "sparse": sparse, "shuffles": shuffles, "words": words,
}  # fmt: skip


def chosen(names: list[str] | None) -> Iterator[tuple[int, str]]:
    yield from ((i, name) for i, name in enumerate(PARTS) if names is None or name in names)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help=f"of {', '.join(PARTS)}")
    args = parser.parse_args(argv)
    bars = Bars("Intervals and words abroad")
    for i, name in chosen(args.only):
        PARTS[name](bars, 25 if args.quick else 1_000, args.quick, np.random.default_rng([15, i]))
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
