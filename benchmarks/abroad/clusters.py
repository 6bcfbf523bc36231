"""Rows in clusters: rates, gaps, ratios, calibration and AUC against known truths.

Clusters have log-normal sizes and beta-distributed rates of a given intraclass correlation. Cells in which fewer than
five effective events, or non-events, are expected are not asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from abroad._cells import LEVEL, Answer, Cell, interval
from numpy.typing import NDArray
from scipy import special, stats

from explaindistill.numerics.statistics.intervals import wilson
from explaindistill.numerics.statistics.members import clustered_gap, pair
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.recalibration import recalibrated
from explaindistill.numerics.statistics.tallies import mean_function, tally

Floats = NDArray[np.float64]
ENOUGH = 5.0
"""Expected effective events and non-events from which coverage is asked for."""
FEWEST = 5
"""Clusters below which the package says nothing."""
ROWS = 20
"""Mean rows of a cluster."""


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


def drawn(design: Design, within: bool, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Successes, groups and clusters of rows; groups inside every cluster, or whole clusters of one."""
    n = sizes(design, rng)
    cluster = np.repeat(np.arange(design.clusters), n)
    common = rng.normal(size=design.clusters)
    ranks = [special.ndtr(common), special.ndtr(0.8 * common + 0.6 * rng.normal(size=design.clusters))]
    rates = [quantile(u, p, design.icc) for u, p in zip(ranks, design.rates, strict=True)]
    group = (rng.random(len(cluster)) < 0.4).astype(np.int64) if within else cluster % 2
    chance = np.where(group == 0, rates[0][cluster], rates[1][cluster])
    return rng.random(len(cluster)) < chance, group, cluster


def events(design: Design, within: bool, share: float, rng: np.random.Generator) -> float:
    """Expected effective events or non-events, the fewer, of the group that has fewer."""
    least = []
    for rate, part in zip(design.rates, (1 - share, share) if within else (1.0, 1.0), strict=True):
        n = sizes(design, rng)[:: 1 if within else 2] * part
        worth = np.mean(n.sum() ** 2 / (n * (1 + np.maximum(n - 1, 0) * design.icc)).sum())
        least.append(worth * min(rate, 1 - rate))
    return float(min(least))


def alone(design: Design) -> Design:
    """The same with one rate for everybody."""
    return design._replace(rates=(design.rates[0],) * 2)


def rate_interval(design: Design, rng: np.random.Generator) -> Answer:
    x, _, cluster = drawn(alone(design), False, rng)
    counted = tally(x, np.zeros(len(x), dtype=np.int64), 1, clusters=cluster)
    low, high = wilson(*counted.worth(LEVEL), LEVEL)
    return interval(float(low[0]), float(high[0]), design.rates[0])


def gap_interval(design: Design, rng: np.random.Generator, *, within: bool, ratio: bool) -> Answer:
    x, group, cluster = drawn(design, within, rng)
    counted = tally(x, group, 2, clusters=cluster)
    limits = clustered_gap(*counted.share, pair(*counted.members, LEVEL))[int(ratio)]
    p, q = design.rates
    return interval(*limits, p / q if ratio else p - q)


def calibration_interval(design: Design, rng: np.random.Generator) -> Answer:
    """Observed less predicted share, where the prediction knows the group's rate and not the cluster's."""
    x, group, cluster = drawn(design, True, rng)
    predicted = np.where(group == 0, *design.rates)
    smooth = mean_function((x - predicted)[:, None], lambda m: float(m[0]), clusters=cluster)
    return interval(*smooth.limits(LEVEL), 0.0)


def slope_interval(design: Design, rng: np.random.Generator) -> Answer:
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
        return interval(np.nan, np.nan, 1.0)
    return interval(*fitted.limits(LEVEL), 1.0)


def auc_limits(design: Design, rng: np.random.Generator) -> Answer:
    """AUC of scores that share a part within clusters; the two shifted normals make a true area of 0.76."""
    x, _, cluster = drawn(alone(design), False, rng)
    shared = np.sqrt(design.icc) * rng.normal(size=design.clusters)[cluster]
    score = x + shared + np.sqrt(1 - design.icc) * rng.normal(size=len(x))
    if x.all() or not x.any():
        return interval(np.nan, np.nan, 0.5)
    return interval(*auc_and_interval(score, x, clusters=cluster)[1:], float(special.ndtr(1 / np.sqrt(2))))


Draw = Callable[[Design, np.random.Generator], Answer]
QUESTIONS: dict[str, tuple[bool, Draw]] = {
    "rate": (False, rate_interval),
    "gap, groups across": (False, partial(gap_interval, within=False, ratio=False)),
    "gap, groups within": (True, partial(gap_interval, within=True, ratio=False)),
    "ratio, groups across": (False, partial(gap_interval, within=False, ratio=True)),
    "ratio, groups within": (True, partial(gap_interval, within=True, ratio=True)),
    "calibration gap": (True, calibration_interval),
    "calibration slope": (False, slope_interval),
    "AUC": (False, auc_limits),
}


def designs(quick: bool) -> list[Design]:
    rates = ((0.3, 0.5),) if quick else ((0.05, 0.05), (0.1, 0.2), (0.3, 0.5))
    counts, spreads = ((10, 30), (1.0,)) if quick else ((5, 10, 30, 100), (0.5, 1.0))
    return [Design(*d) for d in product(counts, spreads, (0.05, 0.2, 0.5), rates)]


def enough(design: Design, within: bool) -> bool:
    rng = np.random.default_rng(0)
    return bool(np.mean([events(design, within, 0.4, rng) for _ in range(20)]) >= ENOUGH)


def cell(name: str, design: Design, draw: Callable[[np.random.Generator], Answer]) -> Cell:
    """The bar is lower for the fewest clusters of which anything is said."""
    few = design.clusters < 2 * FEWEST
    low, high = (0.92, 1.0) if few else (0.93, 0.98)
    return Cell(f"clusters: {name}, {'5' if few else '10 and more'}", str(design), low, high, draw)


def cells(quick: bool) -> Iterator[Cell]:
    for (name, (within, draw)), design in product(QUESTIONS.items(), designs(quick)):
        sides = 2 if "across" in name else 1
        if design.clusters >= sides * FEWEST and enough(design, within):
            yield cell(name, design, partial(draw, design))
