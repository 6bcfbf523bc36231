"""Areas under curves of counted rows: right where scores are crowded, and where a part holds one label only."""

import numpy as np
import pytest

from explaindistill.measures import score_ranks
from explaindistill.measures.score_ranks import ScoreRanks, counted_auc, distinct_scores, joined_scores, tenths_of
from explaindistill.measures.summed_truth import TruthByRank, ranked_sums
from explaindistill.numerics.statistics.ranks import auc, auc_and_interval

SCORES = {
    # bins of equal width told .74 for .87 elsewhere (airbnb/aerosolve#250), and were pessimistic (deeplearning4j#3516)
    "crowded": lambda y, rng: 1e-7 * (y + rng.normal(size=len(y))),
    "skewed": lambda y, rng: np.exp(4 * (y + rng.normal(size=len(y)))) / 1e6,
    "ties": lambda y, rng: rng.integers(0, 6, len(y)) + y * rng.integers(0, 2, len(y)),
    "even": lambda y, rng: rng.random(len(y)) + 0.3 * y,
}


def summed(score, y, weight, ranks, parts):
    sums = 0
    for at in parts:
        numbers = ranked_sums(y[at], score[at], weight[at])
        sums = sums + np.column_stack([np.bincount(ranks.codes(score[at]), x, ranks.size) for x in numbers.T])
    return TruthByRank(sums, ranks)


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("most", [2**16, 40])
def test_areas_of_parts_of_one_label_each(monkeypatch, kind, weighted, most):
    """The mean of the areas of parts is no area, and a part of one label has none (dmlc/xgboost#4645)."""
    monkeypatch.setattr(score_ranks, "RANKS", most)
    rng = np.random.default_rng(5)
    y = rng.random(2000) < 0.2
    score = np.asarray(SCORES[kind](y, rng), dtype=float)
    weight = rng.random(2000) if weighted else np.ones(2000)
    parts = [np.flatnonzero(y), np.flatnonzero(~y)[:300], np.flatnonzero(~y)[300:]]
    distinct = None
    for i, at in enumerate(parts):
        of_part = distinct_scores(score[at])
        distinct = of_part if i == 0 else joined_scores(distinct, of_part)
    ranks = ScoreRanks.of(distinct, score[:500])
    assert ranks.is_exact == (most > 2000 or kind == "ties")
    ranked = summed(score, y, weight, ranks, parts)
    area, low, high, bound = counted_auc(ranked.positive, ranked.negative, 0.95, ranks.is_exact)
    of_rows = auc_and_interval(score, y, weight if weighted else None)
    assert abs(area - auc(score, y, weight)) <= bound + 1e-12
    assert bound <= (0 if ranks.is_exact else 0.03)
    if ranks.is_exact:
        assert np.allclose((area, low, high), of_rows, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 137, 1000])
def test_tenths_are_those_of_the_rows(n):
    values = np.random.default_rng(n).integers(0, max(n // 3, 2), n) / 7
    edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9)))
    present, codes = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    tenth, n_tenths = tenths_of(count)
    assert n_tenths == len(present)
    assert np.array_equal(tenth[at], codes)
