"""Wrong verdicts: a rule about groups that passes where the truth fails it, or fails where the truth keeps it.

The truth lies on the bound (a half of the samples at most are on either side, and one sample in forty may be judged
wrongly) or beyond. A group of the rate r stands at the least favourable place: the worst one is the smallest, the
largest, or all but one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from abroad._cells import Answer, Cell, word
from numpy.typing import NDArray
from scipy import stats

from explaindistill.measures.bias import GroupOptions, group_rates
from explaindistill.measures.comparisons import worst_pairs
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.transfer import Decisions, transfer
from explaindistill.measures.verdicts import judge

METRICS = {"any pair": "selection_rate_worst_ratio", "one pair": "selection_rate_ratio"}
BOUND = 0.8
MOST_WRONG = 0.025
"""One side of a two-sided interval at 95 %."""
SIZES: dict[str, tuple[int, ...]] = {
    "5 + 5": (5, 5), "5 + 1,000": (5, 1000), "25 + 1,000 + 1,000": (25, 1000, 1000), "100 + 100": (100, 100),
    "1,000 + 1,000": (1000, 1000), "8 + 30 + 300": (8, 30, 300), "12 of 5": (5,) * 12, "4 of 28": (28,) * 4,
    "12 of 100": (100,) * 12,
}  # fmt: skip
RARE_NO = 0.95
"""A best rate that leaves few refusals."""
PLACES = ("smallest", "largest", "all but one")


class Design(NamedTuple):
    """Rows of groups, the rate of the best of them, the true worst ratio, which group has it, clusters (0: none)."""

    sizes: str
    best: float
    ratio: float
    place: str
    clusters: int = 0
    icc: float = 0.0

    def __str__(self) -> str:
        words = f"{self.sizes} rows, best rate {self.best:g}, true ratio {self.ratio:g}, low: {self.place}"
        return words + (f"; {self.clusters} clusters across, ICC {self.icc:g}" if self.clusters else "")

    def rates(self) -> NDArray[np.float64]:
        """Rate of each group; sizes ascend."""
        count = len(SIZES[self.sizes])
        low = {"smallest": [0], "largest": [count - 1], "all but one": list(range(1, count))}[self.place]
        rates = np.full(count, self.best)
        rates[low] = self.best * self.ratio
        return rates


def decided(design: Design, rng: np.random.Generator) -> tuple[Any, Any, Any]:
    """Decisions, groups and clusters; every cluster has rows of every group and moves all of their chances alike."""
    sizes = SIZES[design.sizes]
    group = np.repeat(np.arange(len(sizes)), sizes)
    rates = design.rates()
    if not design.clusters:
        return rng.random(len(group)) < rates[group], group, None
    cluster = rng.choice(design.clusters, len(group), p=rng.dirichlet(np.full(design.clusters, 2.0)))
    a = (1 - design.icc) / design.icc
    common = rng.random(design.clusters)
    chance = np.column_stack([stats.beta.ppf(common, p * a, (1 - p) * a) for p in rates])
    return rng.random(len(group)) < chance[cluster, group], group, cluster


def verdict(rule: str, decision: Any, group: Any, cluster: Any) -> str:
    """What the rule about ratios says; of one pair it is the last group held against the first."""
    who = pd.DataFrame({"g": np.char.add("g", group.astype(str))})
    options = GroupOptions(intersections=False)
    rates = group_rates(decision.astype(int), attributes=who, favorable=1, clusters=cluster, options=options)
    frame = worst_pairs(rates) if rule == "any pair" else group_gaps(rates, {"g": "g0"})
    line = frame[frame["metric"] == METRICS[rule]].iloc[-1]
    return judge(line["estimate"], line["low"], line["high"], f">= {BOUND}")[0]


def judged(design: Design, rule: str, rng: np.random.Generator, *, wrong: str) -> Answer:
    given = verdict(rule, *decided(design, rng))
    right = "fail" if wrong == "pass" else "pass"
    return word(given, right)


def designs(quick: bool) -> Iterator[tuple[str, Design, str]]:
    """Rules, designs, and the verdict that is wrong there; on the bound either is."""
    if quick:
        yield "any pair", Design("25 + 1,000 + 1,000", 0.5, 0.6, "smallest"), "pass"
        yield "any pair", Design("12 of 100", 0.5, 0.8, "all but one"), "fail"
        yield "any pair", Design("1,000 + 1,000", 0.5, 0.8, "smallest", 10, 0.05), "pass"
        return
    for clusters, icc, sizes in product((10, 30), (0.05, 0.3), ("1,000 + 1,000", "8 + 30 + 300")):
        yield "any pair", Design(sizes, 0.5, BOUND, "smallest", clusters, icc), "pass"
    for best, sizes in product((0.5, 0.1), SIZES):
        yield "any pair", Design(sizes, best, BOUND, "smallest"), "pass"
        if len(SIZES[sizes]) > 2:
            yield "any pair", Design(sizes, best, BOUND, "all but one"), "fail"
    for sizes in ("5 + 1,000", "25 + 1,000 + 1,000", "8 + 30 + 300"):
        yield "any pair", Design(sizes, 0.5, BOUND, "largest"), "pass"
        yield "any pair", Design(sizes, 0.5, BOUND, "smallest"), "fail"
    for sizes, wrong in product(("5 + 5", "5 + 1,000", "12 of 5"), ("pass", "fail")):
        yield "any pair", Design(sizes, RARE_NO, BOUND, "smallest"), wrong
    for sizes in ("25 + 1,000 + 1,000", "4 of 28"):
        yield "any pair", Design(sizes, 0.5, 0.6, "smallest"), "pass"
    for best, sizes, wrong in product((0.5, 0.1), ("5 + 1,000", "100 + 100"), ("pass", "fail")):
        # of one pair the last group is held against the first: the rate of the first is the higher one here
        yield "one pair", Design(sizes, best, 1 / BOUND, "smallest"), wrong
    for clusters, icc in product((10, 30), (0.05, 0.3)):
        yield "any pair", Design("1,000 + 1,000", 0.5, BOUND, "smallest", clusters, icc), "fail"


WORDS = {"half is left": (0.10, "reduced"), "0.04 is left": (0.04, "reduced"), "the sign flips": (-0.2, "reversed"),
         "0.03 more": (0.23, "amplified"), "nothing is left": (0.0, "hidden")}  # fmt: skip
ALONE = GroupOptions(reference={"g": "b"}, intersections=False)


def transferred(n: int, left: float, right: str, rng: np.random.Generator) -> Answer:
    """A student that leaves a known part of its teacher's gap of 0.2: the word that its audit says."""
    who = pd.DataFrame({"g": np.repeat(["a", "b"], n)})
    u, a = rng.random(2 * n), np.arange(2 * n) < n
    both = Decisions(None, np.where(a, u < 0.3, u < 0.5), np.where(a, u < 0.5 - left, u < 0.5))
    found = transfer(both, attributes=who, favorable=True, options=ALONE)
    return word(str(found.loc[found["metric"] == "transfer", "verdict"].iloc[0]), right)


def cells(quick: bool) -> Iterator[Cell]:
    for rule, design, wrong in designs(quick):
        question = f"verdicts: rule about {rule}, no wrong “{wrong}”" + ", clusters" * bool(design.clusters)
        draw = partial(judged, design, rule, wrong=wrong)
        yield Cell(question, str(design), 1 - MOST_WRONG, 1.0, draw, silence=True)
    for n, (name, (left, right)) in product((300,) if quick else (300, 2000), WORDS.items()):
        draw_word = partial(transferred, n, left, right)
        question = "verdicts: words of transfer, none wrong"
        yield Cell(question, f"{n} + {n}, {name}", 1 - MOST_WRONG, 1.0, draw_word, silence=True)
