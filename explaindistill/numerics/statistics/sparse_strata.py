r"""Tests of two groups inside strata of few rows, given the margins: no law of large counts is supposed.

In stratum i of :math:`n_{1i}` and :math:`n_{2i}` rows and :math:`m_i` successes the first group has x of them with a
probability proportional to :math:`\binom{n_{1i}}{x} \binom{n_{2i}}{m_i - x} \theta^x`. Given their sum over the strata
the counts do not depend on the common odds ratio :math:`\theta`, and of :math:`\theta = 1` the sum's own law is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

__all__ = ["SparseStrata"]

Floats = NDArray[np.float64]
DRAWS = 2_000
"""Tables drawn. A trade-off: a p-value of 0.05 then has a standard error of 0.005, and time grows with it."""
NEGLIGIBLE = 1e-14
"""Probability below which a count is left out: of a stratum of 10,000 rows some 500 counts remain."""
WIDEST = 40.0
"""Log odds ratio at which the search for the common one ends: beyond it all mass is at one end of the counts."""


@dataclass(frozen=True, eq=False)
class SparseStrata:
    """Strata in which both groups have rows and both outcomes occur.

    Attributes
    ----------
    first : ndarray of int, shape (strata,)
        Successes of the first group.
    n1, n2, successes : ndarray of int, shape (strata,)
        Rows of both groups, and successes of both together.

    References
    ----------
    Zelen (1971), doi:10.1093/biomet/58.1.129; Mehta, Patel and Gray (1985), doi:10.1080/01621459.1985.10478212.

    Examples
    --------
    >>> strata = SparseStrata(np.array([2, 0] * 6), *np.full((3, 12), 2))
    >>> strata.homogeneity() < 0.01, round(strata.no_effect(), 2)
    (True, 1.0)
    """

    first: NDArray[np.int64]
    n1: NDArray[np.int64]
    n2: NDArray[np.int64]
    successes: NDArray[np.int64]

    def homogeneity(self) -> float:
        r"""P-value of one odds ratio in all strata, from tables with the same margins and the same sum of counts.

        The statistic is Breslow and Day's, :math:`\sum_i (a_i - \mu_i)^2 / v_i` with mean and variance of the counts at
        the odds ratio whose expected sum is the observed one; that depends on the sum alone. NaN where all mass is at
        one end.
        """
        top = int(self.first.sum())
        tilt = self._tilt(top)
        if tilt is None:
            return float("nan")
        first, each, _ = self._alike()
        distinct = [self._law(int(i), tilt) for i in first]
        laws = [distinct[j] for j in each]
        counts = [np.arange(start, start + len(p)) for start, p in laws]
        mean = np.array([x @ p for x, (_, p) in zip(counts, laws, strict=True)])
        spread = np.array([(x - m) ** 2 @ p for x, (_, p), m in zip(counts, laws, mean, strict=True)])
        drawn = _drawn(laws, top)
        observed, expected = (((table - mean) ** 2 / spread).sum(axis=-1) for table in (self.first, drawn))
        at_least = (expected >= observed * (1 - 1e-9)).sum()
        # the observed table is one of those that chance could have drawn
        return float((int(at_least) + 1) / (len(drawn) + 1))

    def no_effect(self) -> float:
        """P-value, two-sided by probability, that the odds ratio is 1 in every stratum: the sum's own exact law."""
        start, law = 0, np.ones(1)
        for i in range(len(self.first)):
            low, p = self._law(i, 0.0)
            start, law = start + low, np.convolve(law, p)
        at = int(self.first.sum()) - start
        observed = law[at] if 0 <= at < len(law) else 0.0
        return float(min(1.0, law[law <= observed * (1 + 1e-9)].sum() / law.sum()))

    def _alike(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """First stratum of each set of margins, the set of each stratum, and strata per set: they share their law."""
        margins = np.column_stack([self.n1, self.n2, self.successes])
        _, first, each, often = np.unique(margins, axis=0, return_index=True, return_inverse=True, return_counts=True)
        return first, each.ravel(), often

    def _ends(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Least and greatest count of each stratum."""
        return np.maximum(0, self.successes - self.n2), np.minimum(self.n1, self.successes)

    def _law(self, i: int, tilt: float) -> tuple[int, Floats]:
        """First count and the probabilities from there on, at a log odds ratio; negligible ends left out."""
        low, high = (int(end[i]) for end in self._ends())
        x = np.arange(low, high + 1)
        log = x * tilt - special.gammaln(x + 1) - special.gammaln(self.n1[i] - x + 1)
        log = log - special.gammaln(self.successes[i] - x + 1) - special.gammaln(self.n2[i] - self.successes[i] + x + 1)
        p = np.exp(log - log.max())
        p = p / p.sum()
        inside = np.flatnonzero(p > NEGLIGIBLE)
        return low + int(inside[0]), p[inside[0] : inside[-1] + 1]

    def _tilt(self, top: int) -> float | None:
        """Log odds ratio whose expected sum is ``top``; None at either end of the sums."""
        low, high = self._ends()
        if not low.sum() < top < high.sum():
            return None

        first, _, often = self._alike()

        def off(tilt: float) -> float:
            laws = (self._law(int(i), tilt) for i in first)
            means = np.array([np.arange(start, start + len(p)) @ p for start, p in laws])
            return float(means @ often) - top

        return float(optimize.brentq(off, -WIDEST, WIDEST))


def _drawn(laws: list[tuple[int, Floats]], top: int) -> NDArray[np.int64]:
    """Counts of every stratum ``(draws, strata)`` given their sum: the last one first, by the law of what is left."""
    rng = np.random.default_rng(0)  # the same table has the same p-value
    sums = [(0, np.ones(1))]
    for start, p in laws:
        before, law = sums[-1]
        sums.append((before + start, np.convolve(law, p)))
    remaining, counts = np.full(DRAWS, top), np.zeros((DRAWS, len(laws)), dtype=np.int64)
    for i in range(len(laws) - 1, -1, -1):
        (start, p), (before, law) = laws[i], sums[i]
        rest = remaining[:, None] - start - np.arange(len(p)) - before
        weight = np.where((rest >= 0) & (rest < len(law)), law[np.clip(rest, 0, len(law) - 1)], 0.0) * p
        ranked = np.cumsum(weight, axis=1)
        chosen = (ranked < rng.random((DRAWS, 1)) * ranked[:, -1:]).sum(axis=1)
        counts[:, i] = start + chosen
        remaining = remaining - counts[:, i]
    return counts
